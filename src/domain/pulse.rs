//! Whether those who run runs are alive: they go on counting, or do not.
//!
//! No clock is compared with another one. Whoever wants to know looks more than once, and measures what lies between
//! two looks by its own clock that nobody sets.

use super::run::Run;
use std::{collections::HashMap, time::Duration};

/// How often the owner of a run counts up.
pub const BEAT_EVERY: Duration = Duration::from_secs(1);
/// An owner that has not counted for so long, nor for [`LAST_CHANCE`] after that, has lost its run to whoever comes.
pub const SILENT_AFTER: Duration = Duration::from_millis(2500);
/// What a silent owner gets once it is certain that it could have counted.
pub const LAST_CHANCE: Duration = Duration::from_millis(1200);
/// What lies between two looks counts as no more than this: whoever was stopped itself meanwhile has seen nothing.
const LOOK_MAX: Duration = Duration::from_millis(1500);

/// What was seen of the owners of runs so far.
#[derive(Debug, Default)]
pub struct Pulses(HashMap<i64, Seen>);

#[derive(Debug)]
struct Seen {
    owner: String,
    beat: i64,
    looked: Duration,
    silent: Duration,
    /// It has counted since the first look.
    heard: bool,
}

/// How the owner of a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Alive,
    /// It has not been looked at for long enough.
    Unsure,
    /// It has not counted for [`SILENT_AFTER`], or has let the run go.
    Silent,
}

impl Pulses {
    /// Looks at a run that goes on. `now` is a time since any moment, by a clock that nobody sets.
    pub fn look(&mut self, run: &Run, now: Duration) -> Life {
        if run.owner.is_empty() {
            return Life::Silent;
        }
        let fresh =
            || Seen { owner: run.owner.clone(), beat: run.beat, looked: now, silent: Duration::ZERO, heard: false };
        let seen = self.0.entry(run.id).or_insert_with(fresh);
        if seen.owner != run.owner || seen.beat != run.beat {
            *seen = Seen { heard: true, ..fresh() };
        }
        seen.silent += now.saturating_sub(seen.looked).min(LOOK_MAX);
        seen.looked = now;
        match seen.silent >= SILENT_AFTER {
            true => Life::Silent,
            false if seen.heard => Life::Alive,
            false => Life::Unsure,
        }
    }

    /// Forgets all runs but these.
    pub fn keep(&mut self, runs: &[Run]) {
        self.0.retain(|id, _| runs.iter().any(|run| run.id == *id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        counts::Counts,
        progress::{RunState, Trigger},
        run::Plan,
        settings::Settings,
    };
    use chrono::DateTime;

    fn run(owner: &str, beat: i64) -> Run {
        Run {
            id: 1,
            trigger: Trigger::Click,
            state: RunState::Running,
            hold: None,
            started_at: DateTime::UNIX_EPOCH,
            finished_at: None,
            owner: owner.to_owned(),
            beat,
            plan: Plan { settings: Settings::default(), whitelist: Vec::new(), widened: false },
            counts: Counts::default(),
            ms: 0,
        }
    }

    #[test]
    fn who_stops_counting_is_silent_after_a_while_of_looking() {
        let at = Duration::from_millis;
        let mut pulses = Pulses::default();
        assert_eq!(pulses.look(&run("a", 7), at(0)), Life::Unsure);
        assert_eq!(pulses.look(&run("a", 8), at(1000)), Life::Alive);
        assert_eq!(pulses.look(&run("a", 8), at(2000)), Life::Alive);
        assert_eq!(pulses.look(&run("a", 8), at(3000)), Life::Alive);
        assert_eq!(pulses.look(&run("a", 8), at(4000)), Life::Silent);
        assert_eq!(pulses.look(&run("b", 9), at(5000)), Life::Alive, "someone has taken it over");
    }

    #[test]
    fn who_was_stopped_itself_has_seen_nothing() {
        let at = Duration::from_millis;
        let mut pulses = Pulses::default();
        assert_eq!(pulses.look(&run("a", 7), at(0)), Life::Unsure);
        assert_eq!(pulses.look(&run("a", 7), at(60_000)), Life::Unsure, "both may have been stopped");
        assert_eq!(pulses.look(&run("a", 8), at(60_200)), Life::Alive);
    }

    #[test]
    fn a_run_that_was_let_go_is_anybodys() {
        assert_eq!(Pulses::default().look(&run("", 7), Duration::ZERO), Life::Silent);
    }
}
