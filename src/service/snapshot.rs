//! How a run stands, from what is stored of it.

use super::Service;
use crate::domain::{
    counts::Counts,
    observation::Observation,
    progress::{Outcome, RECENT_MAX, Snapshot},
    run::{Item, ItemState, Run},
};
use chrono::{DateTime, Utc};

impl Service {
    /// How long a live run has taken so far, milliseconds.
    pub fn age(&self, snapshot: &Snapshot) -> i64 {
        self.clock.now().timestamp_millis() - snapshot.started_ms
    }
}

/// A run's snapshot from what is stored.
pub fn snapshot_of(run: &Run, items: &[Item], now: DateTime<Utc>) -> Snapshot {
    let total = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let mut snapshot = Snapshot::new(run.id, run.trigger, total, run.started_at.timestamp_millis());
    let mut counts = Counts::of_total(total);
    let mut done: Vec<(&Item, &Observation)> = Vec::new();
    for item in items {
        match (item.state, &item.seen) {
            (ItemState::Done, Some(seen)) => {
                counts.add(seen.standing(), item.change);
                done.push((item, seen));
            }
            (ItemState::Cancelled, _) => counts.cancelled += 1,
            (ItemState::Failed, _) => counts.failed += 1,
            _ => {}
        }
    }
    done.sort_by_key(|(_, seen)| seen.at);
    let newest = done.len().saturating_sub(RECENT_MAX);
    snapshot.recent = done[newest..]
        .iter()
        .map(|(item, seen)| Outcome::of(item.link_id, item.name.clone(), seen, (item.change, item.reason.clone())))
        .collect();
    snapshot.seq = u64::from(counts.finished());
    snapshot.counts = counts;
    snapshot.state = run.state;
    snapshot.hold = run.hold;
    snapshot.elapsed_ms = match run.finished_at {
        Some(_) => run.ms,
        None => (now - run.started_at).num_milliseconds(),
    };
    snapshot
}
