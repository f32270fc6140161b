//! Making the first account, and signing in.

use super::query;
use crate::web::{
    api::{account::read_gate, gate::go_to},
    components::{
        form::{Field, Form, Kind, Toasts},
        frame::{Brand, Choices},
        load::loaded,
    },
    dto::Gate,
    words::use_words,
};
use leptos::{children::Children, prelude::*};
use leptos_meta::Title;

const PASSWORD: Kind = Kind { r#type: "password", autocomplete: "current-password", required: true, list: "" };
const NEW_PASSWORD: Kind = Kind { autocomplete: "new-password", ..PASSWORD };
const NAME: Kind = Kind { r#type: "text", autocomplete: "username", required: true, list: "" };

#[component]
pub fn Setup() -> impl IntoView {
    let words = use_words();
    let token = query("token");
    view! {
        <Door title=words.set_up>
            {loaded(move || {
                let token = token.clone();
                async move {
                    Ok(
                        match read_gate().await? {
                            Gate::Setup => view! { <SetUpForm token /> }.into_any(),
                            Gate::SignIn => away("/login"),
                            Gate::Open => away("/"),
                        },
                    )
                }
            })}
        </Door>
    }
}

#[component]
fn SetUpForm(token: String) -> impl IntoView {
    let words = use_words();
    let known = !token.is_empty();
    let back = if known { format!("/setup?token={token}") } else { "/setup".to_owned() };
    let token = if known {
        view! { <input type="hidden" name="token" value=token /> }.into_any()
    } else {
        view! { <Field form="setup" name="token" label=words.f_token help=words.h_token kind=Kind::NEEDED /> }
            .into_any()
    };
    view! {
        <h1 tabindex="-1">{words.set_up}</h1>
        <p class="soft">{words.set_up_text}</p>
        <Form name="setup" action="/api/fn/set_up" back=back>
            {token}
            <Field form="setup" name="name" label=words.f_account kind=NAME />
            <Field form="setup" name="password" label=words.f_password help=words.h_password kind=NEW_PASSWORD />
            <Field form="setup" name="again" label=words.f_again kind=NEW_PASSWORD />
            <button type="submit" class="primary">
                {words.set_up_do}
            </button>
        </Form>
    }
    .into_any()
}

#[component]
pub fn Login() -> impl IntoView {
    let words = use_words();
    let next = query("next");
    view! {
        <Door title=words.sign_in>
            {loaded(move || {
                let next = next.clone();
                async move {
                    Ok(
                        match read_gate().await? {
                            Gate::Setup => away("/setup"),
                            Gate::SignIn => view! { <LoginForm next /> }.into_any(),
                            Gate::Open => away("/"),
                        },
                    )
                }
            })}
        </Door>
    }
}

#[component]
fn LoginForm(next: String) -> impl IntoView {
    let words = use_words();
    view! {
        <h1 tabindex="-1">{words.sign_in}</h1>
        <Form name="login" action="/api/fn/sign_in">
            <input type="hidden" name="next" value=next />
            <Field form="login" name="name" label=words.f_account kind=NAME />
            <Field form="login" name="password" label=words.f_password kind=PASSWORD />
            <button type="submit" class="primary">
                {words.sign_in}
            </button>
        </Form>
        <p class="soft">
            {words.forgotten} " " <code>{format!("rollcall user passwd {}", words.f_account)}</code>
        </p>
    }
    .into_any()
}

/// Sends the browser to where it belongs.
fn away(to: &'static str) -> AnyView {
    go_to(to);
    view! { <a href=to>{to}</a> }.into_any()
}

/// The page of somebody who is not in yet.
#[component]
fn Door(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <Title text=format!("{title} · Rollcall") />
        <main id="content" class="door">
            <Brand />
            <Toasts />
            {children()}
            <div class="choices">
                <Choices />
            </div>
        </main>
    }
    .into_any()
}
