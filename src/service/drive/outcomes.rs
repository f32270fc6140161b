//! What comes of checks: kept back where it is in doubt, judged, stored, and told to the watchers.

use super::{Drive, doubts::Failed};
use crate::{
    domain::{
        class::Class,
        observation::{Observation, Standing},
        progress::{Event, InFlight, Outcome},
        run::ItemState,
        verdict::judge,
    },
    engine::run::Report,
    service::Result,
    store::{Record, StoreError},
};
use std::time::Duration;
use tokio::time::Instant;

/// A store that fails is asked again so often, a second apart, before the run is left for later.
const STORE_TRIES: u32 = 3;

impl Drive {
    pub(super) async fn take(&mut self, reports: Vec<Report>) -> Result<()> {
        let mut records = Vec::with_capacity(reports.len());
        let mut events = Vec::with_capacity(reports.len());
        for report in reports {
            self.log(&report);
            match report {
                Report::Started { link_id } => {
                    let name = self.name(link_id).await;
                    events.push(Event::Checking(InFlight { link_id, name }));
                }
                Report::Ended { link_id, seen, unanswered, asked, ended } => {
                    let once_more = self.doubts.ended(link_id);
                    if unanswered && seen.standing() == Standing::Bad && !self.may_not_ask(&seen) {
                        let name = self.name(link_id).await;
                        let was_shown = self.known.get(&link_id).is_some_and(|known| known.state.shown);
                        self.doubts.keep(link_id, Failed { seen: *seen, asked, ended, once_more }, was_shown);
                        events.push(Event::Unanswered { link_id, name });
                    } else {
                        let (record, event) = self.judged(link_id, *seen, asked).await;
                        records.push(record);
                        events.extend(event);
                    }
                }
                Report::Broken { link_id, own } => {
                    self.doubts.ended(link_id);
                    *self.failed.entry(own).or_default() += 1;
                    records.push(Record::unseen(link_id, ItemState::Failed, Some(own)));
                    events.push(Event::Failed { link_id, name: self.name(link_id).await, failure: own });
                }
            }
        }
        self.store(records, events).await?;
        let certain = self.doubts.take_certain();
        self.keep(certain).await
    }

    /// Stores failures that are no longer in doubt.
    pub(super) async fn keep(&mut self, certain: Vec<(i64, Failed)>) -> Result<()> {
        let mut records = Vec::with_capacity(certain.len());
        let mut events = Vec::with_capacity(certain.len());
        for (link_id, Failed { seen, asked, .. }) in certain {
            let (record, event) = self.judged(link_id, seen, asked).await;
            records.push(record);
            events.extend(event);
        }
        self.store(records, events).await
    }

    /// Stores a batch, then tells the watchers: what they hear of is never lost.
    async fn store(&self, records: Vec<Record>, events: Vec<Event>) -> Result<()> {
        self.write(&records).await?;
        events.into_iter().for_each(|event| self.service.registry.publish(self.run_id, event));
        Ok(())
    }

    fn log(&self, report: &Report) {
        let run = self.run_id;
        match report {
            Report::Started { link_id } => tracing::debug!(run, link = link_id, "check begins"),
            Report::Ended { link_id, seen, .. } => {
                let (class, status, ms) = (seen.class.code(), seen.status, seen.ms);
                tracing::debug!(run, link = link_id, class, status, ms, attempts = seen.attempts, "check ended");
                self.service.metrics.checked(seen.class, seen.ms);
            }
            Report::Broken { link_id, own } => {
                tracing::debug!(run, link = link_id, failure = own.code(), "check failed")
            }
        }
    }

    async fn write(&self, records: &[Record]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        for _ in 1..STORE_TRIES {
            match self.record(records).await {
                Ok(()) => {
                    self.service.metrics.wrote(start.elapsed());
                    return Ok(());
                }
                Err(lost @ StoreError::NotOwner(_)) => return Err(lost.into()),
                Err(error) => tracing::warn!(run = self.run_id, %error, "outcomes could not be stored; trying again"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(self.record(records).await?)
    }

    async fn record(&self, records: &[Record]) -> std::result::Result<(), StoreError> {
        self.service.store.record(self.run_id, &self.service.owner, records).await
    }

    /// The first process had leave to ask there and this one has not: that says nothing about the site.
    fn may_not_ask(&self, seen: &Observation) -> bool {
        self.resumed && self.plan.widened && !self.service.probe.is_widened() && seen.class == Class::BlockedByPolicy
    }

    /// The pending verdict on what was seen, last asked at `asked`.
    async fn judged(&mut self, link_id: i64, seen: Observation, asked: Instant) -> (Record, Option<Event>) {
        if self.may_not_ask(&seen) {
            return (Record::unseen(link_id, ItemState::Cancelled, None), None);
        }
        let name = self.name(link_id).await;
        let known = self.known.get(&link_id);
        let verdict = known.map(|known| judge(&known.state, &seen, &self.plan.settings.policy, seen.at));
        let (change, reason) = verdict.map(|v| (v.change, v.next.reason)).unwrap_or_default();
        if let Some(known) = known {
            self.doubts.counted(known, &seen, change, asked);
        }
        let event = Event::Checked(Outcome::of(link_id, name, &seen, (change, reason)));
        (Record::done(link_id, seen, change), Some(event))
    }

    /// A link's name; one that has joined the run is looked up once.
    async fn name(&mut self, link_id: i64) -> String {
        if !self.known.contains_key(&link_id)
            && let Ok(Some(link)) = self.service.store.link(link_id).await
        {
            self.known.insert(link_id, link.into());
        }
        self.known.get(&link_id).map(|known| known.name.clone()).unwrap_or_default()
    }
}
