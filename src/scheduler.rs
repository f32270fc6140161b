//! Starts runs when the stored schedules say so. The clock and the randomness are handed in.

use crate::{
    domain::{
        schedule::{self, Schedule},
        settings::Settings,
    },
    service::{Result, Service},
    store::ScheduleRow,
    supervisor::Liveness,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How often the stored schedules are looked at again.
pub const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// A backup that failed is tried again after this.
const BACKUP_AGAIN: TimeDelta = TimeDelta::hours(1);
/// A time further ahead than this was noted by a clock that has been set back since.
const AHEAD: TimeDelta = TimeDelta::minutes(1);

/// What the loop remembers from one look to the next.
pub struct Memory {
    rng: fastrand::Rng,
    /// By schedule: the time it is due, and how much later it starts.
    late: HashMap<i64, (DateTime<Utc>, TimeDelta)>,
    /// When the first look was, and from when on a backup that failed is tried again.
    backups: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Memory {
    /// `rng` spreads the starts.
    pub fn new(rng: fastrand::Rng) -> Memory {
        Memory { rng, late: HashMap::new(), backups: None }
    }

    /// How much later than due a schedule starts: drawn once for each time it is due.
    fn late(&mut self, id: i64, due: DateTime<Utc>, at_most: TimeDelta) -> TimeDelta {
        match self.late.get(&id) {
            Some((held, late)) if *held == due => *late,
            _ => {
                let late = TimeDelta::milliseconds(self.rng.i64(0..=at_most.num_milliseconds().max(0)));
                self.late.insert(id, (due, late));
                late
            }
        }
    }
}

/// Starts runs until it is dropped. What fails is logged, and tried again at the next look.
pub async fn serve(service: Arc<Service>, rng: fastrand::Rng, liveness: Liveness) {
    let mut memory = Memory::new(rng);
    loop {
        liveness.note();
        let wake = match step(&service, &mut memory).await {
            Ok(wake) => wake,
            Err(error) => {
                tracing::error!(%error, "the schedules could not be followed");
                None
            }
        };
        let clock = service.clock();
        let wake = wake.unwrap_or_else(|| clock.now() + LOOK_AGAIN);
        clock.sleep_until(wake, LOOK_AGAIN).await;
    }
}

/// Makes backups until it is dropped: apart from the schedules, which are not to wait for a large one.
pub async fn keep_backups(service: Arc<Service>, liveness: Liveness) {
    let mut memory = Memory::new(fastrand::Rng::new());
    loop {
        liveness.note();
        back_up(&service, &mut memory).await;
        let clock = service.clock();
        clock.sleep_until(clock.now() + LOOK_AGAIN, LOOK_AGAIN).await;
    }
}

/// Starts what is due and returns when the next run will be.
///
/// # Errors
/// Where settings or schedules cannot be read. A run that cannot be started is logged and stays due.
pub async fn step(service: &Arc<Service>, memory: &mut Memory) -> Result<Option<DateTime<Utc>>> {
    let settings = service.settings().await?;
    let mut next: Option<DateTime<Utc>> = None;
    for row in service.store().schedules().await? {
        let Some(schedule) = parse(&row, &settings) else { continue };
        match one(service, memory, &row, &schedule, &settings).await {
            Ok(upcoming) => next = next.into_iter().chain(upcoming).min(),
            Err(error) => tracing::error!(schedule = row.id, %error, "a scheduled run could not be started"),
        }
    }
    Ok(next)
}

async fn one(
    service: &Arc<Service>,
    memory: &mut Memory,
    row: &ScheduleRow,
    schedule: &Schedule,
    settings: &Settings,
) -> Result<Option<DateTime<Utc>>> {
    let now = service.clock().now();
    let Some(since) = row.last_due.filter(|since| *since <= now + AHEAD) else {
        // Never looked at, or by a clock that was wrong: counted from here.
        service.store().claim_due(row.id, row.last_due, now).await?;
        return Ok(schedule.next_after(now));
    };
    let Some(due) = schedule.next_after(since) else { return Ok(None) };
    let at_most = schedule::jitter(settings.system.jitter(), due, schedule.next_after(due));
    let start = due + memory.late(row.id, due, at_most);
    if start > now {
        return Ok(Some(start));
    }
    // However many times were missed, one run catches up.
    if service.store().claim_due(row.id, row.last_due, now).await? {
        tracing::info!(schedule = row.id, scope = %row.scope, "a schedule is due");
        if let Err(error) = service.start_scheduled(&row.scope).await {
            service.store().claim_due(row.id, Some(now), since).await?;
            return Err(error);
        }
    }
    Ok(schedule.next_after(now))
}

/// Makes a backup if one is due. One that fails is told, and tried again after an hour.
pub async fn back_up(service: &Arc<Service>, memory: &mut Memory) {
    let now = service.clock().now();
    let (first, again) = *memory.backups.get_or_insert((now, now));
    if now < again {
        return;
    }
    match service.back_up_if_due(first.min(now)).await {
        Ok(Some(file)) => tracing::info!(file = %file.display(), "backed up"),
        Ok(None) => {}
        Err(error) => {
            tracing::error!(%error, "a backup could not be made");
            memory.backups = Some((first, now + BACKUP_AGAIN));
        }
    }
}

fn parse(row: &ScheduleRow, settings: &Settings) -> Option<Schedule> {
    match Schedule::stored(&row.cron, &crate::config::timezone(settings)) {
        Ok(schedule) => Some(schedule),
        Err(error) => {
            tracing::error!(schedule = row.id, %error, "a schedule is not used");
            None
        }
    }
}
