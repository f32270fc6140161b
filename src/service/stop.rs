//! Ending: of the whole process, and of runs that nobody goes on with.

use super::{Result, Service};
use crate::{
    domain::run::Run,
    store::{Ending, Settled, StoreError},
};
use std::time::Duration;
use tokio::time::timeout;

/// What is in flight gets this long when the process is told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// What was broken off then is written within this time.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Service {
    /// Starts nothing any more, gives what is in flight five seconds, and returns when all that came of it is written.
    /// Runs that are not over stay as they are, to be gone on with.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.drives.close();
        if timeout(GRACE, self.drives.wait()).await.is_ok() {
            return;
        }
        self.registry.mine().into_iter().for_each(|run| self.engine.cancel(run));
        if timeout(LAST_WORDS, self.drives.wait()).await.is_err() {
            tracing::warn!("some outcomes could not be written in time; their links will be checked again");
        }
    }

    /// Ends a run that this process has stopped: what was finished stays, the rest is marked cancelled.
    ///
    /// # Errors
    /// Where there is no such run, or the store is at fault.
    pub async fn call_off(&self, run_id: i64) -> Result<Settled> {
        let run = self.store.run(run_id).await?.ok_or(StoreError::NoSuch { what: "run", id: run_id })?;
        let now = self.clock.now();
        let elapsed_ms = (now - run.started_at).num_milliseconds();
        let ending = Ending { cancelled: true, elapsed_ms, ..Ending::default() };
        Ok(self.store.settle(run_id, ending, now).await?)
    }

    /// Ends a silent run without checking the rest: for processes that may not adopt one.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn close_stale(&self, run: &Run) -> Result<()> {
        if self.store.adopt(run, &self.owner, self.clock.now()).await? {
            self.call_off(run.id).await?;
        }
        Ok(())
    }
}
