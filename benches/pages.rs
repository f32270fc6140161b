//! Each page with 10,000 links and 1,000,000 checks stored, asked for 20 times a second: its server time at the 99th
//! percentile.

#[path = "../tests/support/mod.rs"]
mod support;

use chrono::TimeDelta;
use rollcall::{
    domain::{class::Class, observation::Observation, progress::Trigger, verdict::Change, whitelist::Kind},
    service::Service,
    store::{Draft, Ending, Record, unwatched},
    web::server::{self, Entrance},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, time::interval};
use tokio_util::sync::CancellationToken;

const LINKS: i64 = 10_000;
const RUNS: i64 = 100;
const BATCH: usize = 2_000;
/// Requests for each page, 20 a second.
const REQUESTS: usize = 100;
const PACE: Duration = Duration::from_millis(50);
const BOUND_MS: f64 = 50.0;

const PAGES: [&str; 11] = [
    "/",
    "/links",
    "/links?page=150&sort=-latency",
    "/links?q=site+99",
    "/links?whitelist=yes",
    "/links/5000?span=year",
    "/runs",
    "/runs/50",
    "/whitelist",
    "/import",
    "/settings",
];

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "a client of the dashboard, not of friends' sites")]
async fn main() {
    let (_folder, service) = support::service().await;
    fill(&service).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let settings = service.settings().await.unwrap();
    tokio::spawn(
        async move { server::serve(listener, service, &settings, Entrance::Open, CancellationToken::new()).await },
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut worst: f64 = 0.0;
    for page in PAGES {
        let mut pace = interval(PACE);
        let mut asked = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            pace.tick().await;
            let sent = client.get(format!("{url}{page}")).header("accept", "text/html").send();
            asked.push(tokio::spawn(async move {
                let start = Instant::now();
                let answer = sent.await.unwrap();
                assert_eq!(answer.status(), 200, "{page}");
                let bytes = answer.bytes().await.unwrap().len();
                (start.elapsed().as_secs_f64() * 1000.0, bytes)
            }));
        }
        let mut times = Vec::new();
        let mut size = 0;
        for one in asked {
            let (ms, bytes) = one.await.unwrap();
            times.push(ms);
            size = bytes;
        }
        times.sort_by(f64::total_cmp);
        let p99 = times[times.len() * 99 / 100];
        worst = worst.max(p99);
        println!("{page}: p50 {:.1} ms, p99 {p99:.1} ms, {} kB", times[times.len() / 2], size / 1000);
    }
    println!("worst p99 {worst:.1} ms (at most {BOUND_MS})");
    assert!(worst <= BOUND_MS);
}

async fn fill(service: &Arc<Service>) {
    let store = service.store();
    let now = service.clock().now();
    let draft = |n| Draft { name: format!("site {n}"), url: format!("https://site{n}.example/"), ..Draft::default() };
    let drafts: Vec<Draft> = (0..LINKS).map(draft).collect();
    store.import(&drafts, now, false, &unwatched).await.unwrap();
    service.put_entry(Kind::Host, "*.example.org", true, "", None).await.unwrap();
    service.put_entry(Kind::Name, "site 7", true, "", None).await.unwrap();
    let ids: Vec<i64> = store.links().await.unwrap().iter().map(|link| link.id).collect();
    let plan = service.plan().await.unwrap();
    for run in 0..RUNS {
        let at = now - TimeDelta::hours(RUNS - run);
        let id = store.begin_run(Trigger::Schedule, &plan, "bench", &ids, at).await.unwrap().run_id.unwrap();
        for chunk in ids.chunks(BATCH) {
            let records: Vec<Record> = chunk.iter().map(|link| record(*link, run, at)).collect();
            store.record(id, "bench", &records).await.unwrap();
        }
        store.settle(id, "bench", Ending { elapsed_ms: 60_000, ..Ending::default() }, at).await.unwrap();
    }
}

/// One in twenty is down, another one each time.
fn record(link_id: i64, run: i64, at: chrono::DateTime<chrono::Utc>) -> Record {
    let down = (link_id + run) % 20 == 0;
    let (class, status) = if down { (Class::HttpStatus, 503) } else { (Class::Ok, 200) };
    let ms = u32::try_from((link_id * 37 + run * 11) % 900).unwrap_or_default() + 20;
    let seen = Observation { class, status: Some(status), ms, attempts: 1, ..Observation::whitelisted(at) };
    Record::done(link_id, seen, Change::None)
}
