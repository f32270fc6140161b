//! Copying a database into a new file, by SQLite's own copying.

use super::{
    super::{Result, StoreError},
    files, owned, sound,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;

/// Copies a database as it is now into a new file of the owner's alone, with what is still in its WAL, reads the copy
/// back, and has the disk keep it.
///
/// # Errors
/// Where the file is there or cannot be written, or the database cannot be read; nothing half written is left then.
pub async fn copy(from: &SqliteConnectOptions, to: &Path) -> Result<()> {
    let mut connection = from.clone().connect().await?;
    let copied = vacuum(&mut connection, to).await;
    connection.close().await?;
    copied?;
    let kept = async {
        sound::check_backup(to).await.map_err(|error| match error {
            // A backup is made anew, and not named by hand.
            StoreError::BadBackup { why, .. } => {
                StoreError::File(format!("the copy in {} is no good: {why}", to.display()))
            }
            other => other,
        })?;
        files::sync(to).map_err(|error| cannot_write(to, &error))
    };
    kept.await.inspect_err(|_| drop(std::fs::remove_file(to)))
}

/// Writes all of a database into a file that is not there yet.
///
/// # Errors
/// As [`copy`].
pub async fn vacuum(connection: &mut SqliteConnection, to: &Path) -> Result<()> {
    let shown = to.display();
    let text = to.to_str().ok_or_else(|| StoreError::File(format!("{shown} is not a usable file name")))?;
    // SQLite takes an empty file for a new one, and would make that for everybody.
    owned::create(to).map_err(|error| cannot_write(to, &error))?;
    let copied = sqlx::query("VACUUM INTO ?").bind(text).execute(connection).await;
    copied.map(|_| ()).map_err(|error| {
        let _ = std::fs::remove_file(to);
        match StoreError::from(error) {
            StoreError::CannotOpen(_) => {
                StoreError::File(format!("cannot write {shown}; check that its folder exists and may be written"))
            }
            other => other,
        }
    })
}

/// Why a file could not be written.
pub fn cannot_write(path: &Path, error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full,
        std::io::ErrorKind::NotFound => {
            StoreError::File(format!("cannot write {}: its folder does not exist; make it first", path.display()))
        }
        _ => StoreError::File(format!("cannot write {}: {error}", path.display())),
    }
}
