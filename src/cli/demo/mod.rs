//! `demo`: a made-up ring on loopback, with a database of its own, ready to click.

mod ring;

use super::{Context, Failure, Outcome, serve};
use crate::{
    config,
    domain::{
        class::Class, link::About, observation::Observation, progress::Trigger, run::ItemState, verdict::Change,
        whitelist::Kind,
    },
    engine::guard::Allowed,
    service::{Network, Service},
    store::{Ending, Record, SharedStore, sqlite::SqliteStore},
    web::server::Entrance,
};
use chrono::TimeDelta;
use clap::Args;
use std::{net::SocketAddr, sync::Arc};

/// Serve a made-up ring of 24 friends, one of them slow, some of them in trouble, with a database of its own that
/// is gone afterwards. No internet needed.
#[derive(Args)]
#[command(after_help = "Example:
  rollcall demo          then open http://127.0.0.1:3000 and click \"Check all\"")]
pub struct DemoArgs {
    /// Where to listen; loopback only
    #[arg(long, env = "ROLLCALL_ADDR", default_value = config::DEFAULT_ADDR)]
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
    let store: SharedStore = Arc::new(SqliteStore::open(&format!("sqlite:{}", file.display())).await?);
    let allowed = Allowed::new(vec![ring::NET.parse().expect("a fixed net")]);
    let service = Service::start(store, Network { allowed, dns: Vec::new() }, context.clock.clone()).await?;
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
    let mut hidden = Vec::new();
    for friend in friends {
        let about = About {
            name: friend.name.to_owned(),
            url: friend.url.clone(),
            group: friend.group.to_owned(),
            ..About::default()
        };
        let id = store.add_link(&about, true, now).await?;
        if friend.was_hidden {
            hidden.push(id);
        }
    }
    service.put_entry(Kind::Name, ring::WHITELISTED, true, "an old friend, whatever happens", None).await?;
    hide(service, &hidden).await
}

/// Makes an earlier run in which these links were down, by the same way as a real one.
async fn hide(service: &Arc<Service>, ids: &[i64]) -> Result<(), Failure> {
    let store = service.store();
    let before = service.clock().now() - TimeDelta::hours(20);
    let plan = service.plan().await?;
    let begun = store.begin_run(Trigger::Schedule, &plan, "demo", ids, before).await?;
    let Some(run_id) = begun.run_id else { return Ok(()) };
    let seen = Observation {
        class: Class::HttpStatus,
        status: Some(502),
        ms: 131,
        attempts: 2,
        ..Observation::whitelisted(before)
    };
    let record =
        |id: &i64| Record { link_id: *id, state: ItemState::Done, seen: Some(seen.clone()), change: Change::Hide };
    store.record(run_id, &ids.iter().map(record).collect::<Vec<_>>()).await?;
    store.settle(run_id, Ending { elapsed_ms: 131, ..Ending::default() }, before).await?;
    Ok(())
}
