//! The first page.

use super::{at_hand, links::change_note, run_row};
use crate::{
    config,
    domain::{progress::RunState, schedule::Schedule},
    service::Result,
    web::{
        api::gate::Caller,
        dto::{Overview, Totals},
    },
};

/// Changes that are listed.
const LATELY: u32 = 12;
/// Runs looked through for one that is over.
const RUNS: u32 = 10;

pub async fn overview(caller: &Caller) -> Result<Overview> {
    let service = &caller.service;
    let store = service.store();
    let (settings, times) = at_hand(caller).await?;
    let zone = config::timezone(&settings);
    let totals = store.totals().await?;
    let entries = store.whitelist().await?;
    let exempt = service.exempt_ids(&entries).await?;
    let last_run = store.runs(0, RUNS).await?.into_iter().find(|run| run.state != RunState::Running);
    let now = service.clock().now();
    let due = store
        .schedules()
        .await?
        .into_iter()
        .filter_map(|row| Schedule::stored(&row.cron, &zone).ok().and_then(|schedule| schedule.next_after(now)));
    Ok(Overview {
        totals: Totals {
            links: totals.links,
            shown: totals.shown,
            hidden: totals.hidden,
            review: number(service.to_review(&exempt).await?.len()),
            whitelisted: number(exempt.len()),
        },
        last_run: last_run.map(|run| run_row(run, times)),
        lately: store.lately(LATELY).await?.into_iter().map(|one| change_note(one.name, one.change, times)).collect(),
        next_run: due.min().map(|at| times.stamp(at)),
        has_sites: settings.sites().is_ok_and(|sites| !sites.is_empty()),
    })
}

fn number(links: usize) -> u32 {
    u32::try_from(links).unwrap_or(u32::MAX)
}
