//! No such page, and the way home.

use crate::web::words::use_words;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(axum::http::StatusCode::NOT_FOUND);
    }
    let words = use_words();
    view! {
        <Title text=format!("{} · Rollcall", words.not_found) />
        <main class="lonely">
            <h1>{words.not_found}</h1>
            <p>
                <a href="/">{words.go_home}</a>
            </p>
        </main>
    }
}
