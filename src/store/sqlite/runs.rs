//! Runs and their items.

use super::{
    super::{Beat, Begun, Ending, Record, Result, Runs, Settled, StoreError, WantedItems},
    SqliteStore, affected, fixed, history, record,
    rows::{ItemRow, RUN_COLUMNS, RunRow, SEEN_JOIN, decoded, item_columns, json, ms, parse_word, word},
    search, settle,
};
use crate::domain::{
    counts::Counts,
    own_failure::OwnFailure,
    progress::{RunState, Trigger},
    run::{Item, Plan, Run},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use std::collections::HashSet;

#[async_trait]
impl Runs for SqliteStore {
    async fn begin_run(
        &self,
        trigger: Trigger,
        plan: &Plan,
        owner: &str,
        links: &[i64],
        at: DateTime<Utc>,
    ) -> Result<Begun> {
        let mut tx = self.write().await?;
        let run_id: i64 = sqlx::query_scalar(
            "INSERT INTO runs (started_by, state, started_at, owner, beat, plan, counts)
             VALUES (?, 'running', ?, ?, 0, ?, ?) RETURNING id",
        )
        .bind(word(trigger))
        .bind(ms(at))
        .bind(owner)
        .bind(json(plan))
        .bind(json(&Counts::default()))
        .fetch_one(&mut *tx)
        .await?;
        let claimed = claim(&mut tx, run_id, links.to_vec()).await?;
        let elsewhere = if claimed.len() == links.len() { Vec::new() } else { holders(&mut tx, run_id, links).await? };
        if claimed.is_empty() && !elsewhere.is_empty() {
            tx.rollback().await?;
            return Ok(Begun { run_id: None, claimed, elsewhere });
        }
        count(&mut tx, run_id, claimed.len()).await?;
        tx.commit().await?;
        Ok(Begun { run_id: Some(run_id), claimed, elsewhere })
    }

    async fn add_items(&self, run_id: i64, owner: &str, links: &[i64]) -> Result<Vec<i64>> {
        let mut tx = self.write().await?;
        if !goes_on(&mut tx, run_id, owner).await? {
            return Ok(Vec::new());
        }
        let before = items_among(&mut tx, run_id, links).await?;
        let fresh = links.iter().copied().filter(|link| !before.contains(link)).collect();
        let claimed = claim(&mut tx, run_id, fresh).await?;
        count(&mut tx, run_id, claimed.len()).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    async fn record(&self, run_id: i64, owner: &str, records: &[Record]) -> Result<()> {
        let mut tx = self.write().await?;
        if !goes_on(&mut tx, run_id, owner).await? {
            return Err(StoreError::NotOwner(run_id));
        }
        record::write(&mut tx, run_id, records).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn beat(&self, run_id: i64, owner: &str) -> Result<Beat> {
        let cancel: Option<bool> = sqlx::query_scalar(
            "UPDATE runs SET beat = beat + 1 WHERE id = ? AND owner = ? AND state = 'running' RETURNING cancel",
        )
        .bind(run_id)
        .bind(owner)
        .fetch_optional(&self.writer)
        .await?;
        Ok(Beat { mine: cancel.is_some(), cancel: cancel.unwrap_or(false) })
    }

    async fn ask_cancel(&self, run_id: i64) -> Result<bool> {
        let done = sqlx::query("UPDATE runs SET cancel = 1 WHERE id = ? AND state = 'running'")
            .bind(run_id)
            .execute(&self.writer)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn settle(&self, run_id: i64, owner: &str, ending: Ending, at: DateTime<Utc>) -> Result<Settled> {
        let mut tx = self.write().await?;
        let settled = settle::settle(&mut tx, run_id, owner, ending, at).await?;
        tx.commit().await?;
        Ok(settled)
    }

    async fn apply_held(&self, run_id: i64, at: DateTime<Utc>) -> Result<Settled> {
        let mut tx = self.write().await?;
        let run = held(&mut tx, run_id).await?;
        let settled = settle::apply(&mut tx, &run, at).await?;
        tx.commit().await?;
        Ok(settled)
    }

    async fn discard_held(&self, run_id: i64) -> Result<()> {
        let mut tx = self.write().await?;
        held(&mut tx, run_id).await?;
        sqlx::query("UPDATE runs SET state = ? WHERE id = ?")
            .bind(RunState::Discarded.code())
            .bind(run_id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn run(&self, id: i64) -> Result<Option<Run>> {
        let mut connection = self.readers.acquire().await?;
        run(&mut connection, id).await
    }

    async fn runs(&self, offset: u32, limit: u32) -> Result<Vec<Run>> {
        let query = fixed(format!("SELECT {RUN_COLUMNS} FROM runs ORDER BY id DESC LIMIT ? OFFSET ?"));
        let rows: Vec<RunRow> = sqlx::query_as(query).bind(limit).bind(offset).fetch_all(&self.readers).await?;
        Ok(decoded(rows, RunRow::run)?)
    }

    async fn count_runs(&self) -> Result<u32> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM runs").fetch_one(&self.readers).await?)
    }

    async fn search_items(&self, run_id: i64, wanted: &WantedItems) -> Result<(Vec<Item>, u32)> {
        search::items(&self.readers, run_id, wanted).await
    }

    async fn running(&self) -> Result<Vec<Run>> {
        let query = fixed(format!("SELECT {RUN_COLUMNS} FROM runs WHERE state = 'running' ORDER BY id"));
        let rows: Vec<RunRow> = sqlx::query_as(query).fetch_all(&self.readers).await?;
        Ok(decoded(rows, RunRow::run)?)
    }

    async fn items(&self, run_id: i64) -> Result<Vec<Item>> {
        self.items_where(run_id, "true").await
    }

    async fn items_after(&self, run_id: i64, link_id: i64, limit: u32) -> Result<Vec<Item>> {
        let query = fixed(format!(
            "SELECT {} FROM (SELECT * FROM run_items WHERE run_id = ? AND link_id > ? ORDER BY link_id LIMIT ?) i
             JOIN links l ON l.id = i.link_id {SEEN_JOIN} ORDER BY i.link_id",
            item_columns()
        ));
        let query = sqlx::query_as(query).bind(run_id).bind(link_id).bind(limit);
        let rows: Vec<ItemRow> = query.fetch_all(&self.readers).await?;
        Ok(decoded(rows, ItemRow::item)?)
    }

    async fn notable_items(&self, run_id: i64) -> Result<Vec<Item>> {
        self.items_where(run_id, "NOT (i.class IS 'ok' AND i.change IS 'none')").await
    }

    async fn failures(&self, run_id: i64) -> Result<Vec<(OwnFailure, u32)>> {
        // One that an older program wrote has no reason.
        let query = "SELECT coalesce(failure, 'broken') why, count(*) FROM run_items
             WHERE run_id = ? AND state = 'failed' GROUP BY why ORDER BY count(*) DESC, why";
        let rows: Vec<(String, u32)> = sqlx::query_as(query).bind(run_id).fetch_all(&self.readers).await?;
        rows.into_iter().map(|(why, links)| Ok((parse_word("failure", &why)?, links))).collect()
    }

    async fn prune(&self, before: DateTime<Utc>, limit: u32) -> Result<bool> {
        let mut tx = self.write().await?;
        let more = history::prune(&mut tx, before, limit).await?;
        tx.commit().await?;
        Ok(more)
    }

    async fn prune_days(&self, before: DateTime<Utc>, limit: u32) -> Result<bool> {
        let query =
            "DELETE FROM link_days WHERE (link_id, day) IN (SELECT link_id, day FROM link_days WHERE day < ? LIMIT ?)";
        let done = sqlx::query(query).bind(history::day_of(before)).bind(limit).execute(&self.writer).await?;
        Ok(affected(done)? == limit)
    }

    async fn unfinished(&self, run_id: i64) -> Result<Vec<i64>> {
        let query = "SELECT link_id FROM run_items WHERE run_id = ? AND state = 'pending'";
        Ok(sqlx::query_scalar(query).bind(run_id).fetch_all(&self.readers).await?)
    }

    async fn adopt(&self, run: &Run, owner: &str) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE runs SET owner = ?, beat = beat + 1 WHERE id = ? AND state = 'running' AND owner = ? AND beat = ?",
        )
        .bind(owner)
        .bind(run.id)
        .bind(&run.owner)
        .bind(run.beat)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn let_go(&self, owner: &str) -> Result<u32> {
        let query = "UPDATE runs SET owner = '' WHERE owner = ? AND state = 'running'";
        affected(sqlx::query(query).bind(owner).execute(&self.writer).await?)
    }
}

impl SqliteStore {
    async fn items_where(&self, run_id: i64, condition: &str) -> Result<Vec<Item>> {
        let query = fixed(format!(
            "SELECT {} FROM run_items i JOIN links l ON l.id = i.link_id {SEEN_JOIN}
             WHERE i.run_id = ? AND {condition} ORDER BY i.link_id",
            item_columns()
        ));
        let rows: Vec<ItemRow> = sqlx::query_as(query).bind(run_id).fetch_all(&self.readers).await?;
        Ok(decoded(rows, ItemRow::item)?)
    }
}

pub async fn run(connection: &mut SqliteConnection, id: i64) -> Result<Option<Run>> {
    let query = fixed(format!("SELECT {RUN_COLUMNS} FROM runs WHERE id = ?"));
    let row: Option<RunRow> = sqlx::query_as(query).bind(id).fetch_optional(connection).await?;
    Ok(row.map(RunRow::run).transpose()?)
}

/// Whether a run goes on and is still this owner's. Asked in the transaction that writes to it.
async fn goes_on(tx: &mut SqliteConnection, id: i64, owner: &str) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM runs WHERE id = ? AND owner = ? AND state = 'running')";
    Ok(sqlx::query_scalar(query).bind(id).bind(owner).fetch_one(tx).await?)
}

async fn held(tx: &mut SqliteConnection, id: i64) -> Result<Run> {
    let run = run(tx, id).await?.ok_or(StoreError::NoSuch { what: "run", id })?;
    match run.state {
        RunState::Held => Ok(run),
        other => Err(StoreError::NotHeld { id, state: other.code() }),
    }
}

/// Makes links that are not in the run this run's own, unless another run holds them. Mostly that is all of them, and
/// then none is read back.
async fn claim(tx: &mut SqliteConnection, run_id: i64, fresh: Vec<i64>) -> Result<Vec<i64>> {
    let query = "INSERT INTO run_items (run_id, link_id)
         SELECT ?, l.id FROM json_each(?) wanted JOIN links l ON l.id = wanted.value WHERE l.deleted_at IS NULL
         ON CONFLICT DO NOTHING";
    let done = sqlx::query(query).bind(run_id).bind(json(&fresh)).execute(&mut *tx).await?;
    if affected(done)? as usize == fresh.len() {
        return Ok(fresh);
    }
    let taken = items_among(tx, run_id, &fresh).await?;
    Ok(fresh.into_iter().filter(|link| taken.contains(link)).collect())
}

/// Those of these links that are a run's.
async fn items_among(tx: &mut SqliteConnection, run_id: i64, links: &[i64]) -> Result<HashSet<i64>> {
    let query = "SELECT link_id FROM run_items WHERE run_id = ? AND link_id IN (SELECT value FROM json_each(?))";
    let found: Vec<i64> = sqlx::query_scalar(query).bind(run_id).bind(json(&links)).fetch_all(tx).await?;
    Ok(found.into_iter().collect())
}

/// The other runs that hold some of these links.
async fn holders(tx: &mut SqliteConnection, run_id: i64, links: &[i64]) -> Result<Vec<i64>> {
    let pending: Vec<(i64, i64)> =
        sqlx::query_as("SELECT run_id, link_id FROM run_items WHERE state = 'pending' AND run_id <> ? ORDER BY run_id")
            .bind(run_id)
            .fetch_all(tx)
            .await?;
    let wanted: HashSet<i64> = links.iter().copied().collect();
    let mut runs: Vec<i64> =
        pending.into_iter().filter(|(_, link)| wanted.contains(link)).map(|(run, _)| run).collect();
    runs.dedup();
    Ok(runs)
}

/// Adds to a run's total.
async fn count(tx: &mut SqliteConnection, run_id: i64, links: usize) -> Result<()> {
    sqlx::query(
        "UPDATE runs SET counts = json_set(counts, '$.total', json_extract(counts, '$.total') + ?) WHERE id = ?",
    )
    .bind(i64::try_from(links).unwrap_or(i64::MAX))
    .bind(run_id)
    .execute(tx)
    .await?;
    Ok(())
}
