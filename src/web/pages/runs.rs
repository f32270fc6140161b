//! Every run.

use super::page_number;
use crate::web::{
    api::runs::read_runs,
    components::{bits::CheckAll, frame::Frame, load::loaded, pager::Pager, runs_table::RunsTable},
    dto::RunsPage,
    words::use_words,
};
use leptos::prelude::*;

#[component]
pub fn Runs() -> impl IntoView {
    let words = use_words();
    let page = page_number();
    view! {
        <Frame at="/runs" title=words.runs>
            {loaded(move || async move { read_runs(page).await.map(|page| view! { <All page /> }.into_any()) })}
        </Frame>
    }
}

#[component]
fn All(page: RunsPage) -> impl IntoView {
    let words = use_words();
    let body = if page.rows.is_empty() {
        view! {
            <section class="empty">
                <h2>{words.no_run}</h2>
                <p>{words.no_run_text}</p>
            </section>
        }
        .into_any()
    } else {
        view! {
            <RunsTable rows=page.rows />
            <Pager pages=page.pages path="/runs".to_owned() query=Vec::new() />
        }
        .into_any()
    };
    view! {
        <header class="head">
            <h1 tabindex="-1">{words.runs}</h1>
            <CheckAll />
        </header>
        {body}
    }
    .into_any()
}
