//! What only the server knows of the document it draws.

pub use super::assets::{Names, names};
use crate::domain::lang::Lang;
use axum::http::{HeaderValue, header, request::Parts};
use leptos::{
    nonce::{Nonce, use_nonce},
    prelude::*,
};
use leptos_axum::ResponseOptions;

/// The language that the request asks for.
pub fn request_lang() -> Lang {
    let parts = use_context::<Parts>();
    let header = parts.as_ref().and_then(|parts| parts.headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok());
    header.map(Lang::of_accept_language).unwrap_or_default()
}

/// Sends the content security policy that goes with this page's nonce.
pub fn set_policy() -> Option<Nonce> {
    let nonce = use_nonce()?;
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let (Some(response), Ok(policy)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&policy)) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    Some(nonce)
}

/// Loads the browser part. Where it is missing the page still works, as one without JavaScript does.
pub fn start_script(names: &Names) -> String {
    format!(
        "import('/pkg/{}').then(m => m.default({{ module_or_path: '/pkg/{}' }}).then(() => m.hydrate()))",
        names.js, names.wasm
    )
}
