//! What a request may be before anything is made of it: who sends it is known first, its body is read within bounds of
//! bytes and time, and whoever is not signed in leaves nothing behind.

use super::{AppState, auth, connections::Connection, document, forms};
use crate::{formats::MAX_BYTES, web::api::fault::Fault};
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Bytes of a request's body. A link fits in whose texts are all as long as they may be and Chinese (nine bytes a
/// character, as forms write them).
pub const BODY_MAX: usize = 64 << 10;
/// The whole of a body comes within this time.
const BODY_LIMIT: Duration = Duration::from_secs(30);
/// Bytes of the one body that is a file: the largest list, and what a form puts around it.
const FILE_MAX: usize = MAX_BYTES + (64 << 10);
/// The whole of a file comes within this time: 32 MB at half a megabit a second.
const FILE_LIMIT: Duration = Duration::from_secs(10 * 60);
/// Fields of a form. The settings have fewer than a hundred, a page of ticked links two hundred.
const FIELDS_MAX: usize = 512;
/// Requests of people who are not signed in that are worked on at once: they wait for each other, and the owner for none
/// of them.
pub const STRANGERS_AT_ONCE: usize = 4;
/// Where the server functions are.
pub const FUNCTIONS: &str = "/api/fn/";
/// The functions that want no log-in. Each of them bounds what it is given.
const PUBLIC: [&str; 5] = ["gate", "set_up", "sign_in", "choose_lang", "choose_theme"];
/// The one function that takes a file.
const TAKES_FILE: &str = "preview_import";

/// Whether the request is of somebody who is signed in. Stands in its extensions once [`check`] has passed it.
#[derive(Clone, Copy)]
pub struct SignedIn(pub bool);

/// Runs inside the session layer, before everything that reads a body.
pub async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let session = request.extensions().get::<auth::Auth>();
    let signed_in = state.demo || session.is_some_and(|session| session.user.is_some());
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    if let Some(connection) = &connection {
        connection.is_of(signed_in);
    }
    let function = request.uri().path().strip_prefix(FUNCTIONS).map(str::to_owned);
    if !signed_in && function.as_deref().is_some_and(|name| !PUBLIC.contains(&name)) {
        return sign_in_first(request.headers());
    }
    let takes_file = function.as_deref() == Some(TAKES_FILE);
    let (limit, time) = if takes_file { (FILE_MAX, FILE_LIMIT) } else { (BODY_MAX, BODY_LIMIT) };
    if announced(request.headers()).is_some_and(|length| length > limit) {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, &format!("at most {limit} bytes"));
    }
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(SignedIn(signed_in));
    let body = if takes_file {
        Body::new(http_body_util::Limited::new(body, limit))
    } else {
        match whole(&parts, body, limit, time).await {
            Ok(body) => body,
            Err(refusal) => return refusal,
        }
    };
    if let Some(connection) = &connection {
        connection.works();
    }
    let _turn = if signed_in { None } else { state.strangers.acquire().await.ok() };
    let request = Request::from_parts(parts, body);
    let response = if takes_file {
        let late = |_| refused(StatusCode::REQUEST_TIMEOUT, "the list did not come in time");
        timeout(time, next.run(request)).await.unwrap_or_else(late)
    } else {
        next.run(request).await
    };
    if let Some(connection) = &connection {
        connection.answers();
    }
    response
}

/// Reads a body to its end, within bounds.
async fn whole(parts: &Parts, body: Body, limit: usize, time: Duration) -> Result<Body, Response> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        // Nothing makes anything of it.
        return Ok(Body::empty());
    }
    let bytes = match timeout(time, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, &format!("at most {limit} bytes"))),
        Err(_) => return Err(refused(StatusCode::REQUEST_TIMEOUT, "the request did not come in time")),
    };
    if forms::is_plain(&parts.headers) && bytes.iter().filter(|byte| **byte == b'&').count() >= FIELDS_MAX {
        return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, &format!("at most {FIELDS_MAX} fields")));
    }
    Ok(Body::from(bytes))
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Sends pages to the log-in, and tells programs.
fn sign_in_first(headers: &HeaderMap) -> Response {
    if forms::wants_page(headers) {
        let back = forms::came_from(headers).unwrap_or_else(|| "/".to_owned());
        return Redirect::to(&document::log_in_for(&back)).into_response();
    }
    (StatusCode::UNAUTHORIZED, Json(Fault::SignIn)).into_response()
}

/// An answer to what was not read: the connection cannot be used for more.
fn refused(status: StatusCode, words: &str) -> Response {
    let mut response = (status, format!("{words}\n")).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
