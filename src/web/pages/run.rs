//! One run: what came of its links, what changed, which were slowest.

use super::{home::Held, page_number, path_id, query};
use crate::{
    domain::progress::RunState,
    web::{
        api::runs::read_run,
        components::{
            bits::{At, OutcomeBar, counts_line, number, seconds},
            frame::Frame,
            load::loaded,
            pager::{Pager, address},
            runs_table::{ItemsTable, look_of_run, state_word, trigger_word},
            status::Status,
        },
        dto::{ItemRow, RunPage, RunQuery},
        words::use_words,
    },
};
use leptos::prelude::*;

#[component]
pub fn Run() -> impl IntoView {
    let words = use_words();
    let id = path_id();
    let wanted = RunQuery { outcome: query("outcome"), q: query("q"), sort: query("sort"), page: page_number() };
    view! {
        <Frame at="/runs" title=format!("{} #{id}", words.col_run)>
            {loaded(move || {
                let wanted = wanted.clone();
                async move { read_run(id, wanted).await.map(|page| view! { <Whole page /> }.into_any()) }
            })}
        </Frame>
    }
}

#[component]
fn Whole(page: RunPage) -> impl IntoView {
    let words = use_words();
    let RunPage { run, query, items, pages, slowest, failures } = page;
    let notices = failures.into_iter().map(|(own, links)| own.notice(links, words.lang));
    let goes_on = run.state == RunState::Running;
    let path = format!("/runs/{}", run.id);
    let pairs = vec![("outcome", query.outcome.clone()), ("q", query.q.clone()), ("sort", query.sort.clone())];
    let body = if items.is_empty() {
        view! {
            <section class="empty">
                <h2>{words.nothing_found}</h2>
            </section>
        }
        .into_any()
    } else {
        view! {
            <ItemsTable items caption=words.results />
            <Pager pages path=path.clone() query=pairs />
        }
        .into_any()
    };
    view! {
        <header class="head">
            <h1 tabindex="-1">{format!("{} #{}", words.col_run, run.id)}</h1>
            <Status look=look_of_run(&run) word=state_word(words, run.state) />
        </header>
        <section class="card run" data-follows-run=goes_on.then_some("")>
            <OutcomeBar counts=run.counts />
            <p>{counts_line(words, &run.counts)}</p>
            <Held id=run.id state=run.state hold=run.hold />
            {notices.map(|notice| view! { <p class="held">{notice}</p> }).collect_view()}
            <p class="soft">
                <At stamp=run.started.clone() />
                {format!(" · {} · {}", trigger_word(words, run.trigger), seconds(words, run.ms))}
            </p>
        </section>
        <Outcomes run=run.clone() query=query.clone() path=path.clone() />
        <form method="get" action=path.clone() class="tools" role="search" data-auto="">
            {(!query.outcome.is_empty())
                .then(|| view! { <input type="hidden" name="outcome" value=query.outcome.clone() /> })}
            <input
                type="search"
                name="q"
                value=query.q.clone()
                placeholder=words.search_run
                aria-label=words.search_run
                autocomplete="off"
            />
            <label class="inline">
                <input type="checkbox" name="sort" value="time" checked=query.sort == "time" />
                {words.slowest_first}
            </label>
            <button type="submit" class="no-js">
                {words.filter}
            </button>
        </form>
        {body}
        <Slowest items=slowest />
    }
    .into_any()
}

/// The groups of outcomes, each with its count.
#[component]
fn Outcomes(run: crate::web::dto::RunRow, query: RunQuery, path: String) -> impl IntoView {
    let words = use_words();
    let counts = run.counts;
    let groups = [
        ("", words.all, counts.total, true),
        ("changed", words.changes, counts.to_not_show + counts.to_show, true),
        ("bad", words.bad, counts.bad, true),
        ("unverifiable", words.unverifiable, counts.unverifiable, true),
        ("good", words.good, counts.ok, true),
        ("whitelisted", words.whitelisted, counts.whitelisted, counts.whitelisted > 0),
        ("failed", words.failed, counts.failed, counts.failed > 0),
        ("cancelled", words.cancelled, counts.cancelled, counts.cancelled > 0),
        ("pending", words.waiting, counts.pending(), counts.pending() > 0),
    ];
    view! {
        <nav class="tabs" aria-label=words.col_outcome>
            {groups
                .into_iter()
                .filter(|(code, .., some)| *some || *code == query.outcome)
                .map(|(code, label, n, _)| {
                    let here = (query.outcome == code).then_some("true");
                    view! {
                        <a href=address(&path, &[], &[("outcome", code.to_owned())]) aria-current=here>
                            {label}
                            " "
                            <span class="count">{number(n)}</span>
                        </a>
                    }
                })
                .collect_view()}
        </nav>
    }
    .into_any()
}

#[component]
fn Slowest(items: Vec<ItemRow>) -> impl IntoView {
    let words = use_words();
    (!items.is_empty()).then(|| {
        view! {
            <section class="card" aria-labelledby="slowest">
                <header>
                    <h2 id="slowest">{words.slowest}</h2>
                </header>
                <ol class="slowest">
                    {items
                        .into_iter()
                        .map(|item| {
                            view! {
                                <li>
                                    <a href=format!("/links/{}", item.link_id)>{item.name}</a>
                                    <span class="soft">{item.ms.map(|ms| format!("{ms} ms"))}</span>
                                </li>
                            }
                        })
                        .collect_view()}
                </ol>
            </section>
        }
        .into_any()
    })
}
