//! The document around the pages, and their routes.

use crate::{
    domain::lang::Lang,
    web::{
        live::provide_live,
        pages::{home::Home, not_found::NotFound},
    },
};
use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

/// The document. Only the server draws it.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    use crate::web::server::document;
    use leptos_meta::MetaTags;

    let lang = page_lang();
    let names = document::names();
    let nonce = document::set_policy();
    let start = document::start_script(&names);
    view! {
        <!DOCTYPE html>
        <html lang=lang.tag()>
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
            <body>
                <App />
            </body>
        </html>
    }
}

/// The pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(page_lang());
    provide_live();
    view! {
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/") view=Home ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}

/// The language of this page: on the server by the request, in the browser as the server drew it.
fn page_lang() -> Lang {
    #[cfg(feature = "ssr")]
    {
        crate::web::server::document::request_lang()
    }
    #[cfg(not(feature = "ssr"))]
    {
        let root = leptos::prelude::document().document_element();
        root.and_then(|html| html.get_attribute("lang")).and_then(|tag| Lang::of_tag(&tag)).unwrap_or_default()
    }
}
