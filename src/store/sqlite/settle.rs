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
    let query = fixed(format!(
        "SELECT json_group_array({DONE_ARRAY}) FROM run_items i JOIN links l ON l.id = i.link_id
         WHERE i.run_id = ? AND i.state = 'done'"
    ));
    let text: String = sqlx::query_scalar(query).bind(run.id).fetch_one(tx).await?;
    let mut rows: Vec<DoneRow> = many(&text)?;
    rows.sort_unstable_by_key(|row| row.link_id);
    let policy = &run.plan.settings.policy;
    let mut judged = Vec::with_capacity(rows.len());
    let mut tally = Tally::default();
    for row in rows {
        let noted = row.seen.change()?;
        let Some(seen) = row.seen.seen()? else { continue };
        let before = row.state.state()?;
        let mut verdict = judge(&before, &seen, policy, at);
        // What the owner changed while the run went on comes first: a link taken out of the roll is not touched,
        // and one put on the whitelist is not hidden.
        let exempt_now = seen.standing() != Standing::Exempt && whitelist::exempts(&entries, &row.name, &row.url, at);
        if !row.active || (exempt_now && verdict.change == Change::Hide) {
            verdict = Verdict { next: before.clone(), change: Change::None, review: verdict.review };
        }
        let standing = seen.standing();
        if standing != Standing::Exempt {
            tally.add(&seen, before.shown, verdict.change);
        }
        let differs = verdict.next != before;
        let Verdict { next, change, .. } = verdict;
        judged.push(Judged { link_id: row.link_id, standing, next, differs, change, noted });
    }
    Ok((judged, tally))
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
    let written = changed.iter().map(|one| {
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
    });
    sqlx::query(
        "UPDATE links SET shown = r.value ->> 'shown', reason = r.value ->> 'reason', bad_streak = r.value ->> 'bad',
             good_streak = r.value ->> 'good', since = r.value ->> 'since', judged = r.value ->> 'judged',
             manual = r.value ->> 'manual'
         FROM json_each(?) r WHERE links.id = r.value ->> 'link'",
    )
    .bind(json(&written.collect::<Vec<_>>()))
    .execute(&mut *tx)
    .await?;
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
