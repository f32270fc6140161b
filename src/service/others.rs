//! Runs of other processes: waited for, and brought to those who watch here.

use super::{Result, Service, ServiceError, snapshot::snapshot_of};
use crate::domain::{
    progress::RunState,
    pulse::{Life, Pulses},
    run::{ItemState, Run},
};
use std::time::Duration;
use tokio::time::Instant;

/// How often a run of another process is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

impl Service {
    /// Waits for a run of another process, whoever that is in the end. One that goes silent is ended.
    ///
    /// # Errors
    /// [`ServiceError::NoRun`], or where the store is at fault.
    pub async fn follow(&self, run_id: i64) -> Result<Run> {
        let (mut pulses, start) = (Pulses::default(), Instant::now());
        loop {
            let run = self.store.run(run_id).await?.ok_or(ServiceError::NoRun(run_id))?;
            if run.state != RunState::Running {
                return Ok(run);
            }
            if pulses.look(&run, start.elapsed()) == Life::Silent {
                self.close_silent(vec![run]).await?;
                continue;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Ends every run whose process is gone, so that none of them holds links back; returns once it is certain that all
    /// others are alive. For processes that may not adopt one.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn close_silent_runs(&self) -> Result<()> {
        let (mut pulses, start) = (Pulses::default(), Instant::now());
        loop {
            let (mut unsure, mut silent) = (false, Vec::new());
            for run in self.store.running().await? {
                match pulses.look(&run, start.elapsed()) {
                    Life::Alive => {}
                    Life::Unsure => unsure = true,
                    Life::Silent => silent.push(run),
                }
            }
            if !unsure && silent.is_empty() {
                return Ok(());
            }
            self.close_silent(silent).await?;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits for all these runs, as [`Service::follow`] for one.
    ///
    /// # Errors
    /// As there.
    pub async fn follow_all(&self, runs: &[i64]) -> Result<Vec<Run>> {
        // Side by side: each is looked at for long enough to tell whether its process is gone.
        futures::future::try_join_all(runs.iter().map(|run| self.follow(*run))).await
    }

    /// How many of the links that they `held` other runs have not checked, as far as they have come.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn left_unchecked(&self, runs: &[i64], held: &[i64]) -> Result<u32> {
        let mut left = 0;
        for run in runs {
            let items = self.store.items(*run).await?;
            left += items.iter().filter(|item| item.state != ItemState::Done && held.contains(&item.link_id)).count();
        }
        Ok(u32::try_from(left).unwrap_or(u32::MAX))
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
