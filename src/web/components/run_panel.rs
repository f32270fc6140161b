//! The run going on, the last one, and the next.

use crate::{
    domain::{
        counts::Counts,
        guard::Hold,
        progress::{RunState, Snapshot, Trigger},
    },
    web::{
        api::runs::{ApplyRun, CancelRun, CheckAll, DiscardRun},
        dto::{RunRow, Stamp},
        live::use_live,
        words::{Words, use_words},
    },
};
use leptos::{form::ActionForm, prelude::*};

/// Sites in flight that are named.
const NAMED: usize = 6;

/// `drawn` are the live runs as the server saw them; the stream takes over from there.
#[component]
pub fn RunPanel(
    drawn: Vec<Snapshot>,
    last_run: Option<RunRow>,
    next_run: Option<Stamp>,
    can_check: bool,
) -> impl IntoView {
    let words = use_words();
    let live = use_live();
    let drawn = StoredValue::new(drawn);
    let current = Memo::new(move |_| {
        let newest = live.runs.with(|runs| runs.last().cloned());
        newest.or_else(|| drawn.with_value(|runs| runs.last().cloned()))
    });
    let running = Memo::new(move |_| current.with(|run| run.as_ref().is_some_and(|run| !run.is_over())));
    let last_run = StoredValue::new(last_run);
    let next_run = StoredValue::new(next_run);
    let check_all = ServerAction::<CheckAll>::new();
    let busy = move || !can_check || running.get() || check_all.pending().get();
    view! {
        <section class="run" aria-label=words.running>
            <div class="now">
                {move || {
                    if running.get() {
                        view! { <Progress current /> }.into_any()
                    } else {
                        view! { <Idle last_run next_run /> }.into_any()
                    }
                }}
            </div>
            <div class="acts">
                <ActionForm action=check_all>
                    <button type="submit" class="primary" disabled=busy>
                        {words.check_all}
                    </button>
                </ActionForm>
                <Said action=check_all />
            </div>
            <p class="quiet" role="status" aria-live="polite">
                {move || current.with(|run| run.as_ref().filter(|run| run.is_over()).map(|run| counts_line(words, &run.counts)))}
            </p>
        </section>
    }
    .into_any()
}

#[component]
fn Progress(current: Memo<Option<Snapshot>>) -> impl IntoView {
    let words = use_words();
    let counts = Memo::new(move |_| current.with(|run| run.as_ref().map(|run| run.counts).unwrap_or_default()));
    let run_id = Memo::new(move |_| current.with(|run| run.as_ref().map(|run| run.run_id).unwrap_or_default()));
    let elapsed = move || current.with(|run| run.as_ref().map(|run| seconds(words, run.elapsed_ms)));
    let names = move || {
        current.with(|run| {
            let sites = run.as_ref().map(|run| run.in_flight.as_slice()).unwrap_or_default();
            let more = sites.len().saturating_sub(NAMED);
            let named: Vec<&str> = sites.iter().take(NAMED).map(|site| site.name.as_str()).collect();
            let rest = if more > 0 { format!(" +{more}") } else { String::new() };
            format!("{}{rest}", named.join(" · "))
        })
    };
    let cancel = ServerAction::<CancelRun>::new();
    view! {
        <h2>
            {words.running} " " <span class="count">{move || format!("{} / {}", counts.get().finished(), counts.get().total)}</span>
            " " <span class="count">{elapsed}</span>
        </h2>
        <progress
            max=move || counts.get().total.max(1).to_string()
            value=move || counts.get().finished().to_string()
            aria-label=words.running
        ></progress>
        <p class="sites">{names}</p>
        <p>{move || counts_line(words, &counts.get())}</p>
        <ActionForm action=cancel>
            <input type="hidden" name="run_id" value=move || run_id.get().to_string() />
            <button type="submit" class="small" disabled=move || cancel.pending().get()>
                {words.cancel}
            </button>
        </ActionForm>
        <noscript>
            <p class="hint">
                {words.no_script_hint} " " <a href="/">{words.reload}</a>
            </p>
        </noscript>
    }
}

#[component]
fn Idle(last_run: StoredValue<Option<RunRow>>, next_run: StoredValue<Option<Stamp>>) -> impl IntoView {
    let words = use_words();
    let next = next_run.get_value();
    view! {
        {match last_run.get_value() {
            Some(run) => view! { <LastRun run /> }.into_any(),
            None => view! { <h2>{words.no_run}</h2> }.into_any(),
        }}
        <p class="quiet-text">
            {words.next_run} " "
            {match next {
                Some(stamp) => view! { <time datetime=stamp.iso>{stamp.text}</time> }.into_any(),
                None => view! { <span>{words.never}</span> }.into_any(),
            }}
        </p>
    }
}

#[component]
fn LastRun(run: RunRow) -> impl IntoView {
    let words = use_words();
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
        <h2 class:held=run.state == RunState::Held>{state}</h2>
        <OutcomeBar counts=run.counts />
        <p>{counts_line(words, &run.counts)}</p>
        {run.hold.filter(|_| run.state == RunState::Held).map(|hold| view! { <Held run_id=run.id hold /> })}
        <p class="quiet-text">
            <time datetime=run.started.iso>{run.started.text}</time>
            " · "
            {trigger}
            " · "
            {seconds(words, run.ms)}
        </p>
    }
}

#[component]
fn Held(run_id: i64, hold: Hold) -> impl IntoView {
    let words = use_words();
    let live = use_live();
    let apply = ServerAction::<ApplyRun>::new();
    let discard = ServerAction::<DiscardRun>::new();
    Effect::new(move |_| {
        if matches!(apply.value().get(), Some(Ok(()))) || matches!(discard.value().get(), Some(Ok(()))) {
            live.ended.update(|n| *n += 1);
        }
    });
    let why = match hold {
        Hold::TooManyHidden => words.hold_many,
        Hold::NoAnswerAtAll => words.hold_silent,
        Hold::WitnessesFailed => words.hold_witness,
    };
    view! {
        <p class="held">{why}</p>
        <div class="pair">
            <ActionForm action=apply>
                <input type="hidden" name="run_id" value=run_id.to_string() />
                <button type="submit" class="small">
                    {words.apply}
                </button>
            </ActionForm>
            <ActionForm action=discard>
                <input type="hidden" name="run_id" value=run_id.to_string() />
                <button type="submit" class="small">
                    {words.discard}
                </button>
            </ActionForm>
        </div>
    }
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

#[component]
fn Said(action: ServerAction<CheckAll>) -> impl IntoView {
    view! {
        <p class="said" role="status">
            {move || action.value().get().and_then(Result::err).map(|error| error.to_string())}
        </p>
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
        (counts.whitelisted, words.whitelisted),
    ];
    let seldom = [(counts.cancelled, words.cancelled), (counts.failed, words.failed)];
    let parts: Vec<String> = always
        .into_iter()
        .chain(seldom.into_iter().filter(|(n, _)| *n > 0))
        .map(|(n, word)| format!("{word} {n}"))
        .collect();
    parts.join(" · ")
}
