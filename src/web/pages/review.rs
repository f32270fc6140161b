//! Links that want the owner's eye, one at a time, with their evidence and what can be done.

use super::query;
use crate::{
    domain::reason::flag_words,
    web::{
        api::review::read_review,
        components::{
            bits::{At, Avatar, Away, Strip},
            evidence::Evidence,
            frame::Frame,
            links_table::SharedForms,
            load::loaded,
            look::Look,
            status::{Status, in_words, why_of_link, word_of_link},
        },
        dto::{LinkPage, LinkRow, ReviewPage, Why},
        words::{Words, use_words},
    },
};
use leptos::prelude::*;

#[component]
pub fn Review() -> impl IntoView {
    let words = use_words();
    let at = query("at").parse().unwrap_or(1);
    view! {
        <Frame at="/review" title=words.nav_review>
            {loaded(move || async move { read_review(at).await.map(|page| view! { <Queue page /> }.into_any()) })}
        </Frame>
    }
}

#[component]
fn Queue(page: ReviewPage) -> impl IntoView {
    let words = use_words();
    let ReviewPage { pages, why, link } = page;
    let Some(link) = link else {
        return view! {
            <section class="empty">
                <h1 tabindex="-1">{words.review_none}</h1>
                <p>{words.review_none_text}</p>
                <p>
                    <a class="button" href="/links">
                        {words.links}
                    </a>
                </p>
            </section>
        }
        .into_any();
    };
    let next = if pages.page < pages.total { pages.page + 1 } else { 1 };
    view! {
        <header class="head">
            <h1 tabindex="-1">{words.nav_review}</h1>
            <span class="count">{format!("{} / {}", pages.page, pages.total)}</span>
        </header>
        <p class="soft lead">{words.review_text}</p>
        <SharedForms />
        <One link why at=pages.page next />
    }
    .into_any()
}

#[component]
fn One(link: LinkPage, why: Vec<Why>, at: u32, next: u32) -> impl IntoView {
    let words = use_words();
    let LinkPage { row, since, last, .. } = link;
    let signs: Vec<_> = why
        .into_iter()
        .map(|why| {
            let (look, text) = sign(words, &row, why);
            view! {
                <li>
                    <Status look word=text />
                </li>
            }
        })
        .collect();
    view! {
        <article
            class="card triage"
            aria-labelledby="who"
            data-link=row.id.to_string()
            data-row=""
            data-shown=row.shown.then_some("")
            tabindex="-1"
        >
            <header>
                <div class="who">
                    <Avatar name=row.name.clone() logo=row.logo.clone() />
                    <div class="names">
                        <h2 id="who">
                            <a class="name" href=format!("/links/{}", row.id)>
                                {row.name.clone()}
                            </a>
                        </h2>
                        <Away url=row.url.clone() href=row.href.clone() />
                    </div>
                </div>
                <Status look=Look::of_link(&row) word=word_of_link(words, &row) />
            </header>
            <ul class="signs">{signs}</ul>
            <p class="soft">{words.since} " " <At stamp=since /></p>
            <Strip recent=row.recent.clone() />
            <Verdicts row=row.clone() at next />
            <h3>{words.last_check}</h3>
            {match last {
                Some(check) => view! { <Evidence check /> }.into_any(),
                None => view! { <p class="soft">{words.unchecked}</p> }.into_any(),
            }}
        </article>
    }
    .into_any()
}

/// Why the link is in the queue.
fn sign(words: &Words, row: &LinkRow, why: Why) -> (Look, String) {
    match why {
        Why::Hidden => (Look::Bad, format!("{} · {}", words.newly_hidden, why_of_link(words, row))),
        Why::Unverifiable => {
            (Look::Unsure, row.class.map(|class| in_words(words, class, row.status)).unwrap_or_default())
        }
        Why::Flag(flag) => (Look::Unsure, flag_words(flag, words.lang).to_owned()),
    }
}

/// What the owner can say, each with its key.
#[component]
fn Verdicts(row: LinkRow, at: u32, next: u32) -> impl IntoView {
    let words = use_words();
    let hide = if row.shown { words.hide_by_hand } else { words.keep_hidden };
    let act = |key: &'static str, verdict: &'static str, label: &'static str, class: &'static str| {
        view! {
            <button type="submit" class=class form="review" name="verdict" value=verdict data-hotkey=key>
                {label}
                <kbd aria-hidden="true">{key}</kbd>
            </button>
        }
    };
    view! {
        <form id="review" method="post" action="/api/fn/review_link" hidden=true>
            <input type="hidden" name="id" value=row.id.to_string() />
            <input type="hidden" name="at" value=at.to_string() />
        </form>
        <div class="verdicts">
            {act("f", "fine", words.fine_30, "primary")} {act("h", "hide", hide, "")}
            {act("w", "whitelist", words.to_whitelist, "")}
            <button type="submit" form="recheck" name="link_id" value=row.id.to_string() data-hotkey="r">
                {words.recheck}
                <kbd aria-hidden="true">"r"</kbd>
            </button>
            <a class="button" href=format!("/review?at={next}") data-hotkey="s">
                {words.skip_one}
                <kbd aria-hidden="true">"s"</kbd>
            </a>
        </div>
    }
    .into_any()
}
