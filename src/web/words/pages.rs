//! The words of the pages, which the server draws.

use super::words;
use crate::{domain::lang::Lang, web::dto::Span};
use leptos::prelude::use_context;

words! {
    Words;
    title: "友链", "Friend links";
    skip: "跳到正文", "Skip to content";
    navigation: "主导航", "Main";
    nav_home: "总览", "Overview";
    links: "友链", "Links";
    runs: "检查记录", "Runs";
    whitelist: "白名单", "Whitelist";
    nav_import: "导入导出", "Import & export";
    settings: "设置", "Settings";
    menu: "语言、外观与账号", "Language, look and account";
    language: "语言", "Language";
    theme: "外观", "Theme";
    theme_system: "跟随系统", "System";
    theme_light: "浅色", "Light";
    theme_dark: "深色", "Dark";
    sign_out: "退出登录", "Sign out";
    sign_out_everywhere: "在所有设备退出", "Sign out everywhere";
    check_all: "全部检查", "Check all";
    recheck: "重新检查", "Re-check";
    apply: "执行", "Apply";
    discard: "放弃", "Discard";
    save: "保存", "Save";
    back: "返回", "Back";
    edit: "编辑", "Edit";
    delete: "删除", "Delete";
    undo: "撤销", "Undo";
    close: "关闭", "Close";
    add: "添加", "Add";
    filter: "筛选", "Filter";
    preview: "预览", "Preview";
    all: "全部", "All";
    on: "开", "On";
    off: "关", "Off";
    shown: "显示中", "Shown";
    hidden: "已隐藏", "Hidden";
    shown_again: "恢复显示", "Shown again";
    review: "待确认", "To review";
    inactive: "已停用", "Inactive";
    whitelisted: "白名单", "Whitelisted";
    not_whitelisted: "不在白名单", "Not whitelisted";
    unchecked: "尚未检查", "Not checked yet";
    manual: "手动", "by hand";
    will_hide: "将隐藏", "will be hidden";
    will_show: "将恢复显示", "will be shown again";
    good: "正常", "Fine";
    bad: "异常", "Failing";
    waiting: "等待中", "Waiting";
    hides: "隐藏", "Hidden";
    restores: "恢复", "Shown again";
    results: "检查结果", "Results";
    changes: "变化", "Changes";
    col_site: "网站", "Site";
    col_group: "分组", "Group";
    col_status: "状态", "Status";
    col_reason: "说明", "Reason";
    col_time: "耗时", "Time";
    col_last: "上次检查", "Last check";
    col_action: "操作", "Action";
    col_run: "检查", "Run";
    col_outcome: "结果", "Outcome";
    col_started: "开始时间", "Started";
    col_change: "变化", "Change";
    col_attempts: "尝试次数", "Attempts";
    col_matches: "匹配友链", "Matches";
    col_on: "启用", "On";
    last_checks: "最近 30 次", "Last 30 checks";
    select: "选择", "Select";
    select_all: "选择本页全部", "Select all on this page";
    search_links: "搜索名称、地址、备注", "Search name, address, note";
    search_run: "搜索名称、地址", "Search name, address";
    any_status: "所有状态", "Any status";
    any_group: "所有分组", "Any group";
    any_whitelist: "白名单内外", "Whitelisted or not";
    any_reason: "所有原因", "Any reason";
    no_group: "未分组", "No group";
    sort: "排序", "Sort";
    sort_state: "按状态", "By status";
    sort_name: "按名称", "By name";
    sort_slowest: "最慢在前", "Slowest first";
    sort_fastest: "最快在前", "Fastest first";
    sort_newest_check: "最近检查", "Newest check";
    sort_oldest_check: "最久未查", "Oldest check";
    sort_changed: "最近变化", "Changed lately";
    page_size: "每页条数", "Rows on a page";
    nothing_found: "没有符合条件的结果", "No matches";
    show_all: "清除筛选", "Clear filters";
    table_caption: "所有友链及其状态", "All friend links and how they stand";
    bulk: "对所选友链", "With the selected";
    to_whitelist: "加入白名单", "Whitelist";
    off_whitelist: "移出白名单", "Take off whitelist";
    activate: "启用", "Activate";
    deactivate: "停用", "Deactivate";
    move_to_group: "移到分组", "Move to group";
    add_link: "添加友链", "Add link";
    last_run: "上次检查", "Last run";
    next_run: "下次检查", "Next run";
    never: "未设定", "not set";
    no_run: "还没有检查过", "No run yet";
    no_run_text: "点“全部检查”，或等到定时检查。", "Click “Check all”, or wait for the schedule.";
    run_running: "正在检查", "Running";
    run_done: "检查完成", "Finished";
    run_cancelled: "检查已取消", "Cancelled";
    run_held: "待确认，尚未改动任何友链", "Held: no link was changed yet";
    run_discarded: "结果已放弃", "Discarded";
    hold_why: "已暂缓：", "Held: ";
    checked: "已检查", "checked";
    to_hide: "隐藏", "to hide";
    to_show: "恢复", "to show";
    unverifiable: "无法核对", "unverifiable";
    exempt: "白名单", "whitelisted";
    failed: "检查出错", "failed";
    cancelled: "已取消", "cancelled";
    trigger_schedule: "定时", "schedule";
    trigger_click: "手动", "click";
    trigger_command: "命令行", "command line";
    slowest: "最慢的网站", "Slowest sites";
    slowest_first: "最慢在前", "Slowest first";
    lately: "最近变化", "What changed lately";
    no_changes: "还没有变化", "Nothing has changed yet";
    empty_title: "还没有友链", "No friend links yet";
    empty_text: "导入已有的友链列表，或逐个添加。", "Import the list that you have, or add links one by one.";
    import_list: "导入友链", "Import a list";
    export_list: "导出友链", "Export the roll";
    no_sites: "还没有设置本站地址，因此只检查网站能否打开，不检查外链。",
        "Your own address is not set, so links are checked for life only, not for a link back.";
    set_sites: "去设置", "Set it";
    previous: "上一页", "Previous";
    next: "下一页", "Next";
    page_of: "分页", "Pages";
    not_found: "没有这个页面", "There is no such page";
    go_home: "回到首页", "Back to the start";
    error_title: "出错了", "Something went wrong";
    opens_new: "在新标签页打开", "opens in a new tab";
    seconds: "秒", "s";
    how_it_stands: "现状", "Now";
    since: "自", "Since";
    good_in_a_row: "连续正常", "good in a row:";
    bad_in_a_row: "连续异常", "bad in a row:";
    last_check: "上次检查所见", "What the last check saw";
    latency: "响应时间", "Latency";
    transitions: "显示与隐藏", "Shown and hidden";
    checks: "最近检查", "Newest checks";
    about: "资料", "About";
    nothing_said: "没有填写更多资料", "Nothing more was entered";
    backlink_check: "外链检查", "Backlink check";
    lift_verdict: "恢复自动判定", "Back to automatic";
    hide_by_hand: "手动隐藏", "Hide by hand";
    show_by_hand: "手动显示", "Show by hand";
    no_checks_then: "这段时间没有检查", "No check in this time";
    median: "中位", "median";
    slowest_one: "最慢", "slowest";
    e_status: "状态码", "Status";
    e_final: "最终地址", "Final address";
    e_remote: "服务器", "Server";
    e_cert: "证书到期", "Certificate ends";
    e_title: "标题", "Title";
    e_charset: "编码", "Charset";
    e_bytes: "正文", "Body";
    e_backlink: "外链", "Backlink";
    e_detail: "详情", "Detail";
    e_redirects: "跳转", "Redirects";
    e_earlier: "先前的尝试", "Earlier attempts";
    b_not_checked: "未检查", "not checked";
    b_missing: "没有找到", "not found";
    b_unreadable: "未能读完", "could not be read";
    b_wrapper: "经跳转链接", "by a redirect wrapper";
    b_pattern: "按正则匹配", "by a pattern";
    b_hidden: "隐藏元素", "in a hidden element";
    s_connect: "连接", "Connect";
    s_first_byte: "首字节", "First byte";
    s_body: "正文", "Body";
    f_url: "网址", "Address";
    h_url: "如 https://friend.example/", "such as https://friend.example/";
    f_name: "名称", "Name";
    h_name: "留空则用主机名", "empty takes the host";
    f_backlink_page: "外链所在页面", "Page with the backlink";
    h_backlink_page: "不在首页时填写", "where it is not the home page";
    f_note: "备注", "Note";
    f_description: "描述", "Description";
    f_logo: "头像地址", "Picture";
    f_feed: "订阅地址", "Feed";
    f_email: "站长邮箱", "Owner's e-mail";
    f_timeout: "时限（秒）", "Time limit (seconds)";
    h_timeout: "0.1–300，留空按设置", "0.1-300; empty goes by the settings";
    f_accept: "视为正常的状态码", "Statuses that count as fine";
    h_accept: "200 以外，如 403 503", "besides 200, such as 403 503";
    f_backlink_off: "不检查外链", "No backlink is asked for";
    h_backlink_off: "只看网站能否打开", "only whether the site answers";
    f_active: "启用", "Active";
    h_active: "停用的友链不检查，也不显示", "inactive links are neither checked nor shown";
    more_fields: "更多资料", "More";
    overrides: "单独设定", "Exceptions for this link";
    f_pattern: "名称或主机", "Name or host";
    h_pattern: "如 阮一峰、example.com、*.example.com", "such as Alice, example.com or *.example.com";
    f_kind: "类型", "Kind";
    f_expires: "有效期至", "Until";
    h_expires: "留空则长期有效", "leave empty for no end";
    kind_guess: "自动识别", "by the look";
    kind_name: "名称", "Name";
    kind_host: "主机", "Host";
    expired: "已过期", "expired";
    add_entry: "添加条目", "Add an entry";
    no_entries: "白名单是空的。", "The whitelist is empty.";
    whitelist_text: "白名单中的友链不检查，始终显示。", "Links on the whitelist are not checked and stay shown.";
    would_match: "将匹配友链", "It would match:";
    choose_file: "选择文件，或拖到此处", "Choose a file, or drop it here";
    paste: "或粘贴内容", "Or paste it";
    formats_read: "支持 link.yml、friend.json、link_list JSON、CSV、OPML 与本程序的 JSON", "link.yml, friend.json, link_list JSON, CSV, OPML, and our own JSON";
    read_as: "识别为", "Read as";
    added: "新增", "Added";
    changed: "更新", "Changed";
    unchanged: "不变或重复", "Unchanged or duplicate";
    duplicates: "重复", "Twice in the list";
    bad_rows: "无法识别", "Bad rows";
    apply_import: "确认导入", "Import";
    format: "格式", "Format";
    only_shown: "仅显示中", "Shown only";
    public_list: "供博客直接读取的公开列表：", "Public, for your blog to read:";
    export_json: "全部字段与状态", "every field and state";
    export_csv: "表格", "a table";
    export_yml: "hexo、butterfly、anzhiyu", "hexo, butterfly, anzhiyu";
    export_friend: "名称、网址、头像", "name, address, picture";
    export_opml: "订阅阅读器", "feed readers";
    s_sites: "本站与外链", "My sites and backlinks";
    s_policy: "判定", "Verdicts";
    s_guard: "误判保护", "Mass-failure guard";
    s_engine: "检查", "Checks";
    s_schedule: "定时与备份", "Schedules and backups";
    s_access: "访问与网络", "Access and network";
    s_dashboard: "页面与数据", "Dashboard and data";
    default: "默认", "default";
    empty_default: "空", "empty";
    by_policy: "按判定方式", "by policy";
    by_class: "按异常类别设定次数", "Bad checks before hiding, by class";
    by_class_help: "连续多少次异常后隐藏（1–100），以最近一次的类别为准。", "Bad checks in a row that hide a link, 1-100; the newest one's class counts.";
    choice_strict: "严格：一次异常即隐藏", "strict: one bad check hides";
    choice_patient: "宽容：连续两三次异常才隐藏", "patient: two or three in a row hide";
    try_page: "测试页面", "Test on this page";
    try_url: "友链网页", "A friend's page";
    try_sites: "本站地址", "My addresses";
    try_sites_stored: "留空用已保存的", "empty takes the saved ones";
    try_do: "测试", "Test";
    schedules: "定时检查", "Schedule";
    add_schedule: "新增定时（cron）", "Add a schedule (cron)";
    h_cron: "分 时 日 月 周，如 0 4 * * *", "minute hour day month weekday, such as 0 4 * * *";
    cron: "cron 表达式", "Cron expression";
    scope: "范围", "Which links";
    look: "语言与外观", "Language and look";
    account: "账号", "Account";
    change_password: "修改密码", "Change password";
    f_old: "当前密码", "Present password";
    f_new: "新密码", "New password";
    f_account: "账号", "Account name";
    f_password: "密码", "Password";
    h_password: "至少 8 个字符", "at least 8 characters";
    f_again: "再输入一次", "Once more";
    f_token: "一次性口令", "One-time token";
    h_token: "rollcall serve 启动时显示在终端", "rollcall serve printed it in the terminal when it started";
    set_up: "创建管理员", "Make the admin";
    set_up_text: "这是第一次打开 Rollcall。", "Nobody has opened this Rollcall before.";
    set_up_do: "创建并登录", "Make it and sign in";
    sign_in: "登录", "Sign in";
    forgotten: "忘记密码？在服务器上运行", "Forgotten? On the server, run";
    keys: "键盘操作", "Keys";
    key_search: "搜索", "Search";
    key_down: "下一行", "Next row";
    key_up: "上一行", "Previous row";
    key_whitelist: "切换白名单", "Whitelist on or off";
    key_select: "选择", "Select";
    key_review: "待确认：正常、隐藏、跳过", "Review: fine, hide, skip";
    key_help: "显示此列表", "This list";
    key_escape: "关闭，取消选择", "Close, unselect";
    said_exempt: "在白名单中，无需检查", "It is whitelisted and was not checked";
    said_inactive: "已停用，未检查", "It is inactive and was not checked";
    said_exempted: "已加入白名单", "whitelisted";
    said_unexempted: "已移出白名单", "off the whitelist";
    said_saved: "已保存", "Saved";
    said_added: "已添加", "Added";
    said_deleted: "已删除", "deleted";
    said_restored: "已恢复", "brought back";
    said_activated: "已启用", "activated";
    said_deactivated: "已停用", "deactivated";
    said_on: "已启用", "on";
    said_off: "已停用", "off";
    said_restored_by: "恢复显示", "shown again:";
    said_cancelling: "正在取消，已完成的会保留", "Cancelling; what was finished stays";
    said_applied: "已执行", "Applied";
    said_discarded: "已放弃，没有改动", "Discarded; nothing was changed";
    said_manual_show: "已手动显示", "Shown by hand";
    said_manual_hide: "已手动隐藏", "Hidden by hand";
    said_manual_lifted: "已恢复自动判定", "Back to automatic";
    nav_review: "待确认", "Review";
    review_text: "检查无法断定、或有异常迹象的友链，逐个由你决定。", "What checks could not tell, or found odd: yours to decide, one at a time.";
    review_none: "没有待确认的友链", "Nothing to review";
    review_none_text: "无法核对、有异常迹象或刚被隐藏的友链会出现在这里。", "Links that checks could not tell, that look odd, or that were newly hidden come up here.";
    fine_30: "30 天内视为正常", "Fine for 30 days";
    keep_hidden: "保持隐藏", "Keep hidden";
    skip_one: "跳过", "Skip";
    newly_hidden: "最近被隐藏", "Newly hidden";
    until: "至", "until";
    e_doubt: "不作数的原因", "Why it does not count";
    e_wall: "拦截方", "Bot wall";
    e_flags: "异常迹象", "Signs";
    e_headers: "响应头", "Headers";
    e_excerpt: "网页开头", "The page begins";
    said_fine: "30 天内视为正常", "fine for 30 days";
    said_password: "密码已修改，其他设备已退出", "Password changed; other devices are signed out";
    none_selected: "请先选择友链", "Select some links first";
    too_many: "一次不能这么多", "Too many at once";
    cannot_restore: "已无法恢复", "It can no longer be brought back";
    bad_request: "请求无效，请刷新页面重试", "Invalid request; reload the page and try again";
    empty_pattern: "请填写名称或主机", "Write a name or a host";
    no_entry: "没有这个条目，可能已被删除", "There is no such entry; it may have been deleted";
    no_schedule: "没有这个定时，可能已被删除", "There is no such schedule; it may have been deleted";
    upload_broken: "上传中断，请重试", "The upload broke off; try again";
    list_gone: "预览已过期，请重新导入", "The preview has expired; import the list again";
    wrong_token: "一次性口令不对，请看 rollcall serve 的终端输出", "Wrong token; check the output of rollcall serve";
    passwords_differ: "两次输入的密码不同", "The two passwords differ";
    set_up_already: "管理员已创建，请登录", "There is an admin already; sign in";
    audit: "操作记录", "Who did what";
    audit_none: "还没有记录", "Nothing yet";
    audit_export: "导出 CSV", "Export CSV";
    command_line: "命令行", "command line";
    col_when: "时间", "When";
    col_who: "谁", "Who";
    col_deed: "操作", "What";
    col_about: "对象", "To what";
    sessions: "登录设备", "Signed in on";
    session_here: "本设备", "this one";
    session_end: "结束", "End";
    no_session: "该会话不存在，可能已结束", "There is no such session; it may have ended";
    said_session_ended: "已结束该登录", "That session has ended";
    wrong_password: "账号或密码不对", "Wrong name or password";
    demo_has_none: "演示模式没有账号", "A demo has no account";
}

