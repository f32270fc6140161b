//! What every page stands in: head, run bar, toasts, and the dialogs over it.

use super::{form::Toasts, load::nothing, run_bar::RunBar};
use crate::{
    domain::lang::Lang,
    web::{
        api::runs::read_live,
        dto::Theme,
        words::{Words, use_words},
    },
};
use leptos::{children::Children, prelude::*};
use leptos_meta::Title;

/// Without JavaScript a page looks again after so many seconds while a run goes on.
const LOOK_AGAIN: &str = "3";

/// A page of the signed-in part. `at` is its place in the navigation.
#[component]
pub fn Frame(at: &'static str, #[prop(into)] title: String, children: Children) -> impl IntoView {
    let words = use_words();
    view! {
        <Title text=format!("{title} · Rollcall") />
        <a class="skip" href="#content">
            {words.skip}
        </a>
        <div id="top">
            <header class="top">
                <Brand />
                <nav class="main" aria-label=words.navigation>
                    {places(words)
                        .into_iter()
                        .map(|(to, label)| {
                            view! {
                                <a href=to aria-current=(to == at).then_some("page")>
                                    {label}
                                </a>
                            }
                        })
                        .collect_view()}
                </nav>
                <Menu />
            </header>
        </div>
        <Suspense fallback=nothing>
            {move || Suspend::new(async move {
                let drawn = read_live().await.unwrap_or_default();
                let goes_on = drawn.iter().any(|run| !run.is_over());
                view! {
                    <RunBar drawn />
                    {goes_on
                        .then(|| {
                            view! {
                                <noscript>
                                    <meta http-equiv="refresh" content=LOOK_AGAIN />
                                </noscript>
                            }
                        })}
                }
            })}
        </Suspense>
        <Toasts />
        <main id="content">{children()}</main>
        <dialog id="dialog"></dialog>
        <Keys />
    }
    .into_any()
}

fn places(words: &Words) -> [(&'static str, &'static str); 7] {
    [
        ("/", words.nav_home),
        ("/links", words.links),
        ("/review", words.nav_review),
        ("/runs", words.runs),
        ("/whitelist", words.whitelist),
        ("/import", words.nav_import),
        ("/settings", words.settings),
    ]
}

#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a class="brand" href="/">
            <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
                <path d="M4 6.5h9M4 12h6M4 17.5h9" />
                <path class="tick" d="M14 12.5l2.6 2.6L21 9" />
            </svg>
            "Rollcall"
        </a>
    }
}

/// Language, look, and the way out.
#[component]
fn Menu() -> impl IntoView {
    let words = use_words();
    view! {
        <details class="menu">
            <summary aria-label=words.menu>
                <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
                    <path d="M8 8.2a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM2.8 13.6c.7-2.4 2.7-3.6 5.2-3.6s4.5 1.2 5.2 3.6" />
                </svg>
            </summary>
            <div class="panel">
                <Choices />
                <form method="post" action="/api/fn/sign_out" class="out">
                    <button type="submit" class="link">
                        {words.sign_out}
                    </button>
                    <button type="submit" class="link" name="everywhere" value="yes">
                        {words.sign_out_everywhere}
                    </button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

/// Language and look, remembered by the browser.
#[component]
pub fn Choices() -> impl IntoView {
    let words = use_words();
    let theme = use_context::<Theme>().unwrap_or_default();
    let langs = [(Lang::Zh, "中文"), (Lang::En, "English")];
    let themes =
        [(Theme::System, words.theme_system), (Theme::Light, words.theme_light), (Theme::Dark, words.theme_dark)];
    view! {
        <form method="post" action="/api/fn/choose_lang" class="choice" aria-label=words.language>
            {langs
                .into_iter()
                .map(|(lang, label)| {
                    let on = lang == words.lang;
                    view! {
                        <button type="submit" name="lang" value=lang.tag() lang=lang.tag() aria-pressed=pressed(on)>
                            {label}
                        </button>
                    }
                })
                .collect_view()}
        </form>
        <form method="post" action="/api/fn/choose_theme" class="choice" aria-label=words.theme>
            {themes
                .into_iter()
                .map(|(one, label)| {
                    view! {
                        <button type="submit" name="theme" value=one.code() aria-pressed=pressed(one == theme)>
                            {label}
                        </button>
                    }
                })
                .collect_view()}
        </form>
    }
    .into_any()
}

fn pressed(on: bool) -> &'static str {
    if on { "true" } else { "false" }
}

/// All keys there are; `?` shows them.
#[component]
fn Keys() -> impl IntoView {
    let words = use_words();
    let keys = [
        ("/", words.key_search),
        ("j", words.key_down),
        ("k", words.key_up),
        ("r", words.recheck),
        ("w", words.key_whitelist),
        ("x", words.key_select),
        ("f · h · s", words.key_review),
        ("?", words.key_help),
        ("Esc", words.key_escape),
    ];
    view! {
        <dialog id="keys" aria-labelledby="keys-title">
            <h2 id="keys-title">{words.keys}</h2>
            <dl class="keys">
                {keys
                    .into_iter()
                    .map(|(key, what)| {
                        view! {
                            <div>
                                <dt>
                                    <kbd>{key}</kbd>
                                </dt>
                                <dd>{what}</dd>
                            </div>
                        }
                    })
                    .collect_view()}
            </dl>
            <button type="button" data-close="">
                {words.close}
            </button>
        </dialog>
    }
    .into_any()
}
