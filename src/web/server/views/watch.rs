//! The stream behind every page: snapshots first, then news until the server stops.

use crate::{
    engine::registry::{Line, Registry},
    web::{
        api::fault::Fault,
        server::{AppState, auth, connections::Connection, streams::Place},
    },
};
use axum::http::request::Parts;
use futures::{Stream, StreamExt, stream};
use leptos::prelude::use_context;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// An empty line now and then keeps proxies from closing a quiet stream, and finds out that a browser has gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub fn watch(state: &AppState) -> impl Stream<Item = Result<Line, Fault>> + use<> {
    let parts = use_context::<Parts>();
    if let Some(connection) = parts.as_ref().and_then(|parts| parts.extensions.get::<Arc<Connection>>()) {
        connection.streams();
    }
    let place = state.streams.enter(&auth::session_id().unwrap_or_default());
    let (shutdown, replaced) = (state.shutdown.clone(), place.end());
    let registry = state.service.registry().clone();
    let (first, news) = registry.watch();
    let watcher = Watcher { registry, news, queued: first.into(), _place: place };
    stream::unfold(watcher, |mut watcher| async move { watcher.next().await.map(|line| (Ok(line), watcher)) })
        .take_until(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = replaced.cancelled() => {}
            }
        })
        .fuse()
}

struct Watcher {
    registry: Registry,
    news: Receiver<Line>,
    queued: VecDeque<Line>,
    _place: Place,
}

impl Watcher {
    async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.queued.pop_front() {
                return Some(line);
            }
            match tokio::time::timeout(KEEP_ALIVE, self.news.recv()).await {
                Err(_) => return Some(Line::from_static(b"\n")),
                Ok(Ok(line)) => return Some(line),
                Ok(Err(RecvError::Closed)) => return None,
                // Too slow: begin again with how things stand now.
                Ok(Err(RecvError::Lagged(_))) => {
                    let (first, news) = self.registry.watch();
                    self.queued = first.into();
                    self.news = news;
                }
            }
        }
    }
}
