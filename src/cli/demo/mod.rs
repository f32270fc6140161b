//! `demo`: a made-up ring on loopback, with a database of its own, ready to click.

mod past;
mod ring;

use super::{Context, Failure, Outcome, serve};
use crate::{
    config,
    domain::{link::About, whitelist::Kind},
    engine::guard::Allowed,
    service::{Network, Service},
    web::server::Entrance,
};
use clap::Args;
use std::{net::SocketAddr, sync::Arc};

/// Serve a made-up ring of 24 friends, one of them slow, some of them in trouble, with a database of its own that
/// is gone afterwards. No internet needed.
#[derive(Args)]
#[command(after_help = "Example:
  rollcall demo          then open http://127.0.0.1:3000 and click \"Check all\"")]
pub struct DemoArgs {
    /// Where to listen; loopback only
    #[arg(long, default_value = config::DEFAULT_ADDR)]
    addr: SocketAddr,
}

pub async fn run(context: &Context, args: DemoArgs) -> Outcome {
    if !args.addr.ip().is_loopback() {
        let (addr, port) = (args.addr, args.addr.port());
        return Err(Failure::Usage(format!(
            "{addr} is not a loopback address, and a demo lets everybody in; use --addr 127.0.0.1:{port}"
        )));
    }
    let listener = serve::listen(args.addr).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("demo.db");
    let store = context.store_at(&format!("sqlite:{}", file.display())).await?;
    let allowed = Allowed::new(vec![ring::NET.parse().expect("a fixed net")]).without_own(listener.local_addr()?);
    let service = Service::start(
        store,
        Network { allowed, dns: Vec::new(), threads: context.threads.clone(), serves: true },
        context.clock.clone(),
    )
    .await?;
    let friends = ring::start().await?;
    fill(context, &service, &friends).await?;
    eprintln!("A made-up ring of {} friends is at http://{} (stop with Ctrl-C)", friends.len(), listener.local_addr()?);
    let outcome = serve::until_stopped(listener, service, Entrance::Open).await;
    // Open until here, so that the folder outlives the server.
    drop(folder);
    outcome
}

/// Enters the ring: one friend is hidden from an earlier run, one is on the whitelist.
async fn fill(context: &Context, service: &Arc<Service>, friends: &[ring::Friend]) -> Result<(), Failure> {
    service.set("my_sites", ring::ME).await?;
    let store = service.store();
    let now = context.clock.now();
    let mut entered = Vec::new();
    for friend in friends {
        let about = About {
            name: friend.name.to_owned(),
            url: friend.url.clone(),
            group: friend.group.to_owned(),
            ..About::default()
        };
        let id = store.add_link(&about, true, now).await?;
        entered.push((id, friend.was_hidden));
    }
    service.put_entry(Kind::Name, ring::WHITELISTED, true, "an old friend, whatever happens", None).await?;
    past::make_up(service, &entered).await
}
