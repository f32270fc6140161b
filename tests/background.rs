//! What goes on by itself while nobody looks: it outlives its log, tells when it is not well, and what has ended ends.

mod support;

use chrono::{DateTime, TimeDelta, Utc};
use rollcall::{
    domain::{link::Manual, run::Cause, whitelist::Kind},
    service::{Network, Service},
};
use sqlx::{Connection, SqliteConnection};
use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use support::{
    HandClock,
    desk::{Browser, Desk, signal},
    enter, friendly, gone, is_shown, says, until,
};

/// A server that is not listened to, which ends with the test.
struct Quiet {
    child: Child,
    addr: String,
}

impl Quiet {
    /// Starts it where the first account is made already, and waits until it answers.
    fn start(desk: &Desk, more: &[&str], log: impl Into<Stdio>, env: &[(&str, &str)]) -> Quiet {
        let args = [&["serve", "--addr", "127.0.0.1:0", "--allow-net", "127.0.0.0/8"], more].concat();
        let child = desk.command(&args).envs(env.iter().copied()).stderr(log).spawn().unwrap();
        let mut quiet = Quiet { child, addr: String::new() };
        let start = Instant::now();
        while quiet.addr.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(10), "it never listened");
            quiet.addr = listens_at(&quiet.child).unwrap_or_default();
            std::thread::yield_now();
        }
        // Signals are listened to by the time it answers.
        assert_eq!(quiet.browser().get("/healthz").status, 200);
        quiet
    }

    fn browser(&self) -> Browser {
        Browser::at_address(&self.addr)
    }

    fn metric(&self, name: &str) -> f64 {
        let text = self.browser().get("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is not in {text}")).parse().unwrap()
    }

    fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// How it ends, within a time.
    fn ends_within(&mut self, limit: Duration) -> Option<i32> {
        let start = Instant::now();
        loop {
            match self.child.try_wait().unwrap() {
                Some(ended) => return ended.code(),
                None if start.elapsed() > limit => panic!("it goes on"),
                None => std::thread::yield_now(),
            }
        }
    }
}

