//! Opening a database file: found, checked, migrated under a lock, copied first.

use super::{
    super::{Result, StoreError},
    owned,
    probe::Files,
    record,
};
use sqlx::{
    ConnectOptions, Connection, Executor, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a process waits for another one's write.
const BUSY: Duration = Duration::from_secs(10);
const READERS: u32 = 4;

/// `files` is told which files the writer holds.
pub async fn open(address: &str, files: Arc<Files>) -> Result<(SqlitePool, SqlitePool)> {
    let path = path_of(address)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        owned::create_folder(folder).map_err(|_| StoreError::CannotOpen(path.display().to_string()))?;
    }
    // SQLite gives its logs the mode of the database, and would make that for everybody. Whether it can be opened at
    // all is told below.
    let _ = owned::create(&path);
    owned::with_logs(&path).iter().for_each(|file| owned::tighten(file));
    let named = |error| name(error, &path);
    migrate(&path).await.map_err(named)?;
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
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(0)
        .connect_lazy_with(options.pragma("query_only", "ON"));
    Ok((writer, readers))
}

/// Reads a copy back: a backup that cannot be read is none.
pub async fn verify(path: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options.connect().await.map_err(|e| name(e.into(), path))?;
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await?;
    connection.close().await?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::File(format!("{} is damaged: {verdict}", path.display()))) }
}

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

/// Brings the schema up to date. sqlx takes no lock while migrating SQLite, so a lock file stands in; a database
/// that has something to lose is copied first.
async fn migrate(path: &Path) -> Result<()> {
    let known = known();
    let exists = std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    let found = if exists { refuse_newer(path).await? } else { 0 };
    if exists && found == known {
        return Ok(());
    }
    let lock_path = beside(path, "lock");
    let cannot = |_| StoreError::CannotOpen(path.display().to_string());
    // Another process may have made it.
    let lock = owned::create(&lock_path).or_else(|_| File::options().write(true).open(&lock_path)).map_err(cannot)?;
    let waited = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
    let lock = waited.map_err(|e| StoreError::File(e.to_string()))?.map_err(cannot)?;
    if exists && found > 0 {
        let copy = beside(path, &format!("before-{known}"));
        if !copy.exists() {
            // Under another name until it is whole: a program that is killed meanwhile makes it anew.
            let partial = beside(path, &format!("before-{known}.partial"));
            let _ = std::fs::remove_file(&partial);
            self::copy(&options(path), &partial).await?;
            std::fs::rename(&partial, &copy).map_err(|_| StoreError::CannotOpen(path.display().to_string()))?;
        }
    }
    let fresh = options(path).auto_vacuum(SqliteAutoVacuum::Incremental);
    // Set on a new database only: on any other it is a write, which a full disk would refuse to mere readers.
    let mut connection = if exists { options(path) } else { fresh }.connect().await?;
    let migrated = MIGRATIONS.run(&mut connection).await;
    connection.close().await?;
    let _ = std::fs::remove_file(&lock_path);
    drop(lock);
    migrated.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => {
            error.into()
        }
        other => StoreError::File(format!("the database cannot be brought up to date: {other}")),
    })
}

/// Copies a database as it is now into a new file of the owner's alone, with what is still in its WAL, and reads the
/// copy back.
pub async fn copy(from: &SqliteConnectOptions, to: &Path) -> Result<()> {
    let shown = to.display();
    let text = to.to_str().ok_or_else(|| StoreError::File(format!("{shown} is not a usable file name")))?;
    let cannot = || StoreError::File(format!("cannot write {shown}; check that its folder exists and may be written"));
    let mut connection = from.connect().await?;
    // SQLite takes an empty file for a new one, and would make that for everybody.
    owned::create(to).map_err(|_| cannot())?;
    let copied = sqlx::query("VACUUM INTO ?").bind(text).execute(&mut connection).await;
    connection.close().await?;
    if let Err(error) = copied {
        // Nothing half written is left behind.
        let _ = std::fs::remove_file(to);
        return Err(match StoreError::from(error) {
            StoreError::CannotOpen(_) | StoreError::Database(_) => cannot(),
            other => other,
        });
    }
    verify(to).await.inspect_err(|_| {
        let _ = std::fs::remove_file(to);
    })
}

fn known() -> i64 {
    MIGRATIONS.iter().map(|m| m.version).max().unwrap_or_default()
}

/// The version of a database, which this program has to know.
pub async fn refuse_newer(path: &Path) -> Result<i64> {
    let (found, known) = (version(path).await?, known());
    if found > known {
        return Err(StoreError::Newer { file: path.display().to_string(), found, known });
    }
    Ok(found)
}

/// The newest migration in the file, read without touching it.
async fn version(path: &Path) -> Result<i64> {
    let mut connection: SqliteConnection =
        SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY).connect().await?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut connection).await?;
    let ours: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut connection)
        .await?;
    if ours == 0 {
        connection.close().await?;
        // Someone else's database is no place for our tables.
        return if tables == 0 { Ok(0) } else { Err(StoreError::NotADatabase(path.display().to_string())) };
    }
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(newest.unwrap_or_default())
}

/// The folder that a file lies in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

/// Puts the file's name into errors that lack it.
fn name(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::NotADatabase(_) => StoreError::NotADatabase(path.display().to_string()),
        StoreError::CannotOpen(_) => StoreError::CannotOpen(path.display().to_string()),
        other => other,
    }
}
