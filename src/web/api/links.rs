//! Server functions over links.

use super::text::Text;
use crate::web::dto::{Overview, RecheckOutcome};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::gate::{require_admin, told};

/// Everything on the first page.
#[server(prefix = "/api/fn", endpoint = "overview", output = Text)]
pub async fn read_overview(page: u32) -> Result<Overview, ServerFnError> {
    let service = require_admin()?;
    crate::web::server::views::overview(&service, page).await.map_err(told)
}

/// Checks one link now.
#[server(prefix = "/api/fn", endpoint = "recheck", output = Text)]
pub async fn recheck(link_id: i64) -> Result<RecheckOutcome, ServerFnError> {
    use crate::service::Recheck;
    Ok(match require_admin()?.recheck(link_id).await.map_err(told)? {
        Recheck::Run(_) => RecheckOutcome::Started,
        Recheck::Whitelisted => RecheckOutcome::Whitelisted,
        Recheck::Inactive => RecheckOutcome::Inactive,
    })
}
