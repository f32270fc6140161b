//! What tables ask for: filters, order, and which page.

use crate::domain::{class::Class, link::Link};
use chrono::{DateTime, TimeDelta, Utc};

/// A link that was hidden is new to the owner for this long.
pub const NEWLY_HIDDEN: TimeDelta = TimeDelta::days(7);

/// A friend's links in the order of a table, and which of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub status: Option<Status>,
    pub group: Option<String>,
    /// The class of the reason, or where there is none, of the newest check.
    pub class: Option<Class>,
    /// Looked for in name, address and note; ASCII letters of either case.
    pub text: String,
    /// What [`Status::Review`] is reckoned from.
    pub now: DateTime<Utc>,
    /// Only these, or all but these: the whitelist is no matter of the database.
    pub among: Option<Among>,
    pub sort: Sort,
    pub descending: bool,
    pub offset: u32,
    pub limit: u32,
}

/// How a link stands, as tables are filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Shown,
    Hidden,
    /// The owner should look, and has not said anything that still holds: the newest check could not tell, it raised
    /// a flag, or the link was hidden in the last [`NEWLY_HIDDEN`].
    Review,
    Unchecked,
    Inactive,
}

/// A set of links by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Among {
    Only(Vec<i64>),
    Except(Vec<i64>),
}

/// What a table is sorted by; the id decides where that is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Hidden ones first, inactive ones last.
    #[default]
    State,
    Name,
    Group,
    Latency,
    Checked,
    Since,
    Id,
}

/// A page of links, and how many there are in all.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub links: Vec<Link>,
    pub total: u32,
}

/// Which items of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedItems {
    pub outcome: Option<ItemOutcome>,
    pub text: String,
    /// Slowest first, instead of what changed and what is bad first.
    pub by_time: bool,
    pub offset: u32,
    pub limit: u32,
}

/// The outcomes that a run's items are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemOutcome {
    Good,
    Bad,
    Unverifiable,
    Exempt,
    /// The verdict changes what is shown.
    Changed,
    Pending,
    Cancelled,
    Failed,
}
