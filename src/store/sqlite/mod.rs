//! SQLite: WAL, one writer, a few readers.

mod accounts;
mod bulk;
mod config;
mod copy;
mod ends;
mod fault;
mod files;
mod history;
mod import;
mod limits;
mod links;
mod open;
pub mod owned;
mod place;
mod probe;
mod record;
mod restore;
mod roll;
mod rows;
mod runs;
mod search;
mod settle;
mod sound;
mod upgrade;

use super::{Result, Size, Store, StoreError};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Sqlite, SqlitePool, Transaction, sqlite::SqliteQueryResult};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use copy::UNFINISHED;
pub use files::{Found, all_beside, folder_of, look};
pub use open::path_of;
pub use probe::{ROOM_MIN, room};
pub use restore::{Restored, leftovers, restore};
pub use sound::{check_backup, is_whole};

/// A SQLite database.
pub struct SqliteStore {
    /// One connection, so that writers of this process queue up instead of failing.
    writer: SqlitePool,
    readers: SqlitePool,
    /// As it was named, which may be a link.
    path: PathBuf,
    files: Arc<probe::Files>,
}

/// Pages that are given back to the disk at once, so that no check waits long for the writer.
const PAGES_AT_ONCE: i64 = 500;

impl SqliteStore {
    /// Opens the database at `sqlite:FILE`, making it on first use and bringing its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] where the file is no database, a newer one, locked, or cannot be written.
    pub async fn open(address: &str) -> Result<SqliteStore> {
        let path = open::path_of(address)?;
        let files = Arc::new(probe::Files::new(&open::real_path(&path)));
        let (writer, readers) = open::open(address, files.clone()).await?;
        Ok(SqliteStore { writer, readers, path, files })
    }

    /// A transaction that holds the write lock from its start, so that it never fails half-way on a busy database.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        const BEGIN: &str = "BEGIN IMMEDIATE";
        match self.writer.begin_with(BEGIN).await {
            // A full disk ends a transaction by itself, and sqlx goes on counting it: such a connection is done for.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                Ok(self.writer.begin_with(BEGIN).await?)
            }
            other => Ok(other?),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn shrink(&self) -> Result<bool> {
        let free =
            async || -> Result<i64> { Ok(sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&self.writer).await?) };
        let before = free().await?;
        sqlx::query(fixed(format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))).fetch_all(&self.writer).await?;
        let after = free().await?;
        // A database that another program has made anew may give nothing back, however often it is asked.
        Ok(after > PAGES_AT_ONCE && after < before)
    }

    async fn size(&self) -> Result<Size> {
        let number = async |pragma: &'static str| -> Result<u64> {
            let number: i64 = sqlx::query_scalar(pragma).fetch_one(&self.readers).await?;
            Ok(u64::try_from(number).unwrap_or_default())
        };
        let page = number("PRAGMA page_size").await?;
        let [wal, ..] = files::logs(&open::real_path(&self.path));
        let wal = std::fs::metadata(wal).map_or(0, |file| file.len());
        Ok(Size {
            file: page * number("PRAGMA page_count").await?,
            free: page * number("PRAGMA freelist_count").await?,
            wal,
        })
    }

    async fn examine(&self) -> Result<Vec<String>> {
        let mut connection = self.readers.acquire().await?;
        sound::ours(&mut connection, &self.path).await?;
        sound::examine(&mut connection).await
    }

    async fn held_runs(&self) -> Result<Vec<i64>> {
        let query = "SELECT id FROM runs WHERE state = 'held' ORDER BY id";
        Ok(sqlx::query_scalar(query).fetch_all(&self.readers).await?)
    }

    async fn made_at(&self) -> Result<Option<DateTime<Utc>>> {
        // Times that were noted by the service's clock; the schema's own stands in where nothing was entered yet.
        let query = "SELECT coalesce(
                         (SELECT min(t) FROM (SELECT min(created_at) AS t FROM users
                          UNION ALL SELECT min(created_at) FROM links UNION ALL SELECT min(started_at) FROM runs)),
                         (SELECT unixepoch(min(installed_on)) * 1000 FROM _sqlx_migrations))";
        let made: Option<i64> = sqlx::query_scalar(query).fetch_one(&self.readers).await?;
        Ok(made.and_then(DateTime::from_timestamp_millis))
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    fn file(&self) -> PathBuf {
        self.path.clone()
    }

    fn folder(&self) -> PathBuf {
        files::folder_of(&self.path).to_path_buf()
    }

    async fn ping(&self) -> Result<()> {
        self.files.read().await
    }

    async fn probe_write(&self, patience: Duration) -> Result<()> {
        self.files.write(patience).await
    }

    async fn backup(&self, to: &Path) -> Result<()> {
        if to.exists() {
            return Err(StoreError::File(format!("{} exists already; name a new file", to.display())));
        }
        // A connection of its own: readers may not write, and the writer is not to wait.
        copy::copy(&self.writer.connect_options(), to).await
    }
}

/// How many rows a statement changed.
fn affected(done: SqliteQueryResult) -> Result<u32> {
    Ok(u32::try_from(done.rows_affected()).unwrap_or(u32::MAX))
}

/// A query text put together from fixed pieces of this module.
fn fixed(text: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(text)
}
