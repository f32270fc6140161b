//! Who gets in, from where, and what is kept of it.

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};
use support::desk::{Answer, Browser, Desk, Server};

const PASSWORD: &str = "a long enough password";

/// Seconds that an answer says to wait.
fn wait(answer: &Answer) -> Option<u32> {
    let words = answer.body.split("wait ").nth(1)?;
    words.split(' ').next()?.parse().ok()
}

/// Wrong passwords until one has to wait; says how many it took.
fn lock_out(browser: &mut Browser, mut name: impl FnMut(u32) -> String) -> u32 {
    for tried in 1..=20 {
        browser.headers.retain(|(header, _)| *header != "X-Forwarded-For");
        browser.headers.push(("X-Forwarded-For", name(tried)));
        if wait(&browser.sign_in("wrong")).is_some() {
            return tried;
        }
    }
    20
}

fn english(mut browser: Browser) -> Browser {
    browser.headers.push(("Accept-Language", "en".to_owned()));
    browser
}

#[test]
fn a_made_up_address_gets_past_no_limit() {
    let desk = Desk::new();
    let server = desk.serve(&[]);
    server.browser().set_up(&server);
    let mut attacker = english(server.browser());
    let tries = lock_out(&mut attacker, |n| format!("198.51.100.{n}"));
    assert!(tries < 10, "{tries}");
    assert_ne!(attacker.sign_in(PASSWORD).status, 200, "not even with the right one");
}

#[test]
fn many_tries_at_once_are_no_way_around() {
    let desk = Desk::new();
    let server = desk.serve(&[]);
    server.browser().set_up(&server);
    let tried: Vec<_> = (0..40)
        .map(|_| {
            let mut browser = english(server.browser());
            std::thread::spawn(move || wait(&browser.sign_in("wrong")).is_none())
        })
        .collect();
    let looked_at = tried.into_iter().map(|one| one.join().unwrap()).filter(|looked_at| *looked_at).count();
    assert!(looked_at <= 6, "{looked_at} of 40 were looked at");
}

#[test]
fn a_trusted_proxy_tells_visitors_apart_and_a_visitor_cannot_lie_to_it() {
    let desk = Desk::new();
    desk.out(&["setting", "set", "trusted_proxies", "127.0.0.1"]);
    let server = desk.serve(&[]);
    server.browser().set_up(&server);
    // The proxy adds the true address at the end of what the visitor sent.
    let mut attacker = english(server.browser());
    let guess = |browser: &mut Browser, n: u32, from: &str| {
        browser.headers.retain(|(header, _)| *header != "X-Forwarded-For");
        browser.headers.push(("X-Forwarded-For", format!("10.0.0.{n}, {from}")));
        browser.post("/api/fn/sign_in", &[("name", &format!("nobody{n}")), ("password", "wrong")])
    };
    let tries = (1..20).find(|n| wait(&guess(&mut attacker, *n, "198.51.100.7")).is_some());
    assert!(tries.is_some_and(|n| n < 10), "by address, whatever stands before it and whichever account");
    let mut other = english(server.browser());
    other.headers.push(("X-Forwarded-For", "203.0.113.5".to_owned()));
    assert_eq!(other.sign_in(PASSWORD).status, 200, "others are let in");
    assert!(other.get("/settings").body.contains("203.0.113.5"), "and see from where");
}

