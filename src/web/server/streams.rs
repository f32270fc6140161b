//! The streams of news that are open. They have no end of their own, so their number has one: the oldest makes room.

use super::connections::Connections;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// Streams of one session: more tabs than anybody looks at.
const OF_ONE_SESSION: usize = 200;

/// The streams of all sessions, the oldest first.
#[derive(Clone)]
pub struct Streams {
    connections: Connections,
    open: Arc<Mutex<VecDeque<Open>>>,
}

struct Open {
    session: String,
    end: CancellationToken,
}

/// A stream's place. It is given back when this is dropped.
pub struct Place {
    streams: Streams,
    end: CancellationToken,
}

impl Streams {
    pub fn new(connections: Connections) -> Streams {
        Streams { connections, open: Arc::default() }
    }

    /// Takes a place for a stream of a session.
    pub fn enter(&self, session: &str) -> Place {
        let limit = self.connections.stream_limit();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.iter().filter(|one| one.session == session).count() >= OF_ONE_SESSION.min(limit)
            && let Some(at) = open.iter().position(|one| one.session == session)
            && let Some(oldest) = open.remove(at)
        {
            oldest.end.cancel();
        }
        while open.len() >= limit
            && let Some(oldest) = open.pop_front()
        {
            oldest.end.cancel();
        }
        let end = CancellationToken::new();
        open.push_back(Open { session: session.to_owned(), end: end.clone() });
        Place { streams: self.clone(), end }
    }
}

impl Place {
    /// Cancelled once another stream needs the place.
    pub fn end(&self) -> CancellationToken {
        self.end.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.end.cancel();
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|one| !one.end.is_cancelled());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::server::connections::Limits;

    #[test]
    fn the_oldest_stream_makes_room() {
        let limits = Limits { overall: 6, of_one_address: 6, proxies: Vec::new() };
        let streams = Streams::new(Connections::new(limits));
        let other = streams.enter("other");
        let mine: Vec<_> = (0..3).map(|_| streams.enter("mine")).collect();
        assert!(other.end().is_cancelled() && !mine[0].end().is_cancelled());
        drop(mine);
        let again: Vec<_> = (0..3).map(|_| streams.enter("mine")).collect();
        assert!(again.iter().all(|place| !place.end().is_cancelled()), "places are given back");
        let _one_more = streams.enter("mine");
        assert!(again[0].end().is_cancelled() && !again[1].end().is_cancelled());
    }
}
