//! What a link has been through: its checks over time.

use super::{
    super::{Point, Result},
    fixed,
    rows::{CheckRow, PointRow, SEEN_COLUMNS, decoded, json, ms, parse_word},
};
use crate::domain::{observation::Observation, verdict::Change};
use chrono::{DateTime, Utc};
use sqlx::SqlitePool;

pub async fn checks(from: &SqlitePool, link_id: i64, limit: u32) -> Result<Vec<(i64, Observation)>> {
    let query = fixed(format!(
        "SELECT i.run_id, {SEEN_COLUMNS} FROM run_items i
         WHERE i.link_id = ? AND i.state = 'done' ORDER BY i.run_id DESC LIMIT ?"
    ));
    let rows: Vec<CheckRow> = sqlx::query_as(query).bind(link_id).bind(limit).fetch_all(from).await?;
    Ok(decoded(rows, CheckRow::check)?.into_iter().flatten().collect())
}

pub async fn points(from: &SqlitePool, link_id: i64, since: DateTime<Utc>) -> Result<Vec<Point>> {
    let rows: Vec<PointRow> = sqlx::query_as(
        "SELECT at, class, inconclusive, ms FROM run_items
         WHERE link_id = ? AND state = 'done' AND class <> 'whitelisted' AND at >= ? ORDER BY run_id",
    )
    .bind(link_id)
    .bind(ms(since))
    .fetch_all(from)
    .await?;
    Ok(decoded(rows, PointRow::point)?)
}

/// Runs that have not taken effect are few: those going on, and those held.
pub async fn pending(from: &SqlitePool, ids: &[i64]) -> Result<Vec<(i64, Change)>> {
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT i.link_id, i.change FROM runs r CROSS JOIN run_items i ON i.run_id = r.id
         WHERE r.state IN ('running', 'held') AND i.state = 'done' AND i.change <> 'none'
             AND i.link_id IN (SELECT value FROM json_each(?)) ORDER BY r.id",
    )
    .bind(json(&ids))
    .fetch_all(from)
    .await?;
    rows.into_iter().map(|(id, change)| Ok((id, parse_word("change", &change)?))).collect()
}
