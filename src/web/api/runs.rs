//! Server functions over runs.

use super::text::Text;
use crate::web::dto::Decision;
use leptos::{
    prelude::*,
    server_fn::codec::{ByteStream, Streaming},
};

#[cfg(feature = "ssr")]
use super::gate::{require_admin, state, told};

/// Starts a run over all links; returns its id.
#[server(prefix = "/api/fn", endpoint = "check_all", output = Text)]
pub async fn check_all() -> Result<i64, ServerFnError> {
    use crate::{domain::progress::Trigger, service::Pick};
    let service = require_admin()?;
    let plan = service.plan().await.map_err(told)?;
    Ok(service.start_run(Trigger::Click, Pick::All, plan).await.map_err(told)?.run_id)
}

/// Cancels a run that goes on, or decides on a held one.
#[server(prefix = "/api/fn", endpoint = "decide_run", output = Text)]
pub async fn decide_run(run_id: i64, decision: Decision) -> Result<(), ServerFnError> {
    let service = require_admin()?;
    match decision {
        Decision::Cancel => service.cancel_run(run_id).await,
        Decision::Apply => service.apply(run_id).await.map(|_| ()),
        Decision::Discard => service.discard(run_id).await,
    }
    .map_err(told)
}

/// How the live runs stand and all that happens after: one JSON message a line, without end.
#[server(prefix = "/api/fn", endpoint = "watch", output = Streaming)]
pub async fn watch() -> Result<ByteStream, ServerFnError> {
    require_admin()?;
    Ok(ByteStream::new(crate::web::server::views::watch(&state()?)))
}
