//! `serve`: the dashboard and the schedules.

use super::{Context, Failure, NetworkArgs, Outcome};
use crate::{config, lifecycle, service::Service, web::server};
use clap::Args;
use std::{net::SocketAddr, process::ExitCode, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serve the dashboard and run the schedules.
#[derive(Args)]
#[command(after_help = "Examples:
  rollcall serve
  rollcall serve --addr 127.0.0.1:8080

There is no log-in yet, so only loopback addresses are served.")]
pub struct ServeArgs {
    /// Where to listen; loopback only
    #[arg(long, env = "ROLLCALL_ADDR", default_value = config::DEFAULT_ADDR)]
    addr: SocketAddr,
    #[command(flatten)]
    network: NetworkArgs,
}

pub async fn run(context: &Context, args: ServeArgs) -> Outcome {
    let listener = listen(args.addr).await?;
    let service = context.service(&args.network).await?;
    eprintln!("Rollcall is at http://{} (stop with Ctrl-C)", listener.local_addr()?);
    until_stopped(listener, service).await
}

/// Opens the port, on loopback only.
pub async fn listen(addr: SocketAddr) -> Result<TcpListener, Failure> {
    if !addr.ip().is_loopback() {
        let port = addr.port();
        return Err(Failure::Usage(format!(
            "{addr} is not a loopback address, and there is no log-in yet; use --addr 127.0.0.1:{port}"
        )));
    }
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
pub async fn until_stopped(listener: TcpListener, service: Arc<Service>) -> Outcome {
    let shutdown = CancellationToken::new();
    let background = tokio::spawn(lifecycle::background(service.clone(), shutdown.clone()));
    let public_url = service.settings().await?.public_url;
    let stopping = shutdown.clone();
    tokio::spawn(async move {
        lifecycle::stop_signal().await;
        stopping.cancel();
    });
    let served = server::serve(listener, service, &public_url, shutdown.clone()).await;
    shutdown.cancel();
    // It ends with the token; a panic in it was logged.
    let _ = background.await;
    served.map(|()| ExitCode::SUCCESS).map_err(|error| Failure::Failed(format!("the server failed: {error}")))
}
