//! The browser part, embedded: hashed names, compressed when it was built.

use super::shown::Coding;
use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use bytes::Bytes;
use rust_embed::{Embed, EmbeddedFile};
use serde::Deserialize;
use std::{borrow::Cow, sync::LazyLock};

/// What `cargo xtask site` built. A debug build reads it from disk, a release build carries it.
#[derive(Embed)]
#[folder = "target/site"]
#[allow_missing = true]
struct Site;

/// The names that a page has to ask for.
#[derive(Clone, Deserialize)]
pub struct Names {
    pub js: String,
    pub wasm: String,
    pub css: String,
}

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Hashed names, or the plain ones that `cargo leptos watch` makes.
pub fn names() -> Names {
    static NAMES: LazyLock<Option<Names>> = LazyLock::new(read_names);
    // In a debug build the site may be built anew while the server runs.
    let found = if cfg!(debug_assertions) { read_names() } else { NAMES.clone() };
    found.unwrap_or_else(|| Names {
        js: "rollcall.js".to_owned(),
        wasm: "rollcall.wasm".to_owned(),
        css: "rollcall.css".to_owned(),
    })
}

fn read_names() -> Option<Names> {
    serde_json::from_slice(&Site::get("pkg/manifest.json")?.data).ok()
}

pub async fn pkg(Path(path): Path<String>, headers: HeaderMap) -> Response<Body> {
    // manifest.json is for the server.
    if path.ends_with(".json") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let hashed = path.bytes().any(|b| b == b'-');
    serve(&format!("pkg/{path}"), &headers, if hashed { IMMUTABLE } else { "no-cache" })
}

pub async fn favicon(headers: HeaderMap) -> Response<Body> {
    serve("favicon.svg", &headers, "public, max-age=86400")
}

pub async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /\n"
}

fn serve(path: &str, headers: &HeaderMap, cache: &'static str) -> Response<Body> {
    let coding = Coding::of(headers.get_all(header::ACCEPT_ENCODING));
    let suffix = if coding == Coding::Brotli { "br" } else { "gz" };
    let packed = coding.name().and_then(|name| Some((name, Site::get(&format!("{path}.{suffix}"))?)));
    let (coding, file): (Option<&str>, EmbeddedFile) = match packed {
        Some((coding, file)) => (Some(coding), file),
        None => match Site::get(path) {
            Some(file) => (None, file),
            None => return StatusCode::NOT_FOUND.into_response(),
        },
    };
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let mut response = Response::new(match file.data {
        // Carried by the program: every answer points to the same bytes, however many nobody takes.
        Cow::Borrowed(bytes) => Body::from(Bytes::from_static(bytes)),
        Cow::Owned(bytes) => Body::from(bytes),
    });
    let out = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind.as_ref()) {
        out.insert(header::CONTENT_TYPE, kind);
    }
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(coding) = coding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}
