//! Whitelist, settings and schedules.

use super::{
    super::{Config, Result, ScheduleRow, StoreError},
    SqliteStore,
    rows::{EntryRow, decoded, ms, time, word},
};
use crate::domain::whitelist::{Entry, Kind};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteExecutor;

/// Every whitelist entry, inside a transaction or outside.
pub async fn entries<'c>(from: impl SqliteExecutor<'c>) -> Result<Vec<Entry>> {
    let rows: Vec<EntryRow> =
        sqlx::query_as("SELECT id, kind, pattern, enabled, note, expires_at FROM whitelist ORDER BY id")
            .fetch_all(from)
            .await?;
    Ok(decoded(rows, EntryRow::entry)?)
}

#[async_trait]
impl Config for SqliteStore {
    async fn whitelist(&self) -> Result<Vec<Entry>> {
        entries(&self.readers).await
    }

    async fn put_entry(&self, entry: &Entry, at: DateTime<Utc>) -> Result<i64> {
        let id = sqlx::query_scalar(
            "INSERT INTO whitelist (kind, pattern, enabled, note, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (kind, pattern) DO UPDATE SET
                 enabled = excluded.enabled, note = excluded.note, expires_at = excluded.expires_at
             RETURNING id",
        )
        .bind(word(entry.kind))
        .bind(&entry.pattern)
        .bind(entry.enabled)
        .bind(&entry.note)
        .bind(entry.expires_at.map(ms))
        .bind(ms(at))
        .fetch_one(&self.writer)
        .await?;
        Ok(id)
    }

    async fn remove_entry(&self, kind: Kind, pattern: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM whitelist WHERE kind = ? AND pattern = ?")
            .bind(word(kind))
            .bind(pattern)
            .execute(&self.writer)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn settings(&self) -> Result<Vec<(String, String)>> {
        Ok(sqlx::query_as("SELECT key, value FROM settings ORDER BY key").fetch_all(&self.readers).await?)
    }

    async fn put_setting(&self, key: &str, value: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(key)
        .bind(value)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRow>> {
        let rows: Vec<(i64, String, Option<i64>)> =
            sqlx::query_as("SELECT id, cron, last_due FROM schedules ORDER BY id").fetch_all(&self.readers).await?;
        Ok(rows.into_iter().map(|(id, cron, due)| ScheduleRow { id, cron, last_due: due.map(time) }).collect())
    }

    async fn put_schedule(&self, id: Option<i64>, cron: &str) -> Result<i64> {
        let Some(id) = id else {
            let added = sqlx::query_scalar("INSERT INTO schedules (cron) VALUES (?) RETURNING id").bind(cron);
            return Ok(added.fetch_one(&self.writer).await?);
        };
        let done = sqlx::query("UPDATE schedules SET cron = ? WHERE id = ?").bind(cron).bind(id);
        match done.execute(&self.writer).await?.rows_affected() {
            0 => Err(StoreError::NoSuch { what: "schedule", id }),
            _ => Ok(id),
        }
    }

    async fn remove_schedule(&self, id: i64) -> Result<bool> {
        let done = sqlx::query("DELETE FROM schedules WHERE id = ?").bind(id).execute(&self.writer).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn claim_due(&self, id: i64, last: Option<DateTime<Utc>>, due: DateTime<Utc>) -> Result<bool> {
        let done = sqlx::query("UPDATE schedules SET last_due = ? WHERE id = ? AND last_due IS ?")
            .bind(ms(due))
            .bind(id)
            .bind(last.map(ms))
            .execute(&self.writer)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
