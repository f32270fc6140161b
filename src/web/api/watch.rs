//! The stream of news, which the browser part listens to.

use super::fault::Fault;
use leptos::{
    prelude::*,
    server_fn::codec::{ByteStream, Streaming},
};

/// How the live runs stand and all that happens after: one JSON message a line, without end.
#[server(prefix = "/api/fn", endpoint = "watch", output = Streaming)]
pub async fn watch() -> Result<ByteStream<Fault>, Fault> {
    let caller = super::gate::require_admin()?;
    Ok(ByteStream::new(crate::web::server::views::watch::watch(&caller.state)))
}
