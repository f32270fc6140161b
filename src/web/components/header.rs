//! The head of every page.

use crate::web::{live::use_live, words::use_words};
use leptos::prelude::*;

#[component]
pub fn Header() -> impl IntoView {
    let words = use_words();
    let live = use_live();
    view! {
        <header class="top">
            <a class="brand" href="/">
                <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
                    <path d="M4 6.5h9M4 12h6M4 17.5h9" />
                    <path class="tick" d="M14 12.5l2.6 2.6L21 9" />
                </svg>
                "Rollcall"
            </a>
            <span class="tagline">{words.tagline}</span>
            <span class="offline" role="status">
                {move || live.with(|told| told.offline).then_some(words.offline)}
            </span>
        </header>
    }
}
