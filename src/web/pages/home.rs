//! The first page: how the roll stands, the run going on, and every link.

use crate::web::{
    api::links::read_overview,
    components::{header::Header, links_table::LinksTable, pager::Pager, run_panel::RunPanel, totals::TotalsBar},
    dto::Overview,
    live::use_live,
    words::use_words,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn Home() -> impl IntoView {
    let words = use_words();
    let live = use_live();
    let query = use_query_map();
    let page = move || query.with(|q| q.get("page").and_then(|p| p.parse::<u32>().ok()).unwrap_or(1));
    let wanted = move || (page(), live.with(|told| told.ended));
    let data = Resource::new(wanted, |(page, _)| read_overview(page));
    view! {
        <Title text=format!("{} · Rollcall", words.title) />
        <a class="skip" href="#content">
            {words.skip}
        </a>
        <Header />
        <main id="content">
            <Transition fallback=|| view! { <div class="skeleton" aria-busy="true"></div> }>
                {move || Suspend::new(async move {
                    match data.await {
                        Ok(overview) => view! { <Roll overview /> }.into_any(),
                        Err(error) => view! { <Fault error=error.to_string() /> }.into_any(),
                    }
                })}
            </Transition>
        </main>
    }
}

#[component]
fn Roll(overview: Overview) -> impl IntoView {
    let words = use_words();
    let Overview { totals, rows, page, pages, live, last_run, next_run, has_sites } = overview;
    let is_empty = rows.is_empty();
    view! {
        <TotalsBar totals />
        <RunPanel drawn=live last_run next_run can_check=!is_empty />
        <p class="hint" hidden=has_sites || is_empty>
            {words.no_sites}
            " "
            <code>"rollcall setting set my_sites https://…"</code>
        </p>
        {if is_empty {
            view! { <Empty /> }.into_any()
        } else {
            view! {
                <LinksTable rows />
                <Pager page pages />
            }
                .into_any()
        }}
    }
}

#[component]
fn Empty() -> impl IntoView {
    let words = use_words();
    view! {
        <section class="empty">
            <h2>{words.empty_title}</h2>
            <p>{words.empty_text}</p>
            <pre>
                <code>"rollcall import link.yml"</code>
            </pre>
        </section>
    }
}

#[component]
fn Fault(error: String) -> impl IntoView {
    let words = use_words();
    view! {
        <section class="empty" role="alert">
            <h2>{words.error_title}</h2>
            <p>{error}</p>
            <p>
                <a href="/" rel="external">
                    {words.reload}
                </a>
            </p>
        </section>
    }
}
