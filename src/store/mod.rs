//! What is kept, behind a trait so that a second database can stand in.
//!
//! **Architecture Invariant:** sqlx is named below this module only, and the engine nowhere in it.
//! Row structs are private to a backend; only domain types come out. tests/store_contract/ holds every backend.

mod ended;
mod error;
mod runs;
pub mod sqlite;
mod wanted;

pub use ended::Ended;
pub use error::{Result, StoreError};
pub use runs::{Beat, Begun, Ending, Record, Runs, Settled};
pub use wanted::{Among, Found, ItemOutcome, NEWLY_HIDDEN, Sort, Status, Wanted, WantedItems};

use crate::domain::{
    audit::Note,
    link::{About, Link, Manual},
    observation::{Observation, Standing},
    policy::Policy,
    reason::Reason,
    run::Transition,
    schedule::Scope,
    verdict::Change,
    whitelist::{Entry, Kind},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// A store that anything can hold.
pub type SharedStore = std::sync::Arc<dyn Store>;

/// Is told how many links have been written so far, some hundreds of times a second at most; what answers false calls
/// the work off.
pub type Progress<'a> = &'a (dyn Fn(usize) -> bool + Send + Sync);

/// For work that nobody watches.
pub fn unwatched(_: usize) -> bool {
    true
}

/// A link as a file carries it: `None` is what the file says nothing about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    pub name: String,
    pub url: String,
    pub group: Option<String>,
    pub logo: Option<String>,
    pub description: Option<String>,
    pub feed: Option<String>,
    pub backlink_page: Option<String>,
    pub email: Option<String>,
    pub note: Option<String>,
    /// Counts for new links only.
    pub active: Option<bool>,
}

/// What an import did, or would do, with one draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    Added,
    Updated,
    Unchanged,
}

/// A stored schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRow {
    pub id: i64,
    pub cron: String,
    pub scope: Scope,
    /// From when its next time is counted: its last run, or when it was set. `None` until it is first looked at.
    pub last_due: Option<DateTime<Utc>>,
}

/// One check of a link, as the line over time needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub at: DateTime<Utc>,
    pub standing: Standing,
    pub ms: u32,
}

/// What happened lately, with the link's name.
#[derive(Clone, Debug, PartialEq)]
pub struct Lately {
    pub name: String,
    pub change: Transition,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: i64,
    pub name: String,
    /// argon2id, in PHC form.
    pub password: String,
    /// Sessions of an earlier epoch are over.
    pub epoch: i64,
}

/// How large the database is, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub file: u64,
    /// Of these nothing uses.
    pub free: u64,
    /// Written and not yet in the file.
    pub wal: u64,
}

/// How the roll stands in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub links: u32,
    /// Active and shown.
    pub shown: u32,
    /// Active and hidden.
    pub hidden: u32,
}