impl Words {
    pub fn span(&self, span: Span) -> &'static str {
        match span {
            Span::Day => self.lang.pick("天", "Day"),
            Span::Week => self.lang.pick("周", "Week"),
            Span::Month => self.lang.pick("月", "Month"),
            Span::Year => self.lang.pick("年", "Year"),
        }
    }

    pub fn count_links(&self, n: u32) -> String {
        self.lang.pick(format!("{n} 个友链"), if n == 1 { "1 link".to_owned() } else { format!("{n} links") })
    }

    pub fn wait_seconds(&self, n: i64) -> String {
        self.lang.pick(format!("尝试次数过多，请 {n} 秒后再试"), format!("Too many tries; wait {n} s"))
    }

    /// A setting's choice in words.
    pub fn choice(&self, code: &str) -> &'static str {
        match code {
            "strict" => self.choice_strict,
            _ => self.choice_patient,
        }
    }

    /// A link's field in words.
    pub fn field(&self, name: &str) -> &'static str {
        match name {
            "name" => self.f_name,
            "group" => self.col_group,
            "logo" => self.f_logo,
            "description" => self.f_description,
            "feed" => self.f_feed,
            "backlink_page" => self.f_backlink_page,
            "email" => self.f_email,
            _ => self.f_note,
        }
    }
}

/// The phrases of the page being drawn.
pub fn use_words() -> &'static Words {
    Words::of(use_context::<Lang>().unwrap_or_default())
}
