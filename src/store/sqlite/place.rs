//! Puts a whole new database in the place of another, damaged or not, so that a program that is killed at any moment
//! leaves the one or the other there, with nothing lost.
//!
//! What is there is linked to under a name of its own first, and the new file is then renamed over it. Only logs that
//! cannot be folded into the old file stand in the way: SQLite would play them into the new one. Once everything has its
//! second name, the new file gets the name [`PLACED`], and from then on it counts: whoever opens the database next
//! finishes the work.

use super::{
    super::{Result, StoreError},
    copy::cannot_write,
    files::{self, Hold, beside, logs, with_suffix},
    owned,
    upgrade::Lock,
};
use chrono::{DateTime, Utc};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A restored database on its way, once it counts.
pub const PLACED: &str = "restored";
const KEPT: &str = "replaced-";

/// Puts `whole` where `path` is; says under which name what was there is kept, its logs with it. No other process may have
/// it open.
///
/// # Errors
/// [`StoreError::InUse`], or where files cannot be named; what was there is in its place then.
pub fn put(path: &Path, whole: &Path, at: DateTime<Utc>) -> Result<Option<PathBuf>> {
    let cannot = |error: io::Error| cannot_write(path, &error);
    let Some(hold) = files::hold(path).map_err(cannot)? else {
        return Err(StoreError::InUse(path.display().to_string()));
    };
    // Where it was broken off after everything had its second name, that one will do.
    let named = if whole == beside(path, PLACED) { second_name(path) } else { None };
    let kept = named.map_or_else(|| keep(path, at, &hold), |kept| Ok(Some(kept))).map_err(cannot)?;
    let placed = replace(path, whole).map_err(cannot);
    // Where it failed, the second name is of no use: the first is still there.
    placed.inspect_err(|_| forget_links(path))?;
    Ok(kept)
}

/// Gives what is there a second name; which one, if there was anything.
fn keep(path: &Path, at: DateTime<Utc>, hold: &Hold) -> io::Result<Option<PathBuf>> {
    let kept = free_name(path, at);
    let mut named = Vec::new();
    for (file, to) in with_logs(path).into_iter().zip(with_logs(&kept)) {
        if std::fs::symlink_metadata(&file).is_ok() {
            named.push(to.clone());
            if let Err(error) = link_or_copy(&file, &to, hold) {
                named.iter().for_each(|name| drop(std::fs::remove_file(name)));
                return Err(error);
            }
            owned::tighten(&to);
        }
    }
    files::sync_folder(path)?;
    Ok(named.into_iter().next())
}

/// A database's file with those that SQLite keeps beside it.
fn with_logs(path: &Path) -> Vec<PathBuf> {
    std::iter::once(path.to_path_buf()).chain(logs(path)).collect()
}

/// A second name for a file, or where its file system has no such thing, a copy with the same owner.
fn link_or_copy(file: &Path, to: &Path, hold: &Hold) -> io::Result<()> {
    if std::fs::hard_link(file, to).is_ok() {
        return Ok(());
    }
    copy(file, to, hold)
}

/// A copy with the same owner.
fn copy(file: &Path, to: &Path, hold: &Hold) -> io::Result<()> {
    let partial = beside(to, "partial");
    let _ = std::fs::remove_file(&partial);
    let mut copy = owned::create(&partial)?;
    hold.read(file, |mut held| io::copy(&mut held, &mut copy))?;
    copy.sync_all()?;
    owned::same_owner(file, &partial);
    std::fs::rename(&partial, to)
}

/// Puts the new file in the place of the old one, which has a second name by now.
fn replace(path: &Path, whole: &Path) -> io::Result<()> {
    let stale: Vec<PathBuf> = logs(path).into_iter().filter(|log| std::fs::symlink_metadata(log).is_ok()).collect();
    let placed = beside(path, PLACED);
    if !stale.is_empty() && whole != placed {
        std::fs::rename(whole, &placed)?;
        files::sync_folder(path)?;
    }
    let whole = if stale.is_empty() { whole } else { &placed };
    for log in stale {
        std::fs::remove_file(log)?;
    }
    std::fs::rename(whole, path)?;
    files::sync_folder(path)
}

