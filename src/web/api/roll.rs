//! Server functions over the whitelist and imports.

use super::{fault::Fault, gate::require_admin};
use crate::web::{
    dto::{Done, EntryForm, ImportPage, WhitelistPage},
    server::views::{import, whitelist},
};
use leptos::{
    prelude::*,
    server_fn::codec::{MultipartData, MultipartFormData},
};

/// The whitelist; `form` is what a preview was asked for, or names the entry to change.
#[server(prefix = "/api/fn", endpoint = "whitelist")]
pub async fn read_whitelist(form: EntryForm, preview: bool) -> Result<WhitelistPage, Fault> {
    let caller = require_admin()?;
    Ok(whitelist::page(&caller, form, preview).await?)
}

/// Adds an entry, or changes the one of that kind and pattern.
#[server(prefix = "/api/fn", endpoint = "save_entry")]
pub async fn save_entry(
    #[server(default)] kind: String,
    #[server(default)] pattern: String,
    #[server(default)] note: String,
    #[server(default)] expires: String,
    #[server(default)] enabled: String,
) -> Result<Done, Fault> {
    let caller = require_admin()?;
    let form = EntryForm { kind, pattern, note, expires, enabled: enabled == "on", known: false };
    whitelist::save(&caller, form).await
}

/// Switches an entry on or off.
#[server(prefix = "/api/fn", endpoint = "switch_entry")]
pub async fn switch_entry(set: String) -> Result<Done, Fault> {
    let caller = require_admin()?;
    whitelist::switch(&caller, &set).await
}

/// Removes an entry.
#[server(prefix = "/api/fn", endpoint = "remove_entry")]
pub async fn remove_entry(id: i64) -> Result<Done, Fault> {
    let caller = require_admin()?;
    whitelist::remove(&caller, id).await
}

/// A list that waits to be imported, if there is one.
#[server(prefix = "/api/fn", endpoint = "import")]
pub async fn read_import(token: String) -> Result<ImportPage, Fault> {
    let caller = require_admin()?;
    import::page(&caller, &token).await
}

/// Takes a list that was pasted (`text`) or dropped (`file`), to be looked at first.
#[server(prefix = "/api/fn", endpoint = "preview_import", input = MultipartFormData)]
pub async fn preview_import(data: MultipartData) -> Result<Done, Fault> {
    let caller = require_admin()?;
    import::take(&caller, data).await
}

/// Stops the work on a list, or drops one that waits.
#[server(prefix = "/api/fn", endpoint = "cancel_import")]
pub async fn cancel_import(token: String) -> Result<Done, Fault> {
    let caller = require_admin()?;
    import::cancel(&caller, &token).await
}

/// Imports the list that waits under a token.
#[server(prefix = "/api/fn", endpoint = "apply_import")]
pub async fn apply_import(token: String) -> Result<Done, Fault> {
    let caller = require_admin()?;
    import::apply(&caller, &token).await
}
