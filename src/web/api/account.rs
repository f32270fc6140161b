//! Server functions over the account, and those that need none.

use super::{
    fault::Fault,
    gate::{require_admin, state},
};
use crate::web::{
    dto::{AuditPage, Done, Gate},
    server::{auth, document, views::account},
};
use leptos::prelude::*;

/// Whether an account is to be made, to be signed in to, or is in use. Public.
#[server(prefix = "/api/fn", endpoint = "gate")]
pub async fn read_gate() -> Result<Gate, Fault> {
    auth::gate(&state()?).await
}

/// Makes the first account, for whoever holds the token that `serve` printed. Public.
#[server(prefix = "/api/fn", endpoint = "set_up")]
pub async fn set_up(
    #[server(default)] token: String,
    #[server(default)] name: String,
    #[server(default)] password: String,
    #[server(default)] again: String,
) -> Result<Done, Fault> {
    auth::set_up(&state()?, &token, &name, &password, &again).await
}

/// Signs in. Public.
#[server(prefix = "/api/fn", endpoint = "sign_in")]
pub async fn sign_in(
    #[server(default)] name: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<Done, Fault> {
    auth::sign_in(&state()?, &name, password, &next).await
}

/// Signs out here, or everywhere.
#[server(prefix = "/api/fn", endpoint = "sign_out")]
pub async fn sign_out(#[server(default)] everywhere: String) -> Result<Done, Fault> {
    require_admin()?;
    auth::sign_out(&state()?, !everywhere.is_empty()).await
}

/// Changes one's own password; all other sessions end.
#[server(prefix = "/api/fn", endpoint = "change_password")]
pub async fn change_password(
    #[server(default)] old: String,
    #[server(default)] password: String,
    #[server(default)] again: String,
) -> Result<Done, Fault> {
    let caller = require_admin()?;
    auth::change_password(&caller, old, &password, &again).await
}

/// Ends one of one's own sessions.
#[server(prefix = "/api/fn", endpoint = "end_session")]
pub async fn end_session(#[server(default)] handle: String) -> Result<Done, Fault> {
    let caller = require_admin()?;
    account::end_session(&caller, &handle).await
}

/// A page of who did what.
#[server(prefix = "/api/fn", endpoint = "audit")]
pub async fn read_audit(page: u32) -> Result<AuditPage, Fault> {
    let caller = require_admin()?;
    Ok(account::audit(&caller, page).await?)
}

/// The language of the pages, remembered by the browser. Public.
#[server(prefix = "/api/fn", endpoint = "choose_lang")]
pub async fn choose_lang(lang: String) -> Result<Done, Fault> {
    document::remember_lang(&lang);
    Ok(Done::quiet())
}

/// Light, dark, or as the system has it; remembered by the browser. Public.
#[server(prefix = "/api/fn", endpoint = "choose_theme")]
pub async fn choose_theme(theme: String) -> Result<Done, Fault> {
    document::remember_theme(&theme);
    Ok(Done::quiet())
}
