//! Times as people say them: the server writes them out, the browser says how long ago that is.

use super::find_all;
use crate::{domain::lang::Lang, web::words::live_words};
use leptos::leptos_dom::helpers::set_interval_with_handle;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(30);
const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;
/// Longer ago the date says more.
const LONGEST: f64 = 7.0 * DAY;

pub fn start() {
    show();
    let _ = set_interval_with_handle(show, EVERY);
}

/// Goes over all times on the page. The written time stays as the tool tip.
pub fn show() {
    let now = js_sys::Date::now();
    for time in find_all("time[data-ago]") {
        let Some(iso) = time.get_attribute("datetime") else { continue };
        let seconds = (now - js_sys::Date::parse(&iso)) / 1000.0;
        if seconds.abs() < LONGEST {
            if !time.has_attribute("title") {
                let _ = time.set_attribute("title", &time.text_content().unwrap_or_default());
            }
            time.set_text_content(Some(&ago(seconds)));
        }
    }
}

fn ago(seconds: f64) -> String {
    let words = live_words();
    let away = seconds.abs();
    if away < MINUTE {
        return words.just_now.to_owned();
    }
    let (count, unit) = if away < HOUR {
        (away / MINUTE, words.minutes)
    } else if away < DAY {
        (away / HOUR, words.hours)
    } else {
        (away / DAY, words.days)
    };
    let count = count as u32;
    match (words.lang, seconds > 0.0) {
        (Lang::Zh, true) => format!("{count} {unit}前"),
        (Lang::Zh, false) => format!("{count} {unit}后"),
        (Lang::En, true) => format!("{count} {unit} ago"),
        (Lang::En, false) => format!("in {count} {unit}"),
    }
}
