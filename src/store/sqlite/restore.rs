//! Puts a backup in the database's place. The backup is copied, checked and brought up to date before anything is
//! replaced, and what was there is kept.

use super::{
    super::{Result, StoreError},
    copy::{self, cannot_write},
    files::{self, beside, folder_of, logs, with_suffix},
    limits, open, owned, place,
    rows::ms,
    sound,
    upgrade::{self, Lock},
};
use crate::domain::audit::Note;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteLockingMode},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a program that has the database open is waited for.
const BUSY: Duration = Duration::from_secs(1);
/// The new database, until it is whole.
const FRESH: &str = "restoring";
/// The backup with its log, where it has one: played in here, so that the backup itself stays as it is.
const STAGED: &str = "restoring-from";

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where the database that was there is kept now, if there was one; its logs beside it.
    pub kept: Option<PathBuf>,
    /// Sessions that the backup held, which have ended.
    pub sessions: u64,
}

/// Puts the backup `from` where `address` is, with every session in it ended and `note` in its log of deeds. The database
/// that is there may be damaged or missing. The new one belongs to whom the old one belonged, or where there was none to
/// the owner of the folder.
///
/// # Errors
/// [`StoreError::InUse`] while another program has the database open; [`StoreError::BadBackup`] or [`StoreError::Newer`]
/// where `from` is not a sound backup of ours; or where the disk does not take it. Nothing is changed then.
pub async fn restore(address: &str, from: &Path, note: &Note) -> Result<Restored> {
    let path = open::real_path(&open::path_of(address)?);
    refuse_what_is_no_file(from, &path)?;
    refuse_in_use(&path)?;
    owned::create_folder(folder_of(&path)).map_err(|error| cannot_write(&path, &error))?;
    let lock = Lock::take(&path).await?;
    // Under the lock: what another restore has left until now would be put over this one later.
    place::finish_locked(&path, &lock)?;
    sweep(&path);
    let fresh = beside(&path, FRESH);
    let placed = async {
        let sessions = prepare(from, &path, &fresh, note).await?;
        give(&path, &fresh)?;
        files::sync(&fresh).map_err(|error| cannot_write(&fresh, &error))?;
        refuse_in_use(&path)?;
        fold(&path).await?;
        Ok(Restored { kept: place::put(&path, &fresh, note.at)?, sessions })
    };
    let placed = placed.await;
    sweep(&path);
    placed
}

/// What a restore leaves that was broken off.
pub fn leftovers(path: &Path) -> Vec<PathBuf> {
    let path = open::real_path(path);
    let all = [FRESH, STAGED].map(|name| beside(&path, name));
    all.into_iter().flat_map(|file| std::iter::once(file.clone()).chain(logs(&file))).collect()
}

fn sweep(path: &Path) {
    leftovers(path).iter().for_each(|file| drop(std::fs::remove_file(file)));
}

fn bad(from: &Path, why: impl Into<String>) -> StoreError {
    StoreError::BadBackup { file: from.display().to_string(), why: why.into() }
}

fn refuse_what_is_no_file(from: &Path, path: &Path) -> Result<()> {
    match std::fs::metadata(from) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(bad(from, "there is no such file")),
        Err(error) => Err(bad(from, error.to_string())),
        Ok(file) if !file.is_file() => Err(bad(from, "it is not a file")),
        Ok(file) if file.len() == 0 && !logs(from)[0].exists() => Err(bad(from, "it is empty")),
        Ok(_) if files::same_file(from, path) => Err(bad(from, "it is the database itself")),
        Ok(_) if path.is_dir() => Err(StoreError::File(format!("{} is a folder; name a file", path.display()))),
        Ok(_) => Ok(()),
    }
}

fn refuse_in_use(path: &Path) -> Result<()> {
    let held = files::holder(path);
    let held = held.map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => belongs_to_another(path, &error),
        _ => StoreError::File(format!("cannot open {}: {error}; nothing was changed", path.display())),
    })?;
    held.map_or(Ok(()), |_| Err(StoreError::InUse(path.display().to_string())))
}

