//! Who changed what, and when.

use super::lang::Lang;
use chrono::{DateTime, Utc};

/// Who changes things at the command line.
pub const COMMAND_LINE: &str = "command line";
/// Who changes what has come to its end.
pub const ITSELF: &str = "Rollcall";
/// Characters of [`Note::about`] that are kept.
pub const ABOUT_MAX: usize = 500;
/// Days that notes are kept: as long as the daily rollups.
pub const KEEP_DAYS: i64 = 400;

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub at: DateTime<Utc>,
    pub who: String,
    /// A code of [`Deed`]; an older program may not know it.
    pub deed: String,
    /// To what, in names as they were then.
    pub about: String,
}

macro_rules! deeds {
    ($($deed:ident $code:literal $zh:literal, $en:literal;)*) => {
        /// What can be done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Deed { $($deed,)* }

        impl Deed {
            pub const ALL: &[Deed] = &[$(Deed::$deed,)*];

            /// Stable, as stored.
            pub fn code(self) -> &'static str {
                match self { $(Deed::$deed => $code,)* }
            }

            pub fn words(self, lang: Lang) -> &'static str {
                match self { $(Deed::$deed => lang.pick($zh, $en),)* }
            }
        }
    };
}

deeds! {
    SignedIn "signed_in" "登录", "signed in";
    SignInFailed "sign_in_failed" "登录失败", "failed to sign in";
    SignedOut "signed_out" "退出", "signed out";
    SessionEnded "session_ended" "结束登录", "ended a session";
    AccountAdded "account_added" "创建账号", "added an account";
    PasswordSet "password_set" "修改密码", "set a password";
    SettingChanged "setting_changed" "修改设置", "changed a setting";
    ScheduleSet "schedule_set" "设置定时", "set a schedule";
    ScheduleRemoved "schedule_removed" "删除定时", "removed a schedule";
    LinkAdded "link_added" "添加友链", "added a link";
    LinkChanged "link_changed" "修改友链", "changed a link";
    LinksRemoved "links_removed" "删除友链", "removed links";
    LinksRestored "links_restored" "恢复友链", "brought links back";
    LinksActivated "links_activated" "启用友链", "activated links";
    LinksDeactivated "links_deactivated" "停用友链", "deactivated links";
    LinksGrouped "links_grouped" "移动分组", "moved links to a group";
    LinksExempted "links_exempted" "加入白名单", "whitelisted links";
    LinksUnexempted "links_unexempted" "移出白名单", "took links off the whitelist";
    EntrySet "entry_set" "设置白名单条目", "set a whitelist entry";
    EntryEnded "entry_ended" "白名单条目到期", "ended a whitelist entry";
    EntryRemoved "entry_removed" "删除白名单条目", "removed a whitelist entry";
    VerdictSet "verdict_set" "手动判定", "set a verdict by hand";
    VerdictEnded "verdict_ended" "手动判定到期", "ended a verdict set by hand";
    Imported "imported" "导入", "imported a list";
    RunStarted "run_started" "开始检查", "started a run";
    RunCancelled "run_cancelled" "取消检查", "cancelled a run";
    RunApplied "run_applied" "执行检查结果", "applied a run";
    RunDiscarded "run_discarded" "放弃检查结果", "discarded a run";
    Restored "restored" "还原备份", "restored a backup";
}

/// A code in words; one that is not known stays as it is.
pub fn deed_words(code: &str, lang: Lang) -> &str {
    Deed::ALL.iter().find(|deed| deed.code() == code).map_or(code, |deed| deed.words(lang))
}
