//! How far an attempt has come, seen from inside reqwest: the resolver and the connector leave marks here.

use crate::domain::observation::Stages;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The stage that an attempt is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Before,
    Resolving,
    Connecting,
    Connected,
}

/// Marks of one attempt. Times are those of its last connection, in milliseconds from its start, one more than they
/// are: zero is a mark that was not made.
#[derive(Debug, Default)]
pub struct Trace {
    stage: AtomicU8,
    started: Mutex<Option<Instant>>,
    resolved_at: AtomicU32,
    handshake_at: AtomicU32,
    connected_at: AtomicU32,
    connect_limit_ms: AtomicU32,
    port: AtomicU16,
}

tokio::task_local! {
    /// The attempt that the current task is making. reqwest resolves and connects inside the task that asked,
    /// because its connection pool is off.
    pub static TRACE: std::sync::Arc<Trace>;
}

impl Trace {
    pub fn new(connect_limit: Duration) -> Trace {
        let trace = Trace::default();
        trace.connect_limit_ms.store(millis(connect_limit), Relaxed);
        trace
    }

    pub fn stage(&self) -> Stage {
        match self.stage.load(Relaxed) {
            0 => Stage::Before,
            1 => Stage::Resolving,
            2 => Stage::Connecting,
            _ => Stage::Connected,
        }
    }

    /// The time limit for name and connection together.
    pub fn connect_limit(&self) -> Duration {
        Duration::from_millis(self.connect_limit_ms.load(Relaxed).into())
    }

    /// The port that the next connection goes to.
    pub fn port(&self) -> u16 {
        self.port.load(Relaxed)
    }

    pub fn to_port(&self, port: u16) {
        self.port.store(port, Relaxed);
    }

    pub fn resolving(&self) {
        self.stage.store(1, Relaxed);
    }

    pub fn resolved(&self) {
        self.mark(&self.resolved_at);
        self.stage.store(2, Relaxed);
    }

    /// A connection begins: name, TCP and TLS.
    pub fn connecting(&self) {
        *self.started.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        for mark in [&self.resolved_at, &self.handshake_at, &self.connected_at] {
            mark.store(0, Relaxed);
        }
        self.stage.store(2, Relaxed);
    }

    /// TCP stands and TLS begins.
    pub fn shaking_hands(&self) {
        self.mark(&self.handshake_at);
    }

    pub fn connected(&self) {
        self.mark(&self.connected_at);
        self.stage.store(3, Relaxed);
    }

    fn mark(&self, mark: &AtomicU32) {
        let started = *self.started.lock().unwrap_or_else(PoisonError::into_inner);
        mark.store(started.map_or(0, |started| millis(started.elapsed()).saturating_add(1)), Relaxed);
    }

    /// How long each stage of the last connection took.
    pub fn stages(&self) -> Stages {
        let at = |mark: &AtomicU32| mark.load(Relaxed).checked_sub(1);
        let (resolved, shaking, connected) = (at(&self.resolved_at), at(&self.handshake_at), at(&self.connected_at));
        let stood = shaking.or(connected);
        Stages {
            dns: resolved,
            connect: stood.map(|stood| stood.saturating_sub(resolved.unwrap_or_default())),
            tls: connected.zip(shaking).map(|(connected, shaking)| connected.saturating_sub(shaking)),
            ..Stages::default()
        }
    }

    /// From the start of the last connection until it stood.
    pub fn connect_ms(&self) -> u32 {
        self.connected_at.load(Relaxed).saturating_sub(1)
    }
}

/// Whole milliseconds, capped.
pub fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
