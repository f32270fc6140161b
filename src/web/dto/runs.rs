//! Runs, as pages show them.

use super::{ChangeNote, Pages, Stamp, Totals};
use crate::domain::{
    class::Class,
    counts::Counts,
    guard::Hold,
    observation::Standing,
    own_failure::OwnFailure,
    progress::{RunState, Trigger},
    run::ItemState,
    verdict::Change,
};
use serde::{Deserialize, Serialize};

/// Everything on the first page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    pub totals: Totals,
    pub last_run: Option<RunRow>,
    pub lately: Vec<ChangeNote>,
    pub next_run: Option<Stamp>,
    /// Whether any my-site is set.
    pub has_sites: bool,
}

/// One run in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    pub id: i64,
    pub trigger: Trigger,
    pub state: RunState,
    pub hold: Option<Hold>,
    pub counts: Counts,
    pub started: Stamp,
    /// Milliseconds.
    pub ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunsPage {
    pub rows: Vec<RunRow>,
    pub pages: Pages,
}

/// The query string of /runs/:id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunQuery {
    /// good, bad, unverifiable, whitelisted, changed, pending, cancelled, failed.
    pub outcome: String,
    pub q: String,
    /// `time` for the slowest first.
    pub sort: String,
    pub page: u32,
}

/// One run, and what came of its links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunPage {
    pub run: RunRow,
    pub query: RunQuery,
    pub items: Vec<ItemRow>,
    pub pages: Pages,
    pub slowest: Vec<ItemRow>,
    /// What checks that could not be made failed of, and how many each.
    pub failures: Vec<(OwnFailure, u32)>,
}

/// One link of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemRow {
    pub link_id: i64,
    pub name: String,
    pub url: String,
    pub state: ItemState,
    pub change: Change,
    pub class: Option<Class>,
    pub standing: Option<Standing>,
    pub status: Option<u16>,
    pub ms: Option<u32>,
    pub attempts: u32,
    /// Why nothing was seen, where the check failed on our side.
    pub failure: Option<OwnFailure>,
}

/// What is to become of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// End it; what was finished stays.
    Cancel,
    /// Carry out what a held run would do.
    Apply,
    /// Turn a held run down.
    Discard,
}

impl Decision {
    /// As forms post it.
    pub fn code(self) -> &'static str {
        match self {
            Decision::Cancel => "cancel",
            Decision::Apply => "apply",
            Decision::Discard => "discard",
        }
    }
}
