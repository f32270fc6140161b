//! Server functions over runs.

use super::{fault::Fault, gate::require_admin};
use crate::{
    domain::{audit::Deed, progress::Snapshot},
    web::{
        dto::{Decision, Done, Overview, RunPage, RunQuery, RunsPage},
        server::views,
    },
};
use leptos::prelude::*;

/// Everything on the first page.
#[server(prefix = "/api/fn", endpoint = "overview")]
pub async fn read_overview() -> Result<Overview, Fault> {
    let caller = require_admin()?;
    Ok(views::overview::overview(&caller).await?)
}

/// The runs that are going on, for the bar on every page.
#[server(prefix = "/api/fn", endpoint = "live")]
pub async fn read_live() -> Result<Vec<Snapshot>, Fault> {
    let caller = require_admin()?;
    caller.service.mirror().await?;
    Ok(caller.service.registry().snapshots())
}

/// A page of all runs.
#[server(prefix = "/api/fn", endpoint = "runs")]
pub async fn read_runs(page: u32) -> Result<RunsPage, Fault> {
    let caller = require_admin()?;
    Ok(views::runs::runs(&caller, page).await?)
}

/// One run, and a page of what came of its links.
#[server(prefix = "/api/fn", endpoint = "run")]
pub async fn read_run(id: i64, query: RunQuery) -> Result<RunPage, Fault> {
    let caller = require_admin()?;
    views::runs::run(&caller, id, query).await
}

/// Starts a run over all links.
#[server(prefix = "/api/fn", endpoint = "check_all")]
pub async fn check_all() -> Result<Done, Fault> {
    use crate::{domain::progress::Trigger, service::Pick};
    let caller = require_admin()?;
    let plan = caller.service.plan().await?;
    let run = caller.service.start_run(Trigger::Click, Pick::All, plan).await?;
    caller.note(Deed::RunStarted, run.run_id.to_string()).await;
    Ok(Done::quiet())
}

/// Cancels a run that goes on, or decides on a held one.
#[server(prefix = "/api/fn", endpoint = "decide_run")]
pub async fn decide_run(run_id: i64, decision: Decision) -> Result<Done, Fault> {
    let caller = require_admin()?;
    let words = caller.words();
    let (deed, said) = match decision {
        Decision::Cancel => {
            caller.service.cancel_run(run_id).await.map(|()| (Deed::RunCancelled, words.said_cancelling))
        }
        Decision::Apply => {
            let counts = caller.service.apply(run_id).await?.counts;
            caller.note(Deed::RunApplied, run_id.to_string()).await;
            return Ok(Done::said(words.applied(&counts)));
        }
        Decision::Discard => caller.service.discard(run_id).await.map(|()| (Deed::RunDiscarded, words.said_discarded)),
    }?;
    caller.note(deed, run_id.to_string()).await;
    Ok(Done::said(said))
}
