//! 500 hostile servers checked at once — bombs, drips, header floods, endless bodies, deep pages — while the dashboard
//! is used: how long a page takes at the 99th percentile, and how much memory the program does.

#[path = "../tests/support/mod.rs"]
mod support;

mod peak;

use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};
use support::{desk::Desk, head, site};
use tokio::io::AsyncWriteExt;

const SITES: usize = 500;
const P99_BOUND: Duration = Duration::from_millis(100);
const PEAK_MB: f64 = 400.0;
/// Between two visits of the dashboard.
const PACE: Duration = Duration::from_millis(50);

/// What one kind of server sends: once, and then again and again until it is left.
#[derive(Clone)]
struct Manner {
    name: &'static str,
    first: Vec<u8>,
    then: Vec<u8>,
    pause: Duration,
}

fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

async fn coded(coding: &str, body: &[u8]) -> Vec<u8> {
    use async_compression::tokio::write::{BrotliEncoder, ZstdEncoder};
    let mut out = Vec::new();
    match coding {
        "br" => {
            let mut encoder = BrotliEncoder::new(&mut out);
            encoder.write_all(body).await.unwrap();
            encoder.shutdown().await.unwrap();
        }
        "zstd" => {
            let mut encoder = ZstdEncoder::new(&mut out);
            encoder.write_all(body).await.unwrap();
            encoder.shutdown().await.unwrap();
        }
        _ => {
            let mut encoder = flate2::write::GzEncoder::new(&mut out, flate2::Compression::best());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap();
        }
    }
    out
}

async fn manners() -> Vec<Manner> {
    let bomb = vec![b' '; 200 << 20];
    let words = "<p>words and <a href='/x'>links</a></p>".repeat(2000).into_bytes();
    let forever = |name, first: Vec<u8>, then: &[u8], ms| Manner {
        name,
        first,
        then: then.to_vec(),
        pause: Duration::from_millis(ms),
    };
    let once = |name, first: Vec<u8>| forever(name, first, b"", 1000);
    let mut all = Vec::new();
    for coding in ["gzip", "br", "zstd"] {
        let headers = format!("Content-Encoding: {coding}\r\n");
        all.push(once("bomb", answer(&headers, &coded(coding, &bomb).await)));
    }
    let twice = coded("gzip", &coded("gzip", &bomb).await).await;
    all.push(once("bomb in a bomb", answer("Content-Encoding: gzip, gzip\r\n", &twice)));
    all.push(forever("endless page", answer("", b"<html>"), &words, 0));
    all.push(forever("endless text", answer("", b""), &vec![b'x'; 64 << 10], 0));
    all.push(forever("drip of a head", b"HTTP/1.1 200 OK\r\nX-".to_vec(), b"a", 50));
    all.push(forever("drip of a body", answer("", b"<html>"), b"<", 50));
    all.push(once("flood of headers", answer(&"X-Flood: 0123456789abcdef\r\n".repeat(20_000), b"")));
    all.push(forever("headers without end", b"HTTP/1.1 200 OK\r\n".to_vec(), &b"X-A: b\r\n".repeat(1000), 0));
    all.push(forever("interim answers", Vec::new(), &b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(500), 0));
    all.push(once("silence", Vec::new()));
    all.push(once("depth", answer("", "<div>".repeat(400_000).as_bytes())));
    let attributes: String = (0..100_000).map(|n| format!(" a{n}=b")).collect();
    all.push(once("attributes", answer("", format!("<a{attributes}>").as_bytes())));
    all.push(once("no end of a tag", answer("", format!("<a href='{}", "x".repeat(2 << 20)).as_bytes())));
    all.push(once("crumbs of tags", answer("", "<a><b></a></b>".repeat(140_000).as_bytes())));
    all
}

#[tokio::main]
async fn main() {
    rollcall::lifecycle::raise_open_files();
    let manners = Arc::new(manners().await);
    let desk = Desk::new();
    let mut sites = Vec::new();
    let mut rows = String::from("name,url\n");
    for n in 0..SITES {
        let manner = manners[n % manners.len()].clone();
        let name = manner.name;
        let site = site(move |mut stream, _| {
            let Manner { first, then, pause, .. } = manner.clone();
            async move {
                head(&mut stream).await?;
                stream.write_all(&first).await?;
                loop {
                    tokio::time::sleep(pause).await;
                    stream.write_all(&then).await?;
                }
            }
        })
        .await;
        rows.push_str(&format!("{name} {n},{}\n", site.url()));
        sites.push(site);
    }
    desk.out(&["import", &desk.file("roll.csv", rows.as_bytes())]);
    for (key, value) in [("concurrency", "500"), ("per_host", "500"), ("my_sites", support::ME)] {
        desk.out(&["setting", "set", key, value]);
    }
    let (server, mut browser) = desk.serve_first_signed_in();
    assert_eq!(browser.post("/api/fn/check_all", &[]).status, 200);
    let (mut times, start) = (Vec::new(), Instant::now());
    let going_on = |browser: &mut support::desk::Browser| {
        let text = browser.get("/metrics").body;
        text.lines().any(|line| line.starts_with("rollcall_runs_going_on") && !line.ends_with(" 0"))
    };
    while going_on(&mut browser) {
        for page in ["/", "/links", "/runs/1"] {
            let asked = Instant::now();
            assert_eq!(browser.get(page).status, 200);
            times.push(asked.elapsed());
        }
        tokio::time::sleep(PACE).await;
    }
    let took = start.elapsed();
    times.sort();
    let p99 = times[times.len() * 99 / 100];
    let peak = peak::mb_of(&server.child.id().to_string());
    println!(
        "{SITES} hostile servers at once: the run took {:.1} s; {} pages, p99 {:.0} ms (at most {}), peak {peak:.0} MB (at most {PEAK_MB})",
        took.as_secs_f64(),
        times.len(),
        p99.as_secs_f64() * 1000.0,
        P99_BOUND.as_millis(),
    );
    assert!(p99 < P99_BOUND && peak < PEAK_MB);
}
