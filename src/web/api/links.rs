//! Server functions over links.

use super::{fault::Fault, gate::require_admin};
use crate::{
    service::Recheck as Asked,
    web::{
        dto::{Done, LinkForm, LinkPage, LinksPage, LinksQuery, Span},
        server::views::{bulk, links as views},
    },
};
use leptos::prelude::*;

/// The table of links.
#[server(prefix = "/api/fn", endpoint = "links")]
pub async fn read_links(query: LinksQuery) -> Result<LinksPage, Fault> {
    let caller = require_admin()?;
    Ok(views::links(&caller, query).await?)
}

/// Everything about one link.
#[server(prefix = "/api/fn", endpoint = "link")]
pub async fn read_link(id: i64, span: Span) -> Result<LinkPage, Fault> {
    let caller = require_admin()?;
    views::link(&caller, id, span).await
}

/// The form of a link; 0 for a new one.
#[server(prefix = "/api/fn", endpoint = "link_form")]
pub async fn read_link_form(id: i64) -> Result<LinkForm, Fault> {
    let caller = require_admin()?;
    views::form(&caller, id).await
}

/// Checks one link now.
#[server(prefix = "/api/fn", endpoint = "recheck")]
pub async fn recheck(link_id: i64) -> Result<Done, Fault> {
    let caller = require_admin()?;
    let words = caller.words();
    Ok(match caller.service.recheck(link_id).await? {
        Asked::Run(_) => Done::quiet(),
        Asked::Whitelisted => Done::said(words.said_exempt),
        Asked::Inactive => Done::said(words.said_inactive),
    })
}

/// Puts a link on the whitelist or takes it off: `12:on`, `12:off`.
#[server(prefix = "/api/fn", endpoint = "exempt_link")]
pub async fn exempt_link(set: String) -> Result<Done, Fault> {
    let caller = require_admin()?;
    bulk::exempt_one(&caller, &set).await
}

/// Adds a link, or changes one.
#[server(prefix = "/api/fn", endpoint = "save_link")]
#[allow(clippy::too_many_arguments, reason = "a form's fields, flat")]
pub async fn save_link(
    #[server(default)] id: i64,
    #[server(default)] name: String,
    #[server(default)] url: String,
    #[server(default)] group: String,
    #[server(default)] logo: String,
    #[server(default)] description: String,
    #[server(default)] feed: String,
    #[server(default)] backlink_page: String,
    #[server(default)] email: String,
    #[server(default)] note: String,
    #[server(default)] active: String,
    #[server(default)] backlink_off: String,
    #[server(default)] timeout: String,
    #[server(default)] accept: String,
) -> Result<Done, Fault> {
    let caller = require_admin()?;
    let (active, backlink_off) = (!active.is_empty(), !backlink_off.is_empty());
    #[rustfmt::skip]
    let form = LinkForm { id, name, url, group, logo, description, feed, backlink_page, email, note, active, backlink_off, timeout, accept, groups: Vec::new() };
    views::save(&caller, form).await
}

/// Sets or lifts the owner's own verdict: `show`, `hide` or `auto`.
#[server(prefix = "/api/fn", endpoint = "judge_link")]
pub async fn judge_link(id: i64, verdict: String) -> Result<Done, Fault> {
    let caller = require_admin()?;
    bulk::judge(&caller, id, &verdict).await
}

/// Does one thing to many links: recheck, whitelist, unwhitelist, activate, deactivate, group or delete.
#[server(prefix = "/api/fn", endpoint = "bulk_links")]
pub async fn bulk_links(
    #[server(default)] ids: Vec<i64>,
    #[server(default)] action: String,
    #[server(default)] group: String,
) -> Result<Done, Fault> {
    let caller = require_admin()?;
    bulk::bulk(&caller, &ids, &action, &group).await
}

/// Brings removed links back; the ids with commas between.
#[server(prefix = "/api/fn", endpoint = "restore_links")]
pub async fn restore_links(ids: String) -> Result<Done, Fault> {
    let caller = require_admin()?;
    bulk::restore(&caller, &ids).await
}
