//! The roll as a whole: who is exempt, what happens to many links at once, what the blog shows.

use super::{Pick, Result, Service, ServiceError, Started};
use crate::{
    domain::{
        address,
        backlink::MySites,
        link::About,
        observation::Observation,
        progress::Trigger,
        whitelist::{Entry, Kind},
    },
    engine::check::{Course, Next},
    store::StoreError,
};
use chrono::TimeDelta;
use std::sync::Arc;

/// Removed links can be brought back for this long.
const REMOVED_KEPT: TimeDelta = TimeDelta::days(1);
/// Days that checks were added up to. Design.md, Numbers.
const DAYS_KEPT: TimeDelta = TimeDelta::days(400);
/// Old checks go in pieces of this many, so that no check waits long for the writer.
const PRUNED_AT_ONCE: u32 = 1000;

impl Service {
    /// Checks some links now.
    ///
    /// # Errors
    /// Where settings or store are at fault.
    pub async fn recheck_many(self: &Arc<Self>, ids: &[i64]) -> Result<Started> {
        let plan = self.plan().await?;
        self.start_run(Trigger::Click, Pick::Ids(ids.to_vec()), plan).await
    }

    /// Puts links on the whitelist by name, or takes their names' entries off it; says how many links it took.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn exempt_links(&self, ids: &[i64], exempt: bool) -> Result<u32> {
        let mut links = Vec::with_capacity(ids.len());
        for id in ids {
            links.extend(self.store().link(*id).await?.map(|link| link.about));
        }
        if exempt {
            for about in &links {
                self.put_entry(Kind::Name, &about.name, true, "", None).await?;
            }
        } else {
            let entries = self.store().whitelist().await?;
            let names_one = |entry: &Entry| links.iter().any(|about| entry.names(&about.name, &about.url));
            for entry in entries.into_iter().filter(|entry| entry.enabled && names_one(entry)) {
                self.put_entry(entry.kind, &entry.pattern, false, &entry.note, entry.expires_at).await?;
            }
        }
        Ok(u32::try_from(links.len()).unwrap_or(u32::MAX))
    }

    /// Removes links; they can be brought back for a day.
    ///
    /// # Errors
    /// [`StoreError::NoSuch`] where none of them is there.
    pub async fn remove_links(&self, ids: &[i64]) -> Result<u32> {
        match self.store().remove_links(ids, self.clock().now()).await? {
            0 => Err(StoreError::NoSuch { what: "link", id: ids.first().copied().unwrap_or_default() }.into()),
            removed => Ok(removed),
        }
    }

    /// Forgets for good what was removed long ago, checks older than the setting, and sessions that have ended.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn sweep(&self) -> Result<()> {
        let now = self.clock().now();
        let oldest = now - TimeDelta::days(self.settings().await?.keep_days.into());
        while self.store().prune(oldest, PRUNED_AT_ONCE).await? {}
        while self.store().prune_days(now - DAYS_KEPT, PRUNED_AT_ONCE).await? {}
        while self.store().shrink().await? {}
        self.store().purge(now - REMOVED_KEPT).await?;
        self.sweep_notes().await?;
        Ok(self.store().sweep_sessions(now).await?)
    }

    /// The links that want the owner's eye, by id; those that `exempt`, in order, names do not.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn to_review(&self, exempt: &[i64]) -> Result<Vec<i64>> {
        let mut ids = self.store().to_review(self.clock().now()).await?;
        ids.retain(|id| exempt.binary_search(id).is_err());
        Ok(ids)
    }

    /// Looks at a page as a check would, without keeping anything: does it link to these sites, and where?
    ///
    /// # Errors
    /// Where the address or a site is none, or the settings cannot be read.
    pub async fn try_page(&self, url: &str, sites: &[String], patterns: &[String]) -> Result<Observation> {
        let parsed = address::parse(url).map_err(StoreError::from)?;
        let sites = MySites::new(sites, patterns)?;
        if sites.is_empty() {
            return Err(ServiceError::NoSites);
        }
        let mut settings = self.settings().await?;
        settings.limits.retries = 0;
        let terms = super::drive::terms_of(&settings, sites);
        let about = About { url: parsed.to_string(), ..About::default() };
        let mut course = Course::new(0, &about, Arc::new(terms));
        loop {
            let seen = self.probe.ask(&course.request(), self.clock().now()).await;
            match course.take(seen, self.clock().now(), 0.0) {
                Next::Ask(wait) => tokio::time::sleep(wait).await,
                Next::Done { seen, .. } => return Ok(*seen),
            }
        }
    }
}
