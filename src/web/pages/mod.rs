//! One file a page. Each reads its data by a server function and draws it; nothing here runs in the browser.

pub mod account;
pub mod audit;
pub mod home;
pub mod import;
pub mod link;
pub mod link_form;
pub mod links;
pub mod not_found;
pub mod review;
pub mod run;
pub mod runs;
pub mod settings;
pub mod whitelist;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

/// A value of the query string; empty where it is not there.
fn query(key: &str) -> String {
    use_query_map().with_untracked(|query| query.get(key).unwrap_or_default())
}

/// A number of the query string; 1 where it is none.
fn page_number() -> u32 {
    query("page").parse().unwrap_or(1)
}

/// The id in the path; 0, which nothing has, where it is none.
fn path_id() -> i64 {
    use_params_map().with_untracked(|params| params.get("id").and_then(|id| id.parse().ok()).unwrap_or_default())
}
