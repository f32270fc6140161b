//! Bringing the schema of a database up to date, after a copy.

use super::{
    super::{Result, StoreError},
    copy, files, open, owned, sound,
};
use chrono::{DateTime, Utc};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions},
};
use std::{
    fs::File,
    path::{Path, PathBuf},
    time::SystemTime,
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Copies from before upgrades that stay.
const KEPT: usize = 3;

/// The newest change of the schema that this program knows.
pub fn known() -> i64 {
    MIGRATIONS.iter().map(|m| m.version).max().unwrap_or_default()
}

/// What names a change of the schema that this program knows.
pub fn checksum(version: i64) -> Option<&'static [u8]> {
    MIGRATIONS.iter().find(|m| m.version == version).map(|m| m.checksum.as_ref())
}

/// Brings the schema of an open database up to date.
///
/// # Errors
/// Where it cannot be brought up to date; each change is made as a whole or not at all.
pub async fn run(connection: &mut SqliteConnection) -> Result<()> {
    MIGRATIONS.run(connection).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => StoreError::File(format!("the database cannot be brought up to date: {other}")),
    })
}

/// Brings the schema up to date. sqlx takes no lock while migrating SQLite, so a lock file stands in; a database
/// that has something to lose is copied first.
pub async fn migrate(path: &Path) -> Result<()> {
    let has_something = || std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    if has_something() && version(path).await? == known() {
        return Ok(());
    }
    let lock = Lock::take(path).await?;
    // Another process may have been at it until now.
    let exists = has_something();
    let found = if exists { version(path).await? } else { 0 };
    if exists && found == known() {
        return Ok(());
    }
    if found > 0 {
        keep_copy(path, found).await?;
    }
    let fresh = open::options(path).auto_vacuum(SqliteAutoVacuum::Incremental);
    // Set on a new database only: on any other it is a write, which a full disk would refuse to mere readers.
    let mut connection = if exists { open::options(path) } else { fresh }.connect().await?;
    let migrated = run(&mut connection).await;
    connection.close().await?;
    drop(lock);
    migrated
}

/// The version of a database, which this program has to know.
async fn version(path: &Path) -> Result<i64> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(open::BUSY);
    let mut connection = options.connect().await?;
    let found = sound::ours(&mut connection, path).await;
    connection.close().await?;
    found
}

/// Copies the database, whose version is `found`, to `FILE.before-VERSION-TIME`, and forgets older copies but the newest
/// few.
async fn keep_copy(path: &Path, found: i64) -> Result<()> {
    let copy = files::beside(path, "before");
    // Where a program was killed before it was named.
    let _ = std::fs::remove_file(&copy);
    copy::copy(&open::options(path), &copy).await?;
    let cannot = |error: std::io::Error| copy::cannot_write(&copy, &error);
    owned::same_owner(path, &copy);
    let made: DateTime<Utc> = std::fs::metadata(&copy).and_then(|file| file.modified()).map_err(cannot)?.into();
    let name = format!("before-{found}-{}", made.format(files::STAMP));
    std::fs::rename(&copy, files::beside(path, &name)).map_err(cannot)?;
    files::sync_folder(path).map_err(cannot)?;
    for old in copies(path).iter().skip(KEPT) {
        if let Err(error) = std::fs::remove_file(old) {
            tracing::warn!(%error, file = %old.display(), "an old copy could not be removed");
        }
    }
    Ok(())
}

/// The copies from before upgrades, the newest first.
fn copies(path: &Path) -> Vec<PathBuf> {
    const MARK: &str = ".before-";
    let mark = path.as_os_str().len() + MARK.len();
    // Only what was named here; an earlier version gave no time.
    let is_copy = |file: &PathBuf| {
        let rest = &file.as_os_str().as_encoded_bytes()[mark..];
        rest.iter().all(|byte| byte.is_ascii_digit() || b"-TZ".contains(byte))
    };
    let named = files::all_beside(path, MARK).into_iter().filter(is_copy);
    let mut dated: Vec<(SystemTime, PathBuf)> =
        named.filter_map(|path| Some((std::fs::metadata(&path).ok()?.modified().ok()?, path))).collect();
    dated.sort();
    dated.into_iter().rev().map(|(_, path)| path).collect()
}

/// Held by whoever changes the schema of a database or puts another in its place.
pub struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Waits until nobody else has it.
    ///
    /// # Errors
    /// Where the lock's file cannot be made: the folder may not be written, or its disk is full.
    pub async fn take(database: &Path) -> Result<Lock> {
        let path = files::beside(database, "lock");
        let cannot = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::StorageFull => StoreError::Full,
            _ => StoreError::File(format!(
                "{} cannot be made or brought up to date: {} cannot be made ({error}); check that the folder may be \
                 written",
                database.display(),
                path.display()
            )),
        };
        loop {
            let opened = match owned::create(&path) {
                Ok(made) => {
                    owned::same_owner(database, &path);
                    Ok(made)
                }
                // Another process has made it.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    File::options().write(true).open(&path)
                }
                Err(error) => return Err(cannot(error)),
            };
            let file = match opened {
                // Who had it has removed it in between; a link that leads nowhere would stay.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => {
                    tokio::task::yield_now().await;
                    continue;
                }
                other => other.map_err(cannot)?,
            };
            let waited = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
            let file = waited.map_err(|e| StoreError::File(e.to_string()))?.map_err(cannot)?;
            // Who had it until now has removed it: then others wait for a new one.
            if files::is_at(&file, &path) {
                return Ok(Lock { path, file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Still locked: nobody takes a file for the lock that is not at its place any more.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_that_takes_no_file_is_told_and_not_asked_for_ever() {
        // Nobody may make a file in either; the first says that there is none, and the second that it may not be.
        for folder in ["/proc", "/sys"].map(Path::new) {
            let told = Lock::take(&folder.join("roll.db")).await.err().map(|error| error.to_string());
            assert!(told.is_some_and(|told| told.contains("roll.db.lock cannot be made")), "{}", folder.display());
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("roll.db");
        std::os::unix::fs::symlink(folder.path().join("nowhere/lock"), files::beside(&path, "lock")).expect("linked");
        assert!(Lock::take(&path).await.is_err(), "a link that leads nowhere");
    }
}
