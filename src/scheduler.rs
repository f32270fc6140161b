//! Starts runs when the stored schedules say so. The clock is handed in.

use crate::{
    domain::{progress::Trigger, schedule::Schedule, settings::Settings},
    service::{Pick, Result, Service},
    store::ScheduleRow,
};
use chrono::{DateTime, Utc};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How often the stored schedules are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// Runs until it is dropped. What fails is logged, and tried again at the next due time.
pub async fn serve(service: Arc<Service>) {
    let mut seen = HashMap::new();
    loop {
        let wake = match step(&service, &mut seen).await {
            Ok(wake) => wake,
            Err(error) => {
                tracing::error!(%error, "the schedule could not be followed");
                None
            }
        };
        let clock = service.clock();
        let wake = wake.unwrap_or_else(|| clock.now() + LOOK_AGAIN);
        clock.sleep_until(wake, LOOK_AGAIN).await;
    }
}

/// Starts what is due and returns when the next run will be. `seen` holds when each schedule that has never been
/// due was first seen: from there its first time is counted.
pub async fn step(service: &Arc<Service>, seen: &mut HashMap<i64, DateTime<Utc>>) -> Result<Option<DateTime<Utc>>> {
    let now = service.clock().now();
    let settings = service.settings().await?;
    let mut next: Option<DateTime<Utc>> = None;
    for row in service.store().schedules().await? {
        let Some(schedule) = parse(&row, &settings) else { continue };
        let since = row.last_due.unwrap_or_else(|| *seen.entry(row.id).or_insert(now));
        let Some(due) = schedule.next_after(since.min(now)) else { continue };
        let upcoming = if due <= now {
            // However many times were missed, one run catches up.
            if service.store().claim_due(row.id, row.last_due, now).await? {
                tracing::info!(schedule = row.id, "a scheduled run begins");
                let plan = service.plan().await?;
                service.start_run(Trigger::Schedule, Pick::All, plan).await?;
            }
            schedule.next_after(now)
        } else {
            Some(due)
        };
        next = next.into_iter().chain(upcoming).min();
    }
    Ok(next)
}

fn parse(row: &ScheduleRow, settings: &Settings) -> Option<Schedule> {
    match Schedule::new(&row.cron, &crate::config::timezone(settings)) {
        Ok(schedule) => Some(schedule),
        Err(error) => {
            tracing::error!(schedule = row.id, %error, "a schedule is not used");
            None
        }
    }
}
