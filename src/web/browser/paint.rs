//! Shows what the stream tells in the rows that are on the page, until the server draws them anew.

use super::{find_all, stream::sleep, visit};
use crate::{
    domain::{
        observation::Standing,
        progress::Outcome,
        reason::{Params, Reason},
        verdict::Change,
    },
    web::{
        components::look::Look,
        live::{Live, Told},
        words::{LiveWords, live_words},
    },
};
use leptos::task::spawn_local;
use std::{cell::Cell, time::Duration};
use web_sys::Element;

/// Pages that list a run's items are drawn anew this often while it goes on.
const REDRAW: Duration = Duration::from_secs(2);
/// After a run of many links, pages are drawn anew at different moments, so as not to ask all at once.
const SPREAD_MS: f64 = 900.0;
const MANY: u32 = 200;

thread_local! {
    /// Runs that have ended, as far as this page has caught up.
    static ENDED: Cell<u32> = const { Cell::new(0) };
    static REDRAWING: Cell<bool> = const { Cell::new(false) };
}

/// Brings the page up to date with the news. `lost` says that there was a gap before them.
pub fn follow(live: Live, lost: bool) {
    repaint(live);
    live.with_untracked(|told| {
        if lost || ENDED.replace(told.ended) != told.ended {
            let many = told.runs.iter().any(|run| run.counts.total > MANY);
            let wait = if many { js_sys::Math::random() * SPREAD_MS } else { 0.0 };
            redraw_after(Duration::from_millis(wait as u64));
        } else if super::find("[data-follows-run]").is_some_and(|_| told.runs.iter().any(|run| !run.is_over())) {
            redraw_after(REDRAW);
        }
    });
}

fn redraw_after(wait: Duration) {
    if REDRAWING.replace(true) {
        return;
    }
    spawn_local(async move {
        sleep(wait).await;
        REDRAWING.set(false);
        visit::refresh().await;
    });
}

/// Shows the news in every row that has some.
pub fn repaint(live: Live) {
    let words = live_words();
    live.with_untracked(|told| {
        for row in find_all("[data-link]") {
            if let Some(id) = row.get_attribute("data-link").and_then(|id| id.parse().ok()) {
                paint(&row, told, id, words);
            }
        }
    });
}

/// Shows a row as being asked at once, before the server has said so.
pub fn checking(id: &str) {
    for row in find_all("[data-link]") {
        if row.get_attribute("data-link").as_deref() == Some(id) {
            busy(&row, live_words());
        }
    }
}

fn paint(row: &Element, told: &Told, id: i64, words: &LiveWords) {
    if told.is_checking(id) {
        busy(row, words);
    } else if let Some(news) = told.outcomes.get(&id).filter(|news| news.standing != Standing::Exempt) {
        // What the server has drawn since is newer.
        let drawn = row.get_attribute("data-at").and_then(|at| at.parse::<i64>().ok()).unwrap_or_default();
        let was_busy = row.has_attribute("data-busy");
        let _ = row.remove_attribute("data-busy");
        if news.at_ms > drawn || was_busy {
            outcome(row, news, words);
        }
    } else if row.has_attribute("data-busy") && told.runs.is_empty() {
        let _ = row.remove_attribute("data-busy");
    }
}

fn busy(row: &Element, words: &LiveWords) {
    let _ = row.set_attribute("data-busy", "");
    status(row, Look::Busy, words.checking);
}

fn outcome(row: &Element, news: &Outcome, words: &LiveWords) {
    let shown = row.has_attribute("data-shown");
    let look = Look::of(news.standing);
    let word = match (news.change, shown) {
        (Change::Hide, _) => words.will_hide,
        (Change::Show, _) => words.will_show,
        (Change::None, true) => words.shown,
        (Change::None, false) => words.hidden,
    };
    status(row, look, word);
    let why = match news.standing {
        Standing::Good => String::new(),
        _ => Reason { code: news.class, params: Params { status: news.status } }.words(words.lang),
    };
    text(row, ".why", &why);
    text(row, ".took", &format!("{} ms", news.ms));
    text(row, ".when", words.just_now);
}

fn status(row: &Element, look: Look, word: &str) {
    let Some(held) = row.query_selector(".status").ok().flatten() else { return };
    let _ = held.set_attribute("class", look.class());
    if let Some(path) = held.query_selector("path").ok().flatten() {
        let _ = path.set_attribute("d", look.icon());
    }
    text(&held, "span", word);
}

fn text(row: &Element, selector: &str, words: &str) {
    if let Some(cell) = row.query_selector(selector).ok().flatten() {
        cell.set_text_content(Some(words));
    }
}
