//! SQLite: WAL, one writer, a few readers.

mod accounts;
mod config;
mod history;
mod links;
mod open;
mod record;
mod restore;
mod rows;
mod runs;
mod search;
mod settle;

use super::{Result, Store, StoreError};
use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Sqlite, SqlitePool, Transaction, sqlite::SqliteQueryResult};
use std::path::Path;

pub use restore::restore;

/// A SQLite database.
pub struct SqliteStore {
    /// One connection, so that writers of this process queue up instead of failing.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the database at `sqlite:FILE`, making it on first use and bringing its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] where the file is no database, a newer one, locked, or cannot be written.
    pub async fn open(address: &str) -> Result<SqliteStore> {
        let (writer, readers) = open::open(address).await?;
        Ok(SqliteStore { writer, readers })
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
    async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1 FROM settings LIMIT 1").fetch_optional(&self.readers).await?;
        Ok(())
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
