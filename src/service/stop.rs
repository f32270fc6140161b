//! Ending: of the whole process, and of runs that nobody goes on with.

use super::{Result, Service};
use crate::{
    domain::{pulse::LAST_CHANCE, run::Run},
    store::{Ending, Settled, StoreError},
};
use std::time::Duration;
use tokio::time::timeout;

/// What is in flight gets this long when the process is told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// Others may write for so long before a silent run is left for later.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
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

    /// Lets the runs that this process has not ended go: whoever comes next need not find out that it is gone.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn let_runs_go(&self) -> Result<()> {
        self.store.let_go(&self.owner).await?;
        Ok(())
    }

    /// Ends a run that this process has stopped: what was finished stays, the rest is marked cancelled.
    ///
    /// # Errors
    /// Where there is no such run, it is another process's, or the store is at fault.
    pub async fn call_off(&self, run_id: i64) -> Result<Settled> {
        let run = self.store.run(run_id).await?.ok_or(StoreError::NoSuch { what: "run", id: run_id })?;
        let now = self.clock.now();
        let elapsed_ms = (now - run.started_at).num_milliseconds().max(0);
        let ending = Ending { cancelled: true, elapsed_ms, ..Ending::default() };
        Ok(self.store.settle(run_id, &self.owner, ending, now).await?)
    }

    /// Ends runs whose process is gone without checking the rest.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub(super) async fn close_silent(&self, silent: Vec<Run>) -> Result<()> {
        for run in self.still_silent(silent).await? {
            if self.store.adopt(&run, &self.owner).await? {
                let run = run.id;
                tracing::warn!(run, "a run whose process is gone is ended; its unfinished links are free again");
                self.call_off(run).await?;
            }
        }
        Ok(())
    }

    /// Those of silent runs that stay so although they could speak: what keeps an owner from counting, such as another
    /// program's lock, keeps us from writing as well. So we write first, and then give it time.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub(super) async fn still_silent(&self, mut silent: Vec<Run>) -> Result<Vec<Run>> {
        if silent.iter().all(|run| run.owner.is_empty()) {
            return Ok(silent);
        }
        self.store.probe_write(WRITE_PATIENCE).await?;
        tokio::time::sleep(LAST_CHANCE).await;
        let now = self.store.running().await?;
        silent
            .retain(|held| now.iter().any(|run| run.id == held.id && run.owner == held.owner && run.beat == held.beat));
        Ok(silent)
    }
}
