//! The pages' words in both languages; a missing one does not compile. docs/adr/0003 says why no library does it.

use crate::domain::lang::Lang;
use leptos::prelude::*;

macro_rules! words {
    ($($(#[$doc:meta])* $key:ident: $zh:literal, $en:literal;)*) => {
        /// Every phrase of the pages, in one language.
        #[derive(Clone, Copy)]
        pub struct Words {
            pub lang: Lang,
            $($(#[$doc])* pub $key: &'static str,)*
        }

        const ZH: Words = Words { lang: Lang::Zh, $($key: $zh,)* };
        const EN: Words = Words { lang: Lang::En, $($key: $en,)* };
    };
}

words! {
    title: "友链", "Friend links";
    tagline: "友链点名", "Calls the roll of your blogroll";
    skip: "跳到正文", "Skip to content";
    check_all: "全部检查", "Check all";
    recheck: "重新检查", "Re-check";
    cancel: "取消", "Cancel";
    apply: "执行", "Apply";
    discard: "放弃", "Discard";
    shown: "显示中", "Shown";
    hidden: "已隐藏", "Hidden";
    review: "待确认", "To review";
    links: "友链", "Links";
    inactive: "已停用", "Inactive";
    whitelisted: "白名单", "Whitelisted";
    checking: "检查中…", "Checking…";
    unchecked: "尚未检查", "Not checked yet";
    will_hide: "将隐藏", "will be hidden";
    will_show: "将恢复显示", "will be shown again";
    col_site: "网站", "Site";
    col_status: "状态", "Status";
    col_reason: "说明", "Details";
    col_time: "耗时", "Time";
    col_last: "上次检查", "Last check";
    col_action: "操作", "Action";
    just_now: "刚刚", "just now";
    last_run: "上次检查", "Last run";
    next_run: "下次检查", "Next run";
    never: "无", "none";
    no_run: "还没有检查过", "No run yet";
    running: "正在检查", "Checking";
    run_done: "检查完成", "Run finished";
    run_cancelled: "检查已取消", "Run cancelled";
    run_held: "检查结果待确认，尚未改动任何友链", "Run held: no link was changed yet";
    run_discarded: "检查结果已放弃", "Run discarded";
    hold_many: "会一次隐藏过多友链", "It would hide too many links at once";
    hold_silent: "没有任何网站应答，可能是本机网络故障", "No site answered at all: perhaps our own network is down";
    hold_witness: "见证网站均无应答，可能是本机网络故障", "No witness site answered: perhaps our own network is down";
    checked: "已检查", "checked";
    to_hide: "隐藏", "to hide";
    to_show: "恢复", "to show";
    unverifiable: "无法核对", "unverifiable";
    exempt: "白名单", "whitelisted";
    failed: "检查出错", "failed";
    cancelled: "已取消", "cancelled";
    offline: "连接中断，正在重连…", "Connection lost, reconnecting…";
    empty_title: "还没有友链", "No friend links yet";
    empty_text: "在命令行导入友链列表，然后回到这里：", "Take your list in on the command line, then come back here:";
    no_sites: "还没有设置本站地址，因此只检查网站能否打开，不检查外链。",
        "Your own address is not set, so links are checked for life only, not for a link back.";
    previous: "上一页", "Previous";
    next: "下一页", "Next";
    page_of: "页", "Page";
    not_found: "没有这个页面", "There is no such page";
    go_home: "回到首页", "Back to the start";
    no_script_hint: "未启用 JavaScript：刷新页面查看进度。", "JavaScript is off: reload the page to see progress.";
    reload: "刷新", "Reload";
    error_title: "出错了", "Something went wrong";
    opens_new: "在新标签页打开", "opens in a new tab";
    table_caption: "所有友链及其状态", "All friend links and how they stand";
    seconds: "秒", "s";
    trigger_schedule: "定时", "schedule";
    trigger_click: "手动", "click";
    trigger_command: "命令行", "command line";
}

/// The phrases of a language.
pub fn words_of(lang: Lang) -> &'static Words {
    match lang {
        Lang::Zh => &ZH,
        Lang::En => &EN,
    }
}

/// The phrases of the page being drawn.
pub fn use_words() -> &'static Words {
    words_of(use_context::<Lang>().unwrap_or_default())
}
