//! Finished checks, a batch at a time: one statement for all of them costs a fraction of one for each.

use super::{
    super::{Record, Result},
    bulk::with_rows,
    limits,
    rows::{json, ms, word},
};
use crate::domain::{
    link::RECENT_CHECKS,
    observation::{Backlink, EVIDENCE_MAX_BYTES, Evidence, Flag, Observation, Standing, clip},
    own_failure::OwnFailure,
    verdict::Change,
};
use serde::{Serialize, Serializer};
use sqlx::SqliteConnection;

/// Checks of a link whose full evidence is kept: design.md, Numbers.
const FULL_EVIDENCE_CHECKS: i64 = 3;

/// Where a batch lies while it is written: what is read out of its text once is used by several statements. The
/// writer's connection has it.
pub const BATCH: &str = "CREATE TEMP TABLE batch (link INTEGER PRIMARY KEY, at, class, inconclusive, status, ms, \
    attempts, change, final_url, letter, flags, good_title, details)";

/// Bytes of each text about a backlink that are kept where there are too many: three of them, six times as long as JSON
/// at the worst, are less than [`EVIDENCE_MAX_BYTES`].
const BACKLINK_MAX_BYTES: usize = 200;

/// One check, with the values of [`BATCH`].
struct Row<'a> {
    link: i64,
    at: i64,
    class: &'static str,
    inconclusive: bool,
    status: Option<u16>,
    ms: u32,
    attempts: u32,
    change: Change,
    final_url: Option<&'a str>,
    letter: char,
    flags: &'a [Flag],
    /// Where the check was good and the title not a stranger's.
    good_title: Option<&'a str>,
    details: String,
}

/// The values of a [`Row`] in their order: it goes over as an array, which SQLite reads faster than an object.
const ROW: &str = "v ->> 0 link, v ->> 1, v ->> 2, v ->> 3, v ->> 4, v ->> 5, v ->> 6, v ->> 7, v ->> 8, v ->> 9, \
    v ->> 10, v ->> 11, v ->> 12";

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Row { link, at, class, inconclusive, status, ms, attempts, change, .. } = *self;
        let Row { final_url, letter, flags, good_title, ref details, .. } = *self;
        (link, at, class, inconclusive, status, ms, attempts, change, final_url, letter, flags, good_title, details)
            .serialize(serializer)
    }
}

impl<'a> Row<'a> {
    fn of(link: i64, change: Change, seen: &'a Observation) -> Row<'a> {
        Row {
            link,
            at: ms(seen.at),
            class: seen.class.code(),
            inconclusive: seen.inconclusive,
            status: seen.status,
            ms: seen.ms,
            attempts: seen.attempts,
            change,
            final_url: seen.final_url.as_deref().map(limits::seen_url),
            letter: seen.standing().letter(),
            flags: &seen.flags,
            good_title: seen
                .evidence
                .title
                .as_deref()
                .filter(|_| seen.standing() == Standing::Good && !seen.flags.contains(&Flag::TitleChanged))
                .map(limits::seen_text),
            details: bounded(seen),
        }
    }
}

/// Writes a batch. Items that are done already stay as they are: fetching again after a kill is allowed, a second
/// outcome for one item is not.
pub async fn write(tx: &mut SqliteConnection, run_id: i64, records: &[Record]) -> Result<()> {
    for broken in records.iter().filter(|record| record.seen.is_none()) {
        sqlx::query(
            "UPDATE run_items SET state = ?, failure = ? WHERE run_id = ? AND link_id = ? AND state = 'pending'",
        )
        .bind(word(broken.state))
        .bind(broken.failure.map(OwnFailure::code))
        .bind(run_id)
        .bind(broken.link_id)
        .execute(&mut *tx)
        .await?;
    }
    let rows = records.iter().filter_map(|record| Some(Row::of(record.link_id, record.change, record.seen.as_ref()?)));
    let rows: Vec<Row> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(with_rows(
        ROW,
        "INSERT OR IGNORE INTO batch SELECT * FROM n WHERE EXISTS
             (SELECT 1 FROM run_items i WHERE i.run_id = ?2 AND i.link_id = n.link AND i.state = 'pending')",
    ))
    .bind(json(&rows))
    .bind(run_id)
    .execute(&mut *tx)
    .await?;
    drop(rows);
    sqlx::query(
        "UPDATE run_items SET (state, at, class, inconclusive, status, ms, attempts, change) =
             (SELECT 'done', b.at, b.class, b.inconclusive, b.status, b.ms, b.attempts, b.change
              FROM batch b WHERE b.link = run_items.link_id)
         WHERE run_id = ? AND link_id IN (SELECT link FROM batch)",
    )
    .bind(run_id)
    .execute(&mut *tx)
    .await?;
    // An exempt link was not checked.
    sqlx::query("DELETE FROM batch WHERE letter = ?")
        .bind(Standing::Exempt.letter().to_string())
        .execute(&mut *tx)
        .await?;
    keep_evidence(tx, run_id).await?;
    note_newest(tx, run_id).await?;
    sqlx::query("DELETE FROM batch").execute(tx).await?;
    Ok(())
}

/// Keeps what was seen in full, and drops that of the check that has just become too old for it.
async fn keep_evidence(tx: &mut SqliteConnection, run_id: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO evidence (link_id, run_id, final_url, details)
         SELECT link, ?, final_url, details FROM batch WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(run_id)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "DELETE FROM evidence WHERE (link_id, run_id) IN (
             SELECT i.link_id, i.run_id FROM batch b CROSS JOIN run_items i ON i.link_id = b.link AND i.run_id =
                 (SELECT run_id FROM run_items WHERE link_id = b.link ORDER BY run_id DESC LIMIT 1 OFFSET ?)
             WHERE i.change = 'none')",
    )
    .bind(FULL_EVIDENCE_CHECKS)
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps the newest check with its link, unless that has another address by now.
async fn note_newest(tx: &mut SqliteConnection, run_id: i64) -> Result<()> {
    sqlx::query(
        "UPDATE links SET
             (last_run, last_at, last_class, last_status, last_ms, last_final_url, recent, flags, good_title) =
             (SELECT ?1, b.at, b.class, b.status, b.ms, b.final_url, substr(links.recent || b.letter, -?2), b.flags,
                  coalesce(b.good_title, links.good_title)
              FROM batch b WHERE b.link = links.id)
         WHERE id IN (SELECT i.link_id FROM batch b JOIN run_items i ON i.run_id = ?1 AND i.link_id = b.link
                      WHERE NOT i.moved)",
    )
    .bind(run_id)
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
    let with = |backlink: &Backlink, evidence: &Evidence| json(&Kept { backlink, flags: &seen.flags, evidence });
    let kept = |evidence: &Evidence| with(&seen.backlink, evidence);
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
    let text = kept(&Evidence::default());
    if text.len() <= EVIDENCE_MAX_BYTES {
        return text;
    }
    let mut backlink = seen.backlink.clone();
    for text in [&mut backlink.href, &mut backlink.page, &mut backlink.rel].into_iter().flatten() {
        clip(text, BACKLINK_MAX_BYTES);
    }
    with(&backlink, &Evidence::default())
}
