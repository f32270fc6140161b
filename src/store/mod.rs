//! What is kept, behind a trait so that a second database can stand in.
//!
//! **Architecture Invariant:** sqlx is named below this module only, and the engine nowhere in it.
//! Row structs are private to a backend; only domain types come out. tests/store_contract.rs holds every backend.

pub mod sqlite;

use crate::domain::{
    counts::Counts,
    guard::Hold,
    link::{About, Link, Manual},
    observation::Observation,
    progress::{RunState, Trigger},
    run::{Item, ItemState, Plan, Run, Transition},
    verdict::Change,
    whitelist::{Entry, Kind},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::path::Path;

/// A store that anything can hold.
pub type SharedStore = std::sync::Arc<dyn Store>;

/// Why the store could not do as asked. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{0} is not a Rollcall database; name another file with --database")]
    NotADatabase(String),
    #[error("{file} was made by a newer Rollcall (schema {found}, this one knows {known}); upgrade Rollcall")]
    Newer { file: String, found: i64, known: i64 },
    #[error("the database is locked by another program; close it and try again")]
    Locked,
    #[error("the disk is full; free some space and try again")]
    Full,
    #[error("the database cannot be written: it, or its folder, is read-only")]
    ReadOnly,
    #[error("cannot open the database {0}; check that the folder exists and may be written")]
    CannotOpen(String),
    #[error("{0:?} is not a database address; write sqlite:FILE, such as sqlite:data/rollcall.db")]
    BadAddress(String),
    #[error("{0} is in the roll already (link {1})")]
    DuplicateLink(String, i64),
    #[error(transparent)]
    Address(#[from] crate::domain::address::AddressError),
    #[error("there is no {what} {id}")]
    NoSuch { what: &'static str, id: i64 },
    #[error("run {id} is {state}, not held")]
    NotHeld { id: i64, state: &'static str },
    #[error("{0}")]
    File(String),
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
}

pub type Result<T> = std::result::Result<T, StoreError>;

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
}

/// What a heartbeat found.
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
    /// Witnesses asked, and how many answered.
    pub witnesses: u32,
    pub witnesses_answered: u32,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    pub state: RunState,
    pub hold: Option<Hold>,
    pub counts: Counts,
}

/// A stored schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRow {
    pub id: i64,
    pub cron: String,
    pub last_due: Option<DateTime<Utc>>,
}

/// How the roll stands in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub links: u32,
    /// Active and shown.
    pub shown: u32,
    /// Active and hidden.
    pub hidden: u32,
    /// Active, and the newest check could not tell.
    pub review: u32,
}

/// Links, groups and what the rules remember of them.
#[async_trait]
pub trait Links: Send + Sync {
    /// Every link, by id.
    async fn links(&self) -> Result<Vec<Link>>;
    async fn link(&self, id: i64) -> Result<Option<Link>>;
    /// Some links in the order of the table: hidden ones first, inactive ones last.
    async fn page(&self, offset: u32, limit: u32) -> Result<Vec<Link>>;
    async fn totals(&self) -> Result<Totals>;
    /// # Errors
    /// [`StoreError::DuplicateLink`] where the normalised address is taken.
    async fn add_link(&self, about: &About, active: bool, at: DateTime<Utc>) -> Result<i64>;
    /// # Errors
    /// [`StoreError::NoSuch`], or [`StoreError::DuplicateLink`].
    async fn set_link(&self, id: i64, about: &About, active: bool) -> Result<()>;
    /// # Errors
    /// [`StoreError::NoSuch`].
    async fn remove_link(&self, id: i64) -> Result<()>;
    /// Sets or lifts the owner's own verdict; setting one takes effect at once.
    async fn set_manual(&self, id: i64, manual: Option<Manual>, at: DateTime<Utc>) -> Result<()>;
    /// Adds and updates links in one transaction; with `dry_run` it only says what would happen.
    async fn import(&self, drafts: &[Draft], at: DateTime<Utc>, dry_run: bool) -> Result<Vec<Imported>>;
    /// Shows these links if hidden, for the whitelist's sake; says how many were.
    async fn show_exempt(&self, ids: &[i64], at: DateTime<Utc>) -> Result<u32>;
    /// A link's transitions, newest first.
    async fn transitions(&self, link_id: i64, limit: u32) -> Result<Vec<Transition>>;
}

/// Whitelist, settings and schedules.
#[async_trait]
pub trait Config: Send + Sync {
    async fn whitelist(&self) -> Result<Vec<Entry>>;
    /// Adds an entry, or brings the one of that kind and pattern up to date; returns its id.
    async fn put_entry(&self, entry: &Entry, at: DateTime<Utc>) -> Result<i64>;
    async fn remove_entry(&self, kind: Kind, pattern: &str) -> Result<bool>;
    async fn settings(&self) -> Result<Vec<(String, String)>>;
    async fn put_setting(&self, key: &str, value: &str) -> Result<()>;
    async fn schedules(&self) -> Result<Vec<ScheduleRow>>;
    /// Adds a schedule, or changes the one with `id`; returns its id.
    async fn put_schedule(&self, id: Option<i64>, cron: &str) -> Result<i64>;
    async fn remove_schedule(&self, id: i64) -> Result<bool>;
    /// Notes that a schedule fell due; false where another process was first.
    async fn claim_due(&self, id: i64, last: Option<DateTime<Utc>>, due: DateTime<Utc>) -> Result<bool>;
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
    /// Adds links to a run that goes on; returns those that were free and are now its own.
    async fn add_items(&self, run_id: i64, links: &[i64]) -> Result<Vec<i64>>;
    /// Writes a batch of finished checks in one transaction. Items that are done already stay as they are.
    async fn record(&self, run_id: i64, records: &[Record]) -> Result<()>;
    async fn beat(&self, run_id: i64, owner: &str, at: DateTime<Utc>) -> Result<Beat>;
    /// Asks whoever runs it to cancel; false where it is not running.
    async fn ask_cancel(&self, run_id: i64) -> Result<bool>;
    /// Ends a run: judges, asks the guard, and applies or holds, all in one transaction.
    async fn settle(&self, run_id: i64, ending: Ending, at: DateTime<Utc>) -> Result<Settled>;
    /// # Errors
    /// [`StoreError::NotHeld`], or [`StoreError::NoSuch`].
    async fn apply_held(&self, run_id: i64, at: DateTime<Utc>) -> Result<Settled>;
    /// # Errors
    /// [`StoreError::NotHeld`], or [`StoreError::NoSuch`].
    async fn discard_held(&self, run_id: i64) -> Result<()>;
    async fn run(&self, id: i64) -> Result<Option<Run>>;
    /// The newest runs first.
    async fn runs(&self, limit: u32) -> Result<Vec<Run>>;
    async fn running(&self) -> Result<Vec<Run>>;
    async fn items(&self, run_id: i64) -> Result<Vec<Item>>;
    /// Takes a silent run over, by compare-and-swap on its owner and heartbeat; false where someone was first.
    async fn adopt(&self, run: &Run, owner: &str, at: DateTime<Utc>) -> Result<bool>;
}

/// Everything.
#[async_trait]
pub trait Store: Links + Config + Runs {
    /// Whether the database answers.
    async fn ping(&self) -> Result<()>;
    /// Copies the database as it is now into a new file, and reads it back.
    ///
    /// # Errors
    /// [`StoreError::File`] where the file exists or cannot be written.
    async fn backup(&self, to: &Path) -> Result<()>;
}
