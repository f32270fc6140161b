//! Runs: all of them, and one with what came of its links.

use super::{at_hand, run_row};
use crate::{
    domain::run::Item,
    service::{Result, ServiceError},
    store::{ItemOutcome, WantedItems},
    web::{
        api::{fault::Fault, gate::Caller},
        dto::{ItemRow, Pages, RunPage, RunQuery, RunsPage},
    },
};

const RUNS: u32 = 30;
const ITEMS: u32 = 50;
/// Of the slowest sites so many are named.
const SLOWEST: u32 = 5;

pub async fn runs(caller: &Caller, page: u32) -> Result<RunsPage> {
    let store = caller.service.store();
    let (_, times) = at_hand(caller).await?;
    let pages = Pages::of(page, store.count_runs().await?, RUNS);
    let rows = store.runs(pages.offset(), RUNS).await?;
    let live = caller.service.registry().snapshots();
    let rows = rows.into_iter().map(|mut run| {
        // The stored counts are the end's; while it goes on the registry knows.
        if let Some(now) = live.iter().find(|now| now.run_id == run.id) {
            run.counts = now.counts;
            run.ms = now.elapsed_ms;
        }
        run_row(run, times)
    });
    Ok(RunsPage { rows: rows.collect(), pages })
}

pub async fn run(caller: &Caller, id: i64, query: RunQuery) -> std::result::Result<RunPage, Fault> {
    let store = caller.service.store();
    let (_, times) = at_hand(caller).await?;
    let mut run = store.run(id).await?.ok_or(ServiceError::NoRun(id))?;
    if let Some(now) = caller.service.registry().snapshots().into_iter().find(|now| now.run_id == id) {
        run.counts = now.counts;
        run.ms = now.elapsed_ms;
    }
    let mut wanted = WantedItems {
        outcome: outcome(&query.outcome),
        text: query.q.trim().to_owned(),
        by_time: query.sort == "time",
        offset: query.page.saturating_sub(1).saturating_mul(ITEMS),
        limit: ITEMS,
    };
    let (mut items, total) = store.search_items(id, &wanted).await?;
    let pages = Pages::of(query.page, total, ITEMS);
    if pages.offset() != wanted.offset {
        wanted.offset = pages.offset();
        (items, _) = store.search_items(id, &wanted).await?;
    }
    let slowest = WantedItems { by_time: true, limit: SLOWEST, ..WantedItems::default() };
    let (slowest, _) = store.search_items(id, &slowest).await?;
    let failures = if run.counts.failed > 0 { store.failures(id).await? } else { Vec::new() };
    Ok(RunPage {
        failures,
        run: run_row(run, times),
        query,
        items: items.into_iter().map(item_row).collect(),
        pages,
        slowest: slowest.into_iter().filter(|item| item.seen.is_some()).map(item_row).collect(),
    })
}

fn outcome(code: &str) -> Option<ItemOutcome> {
    Some(match code {
        "good" => ItemOutcome::Good,
        "bad" => ItemOutcome::Bad,
        "unverifiable" => ItemOutcome::Unverifiable,
        "whitelisted" => ItemOutcome::Exempt,
        "changed" => ItemOutcome::Changed,
        "pending" => ItemOutcome::Pending,
        "cancelled" => ItemOutcome::Cancelled,
        "failed" => ItemOutcome::Failed,
        _ => return None,
    })
}

fn item_row(item: Item) -> ItemRow {
    let seen = item.seen.as_ref();
    ItemRow {
        link_id: item.link_id,
        name: item.name,
        url: item.url,
        state: item.state,
        change: item.change,
        class: seen.map(|seen| seen.class),
        standing: seen.map(|seen| seen.standing()),
        status: seen.and_then(|seen| seen.status),
        ms: seen.map(|seen| seen.ms),
        attempts: seen.map(|seen| seen.attempts).unwrap_or_default(),
        failure: item.failure,
    }
}
