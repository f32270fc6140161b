//! Backups that are made by themselves, and how many of them stay.

use super::{Result, Service};
use crate::{
    config,
    domain::{schedule::Schedule, settings::Settings},
    store::{StoreError, sqlite::owned},
};
use chrono::{DateTime, NaiveDateTime, Utc};
use std::path::{Path, PathBuf};

/// Beside the database.
const FOLDER: &str = "backups";
const NAME: &str = "rollcall-%Y%m%dT%H%M%SZ.db";

impl Service {
    /// Makes a backup if one is due since the newest one, or since `start` where there is none; says where.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn back_up_if_due(&self, start: DateTime<Utc>) -> Result<Option<PathBuf>> {
        let settings = self.settings().await?;
        let folder = self.backup_folder();
        let now = self.clock.now();
        // One that is yet to come was made while the clock was wrong.
        let newest = made(&folder).into_iter().map(|(at, _)| at).rfind(|at| *at <= now);
        let due = due_after(&settings, newest.unwrap_or(start));
        if due.is_none_or(|due| due > now) {
            return Ok(None);
        }
        let to = self.back_up_into(&folder).await?;
        forget(&folder, settings.system.backups_keep);
        Ok(Some(to))
    }

    /// The newest backup that was made by itself.
    pub fn newest_backup(&self) -> Option<(DateTime<Utc>, PathBuf)> {
        made(&self.backup_folder()).pop()
    }

    /// Where backups that are made by themselves lie.
    pub fn backup_folder(&self) -> PathBuf {
        self.store.folder().join(FOLDER)
    }

    async fn back_up_into(&self, folder: &Path) -> Result<PathBuf> {
        let cannot = |error: std::io::Error| StoreError::File(format!("cannot write {}: {error}", folder.display()));
        owned::create_folder(folder).map_err(cannot)?;
        let to = folder.join(self.clock.now().format(NAME).to_string());
        // What is not whole has another name, also after a power cut.
        let partial = to.with_extension("partial");
        let _ = std::fs::remove_file(&partial);
        self.store.backup(&partial).await?;
        std::fs::rename(&partial, &to).map_err(cannot)?;
        Ok(to)
    }
}

fn due_after(settings: &Settings, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let cron = settings.system.backup_cron.as_str();
    let schedule = Schedule::stored(cron, &config::timezone(settings)).ok().filter(|_| !cron.is_empty())?;
    schedule.next_after(at)
}

/// The backups of a folder, the oldest first.
fn made(folder: &Path) -> Vec<(DateTime<Utc>, PathBuf)> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
    let mut made: Vec<_> = files
        .filter_map(|path| {
            let at = NaiveDateTime::parse_from_str(path.file_name()?.to_str()?, NAME).ok()?;
            Some((at.and_utc(), path))
        })
        .collect();
    made.sort();
    made
}

/// Removes all but the newest.
fn forget(folder: &Path, keep: u32) {
    let made = made(folder);
    for (_, path) in made.iter().take(made.len().saturating_sub(keep as usize)) {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!(%error, file = %path.display(), "an old backup could not be removed");
        }
    }
}
