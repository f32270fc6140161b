//! Whitelist, settings and schedules.

use super::{
    super::{Config, Result, ScheduleRow, StoreError},
    SqliteStore, limits,
    rows::{EntryRow, decoded, ms, time, word},
};
use crate::domain::{
    schedule::Scope,
    whitelist::{Entry, Kind},
};
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
        limits::pattern(&entry.pattern)?;
        limits::note(&entry.note)?;
        let id = sqlx::query_scalar(
            "INSERT INTO whitelist (kind, pattern, enabled, note, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (kind, pattern) DO UPDATE SET
                 enabled = excluded.enabled, note = excluded.note, expires_at = excluded.expires_at,
                 ended = 0
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

    async fn put_settings(&self, values: &[(String, String)]) -> Result<()> {
        for (_, value) in values {
            limits::setting(value)?;
        }
        let mut transaction = self.write().await?;
        for (key, value) in values {
            let query = "INSERT INTO settings (key, value) VALUES (?, ?)
                         ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            sqlx::query(query).bind(key).bind(value).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRow>> {
        let query = "SELECT id, cron, scope, scope_group, last_due FROM schedules ORDER BY id";
        let rows: Vec<(i64, String, String, String, Option<i64>)> =
            sqlx::query_as(query).fetch_all(&self.readers).await?;
        let row = |(id, cron, scope, group, due): (_, _, String, _, Option<i64>)| {
            let scope = match scope.as_str() {
                "hidden" => Scope::Hidden,
                "group" => Scope::Group(group),
                _ => Scope::All,
            };
            ScheduleRow { id, cron, scope, last_due: due.map(time) }
        };
        Ok(rows.into_iter().map(row).collect())
    }

    async fn put_schedule(&self, id: Option<i64>, cron: &str, scope: &Scope, at: DateTime<Utc>) -> Result<i64> {
        let (code, group) = match scope {
            Scope::All => ("all", ""),
            Scope::Hidden => ("hidden", ""),
            Scope::Group(name) => ("group", name.as_str()),
        };
        limits::cron(cron)?;
        limits::group(group)?;
        let query = match id {
            None => "INSERT INTO schedules (cron, scope, scope_group, last_due) VALUES (?, ?, ?, ?) RETURNING id",
            Some(_) => {
                "UPDATE schedules SET cron = ?, scope = ?, scope_group = ?, last_due = ? WHERE id = ? RETURNING id"
            }
        };
        let query = sqlx::query_scalar(query).bind(cron).bind(code).bind(group).bind(ms(at));
        let query = if let Some(id) = id { query.bind(id) } else { query };
        let held: Option<i64> = query.fetch_optional(&self.writer).await?;
        held.ok_or(StoreError::NoSuch { what: "schedule", id: id.unwrap_or_default() })
    }

    async fn remove_schedule(&self, id: i64) -> Result<bool> {
        let done = sqlx::query("DELETE FROM schedules WHERE id = ?").bind(id).execute(&self.writer).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn claim_due(&self, id: i64, last: Option<DateTime<Utc>>, from: DateTime<Utc>) -> Result<bool> {
        let done = sqlx::query("UPDATE schedules SET last_due = ? WHERE id = ? AND last_due IS ?")
            .bind(ms(from))
            .bind(id)
            .bind(last.map(ms))
            .execute(&self.writer)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
