//! A roll of 100,000 links, by the program as its user runs it: how long it takes to come in, each page's time at the
//! 99th percentile, and how much memory exports and the public list take.

#[path = "../tests/support/mod.rs"]
mod support;

mod peak;

use chrono::{DateTime, TimeDelta, Utc};
use rollcall::{
    clock::{Clock, SystemClock},
    domain::{
        class::Class, observation::Observation, progress::Trigger, run::ItemState, run::Plan, settings::Settings,
        verdict::Change,
    },
    store::{Config, Ending, Links, Record, Runs, Store, sqlite::SqliteStore},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Stdio,
    time::{Duration, Instant},
};
use support::desk::{Browser, Desk, Server};

const LINKS: usize = 100_000;
const GROUPS: usize = 50;
const BATCH: usize = 2_000;
/// Requests for each page, 20 a second.
const REQUESTS: usize = 100;
const PACE: Duration = Duration::from_millis(50);
const PAGE_MS: f64 = 100.0;
const EXPORT_MB: f64 = 120.0;
const DETAILS_MB: f64 = 30.0;
const IMPORT_S: f64 = 0.6;
/// Those who ask for the public list and do not read it.
const UNREAD: usize = 256;

const PAGES: [&str; 18] = [
    "/",
    "/links",
    "/links?page=1500",
    "/links?sort=-latency",
    "/links?sort=name",
    "/links?q=site+99",
    "/links?status=unchecked",
    "/links?group=group+7",
    "/links?status=review",
    "/links?whitelist=yes",
    "/links/50000",
    "/review",
    "/review?at=100",
    "/runs",
    "/runs/1",
    "/whitelist",
    "/settings",
    "/links.json",
];

fn main() {
    let seconds = import(&Desk::new(), LINKS / 10);
    println!("import of {} links: {seconds:.2} s (at most {IMPORT_S})", LINKS / 10);
    let desk = Desk::new();
    let all = import(&desk, LINKS);
    println!("import of {LINKS} links: {all:.2} s, {:.1} times as long", all / seconds);
    desk.out(&["setting", "set", "guard_min", "0"]);
    desk.out(&["whitelist", "add", "*.exempt.example"]);
    tokio::runtime::Runtime::new().unwrap().block_on(fill(&desk));
    let worst = pages(&desk);
    println!("worst p99 {worst:.1} ms (at most {PAGE_MS})");
    let (largest, details) = exports(&desk);
    println!(
        "largest export {largest:.0} MB (at most {EXPORT_MB}), details on top of a check {details:.0} MB (at most {DETAILS_MB})"
    );
    assert!(seconds <= IMPORT_S && worst <= PAGE_MS && largest <= EXPORT_MB && details <= DETAILS_MB);
}

/// Seconds that the whole command takes.
fn import(desk: &Desk, links: usize) -> f64 {
    let row = |n| {
        let host = if n % 100 == 0 { "exempt.example" } else { "friends.example" };
        format!(
            "site {n},https://site{n}.{host}/,group {},https://site{n}.{host}/me.png,What site {n} is about",
            n % GROUPS
        )
    };
    let rows: Vec<String> = (0..links).map(row).collect();
    let file = desk.file("roll.csv", format!("name,url,group,logo,description\n{}\n", rows.join("\n")).as_bytes());
    let start = Instant::now();
    let said = desk.out(&["import", &file]);
    assert!(said.starts_with(&format!("added {links}, ")), "{said}");
    start.elapsed().as_secs_f64()
}

/// One run: one in twenty is down, one in fifty could not be told.
async fn fill(desk: &Desk) {
    let store = SqliteStore::open(&desk.database()).await.unwrap();
    let ids = store.roll_order(false, false).await.unwrap();
    let (settings, _) =
        Settings::from_stored(store.settings().await.unwrap().iter().map(|(k, v)| (k.as_str(), v.as_str())));
    let plan = Plan { settings, whitelist: Vec::new(), widened: false };
    let at = SystemClock.now() - TimeDelta::hours(1);
    let run = store.begin_run(Trigger::Schedule, &plan, "bench", &ids, at).await.unwrap().run_id.unwrap();
    for chunk in ids.chunks(BATCH) {
        let records: Vec<Record> = chunk.iter().map(|link| record(*link, at)).collect();
        store.record(run, "bench", &records).await.unwrap();
    }
    store.settle(run, "bench", Ending { elapsed_ms: 60_000, ..Ending::default() }, at).await.unwrap();
    store.close().await;
}

