//! Puts a backup in the database's place. Nothing is lost: the backup is checked first, and what was there is kept.

use super::{
    super::{Result, StoreError},
    open::{self, beside},
    owned,
};
use chrono::{DateTime, Utc};
use sqlx::{
    ConnectOptions, Connection,
    sqlite::{SqliteConnectOptions, SqliteLockingMode},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a program that has the database open is waited for.
const BUSY: Duration = Duration::from_secs(1);

/// Puts the backup `from` where `address` is, with every session in it ended. The file is its owner's alone, and belongs
/// to whom the one before it belonged where we may say so.
///
/// # Errors
/// [`StoreError::Locked`] while another program has the database open; [`StoreError::NotADatabase`],
/// [`StoreError::Newer`] or [`StoreError::File`] where `from` is not a sound backup. Nothing is changed then.
pub async fn restore(address: &str, from: &Path, at: DateTime<Utc>) -> Result<Restored> {
    let path = open::path_of(address)?;
    if !from.is_file() {
        return Err(StoreError::File(format!("there is no file {}", from.display())));
    }
    if open::refuse_newer(from).await? == 0 {
        return Err(StoreError::NotADatabase(from.display().to_string()));
    }
    open::verify(from).await?;
    let fresh = beside(&path, "restoring");
    let cannot = |e: std::io::Error| StoreError::File(format!("cannot write {}: {e}", fresh.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        owned::create_folder(folder).map_err(cannot)?;
    }
    let prepared = prepare(from, &fresh).await;
    let placed = match prepared {
        Ok(sessions) => set_aside(&path, at).await.map(|kept| Restored { kept, sessions }),
        Err(error) => Err(error),
    };
    let restored =
        placed.inspect_err(|_| owned::with_logs(&fresh).iter().for_each(|file| drop(std::fs::remove_file(file))))?;
    if let Some(kept) = &restored.kept {
        owned::same_owner(kept, &fresh);
        owned::tighten(kept);
    }
    std::fs::rename(&fresh, &path).map_err(cannot)?;
    Ok(restored)
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where the database that was there is kept now, if there was one.
    pub kept: Option<PathBuf>,
    /// Sessions that the backup held, which have ended.
    pub sessions: u64,
}

/// Copies the backup to a file of the owner's alone, and ends the sessions in it: whoever was signed in when it was made
/// may have been signed out since, for a reason.
async fn prepare(from: &Path, fresh: &Path) -> Result<u64> {
    let cannot = |e: std::io::Error| StoreError::File(format!("cannot write {}: {e}", fresh.display()));
    // One may be left of a restore that was broken off.
    owned::with_logs(fresh).iter().for_each(|file| drop(std::fs::remove_file(file)));
    let mut source = std::fs::File::open(from).map_err(cannot)?;
    let mut copy = owned::create(fresh).map_err(cannot)?;
    std::io::copy(&mut source, &mut copy).and_then(|_| copy.sync_all()).map_err(cannot)?;
    drop(copy);
    let mut connection = SqliteConnectOptions::new().filename(fresh).connect().await?;
    // The first versions knew no accounts.
    let query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('users', 'sessions')";
    let tables: i64 = sqlx::query_scalar(query).fetch_one(&mut connection).await?;
    let mut sessions = 0;
    if tables == 2 {
        sqlx::query("UPDATE users SET epoch = epoch + 1").execute(&mut connection).await?;
        sessions = sqlx::query("DELETE FROM sessions").execute(&mut connection).await?.rows_affected();
    }
    // As the last one it brings the WAL into the file.
    connection.close().await?;
    Ok(sessions)
}

/// Renames the database, once it is nobody else's.
async fn set_aside(path: &Path, at: DateTime<Utc>) -> Result<Option<PathBuf>> {
    if !path.exists() {
        return Ok(None);
    }
    // In WAL mode whoever has the file open holds a shared lock on it, and this wants all of it. Closing it as the last
    // one brings the WAL into the file.
    let options = SqliteConnectOptions::new().filename(path).locking_mode(SqliteLockingMode::Exclusive);
    let mut connection = options.busy_timeout(BUSY).connect().await?;
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await?;
    sqlx::query("ROLLBACK").execute(&mut connection).await?;
    connection.close().await?;
    let kept = free_name(path, at);
    std::fs::rename(path, &kept).map_err(|e| StoreError::File(format!("cannot rename {}: {e}", path.display())))?;
    Ok(Some(kept))
}

/// A name for what was there, which nothing has yet: two may be replaced within a second.
fn free_name(path: &Path, at: DateTime<Utc>) -> PathBuf {
    let time = at.format("%Y%m%dT%H%M%SZ");
    let first = beside(path, &format!("replaced-{time}"));
    let later = (2_u32..).map(|n| beside(path, &format!("replaced-{time}-{n}")));
    std::iter::once(first).chain(later).find(|name| !name.exists()).expect("there are names without end")
}
