//! `serve`: the dashboard and the schedules.

use super::{Context, Failure, NetworkArgs, Outcome};
use crate::{
    background, config,
    lifecycle::StopSignals,
    notify::Notifier,
    service::Service,
    web::server::{self, Entrance, once::SetupToken},
};
use clap::Args;
use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serve the dashboard and run the schedules.
#[derive(Args)]
#[command(after_help = "Examples:
  rollcall serve
  rollcall serve --addr 0.0.0.0:8080

The first visit makes the admin's account; it wants the one-time token that is printed here. Nobody sees a
page without signing in; /links.json, the shown links for your blog, is public.")]
pub struct ServeArgs {
    /// Where to listen
    #[arg(long, env = "ROLLCALL_ADDR", default_value = config::DEFAULT_ADDR)]
    addr: SocketAddr,
    #[command(flatten)]
    network: NetworkArgs,
}

pub async fn run(context: &Context, args: ServeArgs) -> Outcome {
    let listener = listen(args.addr).await?;
    let address = listener.local_addr()?;
    let service = context.service_at(address, &args.network).await?;
    eprintln!("Rollcall is at http://{address} (stop with Ctrl-C)");
    let setup = if service.store().users().await?.is_empty() { SetupToken::fresh() } else { SetupToken::default() };
    if let Some(token) = setup.text() {
        eprintln!("Make the first account at http://{address}/setup?token={token}");
    }
    until_stopped(listener, service, Entrance::LogIn(setup)).await
}

/// Answers that are under way when all else has ended get this long.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Opens the port.
pub async fn listen(addr: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(addr).await.map_err(|error| {
        Failure::Failed(match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("{addr} is in use by another program; stop it or choose another port with --addr")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("{addr} may not be used; choose a port above 1023 with --addr")
            }
            _ => format!("cannot listen on {addr}: {error}"),
        })
    })
}

/// Serves until a signal comes. Runs that are going on stay as they are stored, to be gone on with.
pub async fn until_stopped(listener: TcpListener, service: Arc<Service>, entrance: Entrance) -> Outcome {
    let (signals, shutdown) = (StopSignals::listen(), CancellationToken::new());
    let notifier = Notifier::from_env();
    // What may fail comes before anything is begun that would have to be ended in order.
    let settings = service.settings().await?;
    let background = background::start(&service, &notifier, &shutdown);
    let stopping = (shutdown.clone(), service.clone(), notifier.clone());
    let mut stopped = tokio::spawn(async move {
        let (shutdown, service, notifier) = stopping;
        tokio::select! {
            () = signals.first() => tracing::info!("stopping; a second signal ends it at once"),
            () = shutdown.cancelled() => {}
        }
        notifier.send("STOPPING=1");
        shutdown.cancel();
        service.stop().await;
        if let Err(error) = service.let_runs_go().await {
            tracing::warn!(%error, "runs that are left could not be let go; the next start takes them up all the same");
        }
    });
    // The port is open: whoever comes now is answered.
    notifier.send("READY=1");
    let serving = server::serve(listener, service, &settings, entrance, shutdown.clone());
    // What is in flight is written before the process ends. Whoever has not sent the whole of a request by then, or
    // does not take its answer, is not waited for.
    let late = async {
        // A panic in it was logged.
        let _ = (&mut stopped).await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    let served = tokio::select! {
        served = serving => served,
        () = late => Ok(()),
    };
    shutdown.cancel();
    if !stopped.is_finished() {
        let _ = stopped.await;
    }
    // They end with the token; a panic in one was logged.
    for task in background {
        let _ = task.await;
    }
    served.map(|()| ExitCode::SUCCESS).map_err(|error| Failure::Failed(format!("the server failed: {error}")))
}
