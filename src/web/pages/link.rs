//! One link: how it stands and why, what the last check saw, latency over time, and what has changed.

use super::{path_id, query};
use crate::web::{
    api::links::read_link,
    components::{
        bits::{At, Avatar, Away, Change, ExemptSwitch, Facts, Strip, When},
        chart::Chart,
        evidence::Evidence,
        frame::Frame,
        links_table::{Recheck, SharedForms},
        load::loaded,
        look::Look,
        status::{Status, in_words, why_of_link, word_of_link},
    },
    dto::{CheckNote, LinkForm, LinkPage, LinkRow, ManualNote, Span},
    words::use_words,
};
use leptos::prelude::*;

#[component]
pub fn Link() -> impl IntoView {
    let words = use_words();
    let id = path_id();
    let span = Span::of_code(&query("span"));
    view! {
        <Frame at="/links" title=words.links>
            {loaded(move || async move { read_link(id, span).await.map(|page| view! { <Whole page /> }.into_any()) })}
        </Frame>
    }
}

#[component]
fn Whole(page: LinkPage) -> impl IntoView {
    let words = use_words();
    let LinkPage { row, form, since, bad_streak, good_streak, manual, last, checks, changes, span, line } = page;
    let streak = match (bad_streak, good_streak) {
        (0, 0) => String::new(),
        (0, good) => format!(" · {} {good}", words.good_in_a_row),
        (bad, _) => format!(" · {} {bad}", words.bad_in_a_row),
    };
    let path = format!("/links/{}", row.id);
    let why = why_of_link(words, &row);
    let changes = if changes.is_empty() {
        view! { <p class="soft">{words.no_changes}</p> }.into_any()
    } else {
        view! {
            <ul class="changes">
                {changes.into_iter().map(|change| view! { <Change change named=false /> }).collect_view()}
            </ul>
        }
        .into_any()
    };
    view! {
        <SharedForms />
        <Top row=row.clone() />
        <div class="columns">
            <section class="card" aria-labelledby="now" data-link=row.id.to_string() data-row="" data-shown=row.shown.then_some("") tabindex="-1">
                <header>
                    <h2 id="now">{words.how_it_stands}</h2>
                    <Status look=Look::of_link(&row) word=word_of_link(words, &row) />
                </header>
                <p class="why" hidden=why.is_empty()>
                    {why.clone()}
                </p>
                <p class="soft">{words.since} " " <At stamp=since /> {streak}</p>
                <Strip recent=row.recent.clone() />
                <Own row=row.clone() manual />
                <p class="pair free-line">
                    <ExemptSwitch row=row.clone() />
                    <span>{words.whitelist}</span>
                </p>
            </section>
            <About form />
        </div>
        <section class="card" aria-labelledby="latency">
            <header>
                <h2 id="latency">{words.latency}</h2>
                <nav class="tabs small" aria-label=words.latency>
                    {Span::ALL
                        .into_iter()
                        .map(|one| {
                            view! {
                                <a href=format!("{path}?span={}", one.code()) aria-current=(one == span).then_some("true")>
                                    {words.span(one)}
                                </a>
                            }
                        })
                        .collect_view()}
                </nav>
            </header>
            <Chart line />
        </section>
        <div class="columns">
            <section class="card" aria-labelledby="last">
                <header>
                    <h2 id="last">{words.last_check}</h2>
                </header>
                {match last {
                    Some(check) => view! { <Evidence check /> }.into_any(),
                    None => view! { <p class="soft">{words.unchecked}</p> }.into_any(),
                }}
            </section>
            <section class="card" aria-labelledby="log">
                <header>
                    <h2 id="log">{words.transitions}</h2>
                </header>
                {changes}
            </section>
        </div>
        <Checks checks />
    }
    .into_any()
}

