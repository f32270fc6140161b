//! The end of a run: judged, guarded, and applied or held, inside one transaction.

use super::{
    super::{Ending, Result, Settled, StoreError},
    config, fixed,
    links::transition,
    rows::{DONE_ARRAY, DoneRow, json, many, ms, word},
    runs,
};
use crate::domain::{
    counts::Counts,
    guard::Tally,
    link::{LinkState, Manual},
    observation::Standing,
    progress::RunState,
    run::{Cause, Run},
    verdict::{Change, Verdict, judge},
    whitelist,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::SqliteConnection;

/// Items read or written with one statement: all of a large roll's together would take as much memory as the run itself.
const PART: u32 = 2048;

/// One link of a run with what the rules make of it.
struct Judged {
    link_id: i64,
    standing: Standing,
    next: LinkState,
    /// Whether `next` differs from what is stored.
    differs: bool,
    change: Change,
    /// The change as it was stored when the check ended.
    noted: Change,
}

/// A link's state as the statement below reads it.
#[derive(Serialize)]
struct Written<'a> {
    link: i64,
    shown: bool,
    reason: Option<String>,
    bad: u32,
    good: u32,
    since: i64,
    judged: Option<i64>,
    manual: Option<&'a Manual>,
}

impl Written<'_> {
    fn of(one: &Judged) -> Written<'_> {
        let next = &one.next;
        Written {
            link: one.link_id,
            shown: next.shown,
            reason: next.reason.as_ref().map(json),
            bad: next.bad_streak,
            good: next.good_streak,
            since: ms(next.since),
            judged: next.judged.map(ms),
            manual: next.manual.as_ref(),
        }
    }
}

/// Ends a run. One that is over already is left as it is.
pub async fn settle(tx: &mut SqliteConnection, id: i64, ending: Ending, at: DateTime<Utc>) -> Result<Settled> {
    let run = runs::run(tx, id).await?.ok_or(StoreError::NoSuch { what: "run", id })?;
    if run.state != RunState::Running {
        return Ok(Settled { state: run.state, hold: run.hold, counts: run.counts });
    }
    sqlx::query("UPDATE run_items SET state = 'cancelled' WHERE run_id = ? AND state = 'pending'")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    let (judged, tally) = judge_items(tx, &run, at).await?;
    let counts = tally_counts(tx, id, &judged).await?;
    let tally = Tally { witnesses: ending.witnesses, witnesses_answered: ending.witnesses_answered, ..tally };
    let hold = tally.hold(run.plan.settings.policy.guard);
    let state = match hold {
        Some(_) => RunState::Held,
        None if ending.cancelled => RunState::Cancelled,
        None => RunState::Done,
    };
    if hold.is_none() {
        write_links(tx, id, &judged, at).await?;
    }
    note_changes(tx, id, &judged).await?;
    sqlx::query("UPDATE runs SET state = ?, hold = ?, counts = ?, finished_at = ?, ms = ? WHERE id = ?")
        .bind(state.code())
        .bind(hold.map(word))
        .bind(json(&counts))
        .bind(ms(at))
        .bind(ending.elapsed_ms)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(Settled { state, hold, counts })
}

/// Applies a held run, judging by the links as they are now.
pub async fn apply(tx: &mut SqliteConnection, run: &Run, at: DateTime<Utc>) -> Result<Settled> {
    let (judged, _) = judge_items(tx, run, at).await?;
    let counts = tally_counts(tx, run.id, &judged).await?;
    write_links(tx, run.id, &judged, at).await?;
    note_changes(tx, run.id, &judged).await?;
    sqlx::query("UPDATE runs SET state = ?, counts = ? WHERE id = ?")
        .bind(RunState::Done.code())
        .bind(json(&counts))
        .bind(run.id)
        .execute(tx)
        .await?;
    Ok(Settled { state: RunState::Done, hold: run.hold, counts })
}

async fn judge_items(tx: &mut SqliteConnection, run: &Run, at: DateTime<Utc>) -> Result<(Vec<Judged>, Tally)> {
    let entries = config::entries(&mut *tx).await?;
    let mut judged = Vec::new();
    let mut tally = Tally::default();
    let mut after = 0;
    while let Some(upto) = end_of_part(&mut *tx, run.id, after).await? {
        for row in done_items(&mut *tx, run.id, (after, upto)).await? {
            judged.extend(judge_item(row, run, &entries, at, &mut tally)?);
        }
        after = upto;
    }
    Ok((judged, tally))
}