/// Links, groups and what the rules remember of them.
#[async_trait]
pub trait Links: Send + Sync {
    /// Every link, by id.
    async fn links(&self) -> Result<Vec<Link>>;
    /// These links, in this order; those that are gone are left out.
    async fn links_of(&self, ids: &[i64]) -> Result<Vec<Link>>;
    /// The ids of all links, or of those that are active and shown: by id, or by group in the order in which groups
    /// first come. With [`Links::links_of`] a roll of any size is read in parts.
    async fn roll_order(&self, shown: bool, by_group: bool) -> Result<Vec<i64>>;
    /// A number that changes whenever a link comes, goes, is shown or hidden, or is told of otherwise by the owner.
    async fn roll_revision(&self) -> Result<i64>;
    /// The links of [`Status::Review`], by id.
    async fn to_review(&self, now: DateTime<Utc>) -> Result<Vec<i64>>;
    /// Id and name of every link, and whether it is active; by id. A fraction of what [`Links::links`] costs.
    async fn roster(&self) -> Result<Vec<(i64, String, bool)>>;
    async fn link(&self, id: i64) -> Result<Option<Link>>;
    /// A number that changes whenever a link comes, goes, or has another name or address.
    async fn links_revision(&self) -> Result<i64>;
    /// Every link's id, name and address.
    async fn names(&self) -> Result<Vec<(i64, String, String)>>;
    /// How many of these links are active and hidden.
    async fn count_hidden(&self, ids: &[i64]) -> Result<u32>;
    /// A page of the links that are wanted.
    async fn search(&self, wanted: &Wanted) -> Result<Found>;
    /// The groups in use, with how many links each has.
    async fn groups(&self) -> Result<Vec<(String, u32)>>;
    async fn totals(&self) -> Result<Totals>;
    /// # Errors
    /// [`StoreError::DuplicateLink`] where the normalised address is taken.
    async fn add_link(&self, about: &About, active: bool, at: DateTime<Utc>) -> Result<i64>;
    /// # Errors
    /// [`StoreError::NoSuch`], or [`StoreError::DuplicateLink`].
    async fn set_link(&self, id: i64, about: &About, active: bool) -> Result<()>;
    /// Puts links into the roll or out of it; says how many it changed.
    async fn set_active(&self, ids: &[i64], active: bool) -> Result<u32>;
    /// Moves links to a group; an empty name takes them out of theirs.
    async fn set_group(&self, ids: &[i64], group: &str) -> Result<u32>;
    /// Removes links, for [`Links::restore_links`] to bring back until [`Links::purge`]; says how many.
    async fn remove_links(&self, ids: &[i64], at: DateTime<Utc>) -> Result<u32>;
    /// Brings removed links back with all their history; says how many.
    async fn restore_links(&self, ids: &[i64]) -> Result<u32>;
    /// Forgets for good what was removed before a time.
    async fn purge(&self, before: DateTime<Utc>) -> Result<u32>;
    /// Sets the owner's own verdict, which takes effect at once. One that shows the link takes it as it is now: the next
    /// good check's title is its new one.
    async fn set_manual(&self, id: i64, manual: Manual, at: DateTime<Utc>) -> Result<()>;
    /// Lifts the owner's own verdict: the link is then shown or not, for this reason.
    async fn lift_manual(&self, id: i64, shown: bool, reason: Option<Reason>, at: DateTime<Utc>) -> Result<()>;
    /// Lifts manual verdicts and ends whitelist entries whose time is over; their links stand as the rules remember them.
    /// What ended entries exempted is still to be checked: see [`Links::unchecked_ends`].
    async fn end_what_is_over(&self, policy: &Policy, at: DateTime<Utc>) -> Result<Ended>;
    /// The ids of the whitelist entries that have ended and whose links no check was begun for since.
    async fn unchecked_ends(&self) -> Result<Vec<i64>>;
    /// The links in the roll that these entries name and no entry exempts at a time.
    async fn freed_by(&self, entries: &[i64], at: DateTime<Utc>) -> Result<Vec<i64>>;
    /// Notes that a check was begun for these ended entries; what was prolonged meanwhile stays as it is.
    async fn note_checked_ends(&self, entries: &[i64]) -> Result<()>;
    /// Adds and updates links in one transaction; with `dry_run` it only says what would happen.
    ///
    /// # Errors
    /// [`StoreError::Cancelled`] where `progress` wants no more, [`StoreError::TooLong`], or [`StoreError::Address`];
    /// nothing is changed then.
    async fn import(
        &self,
        drafts: &[Draft],
        at: DateTime<Utc>,
        dry_run: bool,
        progress: Progress<'_>,
    ) -> Result<Vec<Imported>>;
    /// Shows these links if hidden, for the whitelist's sake; says how many were.
    async fn show_exempt(&self, ids: &[i64], at: DateTime<Utc>) -> Result<u32>;
    /// A link's transitions, newest first.
    async fn transitions(&self, link_id: i64, limit: u32) -> Result<Vec<Transition>>;
    /// The newest transitions of all links.
    async fn lately(&self, limit: u32) -> Result<Vec<Lately>>;
    /// A link's checks, newest first, each with its run; evidence where it is kept.
    async fn checks(&self, link_id: i64, limit: u32) -> Result<Vec<(i64, Observation)>>;
    /// A link's checks since a time, oldest first; days that were added up are one point each, at noon.
    async fn points(&self, link_id: i64, since: DateTime<Utc>) -> Result<Vec<Point>>;
    /// The verdicts of these links that are stored and have not taken effect, with the newest last.
    async fn pending(&self, ids: &[i64]) -> Result<Vec<(i64, Change)>>;
}

