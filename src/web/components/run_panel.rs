//! The run going on, the last one, and the next.

use crate::{
    domain::{
        counts::Counts,
        guard::Hold,
        progress::{RunState, Snapshot, Trigger},
    },
    web::{
        api::runs::{CheckAll, check_all},
        components::{
            act::{Act, Call},
            decide::Decide,
            now::{Now, fixed, now, shown},
        },
        dto::{Decision, RunRow, Stamp},
        live::{Live, use_live},
        words::{Words, use_words},
    },
};
use leptos::{prelude::*, server_fn::ServerFn};
use std::sync::Arc;

/// Sites in flight that are named.
const NAMED: usize = 6;

/// The newest live run: by the stream, or as the server drew it until the stream has spoken.
#[derive(Clone)]
struct Current {
    live: Live,
    drawn: Arc<Option<Snapshot>>,
}

impl Current {
    fn read<T>(&self, read: impl FnOnce(Option<&Snapshot>) -> T) -> T {
        self.live.with(|told| read(told.runs.last().or(self.drawn.as_ref().as_ref())))
    }

    fn is_running(&self) -> bool {
        self.read(|run| run.is_some_and(|run| !run.is_over()))
    }

    fn text(&self, read: impl Fn(&Snapshot) -> String + Send + Sync + 'static) -> Now<String> {
        let current = self.clone();
        now(move || current.read(|run| run.map(&read).unwrap_or_default()))
    }

    fn run_id(&self) -> i64 {
        self.read(|run| run.map(|run| run.run_id).unwrap_or_default())
    }
}

#[component]
pub fn RunPanel(
    drawn: Vec<Snapshot>,
    last_run: Option<RunRow>,
    next_run: Option<Stamp>,
    can_check: bool,
) -> impl IntoView {
    let words = use_words();
    let current = Current { live: use_live(), drawn: Arc::new(drawn.into_iter().last()) };
    let (running, idle) = (current.clone(), current.clone());
    let over = current.text(move |run| if run.is_over() { counts_line(words, &run.counts) } else { String::new() });
    let asked = current.clone();
    let call: Call = Box::new(|| Box::pin(async { check_all().await.map(|_| None) }));
    let busy = now(move || !can_check || asked.is_running());
    view! {
        <section class="run" aria-label=words.running>
            <div class="now" hidden=shown(now(move || !running.is_running()))>
                <Progress current />
            </div>
            <div class="now" hidden=shown(now(move || idle.is_running()))>
                <Idle last_run next_run />
            </div>
            <div class="acts">
                <Act url=CheckAll::PATH call label=words.check_all class="primary" busy />
            </div>
            <p class="quiet" role="status" aria-live="polite">
                {shown(over)}
            </p>
        </section>
    }
    .into_any()
}

#[component]
fn Progress(current: Current) -> impl IntoView {
    let words = use_words();
    let done = current.text(|run| format!("{} / {}", run.counts.finished(), run.counts.total));
    let elapsed = current.text(move |run| seconds(words, run.elapsed_ms));
    let line = current.text(move |run| counts_line(words, &run.counts));
    let names = current.text(sites_in_flight);
    let total = current.text(|run| run.counts.total.max(1).to_string());
    let finished = current.text(|run| run.counts.finished().to_string());
    let run_id = now(move || current.run_id());
    view! {
        <h2>
            {words.running} " " <span class="count">{shown(done)} " · " {shown(elapsed)}</span>
        </h2>
        <progress
            max=shown(total)
            value=shown(finished)
            aria-label=words.running
        ></progress>
        <p class="sites">{shown(names)}</p>
        <p>{shown(line)}</p>
        <Decide run_id decision=Decision::Cancel label=words.cancel />
        <noscript>
            <p class="hint">{words.no_script_hint} " " <a href="/">{words.reload}</a></p>
        </noscript>
    }
}

/// The first few sites being asked, and how many more.
fn sites_in_flight(run: &Snapshot) -> String {
    let named: Vec<&str> = run.in_flight.iter().take(NAMED).map(|site| site.name.as_str()).collect();
    let more = run.in_flight.len() - named.len();
    if more > 0 { format!("{} +{more}", named.join(" · ")) } else { named.join(" · ") }
}