#[component]
fn Top(row: LinkRow) -> impl IntoView {
    let words = use_words();
    let may_ask = row.active && !row.whitelisted;
    view! {
        <header class="head">
            <div class="who">
                <Avatar name=row.name.clone() logo=row.logo.clone() />
                <div class="names">
                    <h1 tabindex="-1">{row.name.clone()}</h1>
                    <Away url=row.url.clone() href=row.href.clone() />
                </div>
            </div>
            <div class="pair">
                {may_ask.then(|| view! { <Recheck id=row.id name=row.name.clone() /> })}
                <a class="button small" href=format!("/links/{}/edit", row.id) data-dialog="">
                    {words.edit}
                </a>
                <form method="post" action="/api/fn/bulk_links">
                    <input type="hidden" name="ids[]" value=row.id.to_string() />
                    <button type="submit" class="small" name="action" value="delete">
                        {words.delete}
                    </button>
                </form>
            </div>
        </header>
    }
    .into_any()
}

/// The owner's own verdict.
#[component]
fn Own(row: LinkRow, manual: Option<ManualNote>) -> impl IntoView {
    let words = use_words();
    let act = |verdict: &'static str, label: &'static str| {
        view! {
            <button type="submit" class="small" name="verdict" value=verdict>
                {label}
            </button>
        }
    };
    let buttons = match &manual {
        Some(_) => view! { {act("auto", words.lift_verdict)} }.into_any(),
        None if row.shown => view! { {act("hide", words.hide_by_hand)} }.into_any(),
        None => view! { {act("show", words.show_by_hand)} }.into_any(),
    };
    let note = manual.map(|manual| {
        let what = if manual.shown { words.said_manual_show } else { words.said_manual_hide };
        view! {
            <span class="soft">
                {format!("{what} · {}", manual.set_by)} " " <At stamp=manual.set_at />
                {manual.until.map(|until| view! { {format!(" · {} ", words.until)} <At stamp=until /> })}
            </span>
        }
    });
    view! {
        <form method="post" action="/api/fn/judge_link" class="pair">
            <input type="hidden" name="id" value=row.id.to_string() />
            {buttons}
            {note}
        </form>
    }
    .into_any()
}

/// What the owner says of the link.
#[component]
fn About(form: LinkForm) -> impl IntoView {
    let words = use_words();
    let timeout = if form.timeout.is_empty() { String::new() } else { format!("{} {}", form.timeout, words.seconds) };
    let backlink = if form.backlink_off { words.off } else { "" };
    let rows = vec![
        (words.col_group, form.group),
        (words.f_description, form.description),
        (words.f_backlink_page, form.backlink_page),
        (words.f_feed, form.feed),
        (words.f_email, form.email),
        (words.f_note, form.note),
        (words.f_timeout, timeout),
        (words.f_accept, form.accept),
        (words.backlink_check, backlink.to_owned()),
    ];
    let body = if rows.iter().all(|(_, value)| value.is_empty()) {
        view! { <p class="soft">{words.nothing_said}</p> }.into_any()
    } else {
        view! { <Facts rows /> }.into_any()
    };
    view! {
        <section class="card" aria-labelledby="about">
            <header>
                <h2 id="about">{words.about}</h2>
            </header>
            {body}
        </section>
    }
    .into_any()
}

/// The newest checks in a list.
#[component]
fn Checks(checks: Vec<CheckNote>) -> impl IntoView {
    let words = use_words();
    (!checks.is_empty()).then(|| {
        let rows: Vec<_> = checks
            .into_iter()
            .map(|check| {
                let seen = check.seen;
                view! {
                    <tr>
                        <th scope="row">
                            <When stamp=check.at />
                        </th>
                        <td>
                            <Status look=Look::of(seen.standing()) word=in_words(words, seen.class, seen.status) />
                        </td>
                        <td class="took">{format!("{} ms", seen.ms)}</td>
                        <td class="n">
                            <a href=format!("/runs/{}", check.run_id)>{format!("#{}", check.run_id)}</a>
                        </td>
                    </tr>
                }
            })
            .collect();
        view! {
            <section class="card" aria-labelledby="checks">
                <header>
                    <h2 id="checks">{words.checks}</h2>
                </header>
                <table class="checks">
                    <caption class="quiet">{words.checks}</caption>
                    <thead class="quiet">
                        <tr>
                            <th scope="col">{words.col_last}</th>
                            <th scope="col">{words.col_outcome}</th>
                            <th scope="col">{words.col_time}</th>
                            <th scope="col">{words.col_run}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
        }
        .into_any()
    })
}
