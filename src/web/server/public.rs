//! What is not a page: the list for the blog, which is public, and exports, which are not.

use super::{AppState, connections::Connection, document, request_limits::SignedIn, shown::Coding, views};
use crate::{formats::Format, service::ServiceError};
use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use clap::ValueEnum;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use std::sync::Arc;

/// How long a blog's visitors may keep the list without asking.
const CACHE: &str = "public, max-age=60";

/// The shown links by group, for any page anywhere to render.
pub async fn links(
    State(state): State<AppState>,
    connection: Option<Extension<Arc<Connection>>>,
    headers: HeaderMap,
) -> Response {
    let list = match state.shown.now(&state.service).await {
        Ok(list) => list,
        Err(error) => {
            tracing::error!(%error, "the public list could not be made");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let coding = Coding::of(headers.get_all(header::ACCEPT_ENCODING));
    let tag = list.tag(coding);
    let held = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let is_held = |one: &str| one.trim().trim_start_matches("W/") == tag || one.trim() == "*";
    let known = held.flat_map(|tags| tags.split(',')).any(is_held);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        list.body(coding, connection.as_deref()).await.into_response()
    };
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(name) = coding.name().filter(|_| !known) {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    out.extend(HeaderValue::from_str(&tag).map(|tag| (header::ETAG, tag)));
    response
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ExportQuery {
    shown: String,
}

/// Lets those through who are signed in, before anything of the request is read; others go to the log-in, and from there
/// to the page that offers the file.
pub async fn admin_only(request: Request, next: Next) -> Response {
    if SignedIn::is_said(request.extensions()) {
        return next.run(request).await;
    }
    let offered_on = if request.uri().path().starts_with("/audit") { "/audit" } else { "/import" };
    Redirect::to(&document::log_in_for(offered_on)).into_response()
}

/// Who did what as a table, for the admin.
pub async fn audit(State(state): State<AppState>) -> Response {
    saved("audit.csv", "text/csv", views::account::audit_csv(&state.service).await)
}

/// A file to save.
fn saved(name: &str, kind: &str, text: Result<impl Into<Body>, ServiceError>) -> Response {
    match text {
        Ok(text) => {
            let kind = format!("{kind}; charset=utf-8");
            let saved_as = format!("attachment; filename=\"{name}\"");
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, saved_as)], text.into()).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an export could not be made");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// The roll as a file, for the admin.
pub async fn export(
    State(state): State<AppState>,
    Path(format): Path<String>,
    Query(query): Query<ExportQuery>,
) -> Response {
    let format = Format::from_str(&format, true).ok().filter(|format| *format != Format::LinkList);
    let Some(format) = format else { return StatusCode::NOT_FOUND.into_response() };
    let (name, kind) = match format {
        Format::Json | Format::LinkList => ("rollcall.json", "application/json"),
        Format::FriendJson => ("friend.json", "application/json"),
        Format::Csv => ("links.csv", "text/csv"),
        Format::LinkYml => ("link.yml", "application/yaml"),
        Format::Opml => ("links.opml", "text/x-opml"),
    };
    let mut parts = Box::pin(state.service.export(format, !query.shown.is_empty()));
    // What fails at once is told as such; later on the file can only be broken off.
    let first = parts.try_next().await.map(|first| {
        let broken_off = |error: &ServiceError| tracing::error!(%error, "an export was broken off");
        Body::from_stream(stream::iter(first.map(Ok)).chain(parts).inspect_err(broken_off))
    });
    saved(name, kind, first)
}
