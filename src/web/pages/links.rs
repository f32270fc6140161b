//! The table of links.

use super::{page_number, query};
use crate::web::{
    api::links::read_links,
    components::{
        bits::{CheckAll, number},
        frame::Frame,
        links_table::{LinksTable, SharedForms},
        links_tools::{Bulk, Tools},
        load::loaded,
        pager::Pager,
    },
    dto::{LinksPage, LinksQuery},
    pages::home::Empty,
    words::use_words,
};
use leptos::prelude::*;

#[component]
pub fn Links() -> impl IntoView {
    let words = use_words();
    let wanted = LinksQuery {
        q: query("q"),
        status: query("status"),
        group: query("group"),
        whitelist: query("whitelist"),
        reason: query("reason"),
        sort: query("sort"),
        page: page_number(),
        size: query("size").parse().unwrap_or_default(),
    };
    view! {
        <Frame at="/links" title=words.links>
            {loaded(move || {
                let wanted = wanted.clone();
                async move { read_links(wanted).await.map(|page| view! { <Roll page /> }.into_any()) }
            })}
        </Frame>
    }
}

#[component]
fn Roll(page: LinksPage) -> impl IntoView {
    let words = use_words();
    if page.links == 0 {
        return view! { <Empty /> }.into_any();
    }
    let LinksPage { query, rows, pages, groups, links } = page;
    let pairs = query.pairs();
    let body = if rows.is_empty() {
        view! {
            <section class="empty">
                <h2>{words.nothing_found}</h2>
                <p>
                    <a href="/links">{words.show_all}</a>
                </p>
            </section>
        }
        .into_any()
    } else {
        view! {
            <LinksTable rows query=query.clone() />
            <Pager pages path="/links".to_owned() query=pairs />
            <Bulk groups=groups.clone() />
        }
        .into_any()
    };
    view! {
        <header class="head">
            <h1 tabindex="-1">
                {words.links} " "
                <span class="count">
                    {if pages.total == links { number(links) } else { format!("{} / {}", number(pages.total), number(links)) }}
                </span>
            </h1>
            <div class="pair">
                <CheckAll class="" />
                <a class="button primary" href="/links/new" data-dialog="">
                    {words.add_link}
                </a>
            </div>
        </header>
        <Tools query groups />
        <SharedForms />
        {body}
    }
    .into_any()
}
