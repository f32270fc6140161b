//! The stream behind every page: snapshots first, then news until the server stops.

use crate::{
    engine::registry::{Line, Registry},
    web::{api::fault::Fault, server::AppState},
};
use futures::{Stream, StreamExt, stream};
use std::{collections::VecDeque, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// An empty line now and then keeps proxies from closing a quiet stream, and finds out that a browser has gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub fn watch(state: &AppState) -> impl Stream<Item = Result<Line, Fault>> + use<> {
    let registry = state.service.registry().clone();
    let (first, news) = registry.watch();
    let watcher = Watcher { registry, news, queued: first.into() };
    let shutdown = state.shutdown.clone();
    stream::unfold(watcher, |mut watcher| async move { watcher.next().await.map(|line| (Ok(line), watcher)) })
        .take_until(async move { shutdown.cancelled().await })
        .fuse()
}

struct Watcher {
    registry: Registry,
    news: Receiver<Line>,
    queued: VecDeque<Line>,
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
