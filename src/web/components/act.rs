//! A button that does something: a plain form without JavaScript, the same action in place with it.
//!
//! One component for every action, with the call boxed: each `ServerAction` with its `ActionForm` would cost the
//! browser 15 kB.

use super::now::{Now, now, shown};
use crate::web::words::use_words;
use futures::future::LocalBoxFuture;
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};

/// What an action has to say when it is done: nothing, or a word on why nothing was done.
pub type Said = Option<&'static str>;
/// Calls the server.
pub type Call = Box<dyn Fn() -> LocalBoxFuture<'static, Result<Said, ServerFnError>>>;

/// Whether a call is under way, and what the last one had to say.
#[derive(Default)]
struct State {
    pending: bool,
    said: String,
}

/// `url` and `fields` are what the form posts without JavaScript; `call` does the same with it.
#[component]
pub fn Act(
    url: &'static str,
    #[prop(optional)] fields: Vec<(&'static str, Now<String>)>,
    call: Call,
    #[prop(into)] label: String,
    /// Names the thing acted on, for those who do not see where the button stands.
    #[prop(optional, into)]
    about: String,
    class: &'static str,
    #[prop(optional)] busy: Option<Now<bool>>,
) -> impl IntoView {
    let words = use_words();
    let state = RwSignal::new(State::default());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        if state.with_untracked(|state| state.pending) {
            return;
        }
        state.set(State { pending: true, said: String::new() });
        let calling = call();
        spawn_local(async move {
            let said = match calling.await {
                Ok(word) => word.unwrap_or_default().to_owned(),
                Err(error) => format!("{}: {}", words.error_title, reason(&error)),
            };
            // The page may have moved on meanwhile.
            state.try_set(State { pending: false, said });
        });
    };
    let name = if about.is_empty() { label.clone() } else { format!("{label} {about}") };
    let disabled = now(move || state.with(|state| state.pending) || busy.as_ref().is_some_and(|busy| busy()));
    let said = now(move || state.with(|state| state.said.clone()));
    view! {
        <form method="post" action=url on:submit=on_submit>
            {fields
                .into_iter()
                .map(|(name, value)| view! { <input type="hidden" name=name value=shown(value) /> })
                .collect_view()}
            <button type="submit" class=class disabled=shown(disabled) aria-label=name>
                {label}
            </button>
            <span class="said" role="status">
                {shown(said)}
            </span>
        </form>
    }
    .into_any()
}

/// The server's own words, without the library's around them.
fn reason(error: &ServerFnError) -> String {
    match error {
        ServerFnError::ServerError(words) => words.clone(),
        other => other.to_string(),
    }
}
