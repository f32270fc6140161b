//! Knowing how it is: metrics, doctor, logs, and backups that are made by themselves.

mod support;

use rollcall::{
    scheduler::{self, Memory},
    service::{Network, Service},
    store::sqlite,
};
use std::path::Path;
use support::{HandClock, ME, desk::Desk, enter, friendly, gone, says, status, until};

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happens() {
    let desk = Desk::new();
    let (fine, dead) = (says(friendly()).await, says(status(404, "")).await);
    for (url, name) in [(fine.url(), "fine"), (dead.url(), "dead")] {
        desk.out(&["link", "add", &url, "--name", name]);
    }
    let (server, mut browser) = desk.serve_first_signed_in();
    assert_eq!(browser.post("/api/fn/check_all", &[]).status, 200);
    let mut visitor = server.browser();
    until(async || visitor.get("/metrics").body.contains("rollcall_runs_total{state=\"done\"} 1")).await;
    let text = visitor.get("/metrics").body;
    for line in [
        "rollcall_checks_total{class=\"ok\"} 1",
        "rollcall_checks_total{class=\"http_status\"} 1",
        "rollcall_check_seconds_count 2",
        "rollcall_checks_in_flight 0",
        "rollcall_checks_queued 0",
        "rollcall_runs_going_on 0",
        "rollcall_links{state=\"shown\"} 1",
        "rollcall_links{state=\"hidden\"} 1",
    ] {
        assert!(text.lines().any(|held| held == line), "{line} is not in\n{text}");
    }
    for name in
        ["rollcall_database_size_bytes ", "rollcall_database_read_seconds ", "rollcall_database_write_seconds_count "]
    {
        let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}{text}"));
        assert!(value.parse::<f64>().unwrap() > 0.0, "{name}{value}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn metrics_are_for_this_machine_and_for_whoever_has_the_token() {
    let desk = Desk::new();
    let server = desk.serve(&[]);
    let ask = |headers: &[(&'static str, &str)]| {
        let mut browser = server.browser();
        browser.headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        browser.get("/metrics").status
    };
    assert_eq!(ask(&[]), 200);
    for outside in [
        &[("X-Forwarded-For", "127.0.0.1")][..],
        &[("X-Forwarded-For", "203.0.113.9")],
        &[("Forwarded", "for=203.0.113.9")],
        &[("Via", "1.1 proxy")],
        &[("X-Real-IP", "127.0.0.1")],
        &[("X-Forwarded-Proto", "https")],
        &[("CF-Connecting-IP", "203.0.113.9")],
    ] {
        assert_eq!(ask(outside), 401, "a proxy on this machine speaks for others: {outside:?}");
    }
    desk.out(&["setting", "set", "metrics_token", "0123456789abcdef"]);
    let from_outside = ("X-Forwarded-For", "203.0.113.9");
    assert_eq!(ask(&[from_outside, ("Authorization", "Bearer 0123456789abcdef")]), 200);
    assert_eq!(ask(&[from_outside, ("Authorization", "Bearer 0123456789abcdeF")]), 401);
    assert_eq!(ask(&[from_outside, ("Authorization", "Bearer ")]), 401);
    desk.out(&["setting", "set", "trusted_proxies", "127.0.0.1"]);
    assert_eq!(ask(&[from_outside]), 401);
    assert_eq!(ask(&[("X-Forwarded-For", "::1")]), 200, "a trusted proxy says that it was this machine");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_what_is_wrong_and_what_to_do() {
    let desk = Desk::new();
    let open = ["doctor", "--allow-net", "127.0.0.0/8"];
    let nothing_set = desk.out(&open);
    assert!(nothing_set.contains("my sites: my_sites is not set"), "{nothing_set}");
    let mine = says(friendly()).await;
    desk.out(&["setting", "set", "my_sites", &mine.url()]);
    let well = desk.out(&open);
    for part in
        ["version: Rollcall", "database: sound", "disk: ", "permissions: ", "open files: ", "network: http://127"]
    {
        assert!(well.contains(part), "{part} is not in {well}");
    }
    let (code, _) = desk.fails(&["doctor"]);
    assert_eq!(code, 1, "127.0.0.1 may not be asked");
    desk.out(&["setting", "set", "my_sites", &gone().await]);
    let dead = desk.run(&open);
    let said = String::from_utf8_lossy(&dead.stdout).into_owned();
    assert!(dead.status.code() == Some(1) && said.contains("✗ network: nothing answered"), "{said}");
    // A clock that is years off, as the site has it.
    let old =
        says("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n".to_owned()).await;
    desk.out(&["setting", "set", "my_sites", &old.url()]);
    let off = desk.run(&open);
    assert!(String::from_utf8_lossy(&off.stdout).contains("✗ clock: "), "{off:?}");
    let file = desk.path().join("data/rollcall.db");
    std::fs::write(&file, b"not a database at all, but something else").unwrap();
    let broken = desk.run(&open);
    let said = String::from_utf8_lossy(&broken.stdout).into_owned();
    assert!(broken.status.code() == Some(1) && said.contains("✗ database: "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_answer_of_a_local_proxy_is_named() {
    use support::dns::{NameServer, Reply};
    let dns = NameServer::start(|_, _| Reply::Addresses(vec![[198, 18, 0, 7]])).await;
    let desk = Desk::new();
    desk.out(&["setting", "set", "my_sites", "https://me.example"]);
    let said = desk.run(&["doctor", "--dns", &dns.addr.to_string()]).stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.contains("198.18.0.0/15") && said.contains("fake-ip"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_name_each_run_and_check_and_no_secret() {
    let desk = Desk::new();
    desk.out(&["link", "add", &says(friendly()).await.url(), "--name", "fine"]);
    let server = desk.serve(&["--log", "json", "--log-level", "debug"]);
    let mut browser = server.browser();
    browser.set_up(&server);
    browser.post("/api/fn/check_all", &[]);
    until(async || server.said.lock().unwrap().contains("run ended")).await;
    browser.sign_in("not the password");
    let said = server.said.lock().unwrap().clone();
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    let of = |message: &str| lines.iter().find(|line| line["fields"]["message"] == message).expect(message);
    for message in ["run begins", "check begins", "check ended", "run ended"] {
        assert_eq!(of(message)["fields"]["run"], 1, "{message}");
    }
    assert_eq!(
        (of("check ended")["fields"]["link"].clone(), of("check ended")["fields"]["class"].clone()),
        (1.into(), "ok".into())
    );
    for secret in ["not the password", "a long enough password", server.token.as_str()] {
        assert!(!said.contains(secret), "{secret}");
    }
}

fn backups(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("backups")).into_iter().flatten().flatten();
    let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn backups_are_made_by_themselves_and_the_newest_stay() {
    let (folder, store) = support::store().await;
    let hand = HandClock::at("2026-11-21T00:00:00Z");
    let network = Network { allowed: support::loopback(), ..Network::default() };
    let service = Service::start(store, network, hand.clone()).await.unwrap();
    for (key, value) in [("timezone", "UTC"), ("backup_cron", "30 3 * * *"), ("backups_keep", "2"), ("my_sites", ME)] {
        service.set(key, value).await.unwrap();
    }
    enter(&service, "friend", "https://friend.test").await;
    let mut memory = Memory::new(fastrand::Rng::with_seed(1));
    let folder = folder.path();
    scheduler::back_up(&service, &mut memory).await;
    assert!(backups(folder).is_empty(), "not due");
    for day in ["21", "22", "23"] {
        hand.set(&format!("2026-11-{day}T03:30:05Z"));
        scheduler::back_up(&service, &mut memory).await;
        scheduler::back_up(&service, &mut memory).await;
    }
    assert_eq!(backups(folder), ["rollcall-20261122T033005Z.db", "rollcall-20261123T033005Z.db"]);
    // A program that was off at the time makes it when it is back.
    hand.set("2026-11-24T09:00:00Z");
    scheduler::back_up(&service, &mut Memory::new(fastrand::Rng::with_seed(2))).await;
    assert_eq!(backups(folder).last().map(String::as_str), Some("rollcall-20261124T090000Z.db"));
    let copy = folder.join("backups/rollcall-20261124T090000Z.db");
    let copy = sqlite::SqliteStore::open(&format!("sqlite:{}", copy.display())).await.unwrap();
    assert_eq!(rollcall::store::Links::totals(&copy).await.unwrap().links, 1, "it is whole");
    service.set("backup_cron", "").await.unwrap();
    hand.set("2026-12-24T09:00:00Z");
    scheduler::back_up(&service, &mut memory).await;
    assert!(!backups(folder).iter().any(|name| name.contains("202612")), "switched off");
}

#[tokio::test]
async fn a_computer_that_is_on_by_day_only_gets_its_backups_too() {
    let (folder, store) = support::store().await;
    let hand = HandClock::at("2026-11-21T10:00:00Z");
    let network = Network { allowed: support::loopback(), ..Network::default() };
    let service = Service::start(store, network, hand.clone()).await.unwrap();
    for (key, value) in [("timezone", "UTC"), ("backup_cron", "30 3 * * *"), ("backups_keep", "2")] {
        service.set(key, value).await.unwrap();
    }
    enter(&service, "friend", "https://friend.test").await;
    for day in 21..=25 {
        // Off in between: the program remembers nothing.
        let mut memory = Memory::new(fastrand::Rng::with_seed(1));
        for hour in ["10", "14", "19"] {
            hand.set(&format!("2026-11-{day}T{hour}:00:00Z"));
            scheduler::back_up(&service, &mut memory).await;
        }
        assert_eq!(backups(folder.path()).len(), (day - 21).min(2), "{day}");
    }
    // One that is no use does not count as the newest, nor among those that are kept.
    std::fs::write(folder.path().join("backups/rollcall-20261125T110000Z.db"), b"").unwrap();
    std::fs::write(folder.path().join("backups/rollcall-20261122T110000Z.db"), b"no database").unwrap();
    hand.set("2026-11-26T10:00:00Z");
    scheduler::back_up(&service, &mut Memory::new(fastrand::Rng::with_seed(1))).await;
    assert_eq!(backups(folder.path()), ["rollcall-20261125T100000Z.db", "rollcall-20261126T100000Z.db"]);
}

/// The permission bits of every file and folder below one, by name.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap();
            let held = file.metadata().unwrap();
            found.push((file.file_name().to_string_lossy().into_owned(), held.permissions().mode() & 0o777));
            if held.is_dir() {
                folders.push(file.path());
            }
        }
    }
    found
}

#[test]
fn whatever_is_made_is_its_owners_alone_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::without_umask();
    let file = |name: &str| desk.path().join(name).display().to_string();
    desk.out(&["link", "add", "https://a.test", "--name", "a"]);
    desk.out(&["backup", &file("copy.db")]);
    let server = desk.serve(&[]);
    let open = modes(desk.path());
    for name in ["data", "rollcall.db", "rollcall.db-wal", "rollcall.db-shm", "copy.db"] {
        let mode = open.iter().find(|(held, _)| held == name).unwrap_or_else(|| panic!("{name}: {open:?}")).1;
        assert_eq!(mode, if name == "data" { 0o700 } else { 0o600 }, "{name}");
    }
    drop(server);
    // What stands open is closed where it is the database, and told where it is a copy of it.
    let database = desk.path().join("data/rollcall.db");
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).unwrap();
    let copy = desk.path().join("data/rollcall.db.before-it's");
    std::fs::write(&copy, "a copy").unwrap();
    let backups = desk.path().join("data/backups");
    std::fs::create_dir(&backups).unwrap();
    std::fs::write(backups.join("b.db"), "a backup").unwrap();
    for (path, mode) in [(copy.clone(), 0o640), (backups.clone(), 0o755), (backups.join("b.db"), 0o604)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let said = String::from_utf8(desk.run(&["doctor"]).stdout).unwrap();
    let line = said.lines().find(|line| line.contains("permissions")).unwrap();
    for part in ["! permissions", "chmod -R go-rwx ", "; chmod go-rwx ", r"rollcall.db.before-it'\''s"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!line.contains("rollcall.db "), "{line}");
    let commands = line.split_once("run ").unwrap().1;
    assert!(std::process::Command::new("sh").args(["-c", commands]).status().unwrap().success());
    let said = String::from_utf8(desk.run(&["doctor"]).stdout).unwrap();
    assert!(said.contains("✓ permissions"), "{said}");
    // A backup that everybody may read does not become such a database.
    std::fs::set_permissions(desk.path().join("copy.db"), std::fs::Permissions::from_mode(0o666)).unwrap();
    desk.out(&["restore", &file("copy.db")]);
    for (name, mode) in modes(&desk.path().join("data")) {
        assert_eq!(mode & 0o077, 0, "{name} {mode:o}");
    }
}

#[test]
fn a_restore_signs_everybody_out() {
    let desk = Desk::new();
    let (mut server, mut browser) = desk.serve_first_signed_in();
    assert_eq!(browser.get("/settings").status, 200);
    let copy = desk.path().join("copy.db").display().to_string();
    desk.out(&["backup", &copy]);
    server.kill();
    let said = String::from_utf8(desk.run(&["restore", &copy]).stderr).unwrap();
    assert!(said.contains("everyone is signed out (1 sessions ended)"), "{said}");
    let server = desk.serve(&[]);
    let mut again = browser.at(&server);
    assert_ne!(again.get("/settings").status, 200);
    assert_eq!(again.sign_in("a long enough password").status, 200);
}

#[test]
fn the_public_list_is_kept_until_the_roll_changes() {
    let desk = Desk::new();
    let list = "name,url,group\na,https://a.test,甲\nb,https://b.test,\nc,https://c.test,甲\n";
    desk.out(&["import", &desk.file("roll.csv", list.as_bytes())]);
    let server = desk.serve(&[]);
    let ask = |headers: &[(&'static str, &str)]| {
        let mut browser = server.browser();
        browser.headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        browser.get("/links.json")
    };
    let first = ask(&[]);
    let body: serde_json::Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!(
        (body["count"].as_u64(), body["groups"][0]["links"][1]["url"].as_str()),
        (Some(3), Some("https://c.test/"))
    );
    assert_eq!(body["groups"][1]["name"], "");
    assert_eq!(first.header("vary"), Some("Accept-Encoding"));
    let tag = first.header("etag").unwrap().to_owned();
    let held = ask(&[("If-None-Match", &tag)]);
    assert_eq!((held.status, held.body.as_str(), held.header("etag")), (304, "", Some(tag.as_str())));
    let mut tags = vec![tag.clone()];
    for (accepted, coding) in [
        ("gzip, deflate, br", Some("br")),
        ("gzip;q=0.5, br; q=0", Some("gzip")),
        ("GZIP", Some("gzip")),
        ("deflate", None),
        ("br;q=0.0, gzip;q=0", None),
    ] {
        let packed = ask(&[("Accept-Encoding", accepted)]);
        assert_eq!((packed.status, packed.header("content-encoding")), (200, coding), "{accepted}");
        let own = packed.header("etag").unwrap();
        assert_eq!(coding.is_none(), own == tag, "{accepted}: {own}");
        assert_eq!(ask(&[("Accept-Encoding", accepted), ("If-None-Match", own)]).status, 304);
        tags.push(own.to_owned());
    }
    // Another process changes the roll.
    desk.out(&["link", "set", "2", "--description", "new"]);
    let second = ask(&[("If-None-Match", &tags.join(", "))]);
    assert_eq!(second.status, 200);
    assert!(second.body.contains("\"new\""), "{}", second.body);
    desk.out(&["link", "rm", "2"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&ask(&[]).body).unwrap()["count"], 2);
}

#[test]
fn exports_are_whole_however_many_parts_they_come_in() {
    let desk = Desk::new();
    let rows: Vec<String> = (0..2500).map(|n| format!("site{n},https://s{n}.test/,g{}", n % 3)).collect();
    desk.out(&["import", &desk.file("roll.csv", format!("name,url,group\n{}\n", rows.join("\n")).as_bytes())]);
    let (_server, mut browser) = desk.serve_first_signed_in();
    for format in ["json", "csv", "link-yml", "friend-json", "opml"] {
        let written = desk.out(&["export", "--format", format]);
        let sent = browser.get(&format!("/export/{format}"));
        assert_eq!(sent.status, 200);
        assert_eq!(sent.body.len(), written.len(), "{format}");
        let other = Desk::new();
        let said = other.out(&["import", &other.file("list", written.as_bytes())]);
        assert!(said.starts_with("added 2500, updated 0, skipped 0, bad 0"), "{format}: {said}");
        if matches!(format, "link-yml" | "opml") {
            assert_eq!(written.matches("g2").count(), if format == "opml" { 2 } else { 1 }, "one group each");
        }
    }
}

#[test]
fn what_nobody_is_to_blame_for_is_no_fault_of_the_server() {
    let desk = Desk::new();
    desk.out(&["link", "add", "https://a.test", "--name", "a"]);
    let (_server, mut browser) = desk.serve_first_signed_in();
    for (function, fields, status) in [
        ("decide_run", &[("run_id", "99"), ("decision", "cancel")][..], 404),
        ("decide_run", &[("run_id", "99"), ("decision", "apply")], 404),
        ("decide_run", &[("run_id", "99"), ("decision", "discard")], 404),
        ("run", &[("id", "99"), ("query[q]", "")], 404),
        ("recheck", &[("link_id", "99")], 404),
        ("save_link", &[("url", "https://a.test/"), ("name", "b"), ("active", "on")], 409),
    ] {
        let answer = browser.post(&format!("/api/fn/{function}"), fields);
        assert_eq!(answer.status, status, "{function} {fields:?}: {}", answer.body);
    }
    assert_eq!(browser.get("/runs/99").status, 404);
    assert_eq!(browser.get("/links/99").status, 404);
}
