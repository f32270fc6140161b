//! What goes between server and browser. No usize, no times that both would have to format alike.

use crate::domain::{
    class::Class,
    counts::Counts,
    guard::Hold,
    progress::{RunState, Snapshot, Trigger},
    reason::Reason,
};
use serde::{Deserialize, Serialize};

/// Everything on the first page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    pub totals: Totals,
    pub rows: Vec<LinkRow>,
    pub page: u32,
    pub pages: u32,
    pub live: Vec<Snapshot>,
    pub last_run: Option<RunRow>,
    pub next_run: Option<Stamp>,
    /// Whether any my-site is set.
    pub has_sites: bool,
}

/// How the roll stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub links: u32,
    pub shown: u32,
    pub hidden: u32,
    pub review: u32,
}

/// One link in the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkRow {
    pub id: i64,
    pub name: String,
    /// As the owner wrote it.
    pub url: String,
    /// Safe to follow; empty where it is not.
    pub href: String,
    pub group: String,
    pub active: bool,
    pub shown: bool,
    pub whitelisted: bool,
    pub reason: Option<Reason>,
    pub class: Option<Class>,
    pub status: Option<u16>,
    pub ms: Option<u32>,
    pub checked: Option<Stamp>,
}

/// A time, as machines and as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub iso: String,
    pub text: String,
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

/// What came of a click on "re-check".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecheckOutcome {
    Started,
    Whitelisted,
    Inactive,
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
