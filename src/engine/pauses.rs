//! Times at which this process stood still: stopped by a signal, frozen with its container, asleep with its machine, or
//! without its turn on the processor. Time limits go on meanwhile, and what they then end says nothing about a site.

use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use tokio::time::Instant;

/// How often the dispatcher turns while checks are in flight, at least.
pub const TURN: Duration = Duration::from_millis(100);
/// A turn that comes so late, or later, was kept from it: a busy machine is late by less, and a tenth of a time limit
/// of 5 s may be lost without harm.
const LATE: Duration = Duration::from_millis(500);
/// Where the clock on the wall gained so much on the other one, the machine slept, or the clock was set, which is as
/// rare.
const SLEPT: TimeDelta = TimeDelta::seconds(2);

/// Notices that turns do not come.
pub struct Pauses {
    turned: Instant,
    wall: DateTime<Utc>,
    /// The end of the newest pause.
    ended: Option<Instant>,
}

impl Pauses {
    pub fn new(now: Instant, wall: DateTime<Utc>) -> Pauses {
        Pauses { turned: now, wall, ended: None }
    }

    /// Says that there was nothing to turn for until now.
    pub fn rested(&mut self, now: Instant, wall: DateTime<Utc>) {
        (self.turned, self.wall) = (now, wall);
    }

    /// A turn has come.
    pub fn turn(&mut self, now: Instant, wall: DateTime<Utc>) {
        let passed = now.saturating_duration_since(self.turned);
        let gained = (wall - self.wall) - TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX);
        if passed >= LATE || gained >= SLEPT {
            self.ended = Some(now);
        }
        self.rested(now, wall);
    }

    /// Whether there was a pause after this time, or around it.
    pub fn since(&self, time: Instant) -> bool {
        self.ended.is_some_and(|ended| ended > time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_turn_and_a_sleeping_machine_are_pauses() {
        let (start, wall) = (Instant::now(), DateTime::UNIX_EPOCH);
        let at = |ms: u64| (start + Duration::from_millis(ms), wall + TimeDelta::milliseconds(ms as i64));
        let mut pauses = Pauses::new(start, wall);
        for ms in [100, 230, 400, 899] {
            pauses.turn(at(ms).0, at(ms).1);
            assert!(!pauses.since(start), "{ms}");
        }
        pauses.turn(at(1400).0, at(1400).1);
        assert!(pauses.since(start) && pauses.since(at(1399).0) && !pauses.since(at(1400).0));
        let (now, wall) = at(1500);
        pauses.turn(now, wall + TimeDelta::hours(8));
        assert!(pauses.since(at(1450).0), "the machine slept");
        pauses.turn(at(1600).0, wall);
        assert!(!pauses.since(now), "a clock that is set back is no pause");
        pauses.rested(at(9000).0, wall);
        pauses.turn(at(9100).0, wall);
        assert!(!pauses.since(at(1600).0), "there was nothing to turn for");
    }
}
