//! 1,000 links checked every hour for two years, with the sweep of every day: how large the file gets, and whether a
//! page of links is as quick as on the first day. One link in twenty is down, another one each day.

#[path = "../tests/support/mod.rs"]
mod support;

use chrono::{DateTime, TimeDelta, Utc};
use rollcall::{
    domain::{
        class::Class,
        link::About,
        observation::{Evidence, Observation},
        progress::Trigger,
        run::Plan,
        settings::Settings,
        verdict::Change,
    },
    service::{Network, Service},
    store::{Ending, Record, SharedStore, Sort, Wanted},
};
use std::time::Instant;
use support::HandClock;

const LINKS: i64 = 1000;
const DAYS: i64 = 730;
const RUNS_A_DAY: i64 = 24;
const FILE_MB: f64 = 300.0;
/// The last day's page against the first's: as fast, with room for the machine's moods.
const SLOWER: f64 = 1.5;
const LOOKS: usize = 50;

#[tokio::main]
async fn main() {
    let days = std::env::var("ROLLCALL_DAYS").ok().and_then(|days| days.parse().ok()).unwrap_or(DAYS);
    let (_folder, store) = support::store().await;
    let hand = HandClock::at("2024-11-21T00:00:00Z");
    let network = Network { allowed: support::loopback(), ..Network::default() };
    let service = Service::start(store.clone(), network, hand.clone()).await.unwrap();
    let begun = service.clock().now();
    let mut ids = Vec::new();
    for n in 0..LINKS {
        let about = About { name: format!("site {n}"), url: format!("https://site{n}.example/"), ..About::default() };
        ids.push(store.add_link(&about, true, begun).await.unwrap());
    }
    let (mut first, mut largest, start) = (0.0, 0.0_f64, Instant::now());
    for day in 0..days {
        for hour in 0..RUNS_A_DAY {
            let at = begun + TimeDelta::days(day) + TimeDelta::hours(hour);
            run(&store, &ids, day, at).await;
        }
        hand.set(&(begun + TimeDelta::days(day + 1)).to_rfc3339());
        service.sweep().await.unwrap();
        let size = store.size().await.unwrap();
        largest = largest.max((size.file + size.wal) as f64 / 1e6);
        if day == 0 {
            first = look(&store).await;
        }
        if day % 73 == 72 {
            let (file, free) = (size.file as f64 / 1e6, size.free as f64 / 1e6);
            println!("day {}: {file:.0} MB, {free:.1} free, {:.0} s", day + 1, start.elapsed().as_secs_f64());
        }
    }
    let last = look(&store).await;
    let points = store.points(ids[0], begun).await.unwrap().len();
    println!(
        "{days} days: at most {largest:.0} MB (bound {FILE_MB}); a page of links {first:.2} ms on the first day, {last:.2} ms on the last; {points} points of one link"
    );
    assert!(largest < FILE_MB && last < first * SLOWER);
}

async fn run(store: &SharedStore, ids: &[i64], day: i64, at: DateTime<Utc>) {
    let plan = Plan { settings: Settings::default(), whitelist: Vec::new(), widened: false };
    let run = store.begin_run(Trigger::Schedule, &plan, "bench", ids, at).await.unwrap().run_id.unwrap();
    let records: Vec<Record> = ids.iter().map(|id| record(*id, day, at)).collect();
    store.record(run, "bench", &records).await.unwrap();
    store.settle(run, "bench", Ending { elapsed_ms: 5000, ..Ending::default() }, at).await.unwrap();
}

/// What a real check leaves: with a title, a final address, stages and headers.
fn record(link_id: i64, day: i64, at: DateTime<Utc>) -> Record {
    let down = (link_id + day) % 20 == 0;
    let (class, status) = if down { (Class::HttpStatus, 503) } else { (Class::Ok, 200) };
    let evidence = Evidence {
        title: Some(format!("The pages of site {link_id}, where this and that is written down")),
        headers: vec![("server".into(), "nginx".into()), ("content-type".into(), "text/html; charset=utf-8".into())],
        excerpt: Some("A quiet day, good for writing. ".repeat(9)),
        ..Evidence::default()
    };
    let seen = Observation {
        class,
        status: Some(status),
        ms: u32::try_from((link_id * 37 + day * 11) % 900).unwrap_or_default() + 20,
        attempts: 1,
        final_url: Some(format!("https://www.site{link_id}.example/")),
        evidence,
        ..Observation::whitelisted(at)
    };
    Record::done(link_id, seen, Change::None)
}

/// Milliseconds for a page of the table, the median.
async fn look(store: &SharedStore) -> f64 {
    let mut times = Vec::new();
    for page in 0..LOOKS {
        let wanted =
            Wanted { sort: Sort::Id, limit: 50, offset: u32::try_from(page).unwrap() * 19, ..Wanted::default() };
        let start = Instant::now();
        let found = store.search(&wanted).await.unwrap();
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        assert!(!found.links.is_empty());
    }
    times.sort_by(f64::total_cmp);
    times[LOOKS / 2]
}
