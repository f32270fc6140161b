//! Finished checks, a batch at a time: one statement for all of them costs a fraction of one for each.
//!
//! Rows come out of jsonb_each ready to be looked into, and `MATERIALIZED`, or each mention of one would copy it anew.

use super::{
    super::{Record, Result},
    rows::{json, many, ms, word},
};
use crate::domain::{
    link::RECENT_CHECKS,
    observation::{Backlink, EVIDENCE_MAX_BYTES, Evidence, Flag, Observation, Standing},
};
use serde::Serialize;
use sqlx::SqliteConnection;
use std::collections::HashSet;

/// Checks of a link whose full evidence is kept: design.md, Numbers.
const FULL_EVIDENCE_CHECKS: i64 = 3;

/// One check as the statements below read it.
#[derive(Serialize)]
struct Row<'a> {
    run: i64,
    link: i64,
    at: i64,
    class: &'static str,
    inconclusive: bool,
    status: Option<u16>,
    ms: u32,
    attempts: u32,
    change: String,
    final_url: Option<&'a str>,
    letter: char,
    flags: String,
    /// Where the check was good and the title not a stranger's.
    good_title: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(run: i64, record: &Record, seen: &'a Observation) -> Row<'a> {
        Row {
            run,
            link: record.link_id,
            at: ms(seen.at),
            class: seen.class.code(),
            inconclusive: seen.inconclusive,
            status: seen.status,
            ms: seen.ms,
            attempts: seen.attempts,
            change: word(record.change),
            final_url: seen.final_url.as_deref(),
            letter: seen.standing().letter(),
            flags: json(&seen.flags),
            good_title: seen
                .evidence
                .title
                .as_deref()
                .filter(|_| seen.standing() == Standing::Good && !seen.flags.contains(&Flag::TitleChanged)),
        }
    }
}

/// Writes a batch. Items that are done already stay as they are.
pub async fn write(tx: &mut SqliteConnection, run_id: i64, records: &[Record]) -> Result<()> {
    for broken in records.iter().filter(|record| record.seen.is_none()) {
        sqlx::query("UPDATE run_items SET state = ? WHERE run_id = ? AND link_id = ? AND state = 'pending'")
            .bind(word(broken.state))
            .bind(run_id)
            .bind(broken.link_id)
            .execute(&mut *tx)
            .await?;
    }
    let seen = || records.iter().filter_map(|record| record.seen.as_ref().map(|seen| (record, seen)));
    let rows: Vec<Row> = seen().map(|(record, seen)| Row::of(run_id, record, seen)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.link).collect();
    // As one text: rows that come back one by one cost more.
    let pending: String = sqlx::query_scalar(
        "SELECT json_group_array(link_id) FROM run_items
         WHERE run_id = ?1 AND state = 'pending' AND link_id IN (SELECT value FROM json_each(?2))",
    )
    .bind(run_id)
    .bind(json(&ids))
    .fetch_one(&mut *tx)
    .await?;
    let pending: HashSet<i64> = many(&pending)?.into_iter().collect();
    // Fetching again after a kill is allowed; a second outcome for one item is not. The run comes with each row: named
    // beside them, SQLite would go through all of its items for each of them.
    sqlx::query(
        "WITH r AS MATERIALIZED (SELECT value v FROM jsonb_each(?1))
         UPDATE run_items SET state = 'done', at = v ->> 'at', class = v ->> 'class',
             inconclusive = v ->> 'inconclusive', status = v ->> 'status', ms = v ->> 'ms',
             attempts = v ->> 'attempts', change = v ->> 'change'
         FROM r WHERE run_items.run_id = v ->> 'run' AND run_items.link_id = v ->> 'link'
             AND run_items.state = 'pending'",
    )
    .bind(json(&rows))
    .execute(&mut *tx)
    .await?;
    let exempt = Standing::Exempt.letter();
    // An exempt link was not checked.
    let fresh: Vec<&Row> = rows.iter().filter(|row| row.letter != exempt && pending.contains(&row.link)).collect();
    let links: HashSet<i64> = fresh.iter().map(|row| row.link).collect();
    let told = seen().filter(|(record, _)| links.contains(&record.link_id));
    let told: Vec<_> = told.map(|(record, seen)| (record.link_id, seen.final_url.as_deref(), bounded(seen))).collect();
    keep_evidence(tx, run_id, &told).await?;
    note_newest(tx, &fresh).await
}

/// Keeps what was seen in full, and drops that of the check that has just become too old for it.
async fn keep_evidence(tx: &mut SqliteConnection, run_id: i64, told: &[(i64, Option<&str>, String)]) -> Result<()> {
    sqlx::query(
        "WITH r AS MATERIALIZED (SELECT value v FROM jsonb_each(?1))
         INSERT INTO evidence (link_id, run_id, final_url, details)
         SELECT v ->> 0, ?2, v ->> 1, v ->> 2 FROM r WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(json(&told))
    .bind(run_id)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "DELETE FROM evidence WHERE (link_id, run_id) IN (
             SELECT i.link_id, i.run_id FROM json_each(?1) j CROSS JOIN run_items i ON i.link_id = j.value AND i.run_id =
                 (SELECT run_id FROM run_items WHERE link_id = j.value ORDER BY run_id DESC LIMIT 1 OFFSET ?2)
             WHERE i.change = 'none')",
    )
    .bind(json(&told.iter().map(|(link, ..)| link).collect::<Vec<_>>()))
    .bind(FULL_EVIDENCE_CHECKS)
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps the newest check with its link.
async fn note_newest(tx: &mut SqliteConnection, fresh: &[&Row<'_>]) -> Result<()> {
    sqlx::query(
        "WITH r AS MATERIALIZED (SELECT value v FROM jsonb_each(?1))
         UPDATE links SET last_at = v ->> 'at', last_class = v ->> 'class', last_status = v ->> 'status',
             last_ms = v ->> 'ms', last_final_url = v ->> 'final_url',
             recent = substr(recent || (v ->> 'letter'), -?2), flags = v ->> 'flags',
             good_title = coalesce(v ->> 'good_title', good_title)
         FROM r WHERE links.id = v ->> 'link'",
    )
    .bind(json(&fresh))
    .bind(i64::try_from(RECENT_CHECKS).unwrap_or(i64::MAX))
    .execute(tx)
    .await?;
    Ok(())
}

/// [`Details`] of an observation, where it lies.
#[derive(Serialize)]
struct Kept<'a> {
    backlink: &'a Backlink,
    #[serde(skip_serializing_if = "<[Flag]>::is_empty")]
    flags: &'a [Flag],
    evidence: &'a Evidence,
}

/// What is kept of an observation, as text of at most 4 kB; the store reads it back as [`Details`].
///
/// [`Details`]: crate::domain::run::Details
fn bounded(seen: &Observation) -> String {
    let kept = |evidence: &Evidence| json(&Kept { backlink: &seen.backlink, flags: &seen.flags, evidence });
    let text = kept(&seen.evidence);
    if text.len() <= EVIDENCE_MAX_BYTES {
        return text;
    }
    let mut evidence = seen.evidence.clone();
    for (bytes, items) in [(300, 8), (150, 4), (60, 1)] {
        evidence.clip(bytes, items);
        let text = kept(&evidence);
        if text.len() <= EVIDENCE_MAX_BYTES {
            return text;
        }
    }
    kept(&Evidence::default())
}
