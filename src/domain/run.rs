//! What a run is, as kept.

use super::{
    counts::Counts,
    guard::Hold,
    observation::{Backlink, Evidence, Flag, Observation},
    own_failure::OwnFailure,
    progress::{RunState, Trigger},
    reason::Reason,
    settings::Settings,
    verdict::Change,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a run goes by: written before it begins, so that another process can go on with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub settings: Settings,
    /// Names and host patterns exempt in this run only.
    #[serde(default)]
    pub whitelist: Vec<String>,
    /// It was begun with nets beyond the public internet allowed, which is never stored.
    #[serde(default)]
    pub widened: bool,
}

/// One run, as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: i64,
    pub trigger: Trigger,
    pub state: RunState,
    pub hold: Option<Hold>,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// The process that runs it; empty where it was let go, for whoever comes.
    pub owner: String,
    /// Its owner counts this up for as long as it goes on.
    pub beat: i64,
    pub plan: Plan,
    pub counts: Counts,
    /// How long it took, milliseconds.
    pub ms: i64,
}

/// Where one link of a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    Pending,
    Done,
    Cancelled,
    /// The check could not be made, or broke, on a fault of our own: [`OwnFailure`] says which.
    Failed,
}

/// One link of a run, with what was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub link_id: i64,
    pub name: String,
    pub url: String,
    pub state: ItemState,
    pub change: Change,
    pub seen: Option<Observation>,
    /// Why there is nothing seen, where the item failed.
    pub failure: Option<OwnFailure>,
    /// Of the link, as it is now.
    pub shown: bool,
    pub reason: Option<Reason>,
}

/// What is kept of an observation besides the columns that tables need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Details {
    #[serde(default)]
    pub backlink: Backlink,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    #[serde(default)]
    pub evidence: Evidence,
}

/// A change of what is shown, as kept for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pub link_id: i64,
    pub run_id: Option<i64>,
    pub at: DateTime<Utc>,
    pub shown: bool,
    pub reason: Option<Reason>,
    pub cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Run,
    Whitelist,
    Manual,
}
