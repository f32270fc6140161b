//! What is kept of runs.

use super::{Result, WantedItems};
use crate::domain::{
    counts::Counts,
    guard::{Heard, Hold},
    observation::Observation,
    own_failure::OwnFailure,
    progress::{RunState, Trigger},
    run::{Item, ItemState, Plan, Run},
    verdict::Change,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// A run that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// `None` where every link is in another run's hands already.
    pub run_id: Option<i64>,
    /// The links that are this run's.
    pub claimed: Vec<i64>,
    /// The runs that hold the others.
    pub elsewhere: Vec<i64>,
}

/// One finished check to be written.
#[derive(Clone, Debug)]
pub struct Record {
    pub link_id: i64,
    pub state: ItemState,
    pub seen: Option<Observation>,
    /// The pending verdict.
    pub change: Change,
    /// Why nothing was seen, where the item failed.
    pub failure: Option<OwnFailure>,
}

impl Record {
    /// A check that saw something.
    pub fn done(link_id: i64, seen: Observation, change: Change) -> Record {
        Record { link_id, state: ItemState::Done, seen: Some(seen), change, failure: None }
    }

    /// A link that stays unchecked, or whose check failed on our side.
    pub fn unseen(link_id: i64, state: ItemState, failure: Option<OwnFailure>) -> Record {
        Record { link_id, state, seen: None, change: Change::None, failure }
    }
}

/// What an owner's sign of life found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The run is still this process's.
    pub mine: bool,
    /// Someone asked for its end.
    pub cancel: bool,
}

/// How a run came to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    pub cancelled: bool,
    pub elapsed_ms: i64,
    /// The owner's witnesses.
    pub witnesses: Heard,
    /// Those that were asked where there are none.
    pub others: Heard,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    pub state: RunState,
    pub hold: Option<Hold>,
    pub counts: Counts,
}

/// Runs and their items.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Writes a run and its items before anything is fetched. Links that another run holds are left to it.
    async fn begin_run(
        &self,
        trigger: Trigger,
        plan: &Plan,
        owner: &str,
        links: &[i64],
        at: DateTime<Utc>,
    ) -> Result<Begun>;
    /// Adds links to its owner's run while it goes on; returns those that were free and are now its own.
    async fn add_items(&self, run_id: i64, owner: &str, links: &[i64]) -> Result<Vec<i64>>;
    /// Writes a batch of finished checks in one transaction. Items that are done already stay as they are.
    ///
    /// # Errors
    /// [`StoreError::NotOwner`](super::StoreError::NotOwner) where the run is over, or another's.
    async fn record(&self, run_id: i64, owner: &str, records: &[Record]) -> Result<()>;
    /// Says that the owner of a run is alive.
    async fn beat(&self, run_id: i64, owner: &str) -> Result<Beat>;
    /// Asks whoever runs it to cancel; false where it is not running.
    async fn ask_cancel(&self, run_id: i64) -> Result<bool>;
    /// Ends a run: judges, asks the guard, and applies or holds, all in one transaction. One that its owner has ended
    /// already is left as it is.
    ///
    /// # Errors
    /// [`StoreError::NotOwner`](super::StoreError::NotOwner) where it is another's.
    async fn settle(&self, run_id: i64, owner: &str, ending: Ending, at: DateTime<Utc>) -> Result<Settled>;
    /// Carries out what a held run would do. What newer checks, or another address, have overtaken is left out.
    ///
    /// # Errors
    /// [`StoreError::NotHeld`](super::StoreError::NotHeld), or [`StoreError::NoSuch`](super::StoreError::NoSuch).
    async fn apply_held(&self, run_id: i64, at: DateTime<Utc>) -> Result<Settled>;
    /// # Errors
    /// [`StoreError::NotHeld`](super::StoreError::NotHeld), or [`StoreError::NoSuch`](super::StoreError::NoSuch).
    async fn discard_held(&self, run_id: i64) -> Result<()>;
    async fn run(&self, id: i64) -> Result<Option<Run>>;
    /// The newest runs first.
    async fn runs(&self, offset: u32, limit: u32) -> Result<Vec<Run>>;
    async fn count_runs(&self) -> Result<u32>;
    /// Some of a run's items, and how many of them there are.
    async fn search_items(&self, run_id: i64, wanted: &WantedItems) -> Result<(Vec<Item>, u32)>;
    async fn running(&self) -> Result<Vec<Run>>;
    async fn items(&self, run_id: i64) -> Result<Vec<Item>>;
    /// What a run's failed items failed of, and how many each: the most first.
    async fn failures(&self, run_id: i64) -> Result<Vec<(OwnFailure, u32)>>;
    /// At most `limit` of a run's items after a link, by link.
    async fn items_after(&self, run_id: i64, link_id: i64, limit: u32) -> Result<Vec<Item>>;
    /// Those of a run's items that there is something to say of: all but the good ones that change nothing.
    async fn notable_items(&self, run_id: i64) -> Result<Vec<Item>>;
    /// Adds single checks of runs that ended before a time up by the day and forgets them, at most `limit` at once;
    /// whether there are more. Held runs keep theirs.
    async fn prune(&self, before: DateTime<Utc>, limit: u32) -> Result<bool>;
    /// Forgets days before a time, at most `limit` of them; whether there are more.
    async fn prune_days(&self, before: DateTime<Utc>, limit: u32) -> Result<bool>;
    /// A run's links that are still to be checked.
    async fn unfinished(&self, run_id: i64) -> Result<Vec<i64>>;
    /// Takes a silent run over, by compare-and-swap on its owner and beat; false where someone was first.
    async fn adopt(&self, run: &Run, owner: &str) -> Result<bool>;
    /// Lets every run of an owner go, for whoever comes; says how many.
    async fn let_go(&self, owner: &str) -> Result<u32>;
}