fn belongs_to_another(path: &Path, error: &std::io::Error) -> StoreError {
    let shown = path.display();
    StoreError::File(format!(
        "{shown} belongs to somebody else ({error}); restore as its owner or as root. Nothing was changed"
    ))
}

/// Makes a whole database of the backup; says how many sessions it held. They end: whoever was signed in when it was made
/// may have been signed out since, for a reason.
async fn prepare(from: &Path, path: &Path, fresh: &Path, note: &Note) -> Result<u64> {
    let mut source = open_source(from, &beside(path, STAGED)).await?;
    let copied = copy_of(&mut source, from, fresh).await;
    // It was only read, or is a copy that goes.
    let _ = source.close().await;
    copied?;
    let mut connection = open::options(fresh).connect().await?;
    let finished = finish(&mut connection, note).await;
    // As the last one it brings the log into the file.
    connection.close().await?;
    if logs(fresh)[0].exists() {
        return Err(StoreError::NotWritten);
    }
    finished
}

async fn copy_of(source: &mut SqliteConnection, from: &Path, fresh: &Path) -> Result<()> {
    let in_words = |error| match error {
        StoreError::NotADatabase(_) => bad(from, "it is not a Rollcall database"),
        StoreError::Corrupt(what) => bad(from, format!("it is damaged ({what})")),
        StoreError::NotRead | StoreError::CannotOpen(_) => bad(from, "it cannot be read"),
        StoreError::Locked => bad(from, "another program has locked it"),
        other => other,
    };
    if sound::ours(source, from).await.map_err(in_words)? == 0 {
        return Err(bad(from, "it is not a Rollcall database"));
    }
    if let Some(first) = sound::examine(source).await.map_err(in_words)?.first() {
        return Err(bad(from, format!("it is damaged ({first})")));
    }
    let held = sound::rows(source).await.map_err(in_words)?;
    // One that another program has made anew may give no space back to the disk; the copy does again.
    let gives_back: i64 = sqlx::query_scalar("PRAGMA auto_vacuum").fetch_one(&mut *source).await?;
    if gives_back == 0 {
        sqlx::query("PRAGMA auto_vacuum = INCREMENTAL").execute(&mut *source).await?;
    }
    copy::vacuum(source, fresh).await.map_err(in_words)?;
    let mut copy = SqliteConnectOptions::new().filename(fresh).read_only(true).connect().await?;
    let copied = sound::rows(&mut copy).await;
    copy.close().await?;
    if copied? != held {
        return Err(bad(from, "not all of it could be copied"));
    }
    Ok(())
}

/// The backup, to be read. It may lie where nothing can be written, and is not changed: one with a log is copied before
/// the log is played in, unless another program has it open.
async fn open_source(from: &Path, staged: &Path) -> Result<SqliteConnection> {
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full,
        _ => bad(from, format!("it cannot be read: {error}")),
    };
    let read = SqliteConnectOptions::new().filename(from).read_only(true).busy_timeout(open::BUSY);
    let with_log = logs(from).iter().any(|log| std::fs::metadata(log).is_ok_and(|file| file.len() > 0));
    let options = if files::holder(from).map_err(cannot)?.is_some() {
        read
    } else if with_log {
        stage(from, staged).map_err(cannot)?;
        SqliteConnectOptions::new().filename(staged)
    } else {
        read.immutable(true)
    };
    options.connect().await.map_err(|error| match StoreError::from(error) {
        StoreError::NotADatabase(_) => bad(from, "it is not a Rollcall database"),
        StoreError::Corrupt(what) => bad(from, format!("it is damaged ({what})")),
        other => bad(from, format!("it cannot be opened: {other}")),
    })
}

