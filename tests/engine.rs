//! Every failure by its right name, in its time, against real sockets.

mod support;

use rollcall::{
    domain::{
        backlink::MySites,
        class::Class,
        link::Overrides,
        observation::{BacklinkState, Observation},
        settings::Limits,
    },
    engine::{
        check::{Course, Next, Terms},
        guard::Allowed,
        probe::Probe,
    },
};
use std::{sync::Arc, time::Duration};
use support::{ME, forgetful, friendly, gone, head, ok, probe, says, says_in_turn, site, status};
use tokio::{io::AsyncWriteExt, time::Instant};

const LIMIT: Duration = Duration::from_millis(700);

fn terms(retries: u32) -> Arc<Terms> {
    let ms = u32::try_from(LIMIT.as_millis()).unwrap();
    Arc::new(Terms {
        sites: Arc::new(MySites::new(&[ME.to_owned()], &[]).unwrap()),
        discovery: true,
        limits: Limits { timeout_ms: ms, connect_timeout_ms: 500, retries, ..Limits::default() },
        user_agent: "test".into(),
    })
}

/// One whole check, with its waits.
async fn check_with(probe: &Probe, about: &rollcall::domain::link::About, terms: Arc<Terms>) -> Observation {
    let mut course = Course::new(1, about, terms);
    let clock = support::clock();
    loop {
        let start = Instant::now();
        let seen = probe.ask(&course.request(), clock.now()).await;
        assert!(start.elapsed() < LIMIT + Duration::from_millis(100), "took {:?}", start.elapsed());
        match course.take(seen, clock.now(), 0.0) {
            Next::Done(observation) => return *observation,
            Next::Ask(wait) => tokio::time::sleep(wait).await,
        }
    }
}

async fn check(url: &str) -> Observation {
    check_with(&probe(), &support::about("x", url), terms(0)).await
}

async fn class_of(answer: impl Into<Vec<u8>>) -> Class {
    check(&says(answer).await.url()).await.class
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n".to_vec();
    answer.extend_from_slice(body);
    answer
}

#[tokio::test]
async fn answers_have_their_names() {
    assert_eq!(class_of(friendly()).await, Class::Ok);
    assert_eq!(class_of(forgetful()).await, Class::BacklinkMissing);
    for code in [204, 304, 401, 403, 404, 410, 418, 451, 500, 503, 520] {
        assert_eq!(class_of(status(code, "")).await, Class::HttpStatus, "{code}");
    }
    assert_eq!(class_of(status(429, "")).await, Class::RateLimited);
    assert_eq!(class_of(status(403, "cf-mitigated: challenge\r\n")).await, Class::BotChallenge);
    assert_eq!(class_of(ok("<div id=root></div><script src=a.js></script>")).await, Class::ScriptOnly);
}

#[tokio::test]
async fn broken_connections_have_their_names() {
    assert_eq!(check(&gone().await).await.class, Class::ConnectRefused);
    assert_eq!(check(&site(|_, _| async { Ok(()) }).await.url()).await.class, Class::ConnectionReset);
    assert_eq!(class_of("SSH-2.0-OpenSSH_9.2\r\n").await, Class::HttpProtocol);
    assert_eq!(class_of("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort").await, Class::ConnectionReset);
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nno\r\n0\r\n\r\n";
    assert_eq!(class_of(chunks).await, Class::HttpProtocol);
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(600_000));
    assert_eq!(class_of(long).await, Class::HttpProtocol);
}

#[tokio::test]
async fn silence_and_drips_end_in_time() {
    let silent = site(|stream, _| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
        Ok(())
    })
    .await;
    assert_eq!(check(&silent.url()).await.class, Class::Timeout);
    let drip = site(|mut stream, _| async move {
        head(&mut stream).await?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n").await?;
        loop {
            stream.write_all(b"<p>").await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let seen = check(&drip.url()).await;
    assert_eq!((seen.class, seen.status), (Class::Timeout, Some(200)));
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
    let mut about = support::about("x", &says(gzipped(b"not gzip at all")).await.url());
    assert_eq!(check_with(&probe(), &about, terms(0)).await.class, Class::DecodeFailure);
    about.overrides = Overrides { backlink_off: true, ..Overrides::default() };
    let seen = check_with(&probe(), &about, terms(0)).await;
    assert_eq!((seen.class, seen.backlink.state), (Class::Ok, BacklinkState::NotChecked));
}

#[tokio::test]
async fn bombs_and_endless_pages_are_cut() {
    let bomb = gzipped(&gzip(&vec![b' '; 200 << 20]));
    let start = Instant::now();
    assert_eq!(class_of(bomb).await, Class::BodyTooLarge);
    assert!(start.elapsed() < LIMIT + Duration::from_secs(4));
    let found = gzipped(&gzip(format!("<a href='{ME}'>x</a>{}", "y".repeat(100_000)).as_bytes()));
    assert_eq!(class_of(found).await, Class::Ok);
}

#[tokio::test]
async fn redirects_are_followed_five_times() {
    for (hops, expected) in [(5, Class::Ok), (6, Class::RedirectLoop)] {
        let chain = site(move |mut stream, n| async move {
            head(&mut stream).await?;
            let answer = if n < hops { status(302, &format!("Location: /{n}\r\n")) } else { friendly() };
            stream.write_all(answer.as_bytes()).await
        })
        .await;
        assert_eq!(check(&chain.url()).await.class, expected, "{hops} hops");
    }
    for code in [301, 302, 303, 307, 308] {
        let answers = vec![status(code, "Location: /next\r\n"), friendly()];
        let seen = check(&says_in_turn(answers).await.url()).await;
        assert_eq!((seen.class, seen.evidence.hops.len()), (Class::Ok, 1), "{code}");
        assert!(seen.final_url.unwrap().ends_with("/next"));
    }
    assert_eq!(class_of(status(301, "")).await, Class::RedirectInvalid);
    assert_eq!(class_of(status(301, "Location: http://[nonsense\r\n")).await, Class::RedirectInvalid);
    let refresh = vec![ok("<meta http-equiv=refresh content='0;url=/new'>"), friendly()];
    assert_eq!(check(&says_in_turn(refresh).await.url()).await.class, Class::Ok);
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
