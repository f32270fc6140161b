//! What watchers of a run see: a snapshot first, then events that fold into it.

use super::{
    class::Class,
    counts::Counts,
    guard::Hold,
    observation::{Observation, Standing},
    own_failure::OwnFailure,
    reason::Reason,
    verdict::Change,
};
use serde::{Deserialize, Serialize};

/// How many of the newest outcomes a snapshot carries.
pub const RECENT_MAX: usize = 50;

/// What started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    Schedule,
    Click,
    CommandLine,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Running,
    /// Ended, and applied to the links.
    Done,
    /// Ended early; what was finished is applied.
    Cancelled,
    /// Ended, and waits for the owner: apply or discard.
    Held,
    /// Was held; the owner turned it down.
    Discarded,
}

impl RunState {
    pub fn code(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Done => "done",
            RunState::Cancelled => "cancelled",
            RunState::Held => "held",
            RunState::Discarded => "discarded",
        }
    }
}

/// One finished check, as watchers see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub link_id: i64,
    pub name: String,
    pub class: Class,
    pub standing: Standing,
    pub status: Option<u16>,
    pub ms: u32,
    pub attempts: u32,
    /// What the verdict will change once the run is applied.
    pub change: Change,
    /// Why the link is not shown, after this check.
    pub reason: Option<Reason>,
    /// Unix milliseconds.
    pub at_ms: i64,
}

impl Outcome {
    pub fn of(link_id: i64, name: String, seen: &Observation, (change, reason): (Change, Option<Reason>)) -> Outcome {
        Outcome {
            link_id,
            name,
            class: seen.class,
            standing: seen.standing(),
            status: seen.status,
            ms: seen.ms,
            attempts: seen.attempts,
            change,
            reason,
            at_ms: seen.at.timestamp_millis(),
        }
    }
}

/// A site being asked right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    pub link_id: i64,
    pub name: String,
}

/// A run at one moment; all that a page needs to draw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub run_id: i64,
    pub trigger: Trigger,
    pub state: RunState,
    pub hold: Option<Hold>,
    pub counts: Counts,
    /// Unix milliseconds.
    pub started_ms: i64,
    /// The run's own time so far, or in all; milliseconds.
    pub elapsed_ms: i64,
    pub in_flight: Vec<InFlight>,
    /// Newest last, at most [`RECENT_MAX`].
    pub recent: Vec<Outcome>,
    /// How many events it holds: the next one has this sequence number.
    pub seq: u64,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Checking(InFlight),
    /// A check ended and is stored.
    Checked(Outcome),
    /// A check ended without an answer: it is not over yet, and waits until it is certain whose fault that was.
    Unanswered {
        link_id: i64,
        name: String,
    },
    /// A check could not be made, or broke, on a fault of our own.
    Failed {
        link_id: i64,
        name: String,
        #[serde(default)]
        failure: OwnFailure,
    },
    /// Links joined while the run went on.
    Added {
        links: u32,
    },
    /// The run is over. `counts` are final.
    Finished {
        state: RunState,
        hold: Option<Hold>,
        counts: Counts,
        elapsed_ms: i64,
    },
}

/// What goes over the wire to watchers. Tagged from outside: the browser part need not buffer it to read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Replaces all that the watcher has.
    Snapshot { snapshot: Snapshot },
    /// Fold these in, if `seq` is the watcher's own; otherwise wait for a snapshot.
    Events { run_id: i64, seq: u64, elapsed_ms: i64, events: Vec<Event> },
    /// No run is going on.
    Idle,
}

impl Snapshot {
    pub fn new(run_id: i64, trigger: Trigger, total: u32, started_ms: i64) -> Snapshot {
        Snapshot {
            run_id,
            trigger,
            state: RunState::Running,
            hold: None,
            counts: Counts::of_total(total),
            started_ms,
            elapsed_ms: 0,
            in_flight: Vec::new(),
            recent: Vec::new(),
            seq: 0,
        }
    }

    /// Brings the snapshot up to date with one event.
    pub fn fold(&mut self, event: &Event) {
        self.seq += 1;
        match event {
            Event::Checking(site) => {
                self.landed(site.link_id);
                self.in_flight.push(site.clone());
            }
            Event::Checked(outcome) => {
                self.landed(outcome.link_id);
                self.counts.add(outcome.standing, outcome.change);
                if self.recent.len() == RECENT_MAX {
                    self.recent.remove(0);
                }
                self.recent.push(outcome.clone());
            }
            Event::Unanswered { link_id, .. } => self.landed(*link_id),
            Event::Failed { link_id, .. } => {
                self.landed(*link_id);
                self.counts.failed += 1;
            }
            Event::Added { links } => self.counts.total += links,
            Event::Finished { state, hold, counts, elapsed_ms } => {
                self.state = *state;
                self.hold = *hold;
                self.counts = *counts;
                self.elapsed_ms = *elapsed_ms;
                self.in_flight.clear();
            }
        }
    }

    fn landed(&mut self, link_id: i64) {
        if let Some(at) = self.in_flight.iter().position(|site| site.link_id == link_id) {
            self.in_flight.remove(at);
        }
    }

    pub fn is_over(&self) -> bool {
        self.state != RunState::Running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(link_id: i64, standing: Standing, change: Change) -> Event {
        Event::Checked(Outcome {
            link_id,
            name: format!("site {link_id}"),
            class: Class::Ok,
            standing,
            status: Some(200),
            ms: 5,
            attempts: 1,
            change,
            reason: None,
            at_ms: 0,
        })
    }

    #[test]
    fn events_fold_into_counts_and_sites_in_flight() {
        let mut run = Snapshot::new(1, Trigger::Click, 3, 0);
        for id in 1..=3 {
            run.fold(&Event::Checking(InFlight { link_id: id, name: String::new() }));
        }
        run.fold(&outcome(1, Standing::Good, Change::None));
        run.fold(&outcome(2, Standing::Bad, Change::Hide));
        assert_eq!(run.in_flight.len(), 1);
        assert_eq!((run.counts.active_num, run.counts.to_not_show, run.counts.pending()), (2, 1, 1));
        run.fold(&Event::Failed { link_id: 3, name: String::new(), failure: OwnFailure::Broken });
        assert_eq!(run.counts.pending(), 0);
        assert_eq!(run.seq, 6);
    }

    #[test]
    fn recent_outcomes_are_bounded() {
        let mut run = Snapshot::new(1, Trigger::Click, 80, 0);
        (0..80).for_each(|id| run.fold(&outcome(id, Standing::Good, Change::None)));
        assert_eq!(run.recent.len(), RECENT_MAX);
        assert_eq!(run.recent.last().unwrap().link_id, 79);
    }
}
