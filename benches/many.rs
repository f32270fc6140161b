//! 10,000 sites on 250 addresses, 20 ms each, 500 at once, every page searched and everything stored, against a
//! bare reqwest loop over the same sites with the same settings. Each side is a process of its own, so that memory can
//! be told apart.

#[path = "../tests/support/mod.rs"]
mod support;

mod peak;

use futures::{StreamExt, stream};
use rollcall::{
    domain::{progress::Trigger, settings::Settings},
    engine::probe,
    service::Pick,
    store::{Draft, unwatched},
};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket},
};

const ADDRESSES: u32 = 250;
const SITES: u32 = 10_000;
const AT_ONCE: usize = 500;
/// The two are run in turns, and the middle one of their ratios counts: the machine has its moods.
const PAIRS: usize = 15;
const DELAY: Duration = Duration::from_millis(20);

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let (role, port) = (args.next(), args.next());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    rollcall::lifecycle::raise_open_files();
    match (role.as_deref(), port) {
        (Some("sites"), _) => runtime.block_on(sites()),
        (Some("bare"), Some(port)) => runtime.block_on(bare(&port)),
        (Some("rollcall"), Some(port)) => runtime.block_on(whole(&port)),
        _ => compare(),
    }
}

fn compare() {
    let (mut server, port) = child("sites", "0");
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    let mut peak: f64 = 0.0;
    for _ in 0..PAIRS {
        let (bare, _) = run("bare", &port);
        let (rollcall, memory) = run("rollcall", &port);
        pairs.push((bare, rollcall));
        peak = peak.max(memory);
    }
    server.kill().unwrap();
    pairs.sort_by(|(a, b), (c, d)| (b / a).total_cmp(&(d / c)));
    let (bare, rollcall) = pairs[PAIRS / 2];
    let ratio = rollcall / bare;
    println!("{SITES} sites: bare {bare:.2} s, rollcall {rollcall:.2} s, ratio {ratio:.2} (at most 1.5)");
    println!("peak memory: {peak:.0} MB (at most 70)");
    assert!(ratio <= 1.5 && peak <= 70.0);
}

/// Seconds and MB that a role took.
fn run(role: &str, port: &str) -> (f64, f64) {
    let (mut process, said) = child(role, port);
    process.wait().unwrap();
    let mut numbers = said.split(' ').map(|n| n.parse::<f64>().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// Starts this program in a role; returns it with its first line.
fn child(role: &str, port: &str) -> (Child, String) {
    let mut process =
        Command::new(std::env::current_exe().unwrap()).args([role, port]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (process, line.trim().to_owned())
}

fn url(n: u32, port: &str) -> String {
    format!("http://127.0.1.{}:{port}/{}", n % ADDRESSES + 1, n / ADDRESSES)
}

async fn sites() {
    let page: &'static str = support::friendly().leak();
    let mut port = 0;
    for n in 1..=ADDRESSES {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(format!("127.0.1.{n}:{port}").parse().unwrap()).unwrap();
        let listener: TcpListener = socket.listen(1024).unwrap();
        port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    support::head(&mut stream).await?;
                    tokio::time::sleep(DELAY).await;
                    stream.write_all(page.as_bytes()).await
                });
            }
        });
    }
    println!("{port}");
    std::future::pending::<()>().await;
}

#[expect(clippy::disallowed_methods, reason = "the bare loop is what the guarded client is measured against")]
async fn bare(port: &str) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = Settings::default();
    // The settings of the checks' own client, but for the guard.
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .pool_max_idle_per_host(0)
        .tls_info(true)
        .user_agent(settings.agent())
        .default_headers(probe::takes())
        .timeout(Duration::from_millis(settings.limits.timeout_ms.into()))
        .connect_timeout(Duration::from_millis(settings.limits.connect_timeout_ms.into()))
        .build()
        .unwrap();
    let start = Instant::now();
    let bodies = stream::iter(0..SITES).map(|n| {
        let asking = client.get(url(n, port)).send();
        async move { asking.await.unwrap().bytes().await.unwrap().len() }
    });
    let read: usize = bodies.buffer_unordered(AT_ONCE).fold(0, |sum, n| async move { sum + n }).await;
    assert!(read > 0);
    println!("{} {}", start.elapsed().as_secs_f64(), peak::mb());
}

async fn whole(port: &str) {
    let (_folder, service) = support::service().await;
    service.set("concurrency", &AT_ONCE.to_string()).await.unwrap();
    let draft = |n| Draft { name: format!("site {n}"), url: url(n, port), ..Draft::default() };
    let drafts: Vec<Draft> = (0..SITES).map(draft).collect();
    service.store().import(&drafts, service.clock().now(), false, &unwatched).await.unwrap();
    drop(drafts);
    let plan = service.plan().await.unwrap();
    let start = Instant::now();
    let started = service.start_run(Trigger::CommandLine, Pick::All, plan).await.unwrap();
    let counts = started.done.unwrap().await.unwrap().unwrap().counts;
    assert_eq!(counts.ok, SITES);
    println!("{} {}", start.elapsed().as_secs_f64(), peak::mb());
}
