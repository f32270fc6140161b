//! What is not a page: the list for the blog, which is public, and exports, which are not.

use super::{AppState, auth, views};
use crate::{domain::address, formats::Format, service::ServiceError};
use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};

/// How long a blog's visitors may keep the list without asking.
const CACHE: &str = "public, max-age=60";

#[derive(Serialize)]
struct Group {
    name: String,
    links: Vec<Friend>,
}

#[derive(Serialize)]
struct Friend {
    name: String,
    url: String,
    logo: String,
    description: String,
    feed: String,
}

#[derive(Serialize)]
struct Shown {
    groups: Vec<Group>,
    count: usize,
}

/// The shown links by group, for any page anywhere to render.
pub async fn links(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let by_group = match state.service.shown_by_group().await {
        Ok(groups) => groups,
        Err(error) => {
            tracing::error!(%error, "the public list could not be made");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let friend = |about: crate::domain::link::About| Friend {
        url: address::safe_href(&about.url),
        logo: address::safe_href(&about.logo),
        feed: address::safe_href(&about.feed),
        name: about.name,
        description: about.description,
    };
    let groups: Vec<Group> = by_group
        .into_iter()
        .map(|(name, links)| Group { name, links: links.into_iter().map(friend).collect() })
        .collect();
    let count = groups.iter().map(|group| group.links.len()).sum();
    let body = serde_json::to_string(&Shown { groups, count }).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let held = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let known = held.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*");
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    out.extend(HeaderValue::from_str(&tag).map(|tag| (header::ETAG, tag)));
    response
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ExportQuery {
    shown: String,
}

/// Who did what as a table, for the admin.
pub async fn audit(State(state): State<AppState>, session: Option<Extension<auth::Auth>>) -> Response {
    if !is_admin(&state, session.as_deref()) {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, "/login?next=/audit")]).into_response();
    }
    saved("audit.csv", "text/csv", views::account::audit_csv(&state.service).await)
}

fn is_admin(state: &AppState, session: Option<&auth::Auth>) -> bool {
    state.demo || session.is_some_and(|session| session.user.is_some())
}

/// A file to save.
fn saved(name: &str, kind: &str, text: Result<String, ServiceError>) -> Response {
    match text {
        Ok(text) => {
            let kind = format!("{kind}; charset=utf-8");
            let saved_as = format!("attachment; filename=\"{name}\"");
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, saved_as)], text).into_response()
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
    session: Option<Extension<auth::Auth>>,
) -> Response {
    if !is_admin(&state, session.as_deref()) {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, "/login?next=/import")]).into_response();
    }
    let Ok(format) = Format::from_str(&format, true) else { return StatusCode::NOT_FOUND.into_response() };
    let (name, kind) = match format {
        Format::Json | Format::LinkList => ("rollcall.json", "application/json"),
        Format::FriendJson => ("friend.json", "application/json"),
        Format::Csv => ("links.csv", "text/csv"),
        Format::LinkYml => ("link.yml", "application/yaml"),
        Format::Opml => ("links.opml", "text/x-opml"),
    };
    saved(name, kind, state.service.export(format, !query.shown.is_empty()).await)
}
