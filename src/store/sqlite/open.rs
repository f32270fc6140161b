//! Opening a database file: found, checked, brought up to date.

use super::{
    super::{Result, StoreError},
    files::{self, folder_of, logs},
    owned, place,
    probe::Files,
    record, upgrade,
};
use sqlx::{
    ConnectOptions, Executor, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long a process waits for another one's write.
pub const BUSY: Duration = Duration::from_secs(10);
const READERS: u32 = 4;

/// The connections to a database: the writer's, and the readers'. `files` is told which files the writer holds.
pub async fn open(address: &str, files: Arc<Files>) -> Result<(SqlitePool, SqlitePool)> {
    let path = real_path(&path_of(address)?);
    owned::create_folder(folder_of(&path)).map_err(|_| StoreError::CannotOpen(path.display().to_string()))?;
    place::finish(&path).await?;
    refuse_orphaned_log(&path)?;
    // SQLite gives its logs the mode of the database, and would make that for everybody. Whether it can be opened at
    // all is told below.
    if owned::create(&path).is_ok() {
        // Root sets it up for whom the folder belongs to.
        owned::same_owner(folder_of(&path), &path);
    }
    std::iter::once(path.clone()).chain(logs(&path)).for_each(|file| owned::tighten(&file));
    let named = |error| name(error, &path);
    let held = files::id(&path);
    upgrade::migrate(&path).await.map_err(named)?;
    // What is gone by now must not come back empty.
    let options = options(&path).create_if_missing(false).pragma("temp_store", "MEMORY");
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(BUSY * 3)
        // It holds the write-ahead log open for as long as the program runs.
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            let files = files.clone();
            Box::pin(async move {
                connection.execute(record::BATCH).await?;
                connection.execute("SELECT count(*) FROM sqlite_schema").await?;
                files.note();
                Ok(())
            })
        })
        .connect_with(options.clone())
        .await
        .map_err(|e| named(e.into()))?;
    // A restore may have put another one in its place meanwhile; what was opened would be neither.
    if files::id(&path) != held {
        writer.close().await;
        return Err(StoreError::Moved);
    }
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(0)
        .connect_lazy_with(options.pragma("query_only", "ON"));
    Ok((writer, readers))
}

/// The file that a database is, behind a link: SQLite keeps its logs beside that.
pub fn real_path(path: &Path) -> PathBuf {
    let real = if path.is_symlink() { std::fs::canonicalize(path).ok() } else { None };
    real.unwrap_or_else(|| path.to_path_buf())
}

/// A log without its database has what the database lacks; SQLite would remove it for a new one. A new one is not empty
/// any more by the time it has a log.
fn refuse_orphaned_log(path: &Path) -> Result<()> {
    let [wal, ..] = logs(path);
    let has_something = |path: &Path| std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    if has_something(path) || !has_something(&wal) {
        return Ok(());
    }
    Err(StoreError::File(format!(
        "{} is missing or empty, and its log {} is there: put the file back beside it, or bring a backup back with \
         `rollcall restore FILE`",
        path.display(),
        wal.display()
    )))
}

/// The file of a database's address.
///
/// # Errors
/// [`StoreError::BadAddress`] where it names none.
pub fn path_of(address: &str) -> Result<PathBuf> {
    let bad = || StoreError::BadAddress(address.to_owned());
    let rest = match address.split_once(':') {
        Some(("sqlite", rest)) => rest,
        Some((scheme, _)) if scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => return Err(bad()),
        _ => address,
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    if rest.is_empty() || rest == ":memory:" || rest.contains('?') {
        return Err(bad());
    }
    Ok(PathBuf::from(rest))
}

/// Rows read ahead: each time the reader runs dry costs a change of threads, and lists are thousands long.
const ROWS_AHEAD: usize = 1024;

pub fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .row_buffer_size(ROWS_AHEAD)
        .disable_statement_logging()
}

/// Puts the file's name into errors that lack it.
fn name(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::NotADatabase(_) => StoreError::NotADatabase(path.display().to_string()),
        StoreError::CannotOpen(_) => StoreError::CannotOpen(path.display().to_string()),
        other => other,
    }
}
