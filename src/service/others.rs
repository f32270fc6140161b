//! Runs of other processes: waited for, and brought to those who watch here.

use super::{Result, Service, ServiceError, snapshot::snapshot_of};
use crate::domain::{progress::RunState, run::Run};
use std::time::Duration;

impl Service {
    /// Waits for a run of another process. One that goes silent is ended.
    ///
    /// # Errors
    /// [`ServiceError::NoRun`], or where the store is at fault.
    pub async fn follow(&self, run_id: i64) -> Result<Run> {
        loop {
            let run = self.store.run(run_id).await?.ok_or(ServiceError::NoRun(run_id))?;
            if run.state != RunState::Running {
                return Ok(run);
            }
            if run.is_stale(self.clock.now()) {
                self.close_stale(&run).await?;
                continue;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Brings the runs of other processes into the registry, for those who watch.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn mirror(&self) -> Result<()> {
        let running = self.store.running().await?;
        let ended = self.registry.mirrored().into_iter().filter(|id| !running.iter().any(|run| run.id == *id));
        let mut runs = Vec::new();
        for id in ended {
            runs.extend(self.store.run(id).await?);
        }
        runs.extend(running.into_iter().filter(|run| !self.registry.is_mine(run.id)));
        for run in runs {
            let items = self.store.items(run.id).await?;
            self.registry.mirror(snapshot_of(&run, &items, self.clock.now()));
        }
        Ok(())
    }
}
