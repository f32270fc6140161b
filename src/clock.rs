//! The one place that reads the wall clock. Everything else is handed a [`Clock`].

use chrono::{DateTime, Utc};
use std::{sync::Arc, time::Duration};

/// Tells and awaits the time.
#[async_trait::async_trait]
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> DateTime<Utc>;

    /// Waits until `time`, or for `at_most` where that is sooner: a clock that was set must be noticed.
    async fn sleep_until(&self, time: DateTime<Utc>, at_most: Duration) {
        let left = (time - self.now()).to_std().unwrap_or(Duration::ZERO);
        tokio::time::sleep(left.min(at_most)).await;
    }
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
