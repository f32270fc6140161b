//! The roll as a whole, read in parts or from the indexes alone: a large one is not to lie in memory twice, nor be
//! searched for a number.

use super::{
    super::{Result, Totals},
    bulk::many,
    fixed,
    rows::{LINK_ARRAY, LinkRow, decoded, json, ms},
};
use crate::{domain::link::Link, store::NEWLY_HIDDEN};
use chrono::{DateTime, Utc};
use sqlx::{SqliteExecutor, SqlitePool};
use std::collections::HashMap;

/// Links that are read with one statement.
const PART: u32 = 2048;

/// Goes up with every change that a list of the roll could show.
pub async fn revision<'c>(from: impl SqliteExecutor<'c>) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT n FROM revisions WHERE what = 'roll'").fetch_one(from).await?)
}

/// Every link by id, from one state of the database.
pub async fn links(from: &SqlitePool) -> Result<Vec<Link>> {
    let query = format!(
        "SELECT json_group_array({LINK_ARRAY}) FROM
             (SELECT * FROM links WHERE deleted_at IS NULL AND id > ? ORDER BY id LIMIT ?) l
         LEFT JOIN groups g ON g.id = l.group_id"
    );
    let mut snapshot = from.begin().await?;
    let mut links: Vec<Link> = Vec::new();
    loop {
        let after = links.last().map_or(0, |link| link.id);
        let part = sqlx::query_scalar(fixed(query.clone())).bind(after).bind(PART);
        let text: String = part.fetch_one(&mut *snapshot).await?;
        let mut part = decoded(many(&text)?, LinkRow::link)?;
        if part.is_empty() {
            return Ok(links);
        }
        part.sort_unstable_by_key(|link| link.id);
        links.append(&mut part);
    }
}

/// These links, in this order; those that are gone are left out.
pub async fn of_ids(from: &SqlitePool, ids: &[i64]) -> Result<Vec<Link>> {
    let query = fixed(format!(
        "SELECT json_group_array({LINK_ARRAY}) FROM links l LEFT JOIN groups g ON g.id = l.group_id
         WHERE l.deleted_at IS NULL AND l.id IN (SELECT value FROM json_each(?))"
    ));
    let text: String = sqlx::query_scalar(query).bind(json(&ids)).fetch_one(from).await?;
    let mut links = decoded(many(&text)?, LinkRow::link)?;
    let place: HashMap<i64, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    links.sort_by_key(|link| place.get(&link.id).copied());
    Ok(links)
}

/// The ids of all links, or of those that are shown; by id, or by group in the order in which groups first come.
pub async fn order(from: &SqlitePool, shown: bool, by_group: bool) -> Result<Vec<i64>> {
    let first = if by_group { "min(id) OVER (PARTITION BY group_id)" } else { "0" };
    let which = if shown { "AND active = 1 AND shown = 1" } else { "" };
    let query = fixed(format!(
        "SELECT json_group_array(id ORDER BY first, id)
         FROM (SELECT id, {first} AS first FROM links WHERE deleted_at IS NULL {which})"
    ));
    let text: String = sqlx::query_scalar(query).fetch_one(from).await?;
    Ok(many(&text)?)
}

pub async fn totals(from: &SqlitePool) -> Result<Totals> {
    let query = "SELECT count(*), count(*) FILTER (WHERE active = 1 AND shown = 1),
             count(*) FILTER (WHERE active = 1 AND shown = 0)
         FROM links INDEXED BY links_by_state WHERE deleted_at IS NULL";
    let (links, shown, hidden) = sqlx::query_as(query).fetch_one(from).await?;
    Ok(Totals { links, shown, hidden })
}

pub async fn groups(from: &SqlitePool) -> Result<Vec<(String, u32)>> {
    let query = "SELECT g.name, n FROM
             (SELECT group_id, count(*) AS n FROM links INDEXED BY links_by_group
              WHERE deleted_at IS NULL AND group_id IS NOT NULL GROUP BY group_id)
         JOIN groups g ON g.id = group_id ORDER BY g.name";
    Ok(sqlx::query_as(query).fetch_all(from).await?)
}

/// The links that the owner should look at, by id. See [`crate::store::Status::Review`].
pub async fn to_review(from: &SqlitePool, now: DateTime<Utc>) -> Result<Vec<i64>> {
    let query = "SELECT json_group_array(id ORDER BY id) FROM links INDEXED BY links_to_review
         WHERE deleted_at IS NULL AND active = 1 AND (doubtful = 1 OR shown = 0) AND (doubtful = 1 OR since > ?)
             AND (manual IS NULL OR unixepoch(manual ->> 'until') * 1000 <= ?)";
    let text: String = sqlx::query_scalar(query).bind(ms(now - NEWLY_HIDDEN)).bind(ms(now)).fetch_one(from).await?;
    Ok(many(&text)?)
}
