//! When runs are due.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use std::str::FromStr;

/// The schedule that a new database has: four in the morning, every day.
pub const DEFAULT_CRON: &str = "0 4 * * *";

/// Why a schedule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("{0:?} is not a cron expression: write five fields, such as \"0 4 * * *\" for four in the morning ({1})")]
    Cron(String, String),
    #[error("{0:?} is not a time zone: write a name such as Asia/Shanghai or UTC")]
    Zone(String),
}

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: Tz,
}

impl Schedule {
    /// # Errors
    /// [`ScheduleError`] where the expression or the zone is not one.
    pub fn new(cron: &str, zone: &str) -> Result<Schedule, ScheduleError> {
        let parsed = Cron::from_str(cron.trim()).map_err(|e| ScheduleError::Cron(cron.to_owned(), e.to_string()))?;
        Ok(Schedule { cron: parsed, zone: parse_zone(zone)? })
    }

    /// The first time after `after` that a run is due; `None` where the expression never comes round again.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.zone);
        self.cron.find_next_occurrence(&local, false).ok().map(|next| next.with_timezone(&Utc))
    }
}

/// # Errors
/// [`ScheduleError::Zone`] where the name is no IANA time zone.
pub fn parse_zone(zone: &str) -> Result<Tz, ScheduleError> {
    Tz::from_str(zone.trim()).map_err(|_| ScheduleError::Zone(zone.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn four_in_the_morning_is_local() {
        let s = Schedule::new(DEFAULT_CRON, "Asia/Shanghai").unwrap();
        assert_eq!(s.next_after(at("2026-11-21T00:00:00Z")), Some(at("2026-11-21T20:00:00Z")));
        assert_eq!(s.next_after(at("2026-11-21T20:00:00Z")), Some(at("2026-11-22T20:00:00Z")));
    }

    #[test]
    fn bad_texts_are_named() {
        assert!(matches!(Schedule::new("every day", "UTC"), Err(ScheduleError::Cron(..))));
        assert!(matches!(Schedule::new("0 4 * * *", "Mars/Base"), Err(ScheduleError::Zone(..))));
    }
}