/// Finishes what was broken off once the new database counted, and takes away second names of the database that is there.
///
/// # Errors
/// As [`put`], or where the lock cannot be taken and something is to be finished.
pub async fn finish(path: &Path) -> Result<()> {
    let is_placed = beside(path, PLACED).exists();
    if !is_placed && second_name(path).is_none() {
        return Ok(());
    }
    // A restore may be giving the second name just now: then its lock is waited for, and all is looked at anew.
    match Lock::take(path).await {
        Ok(lock) => finish_locked(path, &lock),
        Err(error) if is_placed => Err(error),
        // Where the folder may not be written, a second name can wait.
        Err(_) => Ok(()),
    }
}

/// As [`finish`], for whoever has the lock.
///
/// # Errors
/// As [`put`].
pub fn finish_locked(path: &Path, _lock: &Lock) -> Result<()> {
    let placed = beside(path, PLACED);
    if placed.exists() {
        let at = std::fs::metadata(&placed).and_then(|file| file.modified());
        let at = at.map_err(|error| cannot_write(&placed, &error))?;
        let kept = put(path, &placed, at.into())?;
        let kept = kept.unwrap_or_default();
        tracing::warn!(kept = %kept.display(), "a restore that was broken off is finished");
    }
    forget_links(path);
    Ok(())
}

/// Takes away second names of the database that is in its place: what a restore leaves that was broken off before the
/// new one counted. Only whoever has the lock may: to a restore that is going on, they are all that is kept.
fn forget_links(path: &Path) {
    if beside(path, PLACED).exists() {
        return;
    }
    for kept in second_names(path) {
        with_logs(&kept).iter().for_each(|file| drop(std::fs::remove_file(file)));
    }
}

/// The name under which the database that is in its place is kept already.
fn second_name(path: &Path) -> Option<PathBuf> {
    second_names(path).into_iter().next()
}

fn second_names(path: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    if !std::fs::metadata(path).is_ok_and(|file| file.nlink() > 1) {
        return Vec::new();
    }
    files::all_beside(path, &format!(".{KEPT}")).into_iter().filter(|kept| files::same_file(kept, path)).collect()
}

/// A name for what was there, which nothing has yet: two may be replaced within a second.
fn free_name(path: &Path, at: DateTime<Utc>) -> PathBuf {
    let time = at.format(files::STAMP);
    let first = beside(path, &format!("{KEPT}{time}"));
    let later = (2_u32..).map(|n| with_suffix(&first, &format!("-{n}")));
    let taken = |name: &PathBuf| with_logs(name).iter().any(|file| file.exists());
    std::iter::once(first.clone()).chain(later).find(|name| !taken(name)).expect("there are names without end")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("roll.db");
        std::fs::write(&path, "what was there").expect("written");
        (folder, path)
    }

    #[tokio::test]
    async fn what_a_restore_is_keeping_is_left_to_it() {
        let (_folder, path) = database();
        let kept = beside(&path, "replaced-20261125T190000Z");
        let lock = Lock::take(&path).await.expect("nobody has it");
        std::fs::hard_link(&path, &kept).expect("linked");
        let mut opening = Box::pin(finish(&path));
        assert!(futures::poll!(&mut opening).is_pending(), "it waits for the restore");
        let fresh = beside(&path, "restoring");
        std::fs::write(&fresh, "what comes").expect("written");
        std::fs::rename(&fresh, &path).expect("put in its place");
        drop(lock);
        opening.await.expect("opened");
        assert_eq!(std::fs::read(&kept).expect("kept"), b"what was there");
        // Where nobody is at it, a second name is what a restore has left that was broken off.
        let left = beside(&path, "replaced-20261125T190001Z");
        std::fs::hard_link(&path, &left).expect("linked");
        finish(&path).await.expect("opened");
        assert!(!left.exists() && kept.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn where_there_are_no_second_names_a_copy_gives_up_no_lock() {
        use std::os::unix::fs::MetadataExt;
        let (_folder, path) = database();
        let number = std::fs::metadata(&path).expect("there").ino();
        let is_locked = || {
            let locks = std::fs::read_to_string("/proc/locks").expect("locks");
            locks.lines().any(|line| line.contains("POSIX") && line.contains(&format!(":{number} ")))
        };
        let hold = files::hold(&path).expect("it can be opened").expect("nobody has it open");
        assert!(is_locked());
        for to in ["one", "two"].map(|suffix| beside(&path, suffix)) {
            copy(&path, &to, &hold).expect("copied");
            assert_eq!(std::fs::read(&to).expect("a copy"), b"what was there");
        }
        assert!(is_locked());
    }
}
