//! SQLite: WAL, one writer, a few readers.

mod accounts;
mod bulk;
mod config;
mod ends;
mod history;
mod import;
mod limits;
mod links;
mod open;
pub mod owned;
mod probe;
mod record;
mod restore;
mod roll;
mod rows;
mod runs;
mod search;
mod settle;

use super::{Result, Size, Store, StoreError};
use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Sqlite, SqlitePool, Transaction, sqlite::SqliteQueryResult};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub use restore::{Restored, restore};

/// A SQLite database.
pub struct SqliteStore {
    /// One connection, so that writers of this process queue up instead of failing.
    writer: SqlitePool,
    readers: SqlitePool,
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
        let files = Arc::new(probe::Files::new(&path));
        let (writer, readers) = open::open(address, files.clone()).await?;
        Ok(SqliteStore { writer, readers, path, files })
    }

    /// Closes all connections, which folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
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
        sqlx::query(fixed(format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))).fetch_all(&self.writer).await?;
        let free: i64 = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&self.writer).await?;
        Ok(free > PAGES_AT_ONCE)
    }

    async fn size(&self) -> Result<Size> {
        let number = async |pragma: &'static str| -> Result<u64> {
            let number: i64 = sqlx::query_scalar(pragma).fetch_one(&self.readers).await?;
            Ok(u64::try_from(number).unwrap_or_default())
        };
        let page = number("PRAGMA page_size").await?;
        let wal = std::fs::metadata(format!("{}-wal", self.path.display())).map_or(0, |file| file.len());
        Ok(Size {
            file: page * number("PRAGMA page_count").await?,
            free: page * number("PRAGMA freelist_count").await?,
            wal,
        })
    }

    async fn examine(&self) -> Result<Vec<String>> {
        let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(20)").fetch_all(&self.readers).await?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    fn file(&self) -> PathBuf {
        self.path.clone()
    }

    fn folder(&self) -> PathBuf {
        open::folder_of(&self.path).to_path_buf()
    }

    async fn ping(&self) -> Result<()> {
        self.files.read().await
    }

    async fn probe_write(&self) -> Result<()> {
        self.files.write().await
    }

    async fn backup(&self, to: &Path) -> Result<()> {
        if to.exists() {
            return Err(StoreError::File(format!("{} exists already; name a new file", to.display())));
        }
        // A connection of its own: readers may not write, and the writer is not to wait.
        open::copy(&self.writer.connect_options(), to).await
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<i32>().ok());
        // The low byte is the primary result code: sqlite.org/rescode.html.
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => StoreError::Locked,
            Some(8) => StoreError::ReadOnly,
            Some(10) => StoreError::File(
                "the database file cannot be read or written; check that it is a file and that the disk is well".into(),
            ),
            Some(13) => StoreError::Full,
            Some(14) => StoreError::CannotOpen(String::new()),
            Some(26) => StoreError::NotADatabase("the file".to_owned()),
            _ if matches!(error, sqlx::Error::PoolTimedOut) => StoreError::Locked,
            _ => StoreError::Database(error),
        }
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
