//! A page's data: waited for on the server, with an answer for each way it may fail.

use crate::web::{api::fault::Fault, words::use_words};
use leptos::prelude::*;

/// Draws what `read` comes to, or why it did not.
pub fn loaded<F>(read: impl Fn() -> F + Send + Sync + 'static) -> impl IntoView
where
    F: Future<Output = Result<AnyView, Fault>> + Send + 'static,
{
    view! {
        <Suspense fallback=nothing>
            {move || {
                let reading = read();
                Suspend::new(async move { reading.await.unwrap_or_else(failed) })
            }}
        </Suspense>
    }
    .into_any()
}

/// What stands in for data that the server has not waited for: it always has.
pub fn nothing() {}

/// Why a page cannot be shown, and the way on.
pub fn failed(fault: Fault) -> AnyView {
    fault.answer();
    let words = use_words();
    let title = match fault {
        Fault::NotFound(_) => words.not_found,
        _ => words.error_title,
    };
    view! {
        <section class="empty" role="alert">
            <h1 tabindex="-1">{title}</h1>
            <p>{fault.to_string()}</p>
            <p>
                <a href="/">{words.go_home}</a>
            </p>
        </section>
    }
    .into_any()
}
