//! The program killed, stopped, and kept from writing: nothing reported done is lost, and nothing is done twice.
//!
//! `make kill` runs the first test with 200 kills; ROLLCALL_KILLS and ROLLCALL_SEED say how many and which. Restores and
//! upgrades are killed in restore.rs and migrations.rs.

mod support;

use rollcall::{
    domain::{progress::RunState, run::ItemState},
    store::{Links, Runs, Store, sqlite::SqliteStore},
};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use std::{
    collections::{HashMap, HashSet},
    io::{BufRead, BufReader},
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use support::{
    ME,
    desk::{Desk, signal},
    friendly, head, until,
};

/// Links of the roll that is killed over.
const LINKS: usize = 40;
/// A run that was left is gone on with so soon after a start. Issue 5.
const RESUMED_WITHIN: Duration = Duration::from_secs(5);

type Hits = Arc<Mutex<HashMap<String, u32>>>;

/// A site that answers each path after some milliseconds, and how often each was asked for.
async fn counting_site(ms: u64) -> (support::Site, Hits) {
    let hits = Hits::default();
    let counted = hits.clone();
    let site = support::site(move |mut stream, _| {
        let counted = counted.clone();
        async move {
            let path = head(&mut stream).await?;
            *counted.lock().unwrap().entry(path).or_default() += 1;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            tokio::io::AsyncWriteExt::write_all(&mut stream, friendly().as_bytes()).await
        }
    })
    .await;
    (site, hits)
}

/// A roll of links on one site, each with a path of its own.
fn roll(desk: &Desk, url: &str, links: usize) {
    let rows: Vec<String> = (0..links).map(|n| format!("friend{n},{url}{n}")).collect();
    desk.out(&["import", &desk.file("roll.csv", format!("name,url\n{}\n", rows.join("\n")).as_bytes())]);
    for (key, value) in [("my_sites", ME), ("per_host", "8"), ("concurrency", "8"), ("jitter", "0"), ("guard_min", "0")]
    {
        desk.out(&["setting", "set", key, value]);
    }
}

async fn store(desk: &Desk) -> SqliteStore {
    SqliteStore::open(&desk.database()).await.unwrap()
}

async fn assert_sound(desk: &Desk) {
    let mut connection = SqliteConnection::connect(&desk.database()).await.unwrap();
    let found: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(found, "ok");
    connection.close().await.unwrap();
}

/// Runs a command and kills it after a while; returns what it had said on standard output, and whether it came to
/// its end before.
fn killed(desk: &Desk, args: &[&str], after: Duration) -> (Vec<String>, bool) {
    let mut child = desk.command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::sleep(after);
    child.kill().unwrap();
    let ended = child.wait().unwrap().success();
    (lines.map_while(Result::ok).collect(), ended)
}

struct Kills {
    desk: Desk,
    hits: Hits,
    rng: fastrand::Rng,
    batch: u32,
}

impl Kills {
    async fn a_check(&mut self) {
        let args = ["check", "--allow-net", "127.0.0.0/8", "--format", "ndjson"];
        let (lines, _) = killed(&self.desk, &args, Duration::from_millis(self.rng.u64(20..500)));
        let events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let reported: HashSet<i64> =
            events.filter(|event| event["event"] == "checked").filter_map(|event| event["link_id"].as_i64()).collect();
        let store = store(&self.desk).await;
        let Some(run) = store.runs(0, 1).await.unwrap().into_iter().next() else { return };
        let items = store.items(run.id).await.unwrap();
        let done: HashSet<i64> =
            items.iter().filter(|item| item.state == ItemState::Done).map(|item| item.link_id).collect();
        assert!(run.state == RunState::Running || done.len() == items.len(), "{run:?}");
        if run.state == RunState::Running {
            assert!(reported.is_subset(&done), "reported done and lost: {reported:?} {done:?}");
            self.resumed(&store, run.id, &run.owner, &done).await;
        }
        store.close().await;
    }

    /// The next server goes on with a run, also when it is killed itself; what was done stays done.
    async fn resumed(&mut self, store: &SqliteStore, run: i64, owner: &str, done: &HashSet<i64>) {
        let path = |id: &i64| format!("/{}", id - 1);
        let before: HashMap<i64, u32> = done
            .iter()
            .map(|id| (*id, self.hits.lock().unwrap().get(&path(id)).copied().unwrap_or_default()))
            .collect();
        let start = Instant::now();
        let mut server = self.desk.serve(&[]);
        until(async || store.run(run).await.unwrap().unwrap().owner != owner).await;
        assert!(start.elapsed() < RESUMED_WITHIN, "{:?}", start.elapsed());
        if self.rng.bool() {
            std::thread::sleep(Duration::from_millis(self.rng.u64(0..100)));
            server.kill();
            server = self.desk.serve(&[]);
        }
        until(async || store.run(run).await.unwrap().unwrap().state != RunState::Running).await;
        server.kill();
        let ended = store.run(run).await.unwrap().unwrap();
        assert_eq!((ended.state, ended.counts.finished()), (RunState::Done, ended.counts.total));
        for (id, hits) in before {
            assert_eq!(self.hits.lock().unwrap().get(&path(&id)).copied(), Some(hits), "link {id} was asked again");
        }
    }

    async fn an_import(&mut self) {
        self.batch += 1;
        let size = self.rng.usize(1..400);
        let rows: Vec<String> =
            (0..size).map(|n| format!("batch{}-{n},https://b{}-{n}.test/", self.batch, self.batch)).collect();
        let file = self.desk.file("batch.csv", format!("name,url\n{}\n", rows.join("\n")).as_bytes());
        let (lines, _) = killed(&self.desk, &["import", &file], Duration::from_millis(self.rng.u64(5..120)));
        let store = store(&self.desk).await;
        let mark = format!("batch{}-", self.batch);
        let ids: Vec<i64> = store
            .names()
            .await
            .unwrap()
            .into_iter()
            .filter(|(_, name, _)| name.starts_with(&mark))
            .map(|(id, ..)| id)
            .collect();
        assert!(ids.is_empty() || ids.len() == size, "half an import: {} of {size}", ids.len());
        if lines.iter().any(|line| line.starts_with("added")) {
            assert_eq!(ids.len(), size, "reported done and lost");
        }
        store.remove_links(&ids, chrono::DateTime::UNIX_EPOCH).await.unwrap();
        store.close().await;
    }

    async fn a_setting(&mut self) {
        let before = self.desk.out(&["setting", "get", "retries"]);
        let value = self.rng.u32(0..100).to_string();
        let wait = Duration::from_millis(self.rng.u64(5..80));
        let (_, ended) = killed(&self.desk, &["setting", "set", "retries", &value], wait);
        let after = self.desk.out(&["setting", "get", "retries"]);
        let (before, after) = (before.trim(), after.trim());
        assert!(after == value || (!ended && after == before), "{before} → {value}: {after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_nothing_is_lost() {
    let number = |key: &str| std::env::var(key).ok().and_then(|text| text.parse::<u64>().ok());
    let (kills, seed) = (number("ROLLCALL_KILLS").unwrap_or(20), number("ROLLCALL_SEED").unwrap_or(11));
    println!("{kills} kills, seed {seed}");
    let (site, hits) = counting_site(30).await;
    let desk = Desk::new();
    roll(&desk, &site.url(), LINKS);
    let mut kill = Kills { desk, hits, rng: fastrand::Rng::with_seed(seed), batch: 0 };
    for n in 0..kills {
        match n % 3 {
            0 => kill.a_check().await,
            1 => kill.an_import().await,
            _ => kill.a_setting().await,
        }
        assert_sound(&kill.desk).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_starts_nothing_and_writes_what_was_in_flight() {
    let (site, hits) = counting_site(1500).await;
    let desk = Desk::new();
    roll(&desk, &site.url(), LINKS);
    desk.out(&["schedule", "set", "* * * * *"]);
    let mut server = desk.serve_first_signed_in();
    assert_eq!(server.1.post("/api/fn/check_all", &[]).status, 200);
    until(async || hits.lock().unwrap().len() == 8).await;
    // One who never ends his request is not waited for.
    let mut half = std::net::TcpStream::connect(&server.0.addr).unwrap();
    std::io::Write::write_all(&mut half, b"GET /links HTTP/1.1\r\nHost: 127").unwrap();
    let start = Instant::now();
    server.0.signal("TERM");
    let ended = server.0.child.wait().unwrap();
    assert_eq!(ended.code(), Some(0), "{}", server.0.said.lock().unwrap());
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    assert_eq!(hits.lock().unwrap().len(), 8, "nothing new was started");
    let store = store(&desk).await;
    let run = store.runs(0, 1).await.unwrap().remove(0);
    let items = store.items(run.id).await.unwrap();
    let done = items.iter().filter(|item| item.state == ItemState::Done).count();
    assert_eq!((run.state, done), (RunState::Running, 8), "what was in flight is written, the rest waits");
    assert_sound(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_broken_off_and_a_second_signal_ends_it_at_once() {
    let (site, hits) = counting_site(60_000).await;
    let desk = Desk::new();
    roll(&desk, &site.url(), LINKS);
    desk.out(&["setting", "set", "timeout", "60"]);
    for (signals, least, most, code) in [(1, 4.5, 8.0, Some(0)), (2, 0.0, 1.5, None)] {
        hits.lock().unwrap().clear();
        let mut child = desk
            .command(&["check", "--allow-net", "127.0.0.0/8", "--format", "json"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until(async || hits.lock().unwrap().len() == 8).await;
        let start = Instant::now();
        for _ in 0..signals {
            signal(&child, "INT");
            std::thread::sleep(Duration::from_millis(200));
        }
        let ended = child.wait().unwrap();
        let took = start.elapsed().as_secs_f64();
        assert!((least..most).contains(&took), "{took}");
        assert!(code.is_none() || ended.code().is_some_and(|code| code <= 1), "{ended}");
        let store = store(&desk).await;
        let run = store.runs(0, 1).await.unwrap().remove(0);
        if signals == 1 {
            assert_eq!(run.state, RunState::Cancelled);
        }
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_runs_that_hold_the_links_are_waited_for_until_a_signal() {
    let (site, hits) = counting_site(60_000).await;
    let desk = Desk::new();
    roll(&desk, &site.url(), 2);
    desk.out(&["setting", "set", "timeout", "60"]);
    let check = |more: &[&str]| {
        let args = [&["check", "--allow-net", "127.0.0.0/8", "--format", "json"], more].concat();
        desk.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut others = Vec::new();
    for n in 0..2 {
        others.push(check(&["--name", &format!("friend{n}")]));
        until(async || hits.lock().unwrap().len() == n + 1).await;
    }
    // One that finds nothing left to check, and has said so.
    let waiting = || {
        let mut child = check(&[]);
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "runs 1, 2 are checking these links already; waiting for them\n");
        (child, said)
    };
    let rest = |child: std::process::Child, said: BufReader<std::process::ChildStderr>| {
        let rest = said.lines().map_while(Result::ok).collect::<Vec<_>>().join("\n");
        let output = child.wait_with_output().unwrap();
        let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &envelope["code"]), (Some(1), &1.into()), "{envelope} {rest}");
        (envelope, rest)
    };
    for name in ["INT", "TERM"] {
        let (child, said) = waiting();
        let start = Instant::now();
        signal(&child, name);
        let (envelope, rest) = rest(child, said);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        let error = envelope["error"].as_str().unwrap();
        assert!(error.contains("runs 1, 2 go on in other processes") && rest.contains(error), "{error} {rest}");
    }
    let (child, said) = waiting();
    for run in ["1", "2"] {
        desk.out(&["run", "cancel", run]);
    }
    let (envelope, rest) = rest(child, said);
    assert_eq!(envelope["data"]["unchecked"], 2, "{envelope} {rest}");
    for other in others {
        other.wait_with_output().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_holds_is_told_and_got_over() {
    let desk = Desk::new();
    roll(&desk, "http://127.0.0.1:9/", 3);
    let (_server, mut browser) = desk.serve_first_signed_in();
    browser.headers.push(("Accept-Language", "en".to_owned()));
    let mut other = SqliteConnection::connect(&desk.database()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let link = [("url", "https://new.test"), ("name", "new"), ("active", "on")];
    let refused = browser.post("/api/fn/save_link", &link);
    assert!(refused.status != 200 && refused.body.contains("locked"), "{}", refused.body);
    assert!(browser.get("/links").body.contains("friend1"), "still readable");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(browser.post("/api/fn/save_link", &link).status, 200);
}

/// A limit on the size of files stands in for a full disk: writes fail, and then they work again.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_is_told_and_got_over() {
    let (site, hits) = counting_site(150).await;
    let desk = Desk::told_of_large_files();
    roll(&desk, &site.url(), LINKS);
    let (mut server, mut browser) = desk.serve_first_signed_in();
    browser.headers.push(("Accept-Language", "en".to_owned()));
    let pid = i32::try_from(server.child.id()).unwrap();
    let (soft, hard) = rlimit::prlimit_get(pid);
    // The write-ahead log has outgrown this already; the index of it, 32 kB, has not.
    rlimit::set(pid, 36 << 10, hard);
    let refused = browser.post("/api/fn/save_link", &[("url", "https://new.test"), ("name", "new"), ("active", "on")]);
    assert_ne!(refused.status, 200);
    assert!(refused.body.contains("disk"), "{}", refused.body);
    let page = browser.get("/links");
    assert!(page.body.contains("friend1"), "still readable: {} {:?} {}", page.status, page.headers, page.body);
    // Whoever is not signed in is told why he cannot be.
    let mut visitor = server.browser();
    visitor.headers.push(("Accept-Language", "en".to_owned()));
    let refused = visitor.sign_in("a long enough password");
    assert!(refused.status == 507 && refused.body.contains("disk"), "{} {}", refused.status, refused.body);
    assert_eq!(browser.get("/healthz").status, 200);
    rlimit::set(pid, soft, hard);
    let taken = browser.post("/api/fn/save_link", &[("url", "https://new.test"), ("name", "new"), ("active", "on")]);
    assert_eq!(taken.status, 200, "{}", taken.body);

    // In the middle of a run: it waits for the disk and goes on.
    assert_eq!(browser.post("/api/fn/check_all", &[]).status, 200);
    until(async || hits.lock().unwrap().len() > 8).await;
    rlimit::set(pid, 36 << 10, hard);
    until(async || server.said.lock().unwrap().contains("a run stopped")).await;
    assert!(browser.get("/runs").body.contains("/runs/1"), "still readable");
    rlimit::set(pid, soft, hard);
    let store = store(&desk).await;
    until(async || store.run(1).await.unwrap().unwrap().state == RunState::Done).await;
    let counts = store.run(1).await.unwrap().unwrap().counts;
    assert_eq!(counts.finished(), counts.total);
    let said = server.said.lock().unwrap().clone();
    assert!(said.lines().count() < 20, "told, and not over and over: {said}");
    assert_sound(&desk).await;
    server.kill();
}

/// The limit of another process, Linux only.
#[cfg(target_os = "linux")]
mod rlimit {
    use std::process::Command;

    /// Soft and hard limit of the size of files.
    pub fn prlimit_get(pid: i32) -> (u64, u64) {
        let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let line = text.lines().find(|line| line.starts_with("Max file size")).unwrap();
        let mut numbers = line.split_whitespace().skip(3).map(|n| n.parse().unwrap_or(u64::MAX));
        (numbers.next().unwrap(), numbers.next().unwrap())
    }

    pub fn set(pid: i32, soft: u64, hard: u64) {
        let word = |n: u64| if n == u64::MAX { "unlimited".to_owned() } else { n.to_string() };
        let limits = format!("--fsize={}:{}", word(soft), word(hard));
        assert!(Command::new("prlimit").args(["--pid", &pid.to_string(), &limits]).status().unwrap().success());
    }
}
