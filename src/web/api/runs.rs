//! Server functions over runs.

use super::text::Text;
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

/// Ends a run; what was finished stays.
#[server(prefix = "/api/fn", endpoint = "cancel_run", output = Text)]
pub async fn cancel_run(run_id: i64) -> Result<(), ServerFnError> {
    require_admin()?.cancel_run(run_id).await.map_err(told)
}

/// Carries out what a held run would do.
#[server(prefix = "/api/fn", endpoint = "apply_run", output = Text)]
pub async fn apply_run(run_id: i64) -> Result<(), ServerFnError> {
    require_admin()?.apply(run_id).await.map_err(told).map(|_| ())
}

/// Turns a held run down.
#[server(prefix = "/api/fn", endpoint = "discard_run", output = Text)]
pub async fn discard_run(run_id: i64) -> Result<(), ServerFnError> {
    require_admin()?.discard(run_id).await.map_err(told)
}

/// How the live runs stand and all that happens after: one JSON message a line, without end.
#[server(prefix = "/api/fn", endpoint = "watch", output = Streaming)]
pub async fn watch() -> Result<ByteStream, ServerFnError> {
    require_admin()?;
    Ok(ByteStream::new(crate::web::server::views::watch(&state()?)))
}
