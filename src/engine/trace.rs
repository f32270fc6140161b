//! How far an attempt has come, seen from inside reqwest: the resolver and the connector leave marks here.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// The stage that an attempt is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Before,
    Resolving,
    Connecting,
    Connected,
}

/// Marks of one attempt. Times are those of its last connection, in milliseconds.
#[derive(Debug, Default)]
pub struct Trace {
    stage: AtomicU8,
    dns_ms: AtomicU32,
    connect_ms: AtomicU32,
    connect_limit_ms: AtomicU32,
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

    pub fn resolving(&self) {
        self.stage.store(1, Relaxed);
    }

    pub fn resolved(&self, since: Instant) {
        self.dns_ms.store(millis(since.elapsed()), Relaxed);
        self.stage.store(2, Relaxed);
    }

    pub fn connecting(&self) {
        self.stage.store(2, Relaxed);
    }

    pub fn connected(&self, since: Instant) {
        self.connect_ms.store(millis(since.elapsed()), Relaxed);
        self.stage.store(3, Relaxed);
    }
}

/// Whole milliseconds, capped.
pub fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
