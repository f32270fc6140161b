//! The HTTP side: router, log-in, forms, headers, assets, health.

mod assets;
pub mod auth;
mod compression;
mod connections;
pub mod document;
pub mod faults;
pub mod forms;
mod headers;
mod health;
pub mod hosts;
mod metrics;
pub mod once;
mod public;
mod request_limits;
mod shown;
mod streams;
pub mod views;

use crate::{
    background,
    clock::SharedClock,
    domain::settings::{Settings, System},
    service::Service,
    supervisor::Liveness,
    web::{
        app::{App, shell},
        dto::Trial,
    },
};
use axum::{
    Router,
    extract::{FromRef, Request},
    middleware::{self, Next},
    routing::get,
};
use axum_login::AuthManagerLayerBuilder;
use connections::{Connections, Door, Peer};
use hyper_util::rt::TokioTimer;
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list};
use once::Room;
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_sessions::{
    Expiry, SessionManagerLayer,
    cookie::{SameSite, time},
};

/// What trials of pages came to, until it is looked at.
const TRIALS: Room = Room { things: 16, bytes: 512 << 10, time: Duration::from_secs(10 * 60) };
/// The head of a request comes within this time: who sends none holds a file open.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of a head, which a connection may hold for as long as it is read: twice what browsers send at most.
const HEAD_MAX: usize = 32 << 10;
/// Header lines of a request.
const HEADERS_MAX: usize = 100;
/// How often it is looked whether somebody else has changed the settings.
const SETTINGS_EVERY: Duration = Duration::from_secs(5);
const SESSION_COOKIE: &str = "rollcall";

/// What every request has at hand.
#[derive(Clone)]
pub struct AppState {
    pub service: Arc<Service>,
    pub shutdown: CancellationToken,
    /// Whoever comes is signed in.
    pub demo: bool,
    pub flashes: forms::Flashes,
    pub trials: once::Shelf<Trial>,
    /// Turns of whoever is not signed in.
    pub strangers: Arc<Semaphore>,
    pub streams: streams::Streams,
    connections: Connections,
    pub setup: once::SetupToken,
    pub throttle: auth::Throttle,
    shown: Arc<shown::ShownList>,
    /// Whether pages may load friends' pictures, as of the last time the settings were read.
    pub avatars: Arc<AtomicBool>,
    place: hosts::Place,
    options: LeptosOptions,
}

impl AppState {
    /// Goes by changed settings from now on.
    pub fn use_settings(&self, settings: &Settings) {
        self.place.use_public_url(&settings.public_url);
        self.connections.set_limits(connection_limits(settings));
    }

    /// Whether a request named the public address, where that is not one of loopback's names.
    pub fn is_public_name(&self, host: &str) -> bool {
        self.place.is_public_name(host)
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> LeptosOptions {
        state.options.clone()
    }
}

fn connection_limits(settings: &Settings) -> connections::Limits {
    let System { max_connections, max_connections_per_address, trusted_proxies, .. } = &settings.system;
    let share = crate::lifecycle::connection_share();
    connections::Limits::new(*max_connections, *max_connections_per_address, share, trusted_proxies.clone())
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
    settings: &Settings,
    entrance: Entrance,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let (demo, setup) = match entrance {
        Entrance::LogIn(token) => (false, token),
        Entrance::Open => (true, once::SetupToken::default()),
    };
    let connections = Connections::new(connection_limits(settings));
    // With a large roll this takes a while, and is kept: the first page is not to wait for it.
    let early = service.clone();
    tokio::spawn(async move {
        let entries = early.store().whitelist().await?;
        early.exempt_ids(&entries).await
    });
    let state = AppState {
        throttle: auth::Throttle::new(service.clock().clone()),
        service,
        shutdown: shutdown.clone(),
        demo,
        flashes: forms::Flashes::default(),
        trials: once::Shelf::new(TRIALS),
        strangers: Arc::new(Semaphore::new(request_limits::STRANGERS_AT_ONCE)),
        streams: streams::Streams::new(connections.clone()),
        connections: connections.clone(),
        shown: Arc::default(),
        setup,
        avatars: Arc::default(),
        place: hosts::Place::new(address.ip().is_loopback(), &settings.public_url),
        options: LeptosOptions::builder().output_name("rollcall").site_addr(address).build(),
    };
    let (following, used) = (state.clone(), settings.clone());
    state.service.supervisor().keep("settings", background::SILENT, shutdown.clone(), move |liveness| {
        follow_settings(following.clone(), used.clone(), liveness)
    });
    let app = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let share = crate::lifecycle::connection_share();
    let handle = axum_server::Handle::new();
    // HTTP/1 only: nothing waits for ever to find out which it is, and browsers speak no other without TLS.
    let server = axum_server::Server::<Peer>::from_listener(Door::new(listener, share)).acceptor(connections);
    let mut server = server.handle(handle.clone()).http1_only();
    let mut http = server.http_builder().http1();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_buf_size(HEAD_MAX).max_headers(HEADERS_MAX);
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

/// Goes by settings that another process has changed, such as `rollcall setting set`, until it is dropped.
async fn follow_settings(state: AppState, mut used: Settings, liveness: Liveness) {
    let mut tick = tokio::time::interval(SETTINGS_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        liveness.note();
        // Where the store is at fault others say so.
        if let Ok(settings) = state.service.settings().await
            && settings != used
        {
            state.use_settings(&settings);
            used = settings;
        }
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
    let files = Router::new()
        .route("/export/{format}", get(public::export))
        .route("/audit.csv", get(public::audit))
        .route_layer(middleware::from_fn(public::admin_only));
    let pages = Router::new()
        .leptos_routes_with_context(&state, generate_route_list(App), context, draw)
        .merge(files)
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(state.clone(), forms::answer))
        // What else there is, is small or was compressed before it was asked for.
        .layer(compression::layer())
        .layer(middleware::from_fn(compression::only_of_this_site))
        .layer(middleware::from_fn_with_state(state.clone(), request_limits::check));
    let clock: SharedClock = state.service.clock().clone();
    let keep = middleware::from_fn(move |request: Request, next: Next| auth::keep(clock.clone(), request, next));
    let not_kept = middleware::from_fn_with_state(state.clone(), auth::tell_not_kept);
    Router::new()
        .merge(pages.layer(keep).layer(log_in(&state)).layer(not_kept))
        .route("/pkg/{*path}", get(assets::pkg))
        .route("/favicon.svg", get(assets::favicon))
        .route("/robots.txt", get(assets::robots))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        // Public, and packed once for all: other sites are whom it is for.
        .route("/links.json", get(public::links))
        // A request that breaks is answered as such, and harms no other.
        .layer(CatchPanicLayer::custom(faults::panicked))
        .layer(middleware::from_fn_with_state(state.place.clone(), hosts::csrf))
        .layer(middleware::from_fn(hosts::secure_cookies))
        .layer(middleware::from_fn(headers::set))
        .layer(middleware::from_fn(connections::measure))
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
        .with_expiry(Expiry::OnInactivity(time::Duration::days(auth::IDLE_DAYS)));
    AuthManagerLayerBuilder::new(auth::Backend::new(state.service.clone()), sessions).build()
}