/// Whitelist, settings and schedules.
#[async_trait]
pub trait Config: Send + Sync {
    async fn whitelist(&self) -> Result<Vec<Entry>>;
    /// Adds an entry, or brings the one of that kind and pattern up to date; returns its id.
    async fn put_entry(&self, entry: &Entry, at: DateTime<Utc>) -> Result<i64>;
    async fn remove_entry(&self, kind: Kind, pattern: &str) -> Result<bool>;
    async fn settings(&self) -> Result<Vec<(String, String)>>;
    /// Keeps values by their keys: all of them, or where that fails none.
    async fn put_settings(&self, values: &[(String, String)]) -> Result<()>;
    async fn schedules(&self) -> Result<Vec<ScheduleRow>>;
    /// Adds a schedule, or changes the one with `id`; returns its id. Its next time is counted from `at`.
    async fn put_schedule(&self, id: Option<i64>, cron: &str, scope: &Scope, at: DateTime<Utc>) -> Result<i64>;
    async fn remove_schedule(&self, id: i64) -> Result<bool>;
    /// Counts a schedule's next time from `from`; false where another process was first.
    async fn claim_due(&self, id: i64, last: Option<DateTime<Utc>>, from: DateTime<Utc>) -> Result<bool>;
}

/// Accounts, who is signed in, and who did what.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Notes what someone did.
    async fn note(&self, note: &Note) -> Result<()>;
    /// What was done, the newest first, and how much of it there is.
    async fn notes(&self, offset: u32, limit: u32) -> Result<(Vec<Note>, u32)>;
    /// Forgets what was done before a time.
    async fn sweep_notes(&self, before: DateTime<Utc>) -> Result<()>;
    async fn users(&self) -> Result<Vec<User>>;
    async fn user(&self, id: i64) -> Result<Option<User>>;
    /// Adds an account; with `only_first`, only where there is none yet. `None` where it was not added.
    async fn add_user(&self, name: &str, password: &str, only_first: bool, at: DateTime<Utc>) -> Result<Option<i64>>;
    /// Sets a password, which ends all sessions; false where there is no such account.
    async fn set_password(&self, name: &str, password: &str) -> Result<bool>;
    /// Ends all sessions of an account.
    async fn end_sessions(&self, user_id: i64) -> Result<()>;
    /// Whether an account has signed in with this mark, of a device or an address, since a time.
    async fn knows_sign_in(&self, user_id: i64, mark: &str, since: DateTime<Utc>) -> Result<bool>;
    /// Remembers the marks of a log-in, and forgets those before a time; of each account the newest hundred stay.
    async fn remember_sign_in(
        &self,
        user_id: i64,
        marks: &[String],
        at: DateTime<Utc>,
        before: DateTime<Utc>,
    ) -> Result<()>;
    /// A session's record, unless it has ended.
    async fn session(&self, id: &str, at: DateTime<Utc>) -> Result<Option<String>>;
    /// Keeps a session; with `new`, only where the id is free. Says whether it did.
    async fn put_session(&self, id: &str, record: &str, ends: DateTime<Utc>, new: bool) -> Result<bool>;
    async fn remove_session(&self, id: &str) -> Result<()>;
    /// Every session that has not ended: id and record.
    async fn sessions(&self, at: DateTime<Utc>) -> Result<Vec<(String, String)>>;
    /// Forgets sessions that have ended.
    async fn sweep_sessions(&self, at: DateTime<Utc>) -> Result<()>;
}

/// Everything.
#[async_trait]
pub trait Store: Links + Config + Runs + Accounts {
    /// Gives some of the space that nothing uses any more back to the disk; whether there is more that can be given.
    async fn shrink(&self) -> Result<bool>;
    /// How large the database is.
    async fn size(&self) -> Result<Size>;
    /// Reads the whole database and says what is wrong with it; empty where nothing is.
    async fn examine(&self) -> Result<Vec<String>>;
    /// The runs that wait for the owner's decision, the oldest first.
    async fn held_runs(&self) -> Result<Vec<i64>>;
    /// When the database was made: the earliest time in it.
    async fn made_at(&self) -> Result<Option<DateTime<Utc>>>;
    /// Closes all connections, which leaves all that was written in the one file where no other program has it open.
    async fn close(&self);
    /// The database's file.
    fn file(&self) -> PathBuf;
    /// The folder that it lies in.
    fn folder(&self) -> PathBuf;
    /// Whether the database is still the one that was opened, and can be read.
    async fn ping(&self) -> Result<()>;
    /// Whether it can be written: on the disk, under the write lock, for which it waits so long at most.
    ///
    /// # Errors
    /// Why nothing can be written.
    async fn probe_write(&self, patience: Duration) -> Result<()>;
    /// Copies the database as it is now into a new file, and reads it back.
    ///
    /// # Errors
    /// [`StoreError::File`] where the file exists or cannot be written.
    async fn backup(&self, to: &Path) -> Result<()>;
}
