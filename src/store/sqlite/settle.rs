//! The end of a run: judged, guarded, and applied or held, inside one transaction.

use super::{
    super::{Ending, Result, Settled, StoreError},
    bulk::{many, with_rows},
    config, fixed,
    rows::{DONE_ARRAY, DoneRow, ItemRow, SEEN_JOIN, decoded, item_columns, json, ms, word},
    runs,
};
use crate::domain::{
    counts::Counts,
    guard::{Gone, Tally, is_one_answer},
    link::LinkState,
    observation::Standing,
    progress::RunState,
    run::{Cause, Run},
    verdict::{Change, Verdict, judge},
    whitelist::InForce,
};
use chrono::{DateTime, Utc};
use futures::future::join;
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
    /// A newer check, or another address of the link, stands against it.
    overtaken: bool,
}

/// Ends a run. One that its owner has ended already is left as it is.
pub async fn settle(
    tx: &mut SqliteConnection,
    id: i64,
    owner: &str,
    ending: Ending,
    at: DateTime<Utc>,
) -> Result<Settled> {
    let run = runs::run(tx, id).await?.ok_or(StoreError::NoSuch { what: "run", id })?;
    if run.owner != owner {
        return Err(StoreError::NotOwner(id));
    }
    if run.state != RunState::Running {
        return Ok(Settled { state: run.state, hold: run.hold, counts: run.counts });
    }
    sqlx::query("UPDATE run_items SET state = 'cancelled' WHERE run_id = ? AND state = 'pending'")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    let (judged, tally) = judge_items(tx, &run, at).await?;
    let counts = tally_counts(tx, id, &judged).await?;
    let gone = gone(tx, id, &judged).await?;
    let tally = Tally {
        witnesses: ending.witnesses,
        others: ending.others,
        strange: u32::try_from(gone.iter().filter(|one| one.is_strange()).count()).unwrap_or(u32::MAX),
        one_answer: is_one_answer(&gone, tally.shown_checked),
        ..tally
    };
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

/// What the rules make of a run's items. The database reads a part while the one before it is judged.
async fn judge_items(tx: &mut SqliteConnection, run: &Run, at: DateTime<Utc>) -> Result<(Vec<Judged>, Tally)> {
    let in_force = InForce::of(&config::entries(&mut *tx).await?, at);
    let mut judged = Vec::new();
    let mut tally = Tally::default();
    let mut part = part_after(tx, run.id, 0).await?;
    while let (done, Some(upto)) = part {
        let judging = async {
            for row in in_order(&done)? {
                judged.extend(judge_item(row, run, &in_force, at, &mut tally)?);
            }
            Result::Ok(())
        };
        let (next, ended) = join(part_after(tx, run.id, upto), judging).await;
        ended?;
        part = next?;
    }
    Ok((judged, tally))
}

/// The next part of a run's items after a link: those that are done, as a text, and its last link.
async fn part_after(tx: &mut SqliteConnection, run_id: i64, after: i64) -> Result<(String, Option<i64>)> {
    let query = fixed(format!(
        "SELECT json_group_array({DONE_ARRAY}) FILTER (WHERE i.state = 'done'), max(i.link_id)
         FROM (SELECT * FROM run_items WHERE run_id = ? AND link_id > ? ORDER BY link_id LIMIT ?) i
         JOIN links l ON l.id = i.link_id"
    ));
    Ok(sqlx::query_as(query).bind(run_id).bind(after).bind(PART).fetch_one(tx).await?)
}

fn in_order(done: &str) -> Result<Vec<DoneRow>> {
    let mut rows: Vec<DoneRow> = many(done)?;
    rows.sort_unstable_by_key(|row| row.link_id);
    Ok(rows)
}

/// What the rules make of one item; none of one that nothing was seen of.
fn judge_item(
    row: DoneRow,
    run: &Run,
    in_force: &InForce,
    at: DateTime<Utc>,
    tally: &mut Tally,
) -> Result<Option<Judged>> {
    let noted = row.seen.change()?;
    let Some(seen) = row.seen.seen()? else { return Ok(None) };
    let before = row.state.state()?;
    if row.overtaken {
        let (link_id, standing) = (row.link_id, seen.standing());
        let left =
            Judged { overtaken: true, differs: false, change: Change::None, link_id, standing, next: before, noted };
        return Ok(Some(left));
    }
    let mut verdict = judge(&before, &seen, &run.plan.settings.policy, at);
    let standing = seen.standing();
    // What the owner changed while the run went on comes first: a link taken out of the roll is not touched, and one
    // put on the whitelist is not hidden.
    let exempt_now = standing != Standing::Exempt && in_force.exempt(&row.name, &row.url);
    if !row.active || (exempt_now && verdict.change == Change::Hide) {
        verdict = Verdict { next: before.clone(), change: Change::None, review: verdict.review };
    }
    if standing != Standing::Exempt {
        tally.add(&seen, before.shown, verdict.change);
    }
    let differs = verdict.next != before;
    let Verdict { next, change, .. } = verdict;
    Ok(Some(Judged { link_id: row.link_id, standing, next, differs, change, noted, overtaken: false }))
}

/// What was seen of the links that would go.
async fn gone(tx: &mut SqliteConnection, id: i64, judged: &[Judged]) -> Result<Vec<Gone>> {
    let going: Vec<i64> = judged.iter().filter(|one| one.change == Change::Hide).map(|one| one.link_id).collect();
    let mut gone = Vec::with_capacity(going.len());
    for part in going.chunks(PART as usize) {
        let query = fixed(format!(
            "SELECT {} FROM json_each(?2) wanted JOIN run_items i ON i.run_id = ?1 AND i.link_id = wanted.value
             JOIN links l ON l.id = i.link_id {SEEN_JOIN}",
            item_columns()
        ));
        let rows: Vec<ItemRow> = sqlx::query_as(query).bind(id).bind(json(&part)).fetch_all(&mut *tx).await?;
        gone.extend(
            decoded(rows, ItemRow::item)?.into_iter().filter_map(|item| Some(Gone::of(&item.url, &item.seen?))),
        );
    }
    Ok(gone)
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
    for one in judged {
        counts.add(one.standing, one.change);
        counts.overtaken += u32::from(one.overtaken);
    }
    Ok(counts)
}

async fn write_links(tx: &mut SqliteConnection, run_id: i64, judged: &[Judged], at: DateTime<Utc>) -> Result<()> {
    let differing: Vec<&Judged> = judged.iter().filter(|one| one.differs).collect();
    let mut parts = differing.chunks(PART as usize).map(states);
    let mut part = parts.next();
    while let Some(text) = part {
        // The next part is made ready while the database writes this one.
        let (written, next) = join(write_states(tx, text), async { parts.next() }).await;
        written?;
        part = next;
    }
    let changed: Vec<&Judged> = differing.into_iter().filter(|one| one.change != Change::None).collect();
    for part in changed.chunks(PART as usize) {
        write_changes(tx, run_id, part, at).await?;
    }
    Ok(())
}

fn states(part: &[&Judged]) -> String {
    let states = part.iter().map(|Judged { link_id, next, .. }| {
        (link_id, &next.reason, next.bad_streak, next.good_streak, next.judged.map(ms), &next.manual)
    });
    json(&states.collect::<Vec<_>>())
}

/// Writes what of links' states no index holds.
async fn write_states(tx: &mut SqliteConnection, states: String) -> Result<()> {
    sqlx::query(with_rows(
        "v ->> 0 link, v ->> 1 reason, v ->> 2 bad, v ->> 3 good, v ->> 4 judged, v ->> 5 manual",
        "UPDATE links SET reason = n.reason, bad_streak = n.bad, good_streak = n.good, judged = n.judged,
             manual = n.manual
         FROM n WHERE links.id = n.link",
    ))
    .bind(states)
    .execute(tx)
    .await?;
    Ok(())
}

/// Shows and hides links, and notes that it did.
async fn write_changes(tx: &mut SqliteConnection, run_id: i64, part: &[&Judged], at: DateTime<Utc>) -> Result<()> {
    let cause = |one: &Judged| if one.standing == Standing::Exempt { Cause::Whitelist } else { Cause::Run };
    let change = |one: &&Judged| (one.link_id, one.next.shown, cause(one));
    let changes = json(&part.iter().map(change).collect::<Vec<_>>());
    sqlx::query(with_rows(
        "v ->> 0 link, v ->> 1 shown",
        "UPDATE links SET shown = n.shown, since = ?2 FROM n WHERE links.id = n.link",
    ))
    .bind(&changes)
    .bind(ms(at))
    .execute(&mut *tx)
    .await?;
    sqlx::query(with_rows(
        "v ->> 0 link, v ->> 2 cause",
        "INSERT INTO transitions (link_id, run_id, at, shown, reason, cause)
         SELECT link, ?3, ?2, links.shown, links.reason, cause FROM n JOIN links ON links.id = link",
    ))
    .bind(&changes)
    .bind(ms(at))
    .bind(run_id)
    .execute(tx)
    .await?;
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
