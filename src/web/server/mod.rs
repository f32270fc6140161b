//! The HTTP side: router, headers, assets, health.

mod assets;
pub mod document;
mod headers;
mod health;
mod hosts;
pub mod views;

use crate::{
    service::Service,
    web::app::{App, shell},
};
use axum::{Router, extract::FromRef, middleware, routing::get};
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::csrf::CsrfLayer;

/// What every request has at hand.
#[derive(Clone)]
pub struct AppState {
    pub service: Arc<Service>,
    pub shutdown: CancellationToken,
    options: LeptosOptions,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> LeptosOptions {
        state.options.clone()
    }
}

/// Serves until `shutdown`; open streams end then as well.
///
/// # Errors
/// Where the listener fails, or the setting `public_url` cannot be used.
pub async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    public_url: &str,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let options = LeptosOptions::builder().output_name("rollcall").site_addr(address).build();
    let state = AppState { service, shutdown: shutdown.clone(), options };
    let app = router(state, public_url).map_err(std::io::Error::other)?;
    axum::serve(listener, app).with_graceful_shutdown(async move { shutdown.cancelled().await }).await
}

fn router(state: AppState, public_url: &str) -> Result<Router, tower_http::csrf::ConfigError> {
    let mut csrf = CsrfLayer::new();
    if !public_url.is_empty() {
        csrf = csrf.add_trusted_origin(public_url)?;
    }
    let context = {
        let state = state.clone();
        move || provide_context(state.clone())
    };
    let draw = {
        let options = state.options.clone();
        move || shell(options.clone())
    };
    let not_found = leptos_axum::render_app_async_with_context(context.clone(), draw.clone());
    let allowed = hosts::Allowed::new(public_url);
    Ok(Router::new()
        .leptos_routes_with_context(&state, generate_route_list(App), context, draw)
        .route("/pkg/{*path}", get(assets::pkg))
        .route("/favicon.svg", get(assets::favicon))
        .route("/robots.txt", get(assets::robots))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(not_found)
        .layer(csrf)
        .layer(middleware::from_fn(headers::set))
        .layer(middleware::from_fn_with_state(allowed, hosts::check))
        .with_state(state))
}
