//! `healthcheck`: for process supervisors and containers.

use super::{Failure, Outcome};
use crate::config;
use clap::Args;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};
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

/// Longer than the server takes to find out that its database does not answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// Bytes of an answer that are read.
const ANSWER_MAX: u64 = 4096;

pub async fn run(args: HealthcheckArgs) -> Outcome {
    let addr = reached_at(args.addr);
    match timeout(PATIENCE, ask(addr)).await {
        Ok(Ok(None)) => Ok(ExitCode::SUCCESS),
        Ok(Ok(Some(why))) => Err(Failure::Failed(format!("{addr} is not well: {why}"))),
        Ok(Err(error)) => Err(Failure::Failed(format!("nothing answers at {addr}: {error}"))),
        Err(_) => Err(Failure::Failed(format!("{addr} did not answer within {} s", PATIENCE.as_secs()))),
    }
}

/// What listens on every address is asked on this machine's own.
fn reached_at(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

/// One plain request; the guarded client is for friends' sites and would refuse our own address. Says what is wrong.
async fn ask(addr: SocketAddr) -> std::io::Result<Option<String>> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
    Ok(wrong_by(&String::from_utf8_lossy(&answer)))
}

fn wrong_by(answer: &str) -> Option<String> {
    if answer.starts_with("HTTP/1.1 200") {
        return None;
    }
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let head = answer.lines().next().unwrap_or_default();
    let why = body.lines().find(|line| !line.trim().is_empty()).unwrap_or(head);
    Some(if why.is_empty() { "it hung up".to_owned() } else { why.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_asked_here() {
        for (listens, asked) in [
            ("0.0.0.0:3000", "127.0.0.1:3000"),
            ("[::]:3000", "[::1]:3000"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reached_at(listens.parse().unwrap()).to_string(), asked);
        }
    }

    #[test]
    fn an_answer_says_what_is_wrong() {
        let unwell = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 21\r\n\r\nthe disk is full\n";
        assert_eq!(wrong_by(unwell).as_deref(), Some("the disk is full"));
        assert_eq!(wrong_by("HTTP/1.1 400 Bad Request\r\n\r\n").as_deref(), Some("HTTP/1.1 400 Bad Request"));
        assert_eq!(wrong_by("").as_deref(), Some("it hung up"));
        assert_eq!(wrong_by("HTTP/1.1 200 OK\r\n\r\nok\n"), None);
    }
}
