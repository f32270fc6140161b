//! The run that is going on, on every page: the one piece that lives in the browser by itself.

use crate::{
    domain::{counts::Counts, progress::Snapshot},
    web::{
        live::Live,
        words::{LiveWords, live_words},
    },
};
use leptos::prelude::*;
use std::sync::Arc;

/// Sites in flight that are named.
const NAMED: usize = 6;
/// A rate says little before.
const RATE_AFTER_MS: i64 = 1000;

/// Text that follows the run; one type for all of them, as each closure of its own costs the browser 3 kB.
type Text = Arc<dyn Fn() -> String + Send + Sync>;

#[derive(Clone, Copy)]
struct Current(Live);

impl Current {
    fn read<T>(self, read: impl FnOnce(Option<&Snapshot>) -> T) -> T {
        self.0.with(|told| read(told.runs.last()))
    }

    fn text(self, read: impl Fn(&Snapshot) -> String + Send + Sync + 'static) -> impl Fn() -> String + Clone {
        let text: Text = Arc::new(move || self.read(|run| run.map(&read).unwrap_or_default()));
        move || text()
    }
}

/// Progress, rate, time left, the sites being asked, and cancel. `drawn` are the runs when the page was made.
#[island]
pub fn RunBar(drawn: Vec<Snapshot>) -> impl IntoView {
    let words = live_words();
    let live = Live::new(drawn);
    #[cfg(feature = "hydrate")]
    Effect::new(move || crate::web::browser::start(live));
    let run = Current(live);
    let idle = move || run.read(|run| run.is_none_or(Snapshot::is_over));
    let said = run.text(move |run| if run.is_over() { counts_line(words, &run.counts) } else { String::new() });
    let offline = move || live.with(|told| if told.offline { words.offline } else { "" });
    view! {
        <section class="runbar" aria-label=words.running>
            <div class="now" hidden=idle>
                <strong>{words.running}</strong>
                <span class="count">{run.text(|run| format!("{} / {}", run.counts.finished(), run.counts.total))}</span>
                <progress
                    aria-label=words.running
                    max=run.text(|run| run.counts.total.max(1).to_string())
                    value=run.text(|run| run.counts.finished().to_string())
                ></progress>
                <span class="pace">{run.text(move |run| pace(words, run))}</span>
                <span class="sites">{run.text(sites_in_flight)}</span>
                <form method="post" action="/api/fn/decide_run">
                    <input type="hidden" name="run_id" value=run.text(|run| run.run_id.to_string()) />
                    <input type="hidden" name="decision" value="cancel" />
                    <button type="submit" class="small">
                        {words.cancel}
                    </button>
                </form>
            </div>
            <p class="offline" role="status">
                {offline}
            </p>
            <p class="quiet" role="status" aria-live="polite">
                {said}
            </p>
        </section>
    }
}

/// How long it has taken, how many a second, and how long it may still take.
fn pace(words: &LiveWords, run: &Snapshot) -> String {
    let elapsed = format!("{}.{} {}", run.elapsed_ms / 1000, run.elapsed_ms % 1000 / 100, words.seconds);
    let finished = i64::from(run.counts.finished());
    if run.elapsed_ms < RATE_AFTER_MS || finished == 0 {
        return elapsed;
    }
    let left = i64::from(run.counts.pending()) * run.elapsed_ms / finished / 1000;
    let rate = finished * 1000 / run.elapsed_ms;
    format!("{elapsed} · {rate} {} · {} {left} {}", words.per_second, words.left, words.seconds)
}

/// The first few sites being asked, and how many more.
fn sites_in_flight(run: &Snapshot) -> String {
    let named: Vec<&str> = run.in_flight.iter().take(NAMED).map(|site| site.name.as_str()).collect();
    let more = run.in_flight.len() - named.len();
    if more > 0 { format!("{} +{more}", named.join(" · ")) } else { named.join(" · ") }
}

/// What a run came to, for those who hear the page.
fn counts_line(words: &LiveWords, counts: &Counts) -> String {
    format!(
        "{}: {} {} · {} {} · {} {}",
        words.run_done,
        words.checked,
        counts.active_num,
        words.to_hide,
        counts.to_not_show,
        words.to_show,
        counts.to_show
    )
}
