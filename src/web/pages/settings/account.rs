//! The account: its password, where it is signed in, and who did what.

use crate::web::{
    components::{
        bits::At,
        form::{Field, Form, Kind},
    },
    dto::SessionNote,
    words::use_words,
};
use leptos::prelude::*;

#[component]
pub fn Account(user: String, sessions: Vec<SessionNote>) -> impl IntoView {
    let words = use_words();
    let secret = Kind { r#type: "password", autocomplete: "current-password", required: true, list: "" };
    let new = Kind { autocomplete: "new-password", ..secret };
    view! {
        <section class="card" aria-labelledby="account">
            <header>
                <h2 id="account">{words.account}</h2>
                <span class="soft">{user}</span>
            </header>
            <Form name="password" action="/api/fn/change_password">
                <Field form="password" name="old" label=words.f_old kind=secret />
                <Field form="password" name="password" label=words.f_new help=words.h_password kind=new />
                <Field form="password" name="again" label=words.f_again kind=new />
                <button type="submit">{words.change_password}</button>
            </Form>
            <Sessions sessions />
            <form method="post" action="/api/fn/sign_out">
                <button type="submit" class="small" name="everywhere" value="yes">
                    {words.sign_out_everywhere}
                </button>
            </form>
            <p>
                <a href="/audit">{words.audit}</a>
            </p>
        </section>
    }
    .into_any()
}

#[component]
fn Sessions(sessions: Vec<SessionNote>) -> impl IntoView {
    let words = use_words();
    let rows: Vec<_> = sessions
        .into_iter()
        .map(|session| {
            let end = if session.here {
                view! { <span class="soft">{words.session_here}</span> }.into_any()
            } else {
                view! {
                    <form method="post" action="/api/fn/end_session">
                        <input type="hidden" name="handle" value=session.handle />
                        <button type="submit" class="small">
                            {words.session_end}
                        </button>
                    </form>
                }
                .into_any()
            };
            view! {
                <li>
                    <span>
                        <strong>{session.agent}</strong>
                        " "
                        <span class="soft">{session.address} " · " <At stamp=session.used /></span>
                    </span>
                    {end}
                </li>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <h3>{words.sessions}</h3>
            <ul class="sessions">{rows}</ul>
        }
        .into_any()
    })
}
