//! The few words that the browser part says by itself: it loads no others.

use super::words;
use crate::domain::lang::Lang;

words! {
    LiveWords;
    running: "正在检查", "Checking";
    run_done: "检查完成", "Run finished";
    checked: "已检查", "checked";
    to_hide: "隐藏", "to hide";
    to_show: "恢复", "to show";
    cancel: "取消", "Cancel";
    seconds: "秒", "s";
    per_second: "个/秒", "per s";
    left: "约剩", "left";
    offline: "连接中断，正在重连…", "Connection lost, reconnecting…";
    checking: "检查中…", "Checking…";
    will_hide: "将隐藏", "will be hidden";
    will_show: "将恢复显示", "will be shown again";
    shown: "显示中", "Shown";
    hidden: "已隐藏", "Hidden";
    just_now: "刚刚", "just now";
    minutes: "分钟", "min";
    hours: "小时", "h";
    days: "天", "d";
    not_sent: "没有发送成功，内容仍在，请重试。", "It could not be sent. Nothing is lost; try again.";
}

/// The browser part's words in the page's language.
pub fn live_words() -> &'static LiveWords {
    LiveWords::of(page_lang())
}

/// The language of this page: on the server by the request, in the browser as the server drew it.
fn page_lang() -> Lang {
    #[cfg(feature = "ssr")]
    {
        crate::web::server::document::request_lang()
    }
    #[cfg(not(feature = "ssr"))]
    {
        let root = leptos::prelude::document().document_element();
        root.and_then(|html| html.get_attribute("lang")).and_then(|tag| Lang::of_tag(&tag)).unwrap_or_default()
    }
}
