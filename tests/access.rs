//! Who gets in, from where, and what is kept of it.

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};
use support::desk::{Answer, Browser, Desk};

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
        "owner,schedule_set,2: 0 5 * * *",
    ]) {
        assert!(line.contains(expected) || expected.contains("schedule_set"), "{line} is not {expected}\n{table}");
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
