//! Hostile lists: whatever a list holds, taking it in takes time and memory in proportion to its size, and ends.
//!
//! `make lists` takes them in at full size, in an optimised build, against the absolute limits.

mod kinds;
#[path = "../support/mod.rs"]
mod support;

use kinds::{lists, over};
use rollcall::{
    formats::{self, FormatError, MAX_ROWS},
    service::List,
};
use std::{
    fmt::Write as _,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use support::desk::processor_time_of;

/// The stack that the service's reading threads have.
const STACK: usize = 2 << 20;

/// Reads a list; says what came of it, and how long that took on the processor.
fn read(list: Vec<u8>) -> (Result<formats::Parsed, FormatError>, Duration) {
    let reading = move || {
        let start = on_processor();
        let outcome = formats::read(&list, None);
        (outcome, on_processor().saturating_sub(start))
    };
    std::thread::Builder::new().stack_size(STACK).spawn(reading).unwrap().join().expect("reading ends")
}

/// This thread's time on the processor: others' work at the same time does not count.
fn on_processor() -> Duration {
    thread_local!(static START: Instant = Instant::now());
    let nanos = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|line| line.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.with(Instant::elapsed), Duration::from_nanos)
}

/// Bytes of a list here, and four times that: large enough for what is quadratic to show.
const SMALL: usize = 60_000;
/// Times at which nothing is to be told from others' noise.
const NOISE: Duration = Duration::from_millis(30);

#[test]
fn four_times_the_list_takes_four_times_the_time() {
    for (name, make) in lists() {
        let four = make(4 * SMALL);
        // The quickest of three: what disturbs only ever adds.
        let quickest = |list: Vec<u8>| (0..3).map(|_| read(list.clone()).1).min().unwrap_or_default();
        let (first, time) = (quickest(make(SMALL)), read(four.clone()).1);
        let limit = 6 * first + NOISE;
        if time > limit {
            let again = quickest(four);
            assert!(again <= limit, "{name}: {first:?}, then {again:?} for four times as much");
        }
    }
}

/// What the largest lists may take in an optimised build.
const FULL: usize = 30 << 20;
const FULL_TIME: Duration = Duration::from_secs(5);
const FULL_BYTES: usize = 200 << 20;

/// Run by `make lists`. Each list is taken in by a process of its own, as memory that is let go is not always given back.
#[test]
#[ignore = "takes an optimised build: make lists"]
fn the_largest_lists_are_taken_in_within_the_limits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    let mut over = Vec::new();
    for (name, make) in lists() {
        std::fs::write(&file, make(FULL)).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "one_list_is_taken_in", "--ignored", "--nocapture"])
            .env("ROLLCALL_LIST_FILE", &file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let cost = said.lines().find_map(|line| line.split_once("took ")?.1.split_once(" ms "));
        let cost = cost.and_then(|(ms, rest)| Some((ms.parse().ok()?, rest.split_once(" kB ")?)));
        let Some((ms, (kilobytes, outcome))) = cost else { panic!("{name}: {said}") };
        let (time, bytes) = (Duration::from_millis(ms), kilobytes.parse::<usize>().unwrap() << 10);
        println!("{name}: {:.2} s, {} MB, {outcome}", time.as_secs_f64(), bytes >> 20);
        if !output.status.success() || time > FULL_TIME || bytes > FULL_BYTES {
            over.push(name);
        }
    }
    assert!(over.is_empty(), "{over:?}");
}

/// What the test above runs for each list: it is read and written into a new database.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of another test"]
async fn one_list_is_taken_in() {
    let file = std::env::var_os("ROLLCALL_LIST_FILE").expect("the file to read");
    let (_folder, service) = support::service().await;
    let (start, begun) = (most_held(), processor_time_of("self"));
    let list = List { bytes: std::fs::read(file).unwrap().into(), format: None };
    let outcome = service.import(list, false, &Arc::default()).await;
    let outcome = outcome.map(|report| [report.added, report.duplicates.count(), report.bad.count()]);
    let outcome = format!("{outcome:?}").chars().take(200).collect::<String>();
    println!("took {} ms {} kB {outcome}", (processor_time_of("self") - begun).as_millis(), most_held() - start);
}

/// The most memory that the process has held, in kilobytes; 0 where the system does not tell.
fn most_held() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or_default()
}

#[test]
fn a_hundred_thousand_friends_come_in_whole() {
    const FRIENDS: usize = 100_000;
    // A tenth of them where every step is slow.
    let friends = if cfg!(debug_assertions) { FRIENDS / 10 } else { FRIENDS };
    for format in ["yaml", "json", "csv", "opml"] {
        let mut text = String::from(match format {
            "json" => "[",
            "csv" => "name,url\n",
            "opml" => "<opml>",
            _ => "",
        });
        for n in 0..friends {
            match format {
                "yaml" => writeln!(text, "- name: A\n  link: http://a{n}.test\n  avatar: x\n  descr: y"),
                "json" => {
                    write!(text, "{}{{\"name\":\"A\",\"link\":\"http://a{n}.test\"}}", if n > 0 { "," } else { "" })
                }
                "csv" => writeln!(text, "A,http://a{n}.test"),
                _ => writeln!(text, "<outline text='A' htmlUrl='http://a{n}.test'/>"),
            }
            .unwrap();
        }
        if format == "json" {
            text.push(']');
        }
        let parsed = read(text.into_bytes()).0.unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!((parsed.rows.len(), parsed.bad.count()), (friends, 0), "{format}");
    }
}

#[test]
fn too_many_rows_are_refused_as_a_whole() {
    let text = over("A,x\n", 4 * (MAX_ROWS + 1));
    assert_eq!(formats::read(format!("name,url\n{text}").as_bytes(), None), Err(FormatError::TooManyRows));
    let text = over("A,x\n", 4 * MAX_ROWS);
    let parsed = formats::read(format!("name,url\n{text}").as_bytes(), None).unwrap();
    assert_eq!((parsed.bad.count(), parsed.bad.len()), (MAX_ROWS, formats::MAX_NOTES));
}