#[component]
fn Idle(last_run: Option<RunRow>, next_run: Option<Stamp>) -> impl IntoView {
    let words = use_words();
    let never = last_run.is_none();
    let (iso, text) = next_run.map(|stamp| (Some(stamp.iso), stamp.text)).unwrap_or((None, words.never.to_owned()));
    view! {
        <h2 hidden=!never>{words.no_run}</h2>
        {last_run.map(|run| view! { <LastRun run /> })}
        <p class="quiet-text">{words.next_run} " " <time datetime=iso>{text}</time></p>
    }
    .into_any()
}

#[component]
fn LastRun(run: RunRow) -> impl IntoView {
    let words = use_words();
    let held = run.state == RunState::Held;
    let state = match run.state {
        RunState::Held => words.run_held,
        RunState::Cancelled => words.run_cancelled,
        RunState::Discarded => words.run_discarded,
        RunState::Done | RunState::Running => words.run_done,
    };
    let trigger = match run.trigger {
        Trigger::Schedule => words.trigger_schedule,
        Trigger::Click => words.trigger_click,
        Trigger::CommandLine => words.trigger_command,
    };
    view! {
        <h2 class=if held { "held" } else { "" }>{state}</h2>
        <OutcomeBar counts=run.counts />
        <p>{counts_line(words, &run.counts)}</p>
        {run.hold.filter(|_| held).map(|hold| view! { <Held run_id=run.id hold /> })}
        <p class="quiet-text">
            <time datetime=run.started.iso>{run.started.text}</time>
            {format!(" · {trigger} · {}", seconds(words, run.ms))}
        </p>
    }
}

#[component]
fn Held(run_id: i64, hold: Hold) -> impl IntoView {
    let words = use_words();
    let why = match hold {
        Hold::TooManyHidden => words.hold_many,
        Hold::NoAnswerAtAll => words.hold_silent,
        Hold::WitnessesFailed => words.hold_witness,
    };
    view! {
        <p class="held">{why}</p>
        <div class="pair">
            <Decide run_id=fixed(run_id) decision=Decision::Apply label=words.apply />
            <Decide run_id=fixed(run_id) decision=Decision::Discard label=words.discard />
        </div>
    }
    .into_any()
}

/// A run's outcomes as one bar: good, unsure, bad.
#[component]
fn OutcomeBar(counts: Counts) -> impl IntoView {
    // In thousandths, as whole numbers: floats would have to be printed alike on both sides, and cost 15 kB.
    let share = |n: u32| n * 1000 / counts.total.max(1);
    let parts = [
        ("good", counts.ok),
        ("exempt", counts.whitelisted),
        ("unsure", counts.unverifiable),
        ("bad", counts.bad + counts.failed),
    ];
    let mut before = 0;
    let bars: Vec<_> = parts
        .into_iter()
        .map(|(class, n)| {
            let (x, width) = (share(before), share(before + n) - share(before));
            before += n;
            view! { <rect class=class x=x.to_string() y="0" width=width.to_string() height="6" /> }
        })
        .collect();
    view! {
        <svg class="outcome" viewBox="0 0 1000 6" preserveAspectRatio="none" aria-hidden="true">
            {bars}
        </svg>
    }
}

fn seconds(words: &Words, ms: i64) -> String {
    format!("{}.{} {}", ms / 1000, ms % 1000 / 100, words.seconds)
}

fn counts_line(words: &Words, counts: &Counts) -> String {
    let always = [
        (counts.active_num, words.checked),
        (counts.to_not_show, words.to_hide),
        (counts.to_show, words.to_show),
        (counts.unverifiable, words.unverifiable),
        (counts.whitelisted, words.exempt),
    ];
    let seldom = [(counts.cancelled, words.cancelled), (counts.failed, words.failed)];
    let parts: Vec<String> = always
        .into_iter()
        .chain(seldom.into_iter().filter(|(n, _)| *n > 0))
        .map(|(n, word)| format!("{word} {n}"))
        .collect();
    parts.join(" · ")
}