/// Where a process listens, by the system's word: what it says itself may go where nobody reads it.
fn listens_at(child: &Child) -> Option<String> {
    let files = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
    let sockets: Vec<String> = files
        .filter_map(|file| std::fs::read_link(file.ok()?.path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    // proc(5): the address is the second word, its port in hexadecimal, the state (0A: it listens) the fourth, the
    // number of the socket the tenth.
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let listens = words.get(3) == Some(&"0A") && words.get(9).is_some_and(|one| sockets.iter().any(|s| s == one));
        let (_, port) = words.get(1).filter(|_| listens)?.split_once(':')?;
        Some(format!("127.0.0.1:{}", u16::from_str_radix(port, 16).unwrap()))
    })
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_takes_stops_nothing() {
    let friend = says(friendly()).await;
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let ended = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    // As much as a pipe holds: pipe(7).
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[b'x'; 65_536]).unwrap();
    for (what, log) in [("full", full()), ("ended", ended()), ("never reads", Stdio::from(writer))] {
        let desk = Desk::new();
        desk.out(&["link", "add", &friend.url(), "--name", "friend"]);
        let (mut first, mut browser) = desk.serve_first_signed_in();
        first.kill();
        let mut server = Quiet::start(&desk, &["--log-level", "debug"], log, &[]);
        browser = browser.at_address_of(&server.addr);
        assert_eq!(browser.post("/api/fn/check_all", &[]).status, 200, "{what}");
        until(async || server.browser().get("/metrics").body.contains("rollcall_runs_total{state=\"done\"} 1")).await;
        // Adoption is looked for every second, and goes on.
        let silence = server.metric("rollcall_background_silence_seconds{task=\"adoption\"}");
        assert!(silence < 5.0, "{what}: {silence}");
        assert_eq!(server.metric("rollcall_background_restarts_total{task=\"schedules\"}"), 0.0);
        assert_eq!(server.browser().get("/readyz").status, 200, "{what}");
        if what == "never reads" {
            assert_eq!(server.metric("rollcall_log_lines_dropped_total"), 0.0, "they wait");
        } else {
            assert!(server.metric("rollcall_log_lines_dropped_total") > 2.0, "{what}");
        }
        server.signal("TERM");
        assert_eq!(server.ends_within(Duration::from_secs(10)), Some(0), "{what}");
    }
    drop(reader);
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_that_cannot_talk_does_its_work() {
    let desk = Desk::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let set = desk.command(&["schedule", "set", "5 5 * * *"]).stderr(full.try_clone().unwrap()).status().unwrap();
    assert_eq!(set.code(), Some(0));
    assert!(desk.out(&["schedule", "list"]).contains("5 5 * * *"));
    let usage = desk.command(&["schedule", "set", "never"]).stderr(full).status().unwrap();
    assert_eq!(usage.code(), Some(2), "also where it cannot say why");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_well_says_what_it_is() {
    let desk = Desk::new();
    desk.out(&["link", "add", "https://a.test", "--name", "a"]);
    let (server, _) = desk.serve_first_signed_in();
    let well = || server.browser().get("/readyz");
    assert_eq!((well().status, well().body.as_str()), (200, "ok\n"));
    let addr = ["healthcheck", "--addr", server.addr.as_str()];
    assert!(desk.run(&addr).status.success());
    let database = desk.path().join("data/rollcall.db");
    // Where a log is gone, whoever opens the database next makes another.
    let gone = [
        ("rollcall.db", ["the database file was moved"; 2]),
        ("rollcall.db-wal", ["(-wal) was moved", "(-wal) was replaced"]),
    ];
    for (name, words) in gone {
        let told = |said: &str| words.iter().any(|words| said.contains(words));
        let (file, aside) = (database.with_file_name(name), desk.path().join("aside"));
        std::fs::rename(&file, &aside).unwrap();
        until(async || well().status == 503).await;
        assert!(told(&well().body), "{}", well().body);
        assert!(!well().body.contains(&desk.path().display().to_string()), "no place is named to strangers");
        let (code, said) = desk.fails(&addr);
        assert!(code == 1 && told(&said), "{said}");
        // Another one in its place is not it.
        std::fs::copy(&aside, &file).unwrap();
        until(async || well().body.contains("was replaced by another")).await;
        std::fs::rename(&aside, &file).unwrap();
        until(async || well().status == 200).await;
    }
    let mut other = SqliteConnection::connect(&desk.database()).await.unwrap();
    for statement in ["PRAGMA legacy_alter_table = ON", "ALTER TABLE links RENAME TO gone"] {
        sqlx::query(statement).execute(&mut other).await.unwrap();
    }
    until(async || well().status == 503).await;
    assert!(well().body.contains("no such table"), "{}", well().body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_busy_for_a_moment_is_well() {
    let desk = Desk::new();
    let server = desk.serve(&[]);
    let mut other = SqliteConnection::connect(&desk.database()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let start = Instant::now();
    assert_eq!(server.browser().get("/readyz").status, 200);
    assert!(start.elapsed() < Duration::from_secs(3), "whoever asks is not kept waiting: {:?}", start.elapsed());
}

/// A limit on the size of files stands in for a full disk. The signal that comes with it ends nothing.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_is_not_well_and_says_so_at_the_log_in() {
    let desk = Desk::new();
    let (mut first, mut browser) = desk.serve_first_signed_in();
    first.kill();
    let server = desk.serve(&[]);
    let limit = |soft: &str| {
        let pid = server.child.id().to_string();
        let set = std::process::Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={soft}:")]).status();
        assert!(set.unwrap().success());
    };
    limit("36864");
    until(async || server.browser().get("/readyz").status == 503).await;
    let why = server.browser().get("/readyz").body;
    assert!(why.contains("cannot be written"), "{why}");
    browser = browser.at(&server);
    browser.headers.push(("Accept-Language", "en".to_owned()));
    assert_eq!(browser.get("/links").status, 200, "whoever is in stays in");
    let mut stranger = server.browser();
    stranger.headers.push(("Accept-Language", "en".to_owned()));
    let answer = stranger.sign_in("a long enough password");
    assert!(answer.status == 507 && answer.body.contains("disk"), "{} {}", answer.status, answer.body);
    limit("unlimited");
    until(async || server.browser().get("/readyz").status == 200).await;
    assert_eq!(stranger.sign_in("a long enough password").status, 200);
}

#[cfg(unix)]
#[test]
fn systemd_is_told_that_it_is_ready_that_it_lives_and_that_it_stops() {
    let desk = Desk::new();
    let path = desk.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let heard = || {
        let mut held = [0; 64];
        let length = socket.recv(&mut held).unwrap();
        String::from_utf8_lossy(&held[..length]).into_owned()
    };
    let env = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    let begun = Instant::now();
    let mut server = Quiet::start(&desk, &[], Stdio::null(), &env);
    let mut states: Vec<String> = (0..7).map(|_| heard()).collect();
    states.sort();
    assert_eq!(states, [&["READY=1"][..], &["WATCHDOG=1"; 6]].concat());
    assert!(begun.elapsed() >= Duration::from_millis(900), "at half of the time: {:?}", begun.elapsed());
    // Closing the terminal is a stop like any other.
    server.signal("HUP");
    let last = std::iter::from_fn(|| Some(heard())).find(|state| state != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
    assert_eq!(server.ends_within(Duration::from_secs(10)), Some(0));
}

#[cfg(unix)]
#[test]
fn what_nohup_started_outlives_the_terminal() {
    let desk = Desk::new();
    let mut server = {
        let nohup = Desk::ignoring_hangup();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let server = Quiet::start(&nohup, &[], Stdio::from(writer), &[]);
        (nohup, server)
    };
    server.1.signal("HUP");
    assert!(desk.run(&["healthcheck", "--addr", &server.1.addr]).status.success());
    server.1.signal("TERM");
    assert_eq!(server.1.ends_within(Duration::from_secs(10)), Some(0));
}

#[test]
fn a_talk_that_is_read_late_is_whole() {
    let desk = Desk::new();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut server = Quiet::start(&desk, &[], Stdio::from(writer), &[]);
    server.signal("TERM");
    assert_eq!(server.ends_within(Duration::from_secs(10)), Some(0));
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("Rollcall is at http://") && said.contains("stopping"), "{said}");
}

async fn on_a_clock() -> (tempfile::TempDir, Arc<Service>, Arc<HandClock>) {
    let (folder, store) = support::store().await;
    let hand = HandClock::at("2026-11-21T00:00:00Z");
    let network = Network { allowed: support::loopback(), ..Network::default() };
    let service = Service::start(store, network, hand.clone()).await.unwrap();
    service.set("my_sites", support::ME).await.unwrap();
    service.set("retries", "0").await.unwrap();
    (folder, service, hand)
}

fn later(service: &Service, hours: i64) -> DateTime<Utc> {
    service.clock().now() + TimeDelta::hours(hours)
}

#[tokio::test]
async fn a_verdict_ends_when_its_time_comes_and_not_at_the_next_check() {
    let (_folder, service, hand) = on_a_clock().await;
    let (fine, dead) = (says(friendly()).await, gone().await);
    let (fine, dead) = (enter(&service, "fine", &fine.url()).await, enter(&service, "dead", &dead).await);
    support::run(&service).await;
    let until = Some(later(&service, 24));
    for (id, shown) in [(fine, false), (dead, true)] {
        let manual = Manual { shown, until, set_at: service.clock().now(), set_by: "me".to_owned() };
        service.set_verdict(id, Some(manual)).await.unwrap();
    }
    hand.set("2026-11-21T23:59:59Z");
    service.end_what_is_over(true).await.unwrap();
    assert!(!is_shown(&service, fine).await && is_shown(&service, dead).await);
    // Weeks later, without anybody having looked.
    hand.set("2026-12-21T00:00:00Z");
    let revision = service.store().roll_revision().await.unwrap();
    service.end_what_is_over(true).await.unwrap();
    assert!(is_shown(&service, fine).await && !is_shown(&service, dead).await);
    assert_ne!(service.store().roll_revision().await.unwrap(), revision, "what shows the roll is made anew");
    let newest = service.store().transitions(dead, 1).await.unwrap().remove(0);
    assert!(newest.cause == Cause::Manual && newest.reason.is_some(), "{newest:?}");
    let (notes, _) = service.store().notes(0, 2).await.unwrap();
    assert!(notes.iter().all(|note| note.deed == "verdict_ended" && note.who == "Rollcall"), "{notes:?}");
    assert_eq!(service.store().runs(0, 9).await.unwrap().len(), 1, "nothing was fetched for it");
    service.end_what_is_over(true).await.unwrap();
    assert_eq!(service.store().notes(0, 9).await.unwrap().1, 2, "once");
}

#[tokio::test]
async fn what_was_exempt_is_checked_as_soon_as_it_can_be() {
    let (folder, service, hand) = on_a_clock().await;
    enter(&service, "dead", &gone().await).await;
    service.put_entry(Kind::Name, "dead", true, "", Some(later(&service, 24))).await.unwrap();
    hand.set("2026-11-22T00:00:00Z");
    service.stop().await;
    for _ in 0..2 {
        assert!(service.end_what_is_over(true).await.is_err(), "nothing is begun any more");
    }
    // As after a restart.
    let network = Network { allowed: support::loopback(), ..Network::default() };
    let service = Service::start(support::open(&folder).await, network, hand.clone()).await.unwrap();
    service.end_what_is_over(true).await.unwrap();
    until(async || service.store().running().await.unwrap().is_empty()).await;
    service.end_what_is_over(true).await.unwrap();
    let runs = service.store().runs(0, 9).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.counts.active_num).collect::<Vec<_>>(), [1], "once");
}

#[tokio::test]
async fn what_a_whitelist_entry_exempted_is_checked_when_it_ends() {
    let (_folder, service, hand) = on_a_clock().await;
    let fine = says(friendly()).await;
    enter(&service, "fine", &fine.url()).await;
    let dead = enter(&service, "dead", &gone().await).await;
    support::run(&service).await;
    assert!(!is_shown(&service, dead).await);
    service.put_entry(Kind::Name, "dead", true, "", Some(later(&service, 24))).await.unwrap();
    assert!(is_shown(&service, dead).await, "exempt");
    hand.set("2026-11-22T00:00:00Z");
    service.end_what_is_over(true).await.unwrap();
    assert!(!is_shown(&service, dead).await, "as it was");
    until(async || service.store().running().await.unwrap().is_empty()).await;
    let run = service.store().runs(0, 1).await.unwrap().remove(0);
    assert_eq!((run.id, run.counts.active_num, run.counts.whitelisted), (2, 1, 0));
    service.end_what_is_over(true).await.unwrap();
    assert_eq!(service.store().runs(0, 9).await.unwrap().len(), 2, "once");
    // Prolonged and ended anew.
    service.put_entry(Kind::Name, "dead", true, "", Some(later(&service, 24))).await.unwrap();
    assert!(is_shown(&service, dead).await);
    hand.set("2026-11-23T00:00:00Z");
    service.end_what_is_over(false).await.unwrap();
    assert!(!is_shown(&service, dead).await);
    assert_eq!(service.store().runs(0, 9).await.unwrap().len(), 2, "whoever checks anyway starts no other run");
}
