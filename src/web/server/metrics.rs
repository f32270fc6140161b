//! /metrics: for whoever has the token, and for this machine itself.

use super::{AppState, auth};
use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::net::SocketAddr;

/// What Prometheus asks for: OpenMetrics 1.0.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub async fn metrics(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let settings = match state.service.settings().await {
        Ok(settings) => settings.system,
        Err(error) => return failed(&error),
    };
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = sent.is_some_and(|sent| !settings.metrics_token.is_empty() && same(sent, &settings.metrics_token));
    // A proxy on this machine speaks for others: unless it is trusted and names loopback, it is not this machine.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let forwarded = headers.keys().any(|name| !is_plain(name)) || state.is_public_name(host);
    let place = auth::of_request(peer.ip(), &headers, &settings.trusted_proxies);
    let here = place.is_loopback() && (!forwarded || place != peer.ip().to_canonical());
    if !token && !here {
        let words = "Set metrics_token and send it as a bearer token, or ask from this machine.\n";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], words).into_response();
    }
    match state.service.metrics_text().await {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(error) => failed(&error),
    }
}

/// Whether scrapers and browsers send this header by themselves. Proxies tell of the visitor by headers of more names
/// than anybody has listed: with any other one it may be a proxy that asks.
fn is_plain(name: &HeaderName) -> bool {
    const PLAIN: [&str; 18] = [
        "host",
        "user-agent",
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "authorization",
        "cache-control",
        "connection",
        "cookie",
        "dnt",
        "pragma",
        "priority",
        "referer",
        "te",
        "upgrade-insecure-requests",
        "if-none-match",
        "x-prometheus-scrape-timeout-seconds",
    ];
    PLAIN.contains(&name.as_str()) || name.as_str().starts_with("sec-")
}

fn failed(error: &crate::service::ServiceError) -> Response {
    tracing::error!(%error, "the metrics could not be read");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// Compares in a time that does not tell where two texts differ.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}
