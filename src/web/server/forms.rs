//! What a form's post comes to: the server function answers in data, and this turns it into a redirect with a word
//! on the page that follows. Forms work so without JavaScript, and with it as well: there the browser part sends
//! them and takes over what the page that follows has changed.

use super::{
    AppState, document,
    once::{Room, Shelf},
    request_limits::{BODY_MAX, FUNCTIONS, SignedIn},
};
use crate::{
    domain::{address, field},
    service::USER_NAME_MAX,
    web::{
        api::fault::Fault,
        dto::{Done, Flash},
    },
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::prelude::use_context;
use std::time::Duration;
use url::form_urlencoded;

/// Words that wait for their page, of people who are signed in …
const FLASHES: Room = Room { things: 64, bytes: 1 << 20, time: Duration::from_secs(120) };
/// … and of all others, apart: nobody from outside pushes the owner's off.
const OF_STRANGERS: Room = Room { things: 64, bytes: 64 << 10, time: Duration::from_secs(60) };
const COOKIE: &str = "flash";
const ANSWER_MAX: usize = 1 << 20;
/// Characters of an error that are told.
const WORDS_MAX: usize = 600;
/// Never shown again.
const SECRET: [&str; 4] = ["password", "again", "old", "token"];
/// The fields that are shown again to somebody who is not signed in, and their characters.
const OF_A_STRANGER: [(&str, usize); 2] = [("name", USER_NAME_MAX), ("next", 200)];

/// Words that wait for the page that follows a form.
#[derive(Clone)]
pub struct Flashes {
    signed_in: Shelf<Flash>,
    strangers: Shelf<Flash>,
}

impl Default for Flashes {
    fn default() -> Flashes {
        Flashes { signed_in: Shelf::new(FLASHES), strangers: Shelf::new(OF_STRANGERS) }
    }
}

impl Flashes {
    /// Keeps a word; returns its name, or `None` where it is too large to be kept.
    fn put(&self, flash: Flash, signed_in: bool) -> Option<String> {
        let bytes = weight(&flash);
        if signed_in { &self.signed_in } else { &self.strangers }.put(flash, bytes)
    }

    fn take(&self, name: &str) -> Option<Flash> {
        self.signed_in.take(name).or_else(|| self.strangers.take(name))
    }
}

/// Bytes that a word takes, with what holds it.
fn weight(flash: &Flash) -> usize {
    const EACH: usize = 64;
    let pairs = |pairs: &[(String, String)]| pairs.iter().map(|(k, v)| k.len() + v.len() + EACH).sum::<usize>();
    let outcome = match &flash.outcome {
        Some(Ok(done)) => {
            let undo = done.undo.as_ref().map_or(0, |undo| undo.action.len() + pairs(&undo.fields));
            done.said.len() + done.goto.as_ref().map_or(0, String::len) + undo
        }
        Some(Err(words)) => words.len(),
        None => 0,
    };
    EACH + flash.form.len() + outcome + pairs(&flash.fields)
}

/// The word for this page, which is then forgotten.
pub fn take_flash() -> Flash {
    let state = use_context::<AppState>();
    state.and_then(|state| state.flashes.take(&document::cookie(COOKIE)?)).unwrap_or_default()
}

/// Runs around the server functions.
pub async fn answer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let of_function = request.uri().path().starts_with(FUNCTIONS);
    if request.method() != Method::POST || !wants_page(request.headers()) {
        let answer = next.run(request).await;
        return if of_function { with_status(answer).await } else { answer };
    }
    let signed_in = SignedIn::is_said(request.extensions());
    let (mut parts, body) = request.into_parts();
    let back = came_from(&parts.headers);
    let (body, fields) = if is_plain(&parts.headers) {
        let Ok(bytes) = to_bytes(body, BODY_MAX).await else {
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
    redirect(&state, answer, Sent { fields, back, signed_in }).await
}

/// What a form's post was.
struct Sent {
    fields: Vec<(String, String)>,
    /// The page that it was sent from.
    back: Option<String>,
    signed_in: bool,
}

/// Gives a function's answer the status of its error: the library answers 500 to all of them.
async fn with_status(answer: Response) -> Response {
    if answer.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let bytes = to_bytes(body, ANSWER_MAX).await.unwrap_or_default();
    if let Ok(fault) = serde_json::from_slice::<Fault>(&bytes) {
        head.status = fault.status();
    }
    Response::from_parts(head, Body::from(bytes))
}

/// Says on the page that a form was sent from why nobody looked at it.
pub fn refused(state: &AppState, headers: &HeaderMap, words: String) -> Response {
    let to = came_from(headers).unwrap_or_else(|| "/".to_owned());
    let flash = Flash { outcome: Some(Err(words)), ..Flash::default() };
    see_other(state, &to, flash, true)
}

async fn redirect(state: &AppState, answer: Response, sent: Sent) -> Response {
    let Sent { fields, back, signed_in } = sent;
    let (head, body) = answer.into_parts();
    let bytes = to_bytes(body, ANSWER_MAX).await.unwrap_or_default();
    let value = |name: &str| fields.iter().find(|(held, _)| held == name).map(|(_, value)| value.clone());
    let home = || back.clone().unwrap_or_else(|| "/".to_owned());
    let form = value("form").map(|form| field::cut(&form, USER_NAME_MAX).to_owned()).unwrap_or_default();
    let (to, flash) = if head.status.is_success() {
        let done: Done = serde_json::from_slice(&bytes).unwrap_or_default();
        let to = done.goto.clone().or_else(|| value("then").map(|to| document::safe_path(&to))).unwrap_or_else(home);
        (to, Flash { form, outcome: Some(Ok(done)), fields: Vec::new() })
    } else {
        match serde_json::from_slice(&bytes) {
            Ok(Fault::SignIn) => (document::log_in_for(&home()), Flash::default()),
            Ok(fault) => {
                let to = value("back").map(|to| document::safe_path(&to)).unwrap_or_else(home);
                let words = field::cut(&fault.to_string(), WORDS_MAX).to_owned();
                (to, Flash { form, outcome: Some(Err(words)), fields: kept(fields, signed_in) })
            }
            // Not a server function's answer: the CSRF layer's, say.
            Err(_) => return Response::from_parts(head, Body::from(bytes)),
        }
    };
    let mut response = see_other(state, &to, flash, signed_in);
    // What the function itself set: session, language, theme.
    for cookie in head.headers.get_all(header::SET_COOKIE) {
        response.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    response
}

/// Sends the browser to a page, with words for it.
fn see_other(state: &AppState, to: &str, flash: Flash, signed_in: bool) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if flash.outcome.is_some()
        && let Some(name) = state.flashes.put(flash, signed_in)
    {
        let cookie = format!("{COOKIE}={name}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
        headers.extend(HeaderValue::from_str(&cookie).map(|cookie| (header::SET_COOKIE, cookie)));
    }
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(header::LOCATION, location);
    response
}

/// Whether server_fn, which takes it for granted, can read a form of files.
pub fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    multer::parse_boundary(kind).is_ok()
}

/// Whether a page is to follow, as browsers' forms want it.
pub fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// What was typed, without secrets. Of somebody who is not signed in only as much as the log-in shows again.
fn kept(fields: Vec<(String, String)>, signed_in: bool) -> Vec<(String, String)> {
    if signed_in {
        return fields.into_iter().filter(|(name, _)| !SECRET.contains(&name.as_str())).collect();
    }
    let keep = |(name, max): (&str, usize)| {
        let value = fields.iter().find(|(held, _)| held == name).map(|(_, value)| value)?;
        Some((name.to_owned(), field::cut(value, max).to_owned()))
    };
    OF_A_STRANGER.into_iter().filter_map(keep).collect()
}

/// Whether a body is a form of plain fields.
pub fn is_plain(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("application/x-www-form-urlencoded")))
}

/// The page that a form was sent from.
pub fn came_from(headers: &HeaderMap) -> Option<String> {
    headers.get(header::REFERER).and_then(|from| from.to_str().ok()).map(path_of)
}

/// The path and query of an address, for going back there.
fn path_of(text: &str) -> String {
    let path = address::read(text).map(|url| match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    });
    document::safe_path(&path.unwrap_or_default())
}
