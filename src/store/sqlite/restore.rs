//! Puts a backup in the database's place. Nothing is lost: the backup is checked first, and what was there is kept.

use super::{
    super::{Result, StoreError},
    open::{self, beside},
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

/// Puts the backup `from` where `address` is; returns where the database that was there is kept now, if there was one.
///
/// # Errors
/// [`StoreError::Locked`] while another program has the database open; [`StoreError::NotADatabase`],
/// [`StoreError::Newer`] or [`StoreError::File`] where `from` is not a sound backup. Nothing is changed then.
pub async fn restore(address: &str, from: &Path, at: DateTime<Utc>) -> Result<Option<PathBuf>> {
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
        std::fs::create_dir_all(folder).map_err(cannot)?;
    }
    std::fs::copy(from, &fresh).map_err(cannot)?;
    let kept = set_aside(&path, at).await.inspect_err(|_| {
        let _ = std::fs::remove_file(&fresh);
    })?;
    std::fs::rename(&fresh, &path).map_err(cannot)?;
    Ok(kept)
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
    let kept = beside(path, &format!("replaced-{}", at.format("%Y%m%dT%H%M%SZ")));
    std::fs::rename(path, &kept).map_err(|e| StoreError::File(format!("cannot rename {}: {e}", path.display())))?;
    Ok(Some(kept))
}