fn record(link_id: i64, at: DateTime<Utc>) -> Record {
    let (class, status) = match link_id {
        _ if link_id % 20 == 0 => (Class::HttpStatus, 503),
        _ if link_id % 50 == 1 => (Class::BotChallenge, 403),
        _ => (Class::Ok, 200),
    };
    let ms = u32::try_from((link_id * 37) % 900).unwrap_or_default() + 20;
    let seen = Observation { class, status: Some(status), ms, attempts: 1, ..Observation::whitelisted(at) };
    Record { link_id, state: ItemState::Done, seen: Some(seen), change: Change::None, failure: None }
}

/// The slowest page's time, ms.
fn pages(desk: &Desk) -> f64 {
    let (server, mut browser) = desk.serve_first_signed_in();
    let start = Instant::now();
    let list = browser.get("/links.json").body.len();
    println!("/links.json the first time: {:.0} ms, {} kB", start.elapsed().as_secs_f64() * 1000.0, list / 1000);
    let worst = PAGES.into_iter().map(|page| timed(&browser, page)).fold(0.0, f64::max);
    let held: Vec<TcpStream> = (0..UNREAD).map(|_| unread(&server)).collect();
    println!("serve, with {} unread answers: {:.0} MB at its peak", held.len(), memory(&server));
    worst
}

fn memory(server: &Server) -> f64 {
    peak::mb_of(&server.child.id().to_string())
}

fn timed(browser: &Browser, page: &'static str) -> f64 {
    let asked: Vec<_> = (0..REQUESTS)
        .map(|n| {
            let mut browser = browser.clone();
            std::thread::spawn(move || {
                std::thread::sleep(PACE * u32::try_from(n).unwrap_or_default());
                let start = Instant::now();
                let answer = browser.get(page);
                assert_eq!(answer.status, 200, "{page}");
                (start.elapsed().as_secs_f64() * 1000.0, answer.body.len())
            })
        })
        .collect();
    let mut times: Vec<(f64, usize)> = asked.into_iter().map(|one| one.join().unwrap()).collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (p50, (p99, bytes)) = (times[times.len() / 2].0, times[times.len() * 99 / 100]);
    println!("{page}: p50 {p50:.1} ms, p99 {p99:.1} ms, {} kB", bytes / 1000);
    p99
}

/// Asks for the list, reads its head and no more.
fn unread(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(&server.addr).unwrap();
    write!(stream, "GET /links.json HTTP/1.1\r\nHost: {}\r\n\r\n", server.addr).unwrap();
    stream.read_exact(&mut [0; 64]).unwrap();
    stream
}

/// The most memory that an export takes, and what the details of a check take on top of the check, MB.
fn exports(desk: &Desk) -> (f64, f64) {
    let formats = ["json", "csv", "link-yml", "friend-json", "opml"];
    let largest = formats.map(|format| written(desk, &["export", "--format", format])).into_iter().fold(0.0, f64::max);
    // Nothing is fetched: every link is exempt.
    let check = ["check", "--format", "json", "--whitelist", "*.friends.example"];
    let details = written(desk, &[&check[..], &["--details"]].concat()) - written(desk, &check);
    (largest, details)
}

/// The peak of a command that writes a lot, MB.
fn written(desk: &Desk, args: &[&str]) -> f64 {
    let start = Instant::now();
    let mut child = desk.command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut out, mut peak, mut bytes) = (child.stdout.take().unwrap(), 0.0, 0);
    let mut buffer = vec![0; 64 << 10];
    // What a process took at most is known only while it is there.
    while let Some(read) = out.read(&mut buffer).ok().filter(|read| *read > 0) {
        bytes += read;
        peak = peak::mb_of(&child.id().to_string()).max(peak);
    }
    assert!(child.wait().unwrap().success(), "{args:?}");
    println!("{}: {peak:.0} MB for {} kB in {:.2} s", args.join(" "), bytes / 1000, start.elapsed().as_secs_f64());
    peak
}
