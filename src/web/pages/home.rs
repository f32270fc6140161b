//! The first page: how the roll stands, the last run, what changed lately, and when the next run is.

use crate::{
    domain::{guard::Hold, progress::RunState},
    web::{
        api::runs::read_overview,
        components::{
            bits::{At, Change, CheckAll, OutcomeBar, When, counts_line, number, seconds},
            frame::Frame,
            load::loaded,
            runs_table::{state_word, trigger_word},
        },
        dto::{ChangeNote, Decision, Overview, RunRow, Stamp, Totals},
        words::use_words,
    },
};
use leptos::prelude::*;

#[component]
pub fn Home() -> impl IntoView {
    let words = use_words();
    view! {
        <Frame at="/" title=words.title>
            {loaded(|| async { read_overview().await.map(|overview| view! { <Glance overview /> }.into_any()) })}
        </Frame>
    }
}

#[component]
fn Glance(overview: Overview) -> impl IntoView {
    let words = use_words();
    let Overview { totals, last_run, lately, next_run, has_sites } = overview;
    if totals.links == 0 {
        return view! { <Empty /> }.into_any();
    }
    view! {
        <h1 class="quiet" tabindex="-1">
            {words.title}
        </h1>
        <TotalsBar totals />
        {(!has_sites)
            .then(|| {
                view! {
                    <p class="hint">
                        {words.no_sites} " " <a href="/settings#my_sites">{words.set_sites}</a>
                    </p>
                }
            })}
        <div class="columns">
            <LastRun run=last_run next_run />
            <Lately changes=lately />
        </div>
    }
    .into_any()
}

/// The roll in four numbers, each a way to those links.
#[component]
fn TotalsBar(totals: Totals) -> impl IntoView {
    let words = use_words();
    let tiles = [
        ("good", words.shown, totals.shown, "/links?status=shown"),
        ("bad", words.hidden, totals.hidden, "/links?status=hidden"),
        ("unsure", words.review, totals.review, "/review"),
        ("exempt", words.whitelisted, totals.whitelisted, "/links?whitelist=yes"),
    ];
    view! {
        <ul class="totals">
            {tiles
                .into_iter()
                .map(|(class, label, n, to)| {
                    view! {
                        <li>
                            <a class=format!("tile {class}") href=to>
                                <strong>{number(n)}</strong>
                                " "
                                <span>{label}</span>
                            </a>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}

#[component]
fn LastRun(run: Option<RunRow>, next_run: Option<Stamp>) -> impl IntoView {
    let words = use_words();
    let next = match next_run {
        Some(stamp) => view! { <At stamp /> }.into_any(),
        None => view! { <a href="/settings#schedules">{words.never}</a> }.into_any(),
    };
    view! {
        <section class="card run" aria-labelledby="last-run">
            <header>
                <h2 id="last-run">{words.last_run}</h2>
                <CheckAll />
            </header>
            {match run {
                Some(run) => view! { <RunNote run /> }.into_any(),
                None => view! { <p class="soft">{words.no_run}</p> }.into_any(),
            }}
            <p class="soft">{words.next_run} " " {next}</p>
        </section>
    }
    .into_any()
}

#[component]
fn RunNote(run: RunRow) -> impl IntoView {
    let words = use_words();
    view! {
        <h3 class=if run.state == RunState::Held { "held" } else { "" }>
            <a href=format!("/runs/{}", run.id)>{state_word(words, run.state)}</a>
        </h3>
        <OutcomeBar counts=run.counts />
        <p>{counts_line(words, &run.counts)}</p>
        <Held id=run.id state=run.state hold=run.hold />
        <p class="soft">
            <When stamp=run.started />
            {format!(" · {} · {}", trigger_word(words, run.trigger), seconds(words, run.ms))}
        </p>
    }
    .into_any()
}

/// Why a run is held, and the owner's choice.
#[component]
pub fn Held(id: i64, state: RunState, hold: Option<Hold>) -> impl IntoView {
    let words = use_words();
    let held = hold.filter(|_| state == RunState::Held).map(|hold| {
        let why = format!("{}{}", words.hold_why, hold.words(words.lang));
        view! {
            <div class="hold">
                <p>{why}</p>
                <form method="post" action="/api/fn/decide_run" class="pair">
                    <input type="hidden" name="run_id" value=id.to_string() />
                    <button type="submit" name="decision" value=Decision::Apply.code()>
                        {words.apply}
                    </button>
                    <button type="submit" name="decision" value=Decision::Discard.code()>
                        {words.discard}
                    </button>
                </form>
            </div>
        }
    });
    held.into_any()
}

#[component]
fn Lately(changes: Vec<ChangeNote>) -> impl IntoView {
    let words = use_words();
    let list = if changes.is_empty() {
        view! { <p class="soft">{words.no_changes}</p> }.into_any()
    } else {
        view! {
            <ul class="changes">
                {changes.into_iter().map(|change| view! { <Change change /> }).collect_view()}
            </ul>
        }
        .into_any()
    };
    view! {
        <section class="card" aria-labelledby="lately">
            <header>
                <h2 id="lately">{words.lately}</h2>
            </header>
            {list}
        </section>
    }
    .into_any()
}

/// What to do first.
#[component]
pub fn Empty() -> impl IntoView {
    let words = use_words();
    view! {
        <section class="empty">
            <h1 tabindex="-1">{words.empty_title}</h1>
            <p>{words.empty_text}</p>
            <p class="pair">
                <a class="button primary" href="/import">
                    {words.import_list}
                </a>
                <a class="button" href="/links/new" data-dialog="">
                    {words.add_link}
                </a>
            </p>
        </section>
    }
    .into_any()
}
