//! Server functions over settings and schedules.

use super::{fault::Fault, gate::require_admin};
use crate::web::{
    dto::{Done, SettingsPage},
    server::views::settings,
};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// Every setting; `trial` names what a page was tried for.
#[server(prefix = "/api/fn", endpoint = "settings")]
pub async fn read_settings(#[server(default)] trial: String) -> Result<SettingsPage, Fault> {
    let caller = require_admin()?;
    Ok(settings::page(&caller, &trial).await?)
}

/// Looks at a page as a check would: does it link to these sites, or else to the stored ones?
#[server(prefix = "/api/fn", endpoint = "try_page")]
pub async fn try_page(#[server(default)] url: String, #[server(default)] sites: String) -> Result<Done, Fault> {
    let caller = require_admin()?;
    settings::try_page(&caller, url, sites).await
}

/// Changes settings, all or none of them.
#[server(prefix = "/api/fn", endpoint = "save_settings")]
pub async fn save_settings(#[server(default)] set: BTreeMap<String, String>) -> Result<Done, Fault> {
    let caller = require_admin()?;
    settings::save(&caller, set).await
}

/// Adds a schedule, or changes one; 0 adds.
#[server(prefix = "/api/fn", endpoint = "save_schedule")]
pub async fn save_schedule(
    #[server(default)] id: i64,
    #[server(default)] cron: String,
    #[server(default)] scope: String,
) -> Result<Done, Fault> {
    let caller = require_admin()?;
    settings::save_schedule(&caller, id, &cron, &scope).await
}

/// Removes a schedule.
#[server(prefix = "/api/fn", endpoint = "remove_schedule")]
pub async fn remove_schedule(id: i64) -> Result<Done, Fault> {
    let caller = require_admin()?;
    settings::remove_schedule(&caller, id).await
}
