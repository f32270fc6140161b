//! The HTTP side: router, log-in, forms, headers, assets, health.

mod assets;
pub mod auth;
pub mod document;
pub mod faults;
pub mod forms;
mod headers;
mod health;
pub mod hosts;
mod metrics;
pub mod once;
mod public;
pub mod views;

use crate::{
    clock::SharedClock,
    service::Service,
    web::app::{App, shell},
};
use axum::{
    Router,
    extract::{FromRef, Request},
    middleware::{self, Next},
    routing::get,
};
use axum_login::AuthManagerLayerBuilder;
use hyper_util::rt::TokioTimer;
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list};
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{catch_panic::CatchPanicLayer, timeout::RequestBodyTimeoutLayer};
use tower_sessions::{
    Expiry, SessionManagerLayer,
    cookie::{SameSite, time::Duration},
};

/// The head of a request, and each piece of its body, come within this time: who sends none holds a file open.
const HEAD_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);
const BODY_LIMIT: std::time::Duration = std::time::Duration::from_secs(30);
const SESSION_COOKIE: &str = "rollcall";

/// What every request has at hand.
#[derive(Clone)]
pub struct AppState {
    pub service: Arc<Service>,
    pub shutdown: CancellationToken,
    /// Whoever comes is signed in.
    pub demo: bool,
    pub flashes: forms::Flashes,
    pub setup: once::SetupToken,
    pub throttle: auth::Throttle,
    /// Whether pages may load friends' pictures, as of the last time the settings were read.
    pub avatars: Arc<AtomicBool>,
    place: hosts::Place,
    options: LeptosOptions,
}

impl AppState {
    pub fn use_public_url(&self, public_url: &str) {
        self.place.use_public_url(public_url);
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> LeptosOptions {
        state.options.clone()
    }
}

/// How the dashboard is let in.
pub enum Entrance {
    /// By log-in; the token makes the first account.
    LogIn(once::SetupToken),
    /// Whoever comes: for a demo on loopback.
    Open,
}

/// Serves until `shutdown`; open streams end then as well.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    public_url: &str,
    entrance: Entrance,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let (demo, setup) = match entrance {
        Entrance::LogIn(token) => (false, token),
        Entrance::Open => (true, once::SetupToken::default()),
    };
    let state = AppState {
        throttle: auth::Throttle::new(service.clock().clone()),
        service,
        shutdown: shutdown.clone(),
        demo,
        flashes: forms::shelf(),
        setup,
        avatars: Arc::default(),
        place: hosts::Place::new(address.ip().is_loopback(), public_url),
        options: LeptosOptions::builder().output_name("rollcall").site_addr(address).build(),
    };
    let app = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let handle = axum_server::Handle::new();
    // HTTP/1 only: nothing waits for ever to find out which it is, and browsers speak no other without TLS.
    let mut server = axum_server::Server::<SocketAddr>::from_listener(listener).handle(handle.clone()).http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    let stop = async {
        shutdown.cancelled().await;
        handle.graceful_shutdown(None);
        std::future::pending().await
    };
    tokio::select! {
        served = server.serve(app) => served,
        never = stop => never,
    }
}

fn router(state: AppState) -> Router {
    let context = {
        let state = state.clone();
        move || provide_context(state.clone())
    };
    let draw = {
        let options = state.options.clone();
        move || shell(options.clone())
    };
    let not_found = leptos_axum::render_app_async_with_context(context.clone(), draw.clone());
    let pages = Router::new()
        .leptos_routes_with_context(&state, generate_route_list(App), context, draw)
        .route("/export/{format}", get(public::export))
        .route("/audit.csv", get(public::audit))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(state.clone(), forms::answer));
    let clock: SharedClock = state.service.clock().clone();
    let keep = middleware::from_fn(move |request: Request, next: Next| auth::keep(clock.clone(), request, next));
    Router::new()
        .merge(pages.layer(keep).layer(log_in(&state)))
        .route("/pkg/{*path}", get(assets::pkg))
        .route("/favicon.svg", get(assets::favicon))
        .route("/robots.txt", get(assets::robots))
        .route("/links.json", get(public::links))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .layer(RequestBodyTimeoutLayer::new(BODY_LIMIT))
        // A request that breaks is answered as such, and harms no other.
        .layer(CatchPanicLayer::custom(faults::panicked))
        .layer(middleware::from_fn_with_state(state.place.clone(), hosts::csrf))
        .layer(middleware::from_fn(hosts::secure_cookies))
        .layer(middleware::from_fn(headers::set))
        .layer(middleware::from_fn_with_state(state.place.clone(), hosts::check))
        .with_state(state)
}

/// Sessions in a cookie that scripts cannot read, and who is signed in by them.
fn log_in(state: &AppState) -> axum_login::AuthManagerLayer<auth::Backend, auth::Sessions> {
    let store = auth::Sessions::new(state.service.store().clone(), state.service.clock().clone());
    let sessions = SessionManagerLayer::new(store)
        .with_name(SESSION_COOKIE)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        // hosts::secure_cookies adds it under https.
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::days(auth::IDLE_DAYS)));
    AuthManagerLayerBuilder::new(auth::Backend::new(state.service.clone()), sessions).build()
}
