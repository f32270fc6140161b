//! A made-up past for the ring: two weeks of nightly runs, by the same way as real ones, so that there is something to
//! look at.

use super::Failure;
use crate::{
    domain::{class::Class, observation::Observation, progress::Trigger, verdict::Change},
    service::Service,
    store::{Ending, Record},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

const NIGHTS: i64 = 14;
/// The same past every time.
const SEED: u64 = 24;
/// One link was down for these nights, counted back from today, and came back.
const DOWN: std::ops::Range<i64> = 6..8;
const DOWN_LINK: usize = 2;

/// `links` are the ids in order, each with whether the newest run hid it.
pub async fn make_up(service: &Arc<Service>, links: &[(i64, bool)]) -> Result<(), Failure> {
    let mut rng = fastrand::Rng::with_seed(SEED);
    let today = service.clock().now();
    for night in (1..=NIGHTS).rev() {
        let at = today - TimeDelta::days(night) + TimeDelta::hours(4);
        let records: Vec<Record> = links
            .iter()
            .enumerate()
            .map(|(place, (id, hidden))| {
                let down = (place == DOWN_LINK && DOWN.contains(&night)) || (night == 1 && *hidden);
                record(*id, at, down, 80 + rng.u32(0..40) * (1 + place as u32 % 7))
            })
            .collect();
        run(service, &records, at).await?;
    }
    Ok(())
}

fn record(link_id: i64, at: DateTime<Utc>, down: bool, ms: u32) -> Record {
    let (class, status) = if down { (Class::HttpStatus, 502) } else { (Class::Ok, 200) };
    let seen = Observation { class, status: Some(status), ms, attempts: 1, ..Observation::whitelisted(at) };
    Record::done(link_id, seen, Change::None)
}

async fn run(service: &Arc<Service>, records: &[Record], at: DateTime<Utc>) -> Result<(), Failure> {
    let store = service.store();
    let plan = service.plan().await?;
    let ids: Vec<i64> = records.iter().map(|record| record.link_id).collect();
    let begun = store.begin_run(Trigger::Schedule, &plan, "demo", &ids, at).await?;
    let Some(run_id) = begun.run_id else { return Ok(()) };
    store.record(run_id, "demo", records).await?;
    let elapsed_ms = records.iter().filter_map(|record| record.seen.as_ref()).map(|seen| i64::from(seen.ms)).max();
    store
        .settle(run_id, "demo", Ending { elapsed_ms: elapsed_ms.unwrap_or_default(), ..Ending::default() }, at)
        .await?;
    Ok(())
}
