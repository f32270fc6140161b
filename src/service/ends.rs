//! What the owner set for a time, and whose time is over.

use super::{Pick, Result, Service};
use crate::domain::{
    audit::{Deed, ITSELF},
    progress::Trigger,
};
use std::sync::Arc;

impl Service {
    /// Lifts manual verdicts and ends whitelist entries whose time is over: their links stand as the rules remember them.
    /// With `check`, those that nobody exempts any more are checked at once.
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
        if check && !ended.links.is_empty() {
            let plan = self.plan().await?;
            self.start_run(Trigger::Schedule, Pick::Ids(ended.links), plan).await?;
        }
        Ok(())
    }

    /// As [`Service::end_what_is_over`] without checks, ahead of what reads who is shown. Where nothing can be written
    /// it is told, and what is stored is read.
    pub async fn end_first(self: &Arc<Self>) {
        if let Err(error) = self.end_what_is_over(false).await {
            tracing::warn!(%error, "what has ended could not be ended");
        }
    }
}
