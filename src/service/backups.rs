//! Backups that are made by themselves, and how many of them stay.

use super::{Result, Service};
use crate::{
    config,
    domain::{schedule::Schedule, settings::Settings},
    store::{
        StoreError,
        sqlite::{self, owned},
    },
};
use chrono::{DateTime, NaiveDateTime, Utc};
use std::path::{Path, PathBuf};

/// Beside the database.
const FOLDER: &str = "backups";
const NAME: &str = "rollcall-%Y%m%dT%H%M%SZ.db";

impl Service {
    /// Makes a backup if one is due since the newest one that is whole, or where there is none since the database was
    /// made, or since `start` where it has no time yet; says where.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn back_up_if_due(&self, start: DateTime<Utc>) -> Result<Option<PathBuf>> {
        let settings = self.settings().await?;
        let folder = folder(&self.store.file());
        let now = self.clock.now();
        // One that is yet to come was made while the clock was wrong.
        let newest = made(&folder).into_iter().rev().find(|(at, path)| *at <= now && sqlite::is_whole(path));
        let since = match newest {
            Some((at, _)) => at,
            // A computer that is on by day only has its first one made up for as well.
            None => self.store.made_at().await?.filter(|made| *made <= now).unwrap_or(start),
        };
        if due_after(&settings, since).is_none_or(|due| due > now) {
            return Ok(None);
        }
        let to = self.back_up_into(&folder).await?;
        forget(&folder, settings.system.backups_keep);
        Ok(Some(to))
    }

    async fn back_up_into(&self, folder: &Path) -> Result<PathBuf> {
        let cannot = |error: std::io::Error| StoreError::File(format!("cannot write {}: {error}", folder.display()));
        owned::create_folder(folder).map_err(cannot)?;
        let to = folder.join(self.clock.now().format(NAME).to_string());
        self.store.backup(&to).await?;
        Ok(to)
    }
}

/// Where backups of a database lie that are made by themselves.
pub(super) fn folder(database: &Path) -> PathBuf {
    database.with_file_name(FOLDER)
}

fn due_after(settings: &Settings, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let cron = settings.system.backup_cron.as_str();
    let schedule = Schedule::stored(cron, &config::timezone(settings)).ok().filter(|_| !cron.is_empty())?;
    schedule.next_after(at)
}

/// The backups of a folder, the oldest first.
pub(super) fn made(folder: &Path) -> Vec<(DateTime<Utc>, PathBuf)> {
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

/// Removes all but the newest that are whole, and what a program has left that was killed while it made one. Whatever is
/// newer than these stays.
fn forget(folder: &Path, keep: u32) {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
    let unfinished = files.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_suffix(sqlite::UNFINISHED).is_some_and(|name| NaiveDateTime::parse_from_str(name, NAME).is_ok())
    });
    unfinished.for_each(|path| drop(std::fs::remove_file(path)));
    let made = made(folder);
    let whole = made.iter().rev().filter(|(_, path)| sqlite::is_whole(path)).take(keep as usize);
    let kept: Vec<&PathBuf> = whole.map(|(_, path)| path).collect();
    let old = made.iter().map(|(_, path)| path).take_while(|path| kept.first() != Some(path));
    for path in old.filter(|path| !kept.contains(path)) {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!(%error, file = %path.display(), "an old backup could not be removed");
        }
    }
}
