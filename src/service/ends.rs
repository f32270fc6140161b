//! What the owner set for a time, and whose time is over.

use super::{Pick, Result, Service};
use crate::domain::{
    audit::{Deed, ITSELF},
    progress::Trigger,
};
use std::sync::Arc;

impl Service {
    /// Lifts manual verdicts and ends whitelist entries whose time is over: their links stand as the rules remember them.
    /// With `check`, those that nobody exempts any more are checked at once; where that cannot be begun, the next time
    /// that it is asked for, in whichever process.
    ///
    /// # Errors
    /// Where the store is at fault, or the run cannot be started.
    pub async fn end_what_is_over(self: &Arc<Self>, check: bool) -> Result<()> {
        let policy = self.settings().await?.policy;
        let ended = self.store.end_what_is_over(&policy, self.clock.now()).await?;
        for name in &ended.verdicts {
            tracing::info!(%name, "a verdict set by hand has ended");
            self.note(ITSELF, Deed::VerdictEnded, name).await;
        }
        for pattern in &ended.entries {
            tracing::info!(%pattern, "a whitelist entry has ended");
            self.note(ITSELF, Deed::EntryEnded, pattern).await;
        }
        if check { self.check_freed().await } else { Ok(()) }
    }

    /// Begins a check of what ended entries exempted, where none was begun yet.
    async fn check_freed(self: &Arc<Self>) -> Result<()> {
        let entries = self.store.unchecked_ends().await?;
        if entries.is_empty() {
            return Ok(());
        }
        let plan = self.plan().await?;
        // Where they are of no use nothing can be checked, and the roll need not be read for it every second.
        plan.settings.sites()?;
        let freed = self.store.freed_by(&entries, self.clock.now()).await?;
        if !freed.is_empty() {
            self.start_run(Trigger::Schedule, Pick::Ids(freed), plan).await?;
        }
        Ok(self.store.note_checked_ends(&entries).await?)
    }

    /// As [`Service::end_what_is_over`] without checks, ahead of what reads who is shown. Where nothing can be written
    /// it is told, and what is stored is read.
    pub async fn end_first(self: &Arc<Self>) {
        if let Err(error) = self.end_what_is_over(false).await {
            tracing::warn!(%error, "what has ended could not be ended");
        }
    }
}
