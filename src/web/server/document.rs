//! What only the server knows of the document it draws.

pub use super::assets::{Names, names};
use crate::{
    domain::lang::Lang,
    web::{dto::Theme, server::AppState},
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use leptos::{
    nonce::{Nonce, use_nonce},
    prelude::*,
};
use leptos_axum::ResponseOptions;
use std::sync::atomic::Ordering::Relaxed;

const LANG_COOKIE: &str = "lang";
const THEME_COOKIE: &str = "theme";
const YEAR_SECONDS: u32 = 31_536_000;

/// The language of the page being drawn.
pub fn request_lang() -> Lang {
    use_context::<Parts>().map(|parts| lang_of(&parts.headers)).unwrap_or_default()
}

/// The language that was chosen, or else the one the browser asks for.
pub fn lang_of(headers: &HeaderMap) -> Lang {
    let chosen = cookie_of(headers, LANG_COOKIE).and_then(Lang::of_tag);
    chosen.unwrap_or_else(|| {
        let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|header| header.to_str().ok());
        header.map(Lang::of_accept_language).unwrap_or_default()
    })
}

/// The look that was chosen.
pub fn request_theme() -> Theme {
    cookie(THEME_COOKIE).map(|code| Theme::of_code(&code)).unwrap_or_default()
}

pub fn remember_lang(tag: &str) {
    let lang = Lang::of_tag(tag).unwrap_or_default();
    remember(LANG_COOKIE, lang.tag());
}

pub fn remember_theme(code: &str) {
    remember(THEME_COOKIE, Theme::of_code(code).code());
}

fn remember(name: &str, value: &str) {
    set_cookie(&format!("{name}={value}; Path=/; Max-Age={YEAR_SECONDS}; SameSite=Lax"));
}

/// Has the browser keep a cookie. `hosts::secure_cookies` marks it under https.
pub fn set_cookie(cookie: &str) {
    if let (Some(response), Ok(cookie)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(cookie)) {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

/// A cookie of the request.
pub fn cookie(name: &str) -> Option<String> {
    cookie_of(&use_context::<Parts>()?.headers, name).map(str::to_owned)
}

fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(held, _)| *held == name).map(|(_, value)| value)
}

/// The path and query of the page being drawn.
pub fn request_path() -> String {
    use_context::<Parts>().and_then(|parts| Some(parts.uri.path_and_query()?.to_string())).unwrap_or_else(|| "/".into())
}

/// The log-in, and from there back to the page being drawn.
pub fn way_in() -> String {
    log_in_for(&request_path())
}

/// The log-in, and from there on to a path.
pub fn log_in_for(path: &str) -> String {
    let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    format!("/login?next={next}")
}

/// A path of this site to go to. Anything that would lead elsewhere becomes the first page.
pub fn safe_path(path: &str) -> String {
    let plain = path.starts_with('/')
        && !path.starts_with("//")
        && !path.starts_with("/\\")
        && path.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    if plain && !path.starts_with("/api/") { path.to_owned() } else { "/".to_owned() }
}

/// Sends whoever asks elsewhere, be it a browser or not.
pub fn redirect(to: &str) {
    if let (Some(response), Ok(to)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(to)) {
        response.set_status(StatusCode::FOUND);
        response.insert_header(header::LOCATION, to);
    }
}

/// Has the browser ask for the page being drawn once more.
pub fn refresh_after(seconds: u32) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(header::REFRESH, HeaderValue::from(seconds));
    }
}

/// The status of the answer.
pub fn set_status(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}

/// Sends the content security policy that goes with this page's nonce.
pub fn set_policy() -> Option<Nonce> {
    let nonce = use_nonce()?;
    let avatars = use_context::<AppState>().is_some_and(|state| state.avatars.load(Relaxed));
    let images = if avatars { "'self' data: https: http:" } else { "'self' data:" };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src {images}; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let (Some(response), Ok(policy)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&policy)) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    Some(nonce)
}

/// Loads the browser part and hands it the islands. Where it is missing the page still works, as one without
/// JavaScript does.
pub fn start_script(names: &Names) -> String {
    format!(
        "import('/pkg/{}').then(m => m.default({{ module_or_path: '/pkg/{}' }}).then(() => {{ m.hydrate(); \
         document.querySelectorAll('leptos-island').forEach(i => m[i.dataset.component]?.(i)) }}))",
        names.js, names.wasm
    )
}

#[cfg(test)]
mod tests {
    use super::safe_path;

    #[test]
    fn only_paths_of_this_site_are_gone_to() {
        for fine in ["/", "/links?status=hidden&page=2", "/runs/12", "/whitelist?pattern=%2A.example.com"] {
            assert_eq!(safe_path(fine), fine);
        }
        for elsewhere in
            ["", "//evil.test", "/\\evil.test", "https://evil.test", "links", "/a\r\nSet-Cookie: x", "/api/fn/sign_out"]
        {
            assert_eq!(safe_path(elsewhere), "/", "{elsewhere}");
        }
    }
}