/// The last link of the next part of a run's items, by link.
async fn end_of_part(tx: &mut SqliteConnection, run_id: i64, after: i64) -> Result<Option<i64>> {
    let query = "SELECT max(link_id) FROM
         (SELECT link_id FROM run_items WHERE run_id = ? AND link_id > ? ORDER BY link_id LIMIT ?)";
    Ok(sqlx::query_scalar(query).bind(run_id).bind(after).bind(PART).fetch_one(tx).await?)
}

/// A run's items that are done, of the links after the first and up to the second.
async fn done_items(tx: &mut SqliteConnection, run_id: i64, (after, upto): (i64, i64)) -> Result<Vec<DoneRow>> {
    let query = fixed(format!(
        "SELECT json_group_array({DONE_ARRAY}) FROM run_items i JOIN links l ON l.id = i.link_id
         WHERE i.run_id = ? AND i.link_id > ? AND i.link_id <= ? AND i.state = 'done'"
    ));
    let text: String = sqlx::query_scalar(query).bind(run_id).bind(after).bind(upto).fetch_one(tx).await?;
    let mut rows: Vec<DoneRow> = many(&text)?;
    rows.sort_unstable_by_key(|row| row.link_id);
    Ok(rows)
}

/// What the rules make of one item; none of one that nothing was seen of.
fn judge_item(
    row: DoneRow,
    run: &Run,
    entries: &[whitelist::Entry],
    at: DateTime<Utc>,
    tally: &mut Tally,
) -> Result<Option<Judged>> {
    let noted = row.seen.change()?;
    let Some(seen) = row.seen.seen()? else { return Ok(None) };
    let before = row.state.state()?;
    let mut verdict = judge(&before, &seen, &run.plan.settings.policy, at);
    let standing = seen.standing();
    // What the owner changed while the run went on comes first: a link taken out of the roll is not touched, and one
    // put on the whitelist is not hidden.
    let exempt_now = standing != Standing::Exempt && whitelist::exempts(entries, &row.name, &row.url, at);
    if !row.active || (exempt_now && verdict.change == Change::Hide) {
        verdict = Verdict { next: before.clone(), change: Change::None, review: verdict.review };
    }
    if standing != Standing::Exempt {
        tally.add(&seen, before.shown, verdict.change);
    }
    let differs = verdict.next != before;
    let Verdict { next, change, .. } = verdict;
    Ok(Some(Judged { link_id: row.link_id, standing, next, differs, change, noted }))
}

async fn tally_counts(tx: &mut SqliteConnection, id: i64, judged: &[Judged]) -> Result<Counts> {
    let (total, cancelled, failed): (u32, u32, u32) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE state = 'cancelled'), count(*) FILTER (WHERE state = 'failed')
         FROM run_items WHERE run_id = ?",
    )
    .bind(id)
    .fetch_one(tx)
    .await?;
    let mut counts = Counts { cancelled, failed, ..Counts::of_total(total) };
    judged.iter().for_each(|one| counts.add(one.standing, one.change));
    Ok(counts)
}

async fn write_links(tx: &mut SqliteConnection, run_id: i64, judged: &[Judged], at: DateTime<Utc>) -> Result<()> {
    let changed: Vec<&Judged> = judged.iter().filter(|one| one.differs).collect();
    for part in changed.chunks(PART as usize) {
        let written: Vec<Written> = part.iter().map(|one| Written::of(one)).collect();
        sqlx::query(
            "WITH r AS MATERIALIZED (SELECT value v FROM jsonb_each(?))
             UPDATE links SET shown = v ->> 'shown', reason = v ->> 'reason', bad_streak = v ->> 'bad',
                 good_streak = v ->> 'good', since = v ->> 'since', judged = v ->> 'judged', manual = v ->> 'manual'
             FROM r WHERE links.id = v ->> 'link'",
        )
        .bind(json(&written))
        .execute(&mut *tx)
        .await?;
    }
    for one in changed.into_iter().filter(|one| one.change != Change::None) {
        let next = &one.next;
        let cause = if one.standing == Standing::Exempt { Cause::Whitelist } else { Cause::Run };
        transition(tx, (one.link_id, Some(run_id)), at, next.shown, next.reason.as_ref(), cause).await?;
    }
    Ok(())
}

/// Corrects the pending verdicts that turned out otherwise.
async fn note_changes(tx: &mut SqliteConnection, run_id: i64, judged: &[Judged]) -> Result<()> {
    for one in judged.iter().filter(|one| one.noted != one.change) {
        sqlx::query("UPDATE run_items SET change = ? WHERE run_id = ? AND link_id = ?")
            .bind(word(one.change))
            .bind(run_id)
            .bind(one.link_id)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
