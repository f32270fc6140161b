//! What a form's post comes to: the server function answers in data, and this turns it into a redirect with a word
//! on the page that follows. Forms work so without JavaScript, and with it as well: there the browser part sends
//! them and takes over what the page that follows has changed.

use super::{AppState, document, once::Shelf};
use crate::web::{
    api::fault::Fault,
    dto::{Done, Flash},
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::prelude::use_context;
use url::form_urlencoded;

/// Words that wait for their page at most.
const FLASHES: usize = 256;
const COOKIE: &str = "flash";
/// A form's fields are kept up to this size, to be shown again where they were refused.
const FIELDS_MAX: usize = 64 << 10;
/// Larger posts of plain fields are refused; files come as multipart and have a bound of their own.
const POST_MAX: usize = 8 << 20;
const ANSWER_MAX: usize = 1 << 20;
/// The one function that takes files.
const FILES: &str = "/preview_import";
/// Never shown again.
const SECRET: [&str; 4] = ["password", "again", "old", "token"];

pub type Flashes = Shelf<Flash>;

pub fn shelf() -> Flashes {
    Shelf::new(FLASHES)
}

/// The word for this page, which is then forgotten.
pub fn take_flash() -> Flash {
    let state = use_context::<AppState>();
    state.and_then(|state| state.flashes.take(&document::cookie(COOKIE)?)).unwrap_or_default()
}

/// Runs around the server functions.
pub async fn answer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // server_fn takes for granted that a form of files is one.
    if request.uri().path().ends_with(FILES) && !is_multipart(request.headers()) {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "send a form as multipart/form-data\n").into_response();
    }
    if request.method() != Method::POST || !wants_page(request.headers()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let plain = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("application/x-www-form-urlencoded")));
    let back = parts.headers.get(header::REFERER).and_then(|from| from.to_str().ok()).map(path_of);
    let (body, fields) = if plain {
        let Ok(bytes) = to_bytes(body, POST_MAX).await else {
            return (StatusCode::PAYLOAD_TOO_LARGE, "too large\n").into_response();
        };
        let fields = form_urlencoded::parse(&bytes).into_owned().collect();
        (Body::from(bytes), fields)
    } else {
        (body, Vec::new())
    };
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    parts.headers.remove(header::REFERER);
    let answer = next.run(Request::from_parts(parts, body)).await;
    redirect(&state, answer, fields, back).await
}

async fn redirect(state: &AppState, answer: Response, fields: Vec<(String, String)>, back: Option<String>) -> Response {
    let (head, body) = answer.into_parts();
    let bytes = to_bytes(body, ANSWER_MAX).await.unwrap_or_default();
    let field = |name: &str| fields.iter().find(|(held, _)| held == name).map(|(_, value)| value.clone());
    let home = || back.clone().unwrap_or_else(|| "/".to_owned());
    let form = field("form").unwrap_or_default();
    let (to, flash) = if head.status.is_success() {
        let done: Done = serde_json::from_slice(&bytes).unwrap_or_default();
        let to = done.goto.clone().or_else(|| field("then").map(|to| document::safe_path(&to))).unwrap_or_else(home);
        (to, Flash { form, outcome: Some(Ok(done)), fields: Vec::new() })
    } else {
        match serde_json::from_slice(&bytes) {
            Ok(Fault::SignIn) => (format!("/login?next={}", escaped(&home())), Flash::default()),
            Ok(fault) => {
                let to = field("back").map(|to| document::safe_path(&to)).unwrap_or_else(home);
                (to, Flash { form, outcome: Some(Err(fault.to_string())), fields: kept(fields) })
            }
            // Not a server function's answer: the CSRF layer's, say.
            Err(_) => return Response::from_parts(head, Body::from(bytes)),
        }
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    // What the function itself set: session, language, theme.
    for cookie in head.headers.get_all(header::SET_COOKIE) {
        headers.append(header::SET_COOKIE, cookie.clone());
    }
    if flash.outcome.is_some() {
        let name = state.flashes.put(flash);
        let cookie = format!("{COOKIE}={name}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
        headers.extend(HeaderValue::from_str(&cookie).map(|cookie| (header::SET_COOKIE, cookie)));
    }
    let location = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(header::LOCATION, location);
    response
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("multipart/form-data") && kind.contains("boundary=")
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// What was typed, without secrets, and only as much as is sensible.
fn kept(fields: Vec<(String, String)>) -> Vec<(String, String)> {
    let size: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > FIELDS_MAX {
        return Vec::new();
    }
    fields.into_iter().filter(|(name, _)| !SECRET.contains(&name.as_str())).collect()
}

/// The path and query of an address, for going back there.
fn path_of(address: &str) -> String {
    let path = url::Url::parse(address).map(|url| match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    });
    document::safe_path(&path.unwrap_or_default())
}

fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
