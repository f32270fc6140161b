//! From page to page.

use crate::web::words::use_words;
use leptos::prelude::*;

#[component]
pub fn Pager(page: u32, pages: u32) -> impl IntoView {
    let words = use_words();
    (pages > 1).then(|| {
        let step = |to: u32, label: &'static str, rel: &'static str| {
            let possible = (1..=pages).contains(&to) && to != page;
            if possible {
                view! {
                    <a href=format!("/?page={to}") rel=rel>
                        {label}
                    </a>
                }
                .into_any()
            } else {
                view! { <span aria-disabled="true">{label}</span> }.into_any()
            }
        };
        view! {
            <nav class="pager" aria-label=words.page_of>
                {step(page.saturating_sub(1), words.previous, "prev")} <span>{format!("{page} / {pages}")}</span>
                {step(page + 1, words.next, "next")}
            </nav>
        }
    })
}