/// Copies a file that nothing has open, with its logs, but for the index, which is made anew.
fn stage(from: &Path, staged: &Path) -> std::io::Result<()> {
    let state = |suffix: &str| {
        let file = std::fs::metadata(with_suffix(from, suffix)).ok()?;
        Some((file.len(), file.modified().ok()))
    };
    let suffixes = ["", "-wal", "-journal"];
    let before = suffixes.map(state);
    for suffix in suffixes {
        let source = match std::fs::File::open(with_suffix(from, suffix)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other?,
        };
        let mut copy = owned::create(&with_suffix(staged, suffix))?;
        std::io::copy(&mut &source, &mut copy)?;
    }
    let quiet = before == suffixes.map(state);
    quiet.then_some(()).ok_or_else(|| std::io::Error::other("another program is writing to it"))
}

async fn finish(connection: &mut SqliteConnection, note: &Note) -> Result<u64> {
    upgrade::run(connection).await?;
    sqlx::query("UPDATE users SET epoch = epoch + 1").execute(&mut *connection).await?;
    let ended = sqlx::query("DELETE FROM sessions").execute(&mut *connection).await?.rows_affected();
    sqlx::query("INSERT INTO audit (at, who, deed, about) VALUES (?, ?, ?, ?)")
        .bind(ms(note.at))
        .bind(limits::who(&note.who))
        .bind(&note.deed)
        .bind(limits::seen_text(&note.about))
        .execute(&mut *connection)
        .await?;
    match sound::examine(connection).await?.into_iter().next() {
        Some(first) => {
            Err(StoreError::File(format!("the restored database is no good ({first}); nothing was changed")))
        }
        None => Ok(ended),
    }
}

/// Gives the new file to whom the old one belongs, or to whom the folder does.
fn give(path: &Path, fresh: &Path) -> Result<()> {
    let model = if path.exists() { path } else { folder_of(path) };
    let given = owned::give_to_owner_of(model, fresh);
    // Whose folder it is matters where root restores for somebody; anybody else is himself.
    let given = if path.exists() { given } else { Ok(()) };
    given.map_err(|error| belongs_to_another(path, &error))?;
    if path.exists() {
        owned::same_mode(path, fresh).map_err(|error| cannot_write(fresh, &error))?;
    }
    Ok(())
}

/// Brings the log of a sound database into its file, as closing it does. One that is damaged is left as it is, with its
/// log: what can be saved of it may be in either.
async fn fold(path: &Path) -> Result<()> {
    let [wal, shm, _] = logs(path);
    let has_something = || std::fs::metadata(&wal).is_ok_and(|log| log.len() > 0);
    if has_something() && is_sound(path).await.unwrap_or(false) {
        // Where it cannot be, for want of room say, the log is kept beside it.
        let played = play_in(path).await;
        if matches!(played, Err(StoreError::Locked)) {
            return Err(StoreError::InUse(path.display().to_string()));
        }
    }
    if !has_something() {
        // An empty log, and the index of none.
        [wal, shm].iter().for_each(|log| drop(std::fs::remove_file(log)));
    }
    Ok(())
}

/// Whether a database is ours, and can be read as a whole, through its log.
async fn is_sound(path: &Path) -> Result<bool> {
    // SQLite takes an empty file for a new one, whose log is stale, and removes it.
    if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        return Ok(false);
    }
    let read = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY);
    let mut connection = read.connect().await?;
    let examined = async {
        Ok::<_, StoreError>(
            sound::ours(&mut connection, path).await? > 0 && sound::examine(&mut connection).await?.is_empty(),
        )
    };
    let is_sound = examined.await;
    connection.close().await?;
    is_sound
}

async fn play_in(path: &Path) -> Result<()> {
    // In WAL mode whoever has the file open holds a shared lock on it, and this wants all of it.
    let options = SqliteConnectOptions::new().filename(path).locking_mode(SqliteLockingMode::Exclusive);
    let mut connection = options.busy_timeout(BUSY).connect().await?;
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await?;
    sqlx::query("ROLLBACK").execute(&mut connection).await?;
    Ok(connection.close().await?)
}
