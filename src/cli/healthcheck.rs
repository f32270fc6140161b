//! `healthcheck`: for process supervisors and containers.

use super::{Failure, Outcome};
use crate::config;
use clap::Args;
use std::{net::SocketAddr, process::ExitCode, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Ask a running server whether it is well: exit 0 where it is, 1 where not.
#[derive(Args)]
#[command(after_help = "Example:
  rollcall healthcheck --addr 127.0.0.1:3000")]
pub struct HealthcheckArgs {
    /// Where the server listens
    #[arg(long, env = "ROLLCALL_ADDR", default_value = config::DEFAULT_ADDR)]
    addr: SocketAddr,
}

const PATIENCE: Duration = Duration::from_secs(3);

pub async fn run(args: HealthcheckArgs) -> Outcome {
    let answer = timeout(PATIENCE, ask(args.addr)).await;
    match answer {
        Ok(Ok(true)) => Ok(ExitCode::SUCCESS),
        Ok(Ok(false)) => Err(Failure::Failed(format!("{} answers, but its database does not", args.addr))),
        Ok(Err(error)) => Err(Failure::Failed(format!("nothing answers at {}: {error}", args.addr))),
        Err(_) => Err(Failure::Failed(format!("{} did not answer within {} s", args.addr, PATIENCE.as_secs()))),
    }
}

/// One plain request; the guarded client is for friends' sites and would refuse our own address.
async fn ask(addr: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok(&head == b"HTTP/1.1 200")
}
