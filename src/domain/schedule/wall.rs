//! Schedules by a zone's wall clock, also in the nights on which clocks are changed.
//!
//! A schedule at fixed hours names wall times. Each of them comes once: the first time where it comes twice, and at the end
//! of the gap where clocks were put forward over it, as in Vixie's cron. Several times in one gap are one run. A day that
//! a zone leaves out altogether, as Apia did in 2011, has none.
//!
//! A schedule over every hour goes on through these nights: an hourly one runs every sixty minutes whatever the clocks
//! do. Where they are changed by a part of an hour, as by half of one on Lord Howe, that and the minute it names cannot
//! both be had. The minute is kept, and the run that would come too soon is left out: there are ninety minutes between two
//! runs then, and never thirty.

use super::Schedule;
use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, Offset, SubsecRound, TimeDelta, TimeZone, Utc};

const SECOND: TimeDelta = TimeDelta::seconds(1);
const HOUR: TimeDelta = TimeDelta::hours(1);
/// No two clocks of the world are further apart, and none jumps further.
const APART: TimeDelta = TimeDelta::hours(27);
/// Longer than what a change of clocks has an effect on.
const NIGHT: TimeDelta = TimeDelta::hours(6);

impl Schedule {
    /// The first time after `after` that a run is due; `None` where the expression never comes round again.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // Croner hands fractions of a second on.
        let after = after.trunc_subsecs(0);
        if self.any_hour { self.next_of_any_hour(after) } else { self.next_of_fixed_hours(after) }
    }

    fn next_of_fixed_hours(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut wall = self.wall(after);
        loop {
            wall = self.next_in(&Utc, wall.and_utc())?.naive_utc();
            // What has come by the first of two equal clocks does not come by the second.
            if let Some(due) = self.first_at(wall).filter(|due| *due > after) {
                return Some(due);
            }
        }
    }

    fn next_of_any_hour(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.matching_after(after)?;
        if self.offset(after - NIGHT) == self.offset(next) {
            return Some(next);
        }
        // What is left out depends on what came before.
        let mut last = None;
        let mut due = self.matching_after(after - NIGHT)?;
        loop {
            if last.is_none_or(|last| due - last >= self.usual_distance(due)) {
                if due > after {
                    return Some(due);
                }
                last = Some(due);
            }
            due = self.matching_after(due)?;
        }
    }

    /// From the wall time before this one, an hour at most.
    fn usual_distance(&self, due: DateTime<Utc>) -> TimeDelta {
        let wall = self.wall(due).and_utc();
        let before = self.cron.find_previous_occurrence(&wall, false);
        before.map_or(HOUR, |before| (wall - before).min(HOUR))
    }

    /// The first time after `after` at which the clock shows one that the expression names.
    fn matching_after(&self, mut after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut offset = self.offset(after);
        loop {
            let next = self.next_in(&offset, after)?;
            if self.offset(next) == offset {
                return Some(next);
            }
            // By the new time from when it holds.
            let change = self.first_change(after, next);
            offset = self.offset(change);
            after = change - SECOND;
        }
    }

    /// When the clocks are changed for the first time after `after`; by `end` they are.
    fn first_change(&self, after: DateTime<Utc>, end: DateTime<Utc>) -> DateTime<Utc> {
        let held = self.offset(after);
        let mut from = after;
        while from + NIGHT < end && self.offset(from + NIGHT) == held {
            from += NIGHT;
        }
        first(from, end.min(from + NIGHT), |at| self.offset(at) != held)
    }

    /// When the clock first shows this time, or has been put forward over it. `None` on a day that is left out.
    fn first_at(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.zone.from_local_datetime(&wall) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.with_timezone(&Utc)),
            LocalResult::None => {
                let around = wall.and_utc();
                let after_gap = first(around - APART, around + APART, |at| self.wall(at) > wall);
                // Where the gap ends with the day, as in Nuuk, the day's last second is what is left of it.
                let edges = [after_gap, after_gap - SECOND];
                edges.into_iter().find(|edge| self.wall(*edge).date() == wall.date())
            }
        }
    }

    /// What the clock shows.
    fn wall(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    fn offset(&self, at: DateTime<Utc>) -> FixedOffset {
        self.zone.offset_from_utc_datetime(&at.naive_utc()).fix()
    }

    pub(super) fn next_in<Z: TimeZone>(&self, zone: &Z, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(zone);
        self.cron.find_next_occurrence(&local, false).ok().map(|next| next.with_timezone(&Utc))
    }
}

/// The first second for which it is so, where it is not at `from` and is at `end`.
pub(super) fn first(
    mut from: DateTime<Utc>,
    mut end: DateTime<Utc>,
    is_so: impl Fn(DateTime<Utc>) -> bool,
) -> DateTime<Utc> {
    while end - from > SECOND {
        let middle = from + TimeDelta::seconds((end - from).num_seconds() / 2);
        if is_so(middle) { end = middle } else { from = middle }
    }
    end
}
