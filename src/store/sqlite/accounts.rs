//! Accounts, sessions, and who did what.

use super::{
    super::{Accounts, Result, User},
    SqliteStore, limits,
    rows::{UserRow, ms, time},
};
use crate::domain::audit::{Deed, Note};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// Wrong log-ins that are kept in the audit, the newest.
const FAILED_SIGN_INS: u32 = 1_000;

/// Devices and addresses that are remembered of an account.
const SIGN_INS_KEPT: i64 = 100;

#[async_trait]
impl Accounts for SqliteStore {
    async fn users(&self) -> Result<Vec<User>> {
        let query = "SELECT id, name, password, epoch FROM users ORDER BY id";
        let rows: Vec<UserRow> = sqlx::query_as(query).fetch_all(&self.readers).await?;
        Ok(rows.into_iter().map(UserRow::user).collect())
    }

    async fn user(&self, id: i64) -> Result<Option<User>> {
        let query = "SELECT id, name, password, epoch FROM users WHERE id = ?";
        let row: Option<UserRow> = sqlx::query_as(query).bind(id).fetch_optional(&self.readers).await?;
        Ok(row.map(UserRow::user))
    }

    async fn add_user(&self, name: &str, password: &str, only_first: bool, at: DateTime<Utc>) -> Result<Option<i64>> {
        let query = "INSERT INTO users (name, password, created_at) SELECT ?, ?, ?
             WHERE NOT ? OR NOT EXISTS (SELECT 1 FROM users) ON CONFLICT DO NOTHING RETURNING id";
        let added = sqlx::query_scalar(query).bind(name).bind(password).bind(ms(at)).bind(only_first);
        Ok(added.fetch_optional(&self.writer).await?)
    }

    async fn set_password(&self, name: &str, password: &str) -> Result<bool> {
        let query = "UPDATE users SET password = ?, epoch = epoch + 1 WHERE name = ?";
        let done = sqlx::query(query).bind(password).bind(name).execute(&self.writer).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn end_sessions(&self, user_id: i64) -> Result<()> {
        let query = "UPDATE users SET epoch = epoch + 1 WHERE id = ?";
        sqlx::query(query).bind(user_id).execute(&self.writer).await?;
        Ok(())
    }

    async fn knows_sign_in(&self, user_id: i64, mark: &str, since: DateTime<Utc>) -> Result<bool> {
        let query = "SELECT EXISTS (SELECT 1 FROM sign_ins WHERE user_id = ? AND mark = ? AND at >= ?)";
        Ok(sqlx::query_scalar(query).bind(user_id).bind(mark).bind(ms(since)).fetch_one(&self.readers).await?)
    }

    async fn remember_sign_in(
        &self,
        user_id: i64,
        marks: &[String],
        at: DateTime<Utc>,
        before: DateTime<Utc>,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        for mark in marks {
            let query = "INSERT INTO sign_ins (user_id, mark, at) VALUES (?, ?, ?)
                 ON CONFLICT (user_id, mark) DO UPDATE SET at = excluded.at";
            sqlx::query(query).bind(user_id).bind(mark).bind(ms(at)).execute(&mut *tx).await?;
        }
        let query = "DELETE FROM sign_ins WHERE user_id = ?1 AND (at < ?2 OR mark NOT IN
             (SELECT mark FROM sign_ins WHERE user_id = ?1 ORDER BY at DESC LIMIT ?3))";
        sqlx::query(query).bind(user_id).bind(ms(before)).bind(SIGN_INS_KEPT).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn session(&self, id: &str, at: DateTime<Utc>) -> Result<Option<String>> {
        let query = "SELECT record FROM sessions WHERE id = ? AND expires_at > ?";
        Ok(sqlx::query_scalar(query).bind(id).bind(ms(at)).fetch_optional(&self.readers).await?)
    }

    async fn put_session(&self, id: &str, record: &str, ends: DateTime<Utc>, new: bool) -> Result<bool> {
        let query = if new {
            "INSERT INTO sessions (id, record, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        } else {
            "INSERT INTO sessions (id, record, expires_at) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET record = excluded.record, expires_at = excluded.expires_at"
        };
        let done = sqlx::query(query).bind(id).bind(record).bind(ms(ends)).execute(&self.writer).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn remove_session(&self, id: &str) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE id = ?").bind(id).execute(&self.writer).await?;
        Ok(())
    }

    async fn sessions(&self, at: DateTime<Utc>) -> Result<Vec<(String, String)>> {
        let query = "SELECT id, record FROM sessions WHERE expires_at > ?";
        Ok(sqlx::query_as(query).bind(ms(at)).fetch_all(&self.readers).await?)
    }

    async fn note(&self, note: &Note) -> Result<()> {
        let query = sqlx::query("INSERT INTO audit (at, who, deed, about) VALUES (?, ?, ?, ?)");
        let query = query.bind(ms(note.at)).bind(limits::who(&note.who)).bind(&note.deed);
        let query = query.bind(limits::seen_text(&note.about));
        query.execute(&self.writer).await?;
        if note.deed == Deed::SignInFailed.code() {
            // Anybody can have these written.
            let query = "DELETE FROM audit WHERE deed = ?1 AND id <=
                             (SELECT id FROM audit WHERE deed = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
            sqlx::query(query).bind(&note.deed).bind(FAILED_SIGN_INS).execute(&self.writer).await?;
        }
        Ok(())
    }

    async fn notes(&self, offset: u32, limit: u32) -> Result<(Vec<Note>, u32)> {
        let query = "SELECT at, who, deed, about FROM audit ORDER BY id DESC LIMIT ? OFFSET ?";
        let rows: Vec<(i64, String, String, String)> =
            sqlx::query_as(query).bind(limit).bind(offset).fetch_all(&self.readers).await?;
        let note = |(at, who, deed, about)| Note { at: time(at), who, deed, about };
        let all = sqlx::query_scalar("SELECT count(*) FROM audit").fetch_one(&self.readers).await?;
        Ok((rows.into_iter().map(note).collect(), all))
    }

    async fn sweep_notes(&self, before: DateTime<Utc>) -> Result<()> {
        sqlx::query("DELETE FROM audit WHERE at < ?").bind(ms(before)).execute(&self.writer).await?;
        Ok(())
    }

    async fn sweep_sessions(&self, at: DateTime<Utc>) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE expires_at <= ?").bind(ms(at)).execute(&self.writer).await?;
        Ok(())
    }
}
