//! Copying a database into a new file, by SQLite's own copying.

use super::{
    super::{Result, StoreError},
    files, owned, sound,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;

/// What a copy has after its name until it is whole and read back: a program that is killed leaves nothing else.
pub const UNFINISHED: &str = ".unfinished";

/// Copies a database as it is now into a new file of the owner's alone, with what is still in its WAL, reads the copy
/// back, and has the disk keep it.
///
/// # Errors
/// Where the file cannot be written, or the database cannot be read; no file is left then.
pub async fn copy(from: &SqliteConnectOptions, to: &Path) -> Result<()> {
    let unfinished = files::with_suffix(to, UNFINISHED);
    let _ = std::fs::remove_file(&unfinished);
    let mut connection = from.clone().connect().await?;
    let copied = vacuum(&mut connection, &unfinished).await;
    let closed = connection.close().await;
    let kept = async {
        copied?;
        closed?;
        sound::check_copy(&unfinished).await.map_err(|error| match error {
            // A backup is made anew, and not named by hand.
            StoreError::BadBackup { why, .. } => {
                StoreError::File(format!("the copy in {} is no good: {why}; make another one", to.display()))
            }
            other => other,
        })?;
        let cannot = |error| cannot_write(to, &error);
        files::sync(&unfinished).map_err(cannot)?;
        std::fs::rename(&unfinished, to).map_err(cannot)?;
        files::sync_folder(to).map_err(cannot)
    };
    kept.await.inspect_err(|_| drop(std::fs::remove_file(&unfinished)))
}

/// Writes all of a database into a file that is not there yet.
///
/// # Errors
/// As [`copy`].
pub async fn vacuum(connection: &mut SqliteConnection, to: &Path) -> Result<()> {
    let text = to.to_str().ok_or_else(|| StoreError::File(format!("{} is not a usable file name", to.display())))?;
    // SQLite takes an empty file for a new one, and would make that for everybody.
    owned::create(to).map_err(|error| cannot_write(to, &error))?;
    let copied = sqlx::query("VACUUM INTO ?").bind(text).execute(connection).await;
    copied.map(|_| ()).map_err(|error| {
        let _ = std::fs::remove_file(to);
        match StoreError::from(error) {
            StoreError::CannotOpen(_) => StoreError::File(format!(
                "cannot write {}; check that its folder exists and may be written",
                to.display()
            )),
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
