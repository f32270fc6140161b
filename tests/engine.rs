//! Single attempts and whole checks against real sockets. tests/faults.rs has the matrix of failures.

mod support;

use rollcall::{
    domain::{
        class::Class,
        link::Overrides,
        observation::{BacklinkState, Observation},
    },
    engine::{guard::Allowed, probe::Probe},
};
use std::time::Duration;
use support::{ME, check_with, friendly, head, ok, probe, says, says_in_turn, site, status, terms};
use tokio::{io::AsyncWriteExt, time::Instant};

async fn check(url: &str) -> Observation {
    check_with(&probe(), &support::about("x", url), terms(0)).await
}

#[tokio::test]
async fn after_a_match_the_rest_does_not_matter() {
    let drip = site(|mut stream, _| async move {
        head(&mut stream).await?;
        let start = format!("HTTP/1.1 200 OK\r\n\r\n<a href='{ME}'>me</a>{}", " ".repeat(2000));
        stream.write_all(start.as_bytes()).await?;
        loop {
            stream.write_all(b"<p>").await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let start = Instant::now();
    assert_eq!(check(&drip.url()).await.class, Class::Ok);
    assert!(start.elapsed() < Duration::from_millis(400), "it was read on: {:?}", start.elapsed());
}

#[tokio::test]
async fn where_no_backlink_is_wanted_status_alone_decides() {
    let mut about =
        support::about("x", &says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip at all").await.url());
    assert_eq!(check_with(&probe(), &about, terms(0)).await.class, Class::DecodeFailure);
    about.overrides = Overrides { backlink_off: true, ..Overrides::default() };
    let seen = check_with(&probe(), &about, terms(0)).await;
    assert_eq!((seen.class, seen.backlink.state), (Class::Ok, BacklinkState::NotChecked));
}

#[tokio::test]
async fn forbidden_places_are_not_asked() {
    let inner = says(friendly()).await;
    let closed = Probe::new(Allowed::default(), Vec::new()).unwrap();
    let seen = check_with(&closed, &support::about("x", &inner.url()), terms(0)).await;
    assert_eq!(seen.class, Class::BlockedByPolicy);
    assert_eq!(inner.hits(), 0, "no connection was made");
    for to in [
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "http://127.0.0.1:22/",
        "http://a@127.0.0.1/",
    ] {
        let seen = check(&says(status(302, &format!("Location: {to}\r\n"))).await.url()).await;
        assert_eq!(seen.class, Class::BlockedByPolicy, "{to}");
    }
}

#[tokio::test]
async fn the_backlink_may_stand_on_its_own_page() {
    let split = |mut stream: tokio::net::TcpStream, _| async move {
        let path = head(&mut stream).await?;
        let answer = match path.as_str() {
            "/" => ok(&format!("<p>{}</p><a href='/links/'>友情链接</a>", "words ".repeat(60))),
            "/links/" => friendly(),
            _ => status(404, ""),
        };
        stream.write_all(answer.as_bytes()).await
    };
    let host = site(split).await;
    let seen = check(&host.url()).await;
    assert_eq!((seen.class, seen.attempts), (Class::Ok, 2));
    assert!(seen.backlink.page.unwrap().ends_with("/links/"));

    let mut about = support::about("x", &host.url());
    about.backlink_page = format!("{}links/", host.url());
    assert_eq!(check_with(&probe(), &about, terms(0)).await.class, Class::Ok);
    about.backlink_page = format!("{}nowhere", host.url());
    let seen = check_with(&probe(), &about, terms(0)).await;
    assert_eq!((seen.class, seen.status), (Class::HttpStatus, Some(404)));
}

#[tokio::test]
async fn transient_failures_are_tried_again() {
    let flaky = says_in_turn(vec![status(503, ""), friendly()]).await;
    let seen = check_with(&probe(), &support::about("x", &flaky.url()), terms(1)).await;
    assert_eq!((seen.class, seen.attempts), (Class::Ok, 2));
    assert_eq!(seen.evidence.earlier[0].status, Some(503));
    let dead = says(status(404, "")).await;
    check_with(&probe(), &support::about("x", &dead.url()), terms(5)).await;
    assert_eq!(dead.hits(), 1, "a definite answer is not asked for again");
    let later = says_in_turn(vec![status(429, "Retry-After: 0\r\n"), friendly()]).await;
    assert_eq!(check_with(&probe(), &support::about("x", &later.url()), terms(1)).await.class, Class::Ok);
}

#[tokio::test]
async fn other_accepted_statuses_and_charsets() {
    let mut about = support::about("x", &says(status(403, "")).await.url());
    about.overrides = Overrides { accept: vec![403], backlink_off: true, ..Overrides::default() };
    assert_eq!(check_with(&probe(), &about, terms(0)).await.class, Class::Ok);
    let html = format!("<meta charset=gbk><title>我的博客</title><p>{}</p><a href='{ME}'>友链</a>", "今天".repeat(200));
    let (body, ..) = encoding_rs::GBK.encode(&html);
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(&body);
    let seen = check(&says(answer).await.url()).await;
    assert_eq!((seen.class, seen.evidence.title.as_deref()), (Class::Ok, Some("我的博客")));
}