#[test]
fn sessions_are_listed_and_each_can_be_ended() {
    let desk = Desk::new();
    let server = desk.serve(&[]);
    let mut here = english(server.browser());
    here.headers
        .push(("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned()));
    here.set_up(&server);
    let mut phone = english(server.browser());
    phone.headers.push(("User-Agent", "<b>Android</b>".to_owned()));
    assert_eq!(phone.sign_in(PASSWORD).status, 200);
    assert_eq!(phone.get("/links").status, 200);

    let page = here.get("/settings").body;
    assert!(page.contains("Firefox · Linux") && page.contains("Android") && !page.contains("<b>Android"), "{page}");
    let handles: Vec<&str> =
        page.split("name=\"handle\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(handles.len(), 1, "one can be ended from here: the other");
    assert_eq!(here.post("/api/fn/end_session", &[("handle", handles[0])]).status, 200);
    assert_eq!(phone.get("/links").status, 302, "signed out");
    assert_eq!(here.get("/links").status, 200);
    assert_ne!(here.post("/api/fn/end_session", &[("handle", handles[0])]).status, 200, "it is gone");
    // Nobody else's and nothing without a log-in.
    assert_ne!(server.browser().post("/api/fn/end_session", &[("handle", handles[0])]).status, 200);
}

#[test]
fn what_is_done_is_noted_with_who_did_it_and_exported() {
    let desk = Desk::new();
    let server = desk.serve(&[]);
    let mut browser = english(server.browser());
    browser.set_up(&server);
    for (action, fields) in [
        ("save_link", vec![("url", "https://a.test"), ("name", "=Alice"), ("active", "on")]),
        (
            "save_link",
            vec![("id", "1"), ("url", "https://a.test"), ("name", "=Alice"), ("note", "new"), ("active", "on")],
        ),
        ("exempt_link", vec![("set", "1:on")]),
        ("judge_link", vec![("id", "1"), ("verdict", "hide")]),
        ("bulk_links", vec![("ids[0]", "1"), ("action", "group"), ("group", "同行")]),
        (
            "save_settings",
            vec![("set[retries]", "3"), ("set[timeout]", "5"), ("set[metrics_token]", "0123456789abcdef")],
        ),
        ("save_schedule", vec![("cron", "0 5 * * *"), ("scope", "hidden")]),
        ("remove_schedule", vec![("id", "2")]),
        ("bulk_links", vec![("ids[0]", "1"), ("action", "delete")]),
        ("restore_links", vec![("ids", "1")]),
    ] {
        let answer = browser.post(&format!("/api/fn/{action}"), &fields);
        assert_eq!(answer.status, 200, "{action}: {}", answer.body);
    }
    desk.out(&["setting", "set", "retries", "2"]);
    browser.sign_in("wrong");

    let table = browser.get("/audit.csv").body;
    let lines: Vec<&str> = table.lines().rev().collect();
    for (line, expected) in lines.iter().zip([
        "owner,account_added,owner",
        "owner,signed_in,127.0.0.1",
        "owner,link_added,'=Alice",
        "owner,link_changed,",
        "owner,links_exempted,'=Alice",
        "owner,verdict_set,'=Alice: hide",
        "owner,links_grouped,'=Alice → 同行",
        "owner,setting_changed,",
        "owner,setting_changed,",
        "owner,schedule_set,0 5 * * * · hidden",
    ]) {
        assert!(line.contains(expected), "{line} is not {expected}\n{table}");
    }
    for expected in [
        "retries: 1 → 3",
        "metrics_token: – → ***",
        "schedule_removed",
        "links_restored",
        "command line,setting_changed,retries: 3 → 2",
        "owner,sign_in_failed,127.0.0.1",
    ] {
        assert!(table.contains(expected), "{expected} is not in\n{table}");
    }
    assert!(!table.contains("timeout:") && !table.contains("0123456789abcdef"), "{table}");
    let page = browser.get("/audit").body;
    assert!(page.contains("changed a setting") && page.contains("=Alice"), "{page}");
    for path in ["/audit", "/audit.csv"] {
        assert!(matches!(server.browser().get(path).status, 302 | 303), "{path} wants a log-in");
    }
}

#[test]
fn a_request_that_never_ends_is_hung_up_on() {
    let desk = Desk::new();
    let server = desk.serve(&[]);
    let start = Instant::now();
    let begun = [
        "",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        "PRI * HT",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ];
    let open = begun.map(|begun| {
        let mut stream = TcpStream::connect(&server.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        stream
    });
    for (mut stream, begun) in open.into_iter().zip(begun) {
        let ended = stream.read_to_end(&mut Vec::new());
        assert!(ended.is_ok(), "{begun:?} still holds its connection after {:?}: {ended:?}", start.elapsed());
    }
}

/// The value of a cookie that an answer sets.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case("set-cookie"));
    set.filter_map(|(_, cookie)| cookie.split(';').next()?.split_once('='))
        .find(|(held, _)| *held == name)
        .map(|(_, value)| value.to_owned())
}

#[test]
fn a_session_id_is_worth_nothing_after_the_next_log_in() {
    let desk = Desk::new();
    let (server, mut owner) = desk.serve_first_signed_in();
    let stolen = |browser: &Browser| browser.clone();
    let before = stolen(&owner);
    assert_eq!(owner.sign_in(PASSWORD).status, 200);
    assert_eq!(owner.get("/links").status, 200);
    assert_eq!(before.clone().get("/links").status, 302, "of before the log-in");
    let before = stolen(&owner);
    let fields = [("old", PASSWORD), ("password", "another long password"), ("again", "another long password")];
    assert_eq!(owner.post("/api/fn/change_password", &fields).status, 200);
    assert_eq!(owner.get("/links").status, 200);
    assert_eq!(before.clone().get("/links").status, 302, "of before the new password");

    // What lies in the database opens nothing.
    let answer = owner.sign_in("another long password");
    let id = cookie(&answer, "rollcall").unwrap();
    drop(server);
    let file = desk.path().join("data/rollcall.db");
    let held: Vec<u8> = ["", "-wal"]
        .into_iter()
        .flat_map(|more| std::fs::read(format!("{}{more}", file.display())).unwrap_or_default())
        .collect();
    assert!(!held.windows(id.len()).any(|part| part == id.as_bytes()));
}

#[test]
fn an_owner_who_is_known_passes_a_lock_out_by_strangers() {
    let desk = Desk::new();
    desk.out(&["setting", "set", "trusted_proxies", "127.0.0.1"]);
    let server = desk.serve(&[]);
    let from = |mut browser: Browser, address: &str| {
        browser.headers.retain(|(name, _)| *name != "X-Forwarded-For");
        browser.headers.push(("X-Forwarded-For", address.to_owned()));
        browser
    };
    let mut owner = from(english(server.browser()), "203.0.113.5");
    owner.set_up(&server);
    let mut attacker = from(english(server.browser()), "198.51.100.7");
    while wait(&attacker.sign_in("wrong")).is_none() {}
    let fresh = || english(server.browser());
    assert!(wait(&from(fresh(), "192.0.2.1").sign_in(PASSWORD)).is_some(), "a new place waits");
    assert_eq!(from(fresh(), "203.0.113.5").sign_in(PASSWORD).status, 200, "the owner's address does not");
    assert_eq!(from(owner.clone(), "198.51.100.7").sign_in(PASSWORD).status, 200, "nor the owner's device");
    let set = desk.command(&["user", "passwd", "owner"]).stdin(std::process::Stdio::piped()).spawn();
    let mut set = set.unwrap();
    set.stdin.take().unwrap().write_all(b"another long password\n").unwrap();
    assert!(set.wait().unwrap().success());
    assert_eq!(from(fresh(), "192.0.2.1").sign_in("another long password").status, 200, "a new password lifts it");
}

#[test]
fn pages_are_compressed_and_hold_no_secret() {
    let desk = Desk::new();
    let (server, mut owner) = desk.serve_first_signed_in();
    let token = "0123456789abcdef-token";
    let proxy = "http://me:secret@proxy.example.com:3128/";
    assert_eq!(
        owner.post("/api/fn/save_settings", &[("set[metrics_token]", token), ("set[proxy]", proxy)]).status,
        200
    );
    let page = owner.get("/settings").body;
    assert!(!page.contains(token) && !page.contains("secret@") && page.contains("***"));
    // What the page has shown comes back with the next change.
    let fields = [("set[metrics_token]", "***"), ("set[proxy]", "***"), ("set[retries]", "3")];
    assert_eq!(owner.post("/api/fn/save_settings", &fields).status, 200);
    assert_eq!(desk.out(&["setting", "get", "metrics_token"]).trim(), token);
    assert_eq!(desk.out(&["setting", "get", "proxy"]).trim(), proxy);

    for (accepted, site, coding) in [
        ("gzip, br", "same-origin", Some("br")),
        ("gzip", "none", Some("gzip")),
        ("identity", "none", None),
        ("gzip, br", "cross-site", None),
        ("gzip, br", "same-site", None),
    ] {
        let mut browser = owner.clone();
        browser.headers = vec![("Accept-Encoding", accepted.to_owned()), ("Sec-Fetch-Site", site.to_owned())];
        assert_eq!(browser.get("/links").header("content-encoding"), coding, "{accepted} {site}");
    }
    let mut browser = server.browser();
    browser.headers = vec![("Accept-Encoding", "br".to_owned())];
    assert_eq!(browser.get("/healthz").header("content-encoding"), None, "three bytes");
}

#[test]
fn a_page_that_is_only_looked_at_asks_for_nothing() {
    let site = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    site.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", site.local_addr().unwrap());
    let desk = Desk::new();
    let (_server, mut owner) = desk.serve_first_signed_in();
    assert_eq!(owner.get(&format!("/settings?url={url}&sites=https://me.test")).status, 200);
    assert!(site.accept().is_err(), "nobody came");
    owner.headers.push(("Accept-Language", "en".to_owned()));
    let fields = [("url", "http://127.0.0.1:1/"), ("sites", "https://me.test")];
    let answer = owner.post("/api/fn/try_page", &fields);
    let shown = answer.body.split("/settings?trial=").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let page = owner.get(&format!("/settings?trial={shown}")).body;
    assert!(page.contains("http://127.0.0.1:1/"), "{page}");
}

#[test]
fn the_session_cookie_is_for_this_site_alone_and_for_https_where_it_came_by_it() {
    let desk = Desk::new();
    let (server, _owner) = desk.serve_first_signed_in();
    for (forwarded, secure) in [(None, false), (Some("http"), false), (Some("https"), true)] {
        let mut browser = server.browser();
        browser.headers.extend(forwarded.map(|proto| ("X-Forwarded-Proto", proto.to_owned())));
        let answer = browser.sign_in(PASSWORD);
        let set = answer.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case("set-cookie"));
        let session = set.map(|(_, cookie)| cookie).find(|cookie| cookie.starts_with("rollcall=")).unwrap();
        assert!(session.contains("HttpOnly") && session.contains("SameSite=Lax"), "{session}");
        assert_eq!(session.contains("Secure"), secure, "{forwarded:?}: {session}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_ninety_days_is_over_before_its_next_request() {
    let desk = Desk::new();
    let (_server, mut owner) = desk.serve_first_signed_in();
    assert_eq!(owner.post("/api/fn/choose_theme", &[("theme", "dark")]).status, 200);
    let pool = sqlx::SqlitePool::connect(&desk.database()).await.unwrap();
    let age = |days: u32| {
        sqlx::query("UPDATE sessions SET record = json_set(record, '$.data.began', (unixepoch() - ? * 86400) * 1000)")
            .bind(days)
            .execute(&pool)
    };
    assert_eq!(age(89).await.unwrap().rows_affected(), 1);
    assert_eq!(owner.post("/api/fn/save_link", &[("url", "https://a.test"), ("active", "on")]).status, 200);
    age(91).await.unwrap();
    assert_eq!(owner.post("/api/fn/save_link", &[("url", "https://b.test"), ("active", "on")]).status, 401);
    assert_eq!(owner.get("/links").status, 302);
    assert_eq!(owner.sign_in(PASSWORD).status, 200);
    assert!(!owner.get("/links").body.contains("b.test"));
}

/// What a server answers to a host's name.
fn status_for(server: &Server, host: &str) -> u16 {
    let mut stream = TcpStream::connect(&server.addr).unwrap();
    stream.write_all(format!("GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_public_address_that_the_command_line_sets_is_answered_without_a_restart() {
    let desk = Desk::new();
    let (server, _owner) = desk.serve_first_signed_in();
    assert_eq!(status_for(&server, "roll.example.com"), 421);
    desk.out(&["setting", "set", "public_url", "https://roll.example.com"]);
    let given_up = Instant::now() + Duration::from_secs(20);
    while status_for(&server, "roll.example.com") != 200 {
        assert!(Instant::now() < given_up, "it is never answered");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(status_for(&server, "other.example.com"), 421);
}
