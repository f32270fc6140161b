//! Server functions over the review queue.

use super::{fault::Fault, gate::require_admin};
use crate::web::{
    dto::{Done, ReviewPage},
    server::views::review,
};
use leptos::prelude::*;

/// The link at a place in the queue, counted from 1.
#[server(prefix = "/api/fn", endpoint = "review")]
pub async fn read_review(at: u32) -> Result<ReviewPage, Fault> {
    let caller = require_admin()?;
    review::page(&caller, at).await
}

/// Deals with a link of the queue: fine, hide or whitelist.
#[server(prefix = "/api/fn", endpoint = "review_link")]
pub async fn review_link(id: i64, at: u32, verdict: String) -> Result<Done, Fault> {
    let caller = require_admin()?;
    review::decide(&caller, id, at, &verdict).await
}
