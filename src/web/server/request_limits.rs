//! What a request may be before anything is made of it: who sends it is known first, its body is read within bounds of
//! bytes and time, and whoever is not signed in leaves nothing behind.

use super::{AppState, auth, connections::Connection, document, forms};
use crate::{domain::lang::Lang, formats::MAX_BYTES, web::api::fault::Fault};
use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use futures::StreamExt;
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
/// Bytes of a body that is too large which are taken all the same, from somebody who is signed in: a browser that is not
/// done sending shows no answer.
const DRAINED_MAX: usize = 8 * FILE_MAX;

/// Whether the request is of somebody who is signed in. Stands in its extensions once [`check`] has passed it.
#[derive(Clone, Copy)]
pub struct SignedIn(pub bool);

impl SignedIn {
    /// Whether a request's extensions say so.
    pub fn is_said(extensions: &Extensions) -> bool {
        extensions.get::<SignedIn>().is_some_and(|signed_in| signed_in.0)
    }
}

/// Runs inside the session layer, before everything that reads a body.
pub async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let session = request.extensions().get::<auth::Auth>();
    let signed_in = state.demo || session.is_some_and(|session| session.user.is_some());
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    if let Some(connection) = &connection {
        connection.is_of(signed_in);
    }
    let function = request.uri().path().strip_prefix(FUNCTIONS);
    if !signed_in && function.is_some_and(|name| !PUBLIC.contains(&name)) {
        return sign_in_first(request.headers());
    }
    let takes_file = function == Some(TAKES_FILE);
    let (limit, time) = if takes_file { (FILE_MAX, FILE_LIMIT) } else { (BODY_MAX, BODY_LIMIT) };
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(SignedIn(signed_in));
    if announced(&parts.headers).is_some_and(|length| length > limit) {
        if signed_in {
            drain(body).await;
        }
        return refused(&state, &parts, Refusal::Large);
    }
    let body = match whole(&parts, body, limit, time).await {
        Ok(body) => body,
        Err(refusal) => return refused(&state, &parts, refusal),
    };
    // server_fn takes for granted that a form of files is one.
    if takes_file && !forms::is_multipart(&parts.headers) {
        return refused(&state, &parts, Refusal::Kind);
    }
    if let Some(connection) = &connection {
        connection.works();
    }
    let _turn = if signed_in { None } else { state.strangers.acquire().await.ok() };
    let response = next.run(Request::from_parts(parts, body)).await;
    if let Some(connection) = &connection {
        connection.answers();
    }
    response
}

/// Why a request is not looked at.
#[derive(Clone, Copy)]
enum Refusal {
    Large,
    Slow,
    /// It was broken off, or is not what its head says.
    Broken,
    ManyFields,
    /// A list that is not sent as a form of files.
    Kind,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Refusal::Large => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Slow => StatusCode::REQUEST_TIMEOUT,
            Refusal::Broken => StatusCode::BAD_REQUEST,
            Refusal::Kind => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::ManyFields => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// What is wrong and what to do.
    fn words(self, lang: Lang, takes_file: bool) -> String {
        let (mb, kb) = (MAX_BYTES >> 20, BODY_MAX >> 10);
        match self {
            Refusal::Large if takes_file => lang.pick(
                format!("文件超过 {mb} MB，请拆分后导入"),
                format!("The file is larger than {mb} MB; split it and import the parts"),
            ),
            Refusal::Large => lang.pick(
                format!("提交的内容超过 {kb} kB，请缩短后重试"),
                format!("What was sent is larger than {kb} kB; shorten it and send it again"),
            ),
            Refusal::Slow => lang
                .pick("提交的内容没有及时到达，请重试", "What was sent did not come in time; send it again")
                .to_owned(),
            Refusal::Broken => {
                lang.pick("提交的内容不完整，请重试", "What was sent is not whole; send it again").to_owned()
            }
            Refusal::Kind => lang
                .pick("请以 multipart/form-data 表单提交文件", "Send the file in a form, as multipart/form-data")
                .to_owned(),
            Refusal::ManyFields => lang.pick(
                format!("表单超过 {FIELDS_MAX} 项，请分几次提交"),
                format!("The form has more than {FIELDS_MAX} fields; send it in parts"),
            ),
        }
    }
}

/// Reads a body to its end, within bounds. A file as well: its reader (multer) looks through all that has come of a part's
/// head whenever the connection is woken, which takes a minute for a head of 30 MB that comes in small packets.
async fn whole(parts: &Parts, body: Body, limit: usize, time: Duration) -> Result<Body, Refusal> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        // Nothing makes anything of it.
        return Ok(Body::empty());
    }
    let bytes = timeout(time, within(body, limit)).await.map_err(|_| Refusal::Slow)??;
    if forms::is_plain(&parts.headers) && bytes.iter().filter(|byte| **byte == b'&').count() >= FIELDS_MAX {
        return Err(Refusal::ManyFields);
    }
    Ok(Body::from(bytes))
}

async fn within(body: Body, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut body = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| Refusal::Broken)?;
        if bytes.len() + piece.len() > limit {
            return Err(Refusal::Large);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Takes a body that nobody wants, within bounds.
async fn drain(body: Body) {
    let mut left = DRAINED_MAX;
    let mut body = body.into_data_stream();
    let taking = async {
        while let Some(Ok(piece)) = body.next().await
            && piece.len() <= left
        {
            left -= piece.len();
        }
    };
    // Whether it came to its end or not: the answer is the same.
    let _ = timeout(FILE_LIMIT, taking).await;
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

/// An answer to what was not read: the connection cannot be used for more. Who sent a form finds it on the page that it
/// was sent from, who is not signed in gets no more than the words.
fn refused(state: &AppState, parts: &Parts, refusal: Refusal) -> Response {
    let headers = &parts.headers;
    let function = parts.uri.path().strip_prefix(FUNCTIONS);
    let words = refusal.words(document::lang_of(headers), function == Some(TAKES_FILE));
    let mut response = if function.is_some() && SignedIn::is_said(&parts.extensions) && forms::wants_page(headers) {
        forms::refused(state, headers, words)
    } else if function.is_some() {
        (refusal.status(), Json(Fault::Refused(words))).into_response()
    } else {
        (refusal.status(), format!("{words}\n")).into_response()
    };
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
