//! What can go wrong with what is kept.

use crate::domain::field::TooLong;

/// Why the store could not do as asked. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "{0} is not a Rollcall database; name another file with --database, or where it was one, stop the server and \
         bring a backup back with `rollcall restore FILE`"
    )]
    NotADatabase(String),
    /// With SQLite's words.
    #[error("the database is damaged ({0}); stop the server and bring a backup back with `rollcall restore FILE`")]
    Corrupt(String),
    /// Nothing was changed.
    #[error("{file} cannot be restored: {why}. Nothing was changed; name another backup")]
    BadBackup { file: String, why: String },
    /// A database that is to be replaced while another program has it open. Nothing was changed.
    #[error(
        "{0} is locked: another program has it open. Stop the server first, then restore again; nothing was changed"
    )]
    InUse(String),
    #[error("the database file was moved or replaced while it was open; start the program again")]
    Moved,
    #[error("{file} was made by a newer Rollcall (schema {found}, this one knows {known}); upgrade Rollcall")]
    Newer { file: String, found: i64, known: i64 },
    #[error("the database is locked by another program; close it and try again")]
    Locked,
    #[error("the disk is full; free some space and try again")]
    Full,
    #[error(
        "the disk would not take what was written; see whether it is full, a quota or a limit of file sizes is reached, \
         or it is failing"
    )]
    NotWritten,
    #[error("the database file cannot be read: the disk may be failing; look at the system's log, and make a backup")]
    NotRead,
    #[error("the database cannot be written: it, or its folder, is read-only")]
    ReadOnly,
    #[error(
        "cannot open the database {0}; check that the folder exists and may be written, and how many files may be open"
    )]
    CannotOpen(String),
    #[error("{0:?} is not a database address; write sqlite:FILE, such as sqlite:data/rollcall.db")]
    BadAddress(String),
    #[error("{0} is in the roll already (link {1})")]
    DuplicateLink(String, i64),
    #[error(transparent)]
    Address(#[from] crate::domain::address::AddressError),
    #[error("the {what} is longer than {max} characters; shorten it")]
    TooLong { what: &'static str, max: usize },
    #[error("it was cancelled, and nothing was changed")]
    Cancelled,
    #[error("there is no {what} {id}")]
    NoSuch { what: &'static str, id: i64 },
    #[error("run {0} is another process's by now")]
    NotOwner(i64),
    #[error("run {id} is {state}, not held")]
    NotHeld { id: i64, state: &'static str },
    #[error("{0}")]
    File(String),
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
}

pub type Result<T> = std::result::Result<T, StoreError>;

impl From<TooLong> for StoreError {
    fn from(TooLong { field }: TooLong) -> StoreError {
        StoreError::TooLong { what: field.code(), max: field.max_chars() }
    }
}
