//! What a link has been through: its checks over time, and the days that stay of them.

use super::{
    super::{Point, Result},
    fixed,
    rows::{CheckRow, PointRow, SEEN_COLUMNS, SEEN_JOIN, decoded, json, ms, parse_word, time},
};
use crate::domain::{
    class::Class,
    observation::{Observation, Standing},
    verdict::Change,
};
use chrono::{DateTime, Utc};
use sqlx::{SqliteConnection, SqlitePool};

pub async fn checks(from: &SqlitePool, link_id: i64, limit: u32) -> Result<Vec<(i64, Observation)>> {
    let query = fixed(format!(
        "SELECT i.run_id, {SEEN_COLUMNS} FROM run_items i {SEEN_JOIN}
         WHERE i.link_id = ? AND i.state = 'done' ORDER BY i.run_id DESC LIMIT ?"
    ));
    let rows: Vec<CheckRow> = sqlx::query_as(query).bind(link_id).bind(limit).fetch_all(from).await?;
    Ok(decoded(rows, CheckRow::check)?.into_iter().flatten().collect())
}

pub async fn points(from: &SqlitePool, link_id: i64, since: DateTime<Utc>) -> Result<Vec<Point>> {
    let days: Vec<(i64, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT day, good, bad, unverifiable, ms FROM link_days WHERE link_id = ? AND day >= ? ORDER BY day",
    )
    .bind(link_id)
    .bind(day_of(since))
    .fetch_all(from)
    .await?;
    let rows: Vec<PointRow> = sqlx::query_as(
        "SELECT at, class, inconclusive, ms FROM run_items
         WHERE link_id = ? AND state = 'done' AND class <> 'whitelisted' AND at >= ? ORDER BY run_id",
    )
    .bind(link_id)
    .bind(ms(since))
    .fetch_all(from)
    .await?;
    let mut points: Vec<Point> = days.into_iter().map(day_point).collect();
    points.extend(decoded(rows, PointRow::point)?);
    points.sort_by_key(|point| point.at);
    Ok(points)
}

/// What most checks of a day found, at its noon.
fn day_point((day, good, bad, unverifiable, total_ms): (i64, i64, i64, i64, i64)) -> Point {
    let standing = match good.max(bad).max(unverifiable) {
        most if most == bad => Standing::Bad,
        most if most == good => Standing::Good,
        _ => Standing::Unverifiable,
    };
    let mean = if good > 0 { total_ms / good } else { 0 };
    Point { at: time(day * DAY_MS + DAY_MS / 2), standing, ms: u32::try_from(mean).unwrap_or_default() }
}

const DAY_MS: i64 = 86_400_000;

/// Days since 1970 in UTC.
pub fn day_of(at: DateTime<Utc>) -> i64 {
    ms(at).div_euclid(DAY_MS)
}

/// Takes the oldest run that still has its checks, and moves some of them into the days.
pub async fn prune(tx: &mut SqliteConnection, before: DateTime<Utc>, limit: u32) -> Result<bool> {
    let oldest =
        "SELECT id FROM runs WHERE pruned = 0 AND finished_at < ? AND state <> 'held' ORDER BY finished_at LIMIT 1";
    let Some(run_id) = sqlx::query_scalar::<_, i64>(oldest).bind(ms(before)).fetch_optional(&mut *tx).await? else {
        return Ok(false);
    };
    let piece = "SELECT max(link_id) FROM (SELECT link_id FROM run_items WHERE run_id = ? ORDER BY link_id LIMIT ?)";
    let last: Option<i64> = sqlx::query_scalar(piece).bind(run_id).bind(limit).fetch_one(&mut *tx).await?;
    let Some(last) = last else {
        // What a run went by is of use only while it may be gone on with.
        sqlx::query("UPDATE runs SET pruned = 1 WHERE id = ?").bind(run_id).execute(&mut *tx).await?;
        return Ok(true);
    };
    let unverifiable: Vec<&str> =
        Class::ALL.into_iter().filter(|class| class.is_unverifiable()).map(Class::code).collect();
    // Rows say it as Standing::of does.
    let add_up = "INSERT INTO link_days (link_id, day, good, bad, unverifiable, ms)
         SELECT link_id, at / ?4, sum(good), sum(1 - good - open), sum(open), sum(good * coalesce(ms, 0)) FROM (
             SELECT link_id, at, ms, class = 'ok' AND inconclusive = 0 AS good,
                 inconclusive = 1 OR class IN (SELECT value FROM json_each(?3)) AS open
             FROM run_items WHERE run_id = ?1 AND link_id <= ?2 AND state = 'done' AND class <> 'whitelisted')
         WHERE true GROUP BY link_id, at / ?4
         ON CONFLICT (link_id, day) DO UPDATE SET good = good + excluded.good, bad = bad + excluded.bad,
             unverifiable = unverifiable + excluded.unverifiable, ms = ms + excluded.ms";
    let add_up = sqlx::query(add_up).bind(run_id).bind(last).bind(json(&unverifiable)).bind(DAY_MS);
    add_up.execute(&mut *tx).await?;
    let seen = "DELETE FROM evidence WHERE (link_id, run_id) IN (
        SELECT link_id, run_id FROM run_items WHERE run_id = ? AND link_id <= ?)";
    sqlx::query(seen).bind(run_id).bind(last).execute(&mut *tx).await?;
    let forget = sqlx::query("DELETE FROM run_items WHERE run_id = ? AND link_id <= ?").bind(run_id).bind(last);
    forget.execute(&mut *tx).await?;
    Ok(true)
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
