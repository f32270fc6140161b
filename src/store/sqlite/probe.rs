//! Whether the database is still the one that was opened, and can be read and written: asked of the files themselves, not
//! of pages that a connection remembers.

use super::{
    super::{Result, StoreError},
    files, open,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

/// How long a reader waits for another's work on the log.
const BUSY: Duration = Duration::from_millis(1000);
/// Every table of which something is read.
const TABLES: [&str; 12] = [
    "links",
    "groups",
    "whitelist",
    "settings",
    "schedules",
    "runs",
    "run_items",
    "evidence",
    "transitions",
    "revisions",
    "users",
    "sessions",
];
/// Links that are read whole at a time: by and by all of them.
const LINKS_AT_ONCE: i64 = 500;
/// Less room than this on the disk is none: the write-ahead log alone takes four megabytes, and may hold what no longer
/// fits into the file. Bytes.
pub const ROOM_MIN: u64 = 1 << 20;

/// Bytes that are free for us on a folder's disk; `None` where its file system does not say.
///
/// # Errors
/// Where it cannot be asked.
pub fn room(folder: &Path) -> std::io::Result<Option<u64>> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok((disk.f_blocks > 0).then(|| disk.f_bavail.saturating_mul(disk.f_frsize)))
}

/// The database's files as the writer opened them.
pub struct Files {
    path: PathBuf,
    /// Device and number of the file, its log and the log's index.
    held: Mutex<[Option<(u64, u64)>; 3]>,
    /// The link up to which the roll was read.
    upto: AtomicI64,
}

impl Files {
    pub fn new(path: &Path) -> Files {
        Files { path: path.to_path_buf(), held: Mutex::default(), upto: AtomicI64::new(0) }
    }

    /// Remembers which files there are now, as the writer has just opened them.
    pub fn note(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = watched(&self.path).map(|file| files::id(&file));
    }

    /// # Errors
    /// [`StoreError::File`] where one of them is gone, is another one now, or may not be used any more.
    fn are_the_same(&self) -> Result<()> {
        let held = *self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let what = ["the database file", "its write-ahead log (-wal)", "the log's index (-shm)"];
        for ((file, held), what) in watched(&self.path).iter().zip(held).zip(what) {
            if held.is_none() {
                continue;
            }
            match files::id(file) {
                None => return Err(gone(format!("{what} was moved or deleted, or may not be reached any more"))),
                now if now != held => return Err(gone(format!("{what} was replaced by another"))),
                _ => {}
            }
            if !may_be_used(file) {
                return Err(gone(format!("{what} may not be read and written any more")));
            }
        }
        Ok(())
    }

    fn options(&self, patience: Duration) -> SqliteConnectOptions {
        open::options(&self.path).create_if_missing(false).busy_timeout(patience)
    }

    /// Reads of every table, and of the roll another part each time.
    ///
    /// # Errors
    /// [`StoreError`] with what is wrong.
    pub async fn read(&self) -> Result<()> {
        self.are_the_same()?;
        // One of its own remembers nothing.
        let mut connection = self.options(BUSY).pragma("query_only", "ON").connect().await?;
        let read = read(&mut connection, self.upto.load(Relaxed)).await;
        connection.close().await?;
        self.upto.store(read?, Relaxed);
        Ok(())
    }

    /// Writes a number that nothing else uses, so that the disk has to take it.
    ///
    /// # Errors
    /// [`StoreError`] with what is wrong; [`StoreError::Locked`] where somebody else writes.
    pub async fn write(&self, patience: Duration) -> Result<()> {
        self.are_the_same()?;
        if room(files::folder_of(&self.path)).is_ok_and(|room| room.is_some_and(|room| room < ROOM_MIN)) {
            return Err(StoreError::Full);
        }
        let mut connection = self.options(patience).connect().await?;
        let written = write(&mut connection).await;
        connection.close().await?;
        written
    }
}

async fn read(connection: &mut SqliteConnection, after: i64) -> Result<i64> {
    for table in TABLES {
        let query = super::fixed(format!("SELECT 1 FROM {table} LIMIT 1"));
        sqlx::query(query).fetch_optional(&mut *connection).await?;
    }
    // What pages and the public list go by. Without a condition SQLite would count by any index.
    let counted = "SELECT count(*) FROM links INDEXED BY links_by_state WHERE deleted_at IS NULL";
    sqlx::query(counted).fetch_one(&mut *connection).await?;
    // The columns at the end of a row want all of it.
    let query =
        "SELECT max(id), total(octet_length(name) + octet_length(flags) + octet_length(coalesce(good_title, '')))
         FROM (SELECT id, name, flags, good_title FROM links NOT INDEXED WHERE id > ? ORDER BY id LIMIT ?)";
    let (upto, _): (Option<i64>, f64) =
        sqlx::query_as(query).bind(after).bind(LINKS_AT_ONCE).fetch_one(connection).await?;
    // From the first one again.
    Ok(upto.unwrap_or(0))
}

async fn write(connection: &mut SqliteConnection) -> Result<()> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    // A row that is written as it was is not written at all. This number is in the file's head, and SQLite has no use for
    // it: sqlite.org/pragma.html#pragma_user_version.
    let held: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await?;
    sqlx::query(super::fixed(format!("PRAGMA user_version = {}", i64::from(held == 0)))).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

fn gone(what: String) -> StoreError {
    StoreError::File(format!("{what}; stop the server, bring it back and start it again"))
}

/// The files that are held open for as long as the program runs.
fn watched(path: &Path) -> [PathBuf; 3] {
    let [wal, shm, _] = files::logs(path);
    [path.to_path_buf(), wal, shm]
}

/// Asked without opening it: closing a file lets go of all of SQLite's locks on it.
fn may_be_used(path: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    accessat(CWD, path, Access::READ_OK | Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}
