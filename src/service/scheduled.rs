//! What schedules start.

use super::{Pick, Result, Service, Started};
use crate::domain::{
    progress::Trigger,
    schedule::{Scope, is_worth_a_check},
};
use std::sync::Arc;

impl Service {
    /// Starts a run over the part of the roll that a schedule is over, without what is long dead and was looked at
    /// lately; `None` where nothing is left.
    ///
    /// # Errors
    /// Where settings or store are at fault.
    pub async fn start_scheduled(self: &Arc<Self>, scope: &Scope) -> Result<Option<Started>> {
        let (plan, now) = (self.plan().await?, self.clock.now());
        let back_off = plan.settings.system.back_off;
        let links = self.store.links().await?.into_iter().filter(|link| link.active && scope.has(link));
        let ids: Vec<i64> = links.filter(|link| !back_off || is_worth_a_check(link, now)).map(|link| link.id).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.start_run(Trigger::Schedule, Pick::Ids(ids), plan).await?))
    }
}
