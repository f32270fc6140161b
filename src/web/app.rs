//! The document around the pages, and their routes.

use crate::web::{
    pages::{
        account::{Login, Setup},
        audit::Audit,
        home::Home,
        import::Import,
        link::Link,
        link_form::{EditLink, NewLink},
        links::Links,
        not_found::NotFound,
        review::Review,
        run::Run,
        runs::Runs,
        settings::SettingsView,
        whitelist::Whitelist,
    },
    server::{document, forms},
};
use leptos::prelude::*;
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

/// The document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let lang = document::request_lang();
    let theme = document::request_theme();
    let names = document::names();
    let nonce = document::set_policy();
    let start = document::start_script(&names);
    let bare = matches!(document::request_path().split('?').next(), Some("/login" | "/setup"));
    view! {
        <!DOCTYPE html>
        <html lang=lang.tag() data-theme=theme.code()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=format!("/pkg/{}", names.css) />
                <link rel="modulepreload" href=format!("/pkg/{}", names.js) nonce=nonce.clone() />
                <link
                    rel="preload"
                    href=format!("/pkg/{}", names.wasm)
                    r#as="fetch"
                    r#type="application/wasm"
                    crossorigin="anonymous"
                />
                <script type="module" nonce=nonce>
                    {start}
                </script>
                <AutoReload options />
                <MetaTags />
            </head>
            <body data-shell=if bare { "bare" } else { "app" }>
                <App />
            </body>
        </html>
    }
}

/// The pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(document::request_lang());
    provide_context(document::request_theme());
    provide_context(forms::take_flash());
    view! {
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/") view=Home ssr=SsrMode::Async />
                <Route path=path!("/links") view=Links ssr=SsrMode::Async />
                <Route path=path!("/links/new") view=NewLink ssr=SsrMode::Async />
                <Route path=path!("/links/:id") view=Link ssr=SsrMode::Async />
                <Route path=path!("/links/:id/edit") view=EditLink ssr=SsrMode::Async />
                <Route path=path!("/runs") view=Runs ssr=SsrMode::Async />
                <Route path=path!("/runs/:id") view=Run ssr=SsrMode::Async />
                <Route path=path!("/review") view=Review ssr=SsrMode::Async />
                <Route path=path!("/whitelist") view=Whitelist ssr=SsrMode::Async />
                <Route path=path!("/import") view=Import ssr=SsrMode::Async />
                <Route path=path!("/settings") view=SettingsView ssr=SsrMode::Async />
                <Route path=path!("/audit") view=Audit ssr=SsrMode::Async />
                <Route path=path!("/setup") view=Setup ssr=SsrMode::Async />
                <Route path=path!("/login") view=Login ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
