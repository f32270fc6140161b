//! How many checks run at once while this machine is short of something: fewer at each shortage, more again once
//! checks come through.

use crate::domain::own_failure::OwnFailure;
use std::time::Duration;
use tokio::time::Instant;

/// Shortages within this time come of one and the same moment, and count as one.
const ONE_MOMENT: Duration = Duration::from_millis(100);
/// So many checks that come through allow one more at once.
const GROW_AFTER: usize = 8;

/// What a check waits in all for a shortage to pass, before it is given up. Long enough for connections that linger
/// and for a burst of visitors, short enough that a run of thousands on a machine that stays short ends within minutes.
pub const WAIT_MAX: Duration = Duration::from_secs(15);
const WAIT_FIRST: Duration = Duration::from_millis(100);
const WAIT_LONGEST: Duration = Duration::from_secs(2);

/// Checks at once: additive increase, multiplicative decrease, up to a limit.
pub struct Pace {
    limit: usize,
    now: usize,
    good: usize,
    last: Option<(Instant, OwnFailure)>,
}

impl Pace {
    pub fn new(limit: usize) -> Pace {
        let limit = limit.max(1);
        Pace { limit, now: limit, good: 0, last: None }
    }

    /// Changes the limit. A pace that was lowered stays lowered.
    pub fn set_limit(&mut self, limit: usize) {
        let limit = limit.max(1);
        self.now = if self.now == self.limit { limit } else { self.now.min(limit) };
        self.limit = limit;
    }

    /// Checks that may run at once.
    pub fn at_once(&self) -> usize {
        self.now
    }

    /// A check met a shortage.
    pub fn short(&mut self, own: OwnFailure, at: Instant) {
        let same_moment = self.last.is_some_and(|(last, _)| at.saturating_duration_since(last) < ONE_MOMENT);
        self.last = Some((at, own));
        self.good = 0;
        if !same_moment {
            self.now = (self.now / 2).max(1);
        }
    }

    /// A check came through.
    pub fn through(&mut self) {
        self.good += 1;
        if self.good >= GROW_AFTER && self.now < self.limit {
            self.good = 0;
            self.now += 1;
        }
    }

    /// The shortage that was met since a time, if any was.
    pub fn short_since(&self, time: Instant) -> Option<OwnFailure> {
        self.last.filter(|(at, _)| *at >= time).map(|(_, own)| own)
    }
}

/// How long a check waits for a shortage to pass, having done so `times` before and for `waited` in all; `None` where
/// it is given up. `jitter` is drawn from 0..1 and spreads the wait from half to one and a half.
pub fn wait(times: u32, waited: Duration, jitter: f64) -> Option<Duration> {
    if waited >= WAIT_MAX {
        return None;
    }
    let doubled = WAIT_FIRST.saturating_mul(1 << times.min(10)).min(WAIT_LONGEST);
    Some(doubled.mul_f64(0.5 + jitter.clamp(0.0, 1.0)).min(WAIT_MAX - waited))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_once_a_moment_and_grows_back_one_by_one() {
        let start = Instant::now();
        let mut pace = Pace::new(100);
        (0..50).for_each(|ms| pace.short(OwnFailure::OpenFiles, start + Duration::from_millis(ms)));
        assert_eq!(pace.at_once(), 50, "all of one burst count once");
        for second in 1..20 {
            pace.short(OwnFailure::OpenFiles, start + Duration::from_secs(second));
        }
        assert_eq!(pace.at_once(), 1, "and never none");
        assert_eq!(pace.short_since(start + Duration::from_secs(19)), Some(OwnFailure::OpenFiles));
        assert_eq!(pace.short_since(start + Duration::from_secs(20)), None);
        (0..GROW_AFTER).for_each(|_| pace.through());
        assert_eq!(pace.at_once(), 2);
        (0..10_000).for_each(|_| pace.through());
        assert_eq!(pace.at_once(), 100);
    }

    #[test]
    fn a_new_limit_does_not_undo_what_was_lowered() {
        let mut pace = Pace::new(100);
        pace.set_limit(40);
        assert_eq!(pace.at_once(), 40);
        pace.short(OwnFailure::Memory, Instant::now());
        pace.set_limit(200);
        assert_eq!(pace.at_once(), 20);
        pace.set_limit(5);
        assert_eq!(pace.at_once(), 5);
    }

    #[test]
    fn waits_double_and_come_to_fifteen_seconds() {
        let (mut waited, mut times) = (Duration::ZERO, 0);
        let mut waits = Vec::new();
        while let Some(next) = wait(times, waited, 0.5) {
            waits.push(next.as_millis());
            waited += next;
            times += 1;
        }
        assert_eq!(waits[..6], [100, 200, 400, 800, 1600, 2000]);
        assert_eq!(waited, WAIT_MAX);
    }
}
