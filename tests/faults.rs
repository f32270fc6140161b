//! The matrix: every failure by its right name, in its words, and in its time, against real sockets.
//! tests/network.rs has the rows for names and certificates; docs/verdicts.md lists the classes.

mod support;

use futures::{StreamExt, stream};
use rollcall::domain::{
    class::Class,
    lang::Lang,
    observation::{BacklinkState, Observation, Standing},
    reason::Reason,
};
use std::{collections::BTreeMap, time::Duration};
use support::{
    LIMIT, ME, Site, check_with, forgetful, friendly, gone, head, ok, probe, says, says_in_turn, site, status, terms,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
};

/// Checks under way at once: enough to be quick, few enough for their times to mean something.
const AT_ONCE: usize = 6;
/// A page that links back, for coded bodies.
const PAGE: &str = "<title>A friend</title><a href='https://me.example.com/'>me</a>";

/// One row of the matrix.
struct Row {
    fault: String,
    url: String,
    class: Class,
    /// Lives as long as the row.
    _site: Option<Site>,
}

fn row(fault: impl Into<String>, site: Site, class: Class) -> Row {
    Row { fault: fault.into(), url: site.url(), class, _site: Some(site) }
}

async fn said(fault: impl Into<String>, answer: impl Into<Vec<u8>>, class: Class) -> Row {
    row(fault, says(answer).await, class)
}

/// Checks every row, each in its time, and gives what was seen by the fault's name.
async fn hold(rows: Vec<Row>) -> BTreeMap<String, Observation> {
    let probe = probe();
    let checks = rows.iter().map(|row| {
        let probe = probe.clone();
        async move { (row, check_with(&probe, &support::about("x", &row.url), terms(0)).await) }
    });
    let seen: Vec<_> = stream::iter(checks).buffer_unordered(AT_ONCE).collect().await;
    let mut all = BTreeMap::new();
    for (row, seen) in seen {
        assert_eq!(seen.class, row.class, "{}: {:?}", row.fault, seen.evidence);
        assert_eq!(seen.attempts, 1, "{}", row.fault);
        for lang in [Lang::Zh, Lang::En] {
            let words = Reason::of(&seen).words(lang);
            assert!(!words.is_empty() && !words.contains('_'), "{}: {words}", row.fault);
        }
        assert!(serde_json::to_string(&seen.evidence).unwrap().len() <= 4096, "{}", row.fault);
        all.insert(row.fault.clone(), seen);
    }
    all
}

/// An answer with these headers and a body of its length.
fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut all = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    all.extend_from_slice(body);
    all
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

async fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = async_compression::tokio::write::BrotliEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

async fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = async_compression::tokio::write::ZstdEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

#[tokio::test]
async fn statuses() {
    let mut rows = Vec::new();
    for code in (520..=526).chain([204, 206, 304, 401, 403, 404, 405, 410, 418, 451, 500, 501, 502, 503, 504]) {
        rows.push(said(code.to_string(), status(code, ""), Class::HttpStatus).await);
    }
    for (fault, header) in [
        ("429", ""),
        ("429 with seconds", "Retry-After: 120\r\n"),
        ("429 with a date", "Retry-After: Sat, 21 Nov 2037 00:00:00 GMT\r\n"),
    ] {
        rows.push(said(fault, status(429, header), Class::RateLimited).await);
    }
    let soft = format!("<title>404 Not Found</title><h1>404</h1><a href='{ME}'>me</a>");
    rows.push(said("an error's title, with the link", ok(&soft), Class::Ok).await);
    let bare = "<title>404 Not Found</title><h1>404 Not Found</h1><p>nginx</p>";
    rows.push(said("an error's title, without", ok(bare), Class::BacklinkMissing).await);
    rows.push(said("nothing at all", ok(""), Class::BacklinkMissing).await);
    rows.push(said("the page of a friend", friendly(), Class::Ok).await);
    rows.push(said("the page of a forgetful one", forgetful(), Class::BacklinkMissing).await);
    let scripted = "<div id=root></div><script src=a.js></script>";
    rows.push(said("a page of scripts", ok(scripted), Class::ScriptOnly).await);
    let seen = hold(rows).await;
    assert_eq!(seen["520"].status, Some(520));
    assert!(seen["429"].standing() == Standing::Unverifiable);
    assert_eq!(seen["an error's title, without"].evidence.excerpt.as_deref(), Some("404 Not Found nginx"));
    assert_eq!(seen["a page of scripts"].backlink.state, BacklinkState::Unreadable);
}

/// Drops a connection so that the other side is reset.
fn reset(stream: TcpStream) -> std::io::Result<()> {
    stream.set_zero_linger()
}

#[tokio::test]
async fn connections() {
    let mut rows = vec![Row { fault: "refused".into(), url: gone().await, class: Class::ConnectRefused, _site: None }];
    // A broadcast address has no TCP: the kernel says that the network is unreachable.
    let nowhere = "http://127.255.255.255:8080/".to_owned();
    rows.push(Row { fault: "unreachable".into(), url: nowhere, class: Class::Unreachable, _site: None });
    rows.push(row("closed at once", site(|_, _| async { Ok(()) }).await, Class::ConnectionReset));
    rows.push(row("reset at once", site(|stream, _| async { reset(stream) }).await, Class::ConnectionReset));
    let after_head = |mut stream: TcpStream, _| async move {
        head(&mut stream).await?;
        reset(stream)
    };
    rows.push(row("reset before the answer", site(after_head).await, Class::ConnectionReset));
    let midway = |mut stream: TcpStream, _| async move {
        head(&mut stream).await?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<p>half").await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        reset(stream)
    };
    rows.push(row("reset in the middle of the answer", site(midway).await, Class::ConnectionReset));
    rows.push(said("half a head", "HTTP/1.1 200 OK\r\nContent-", Class::ConnectionReset).await);
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort";
    rows.push(said("shorter than Content-Length", short, Class::ConnectionReset).await);
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", "words ".repeat(20));
    rows.push(said("longer than Content-Length", long, Class::BacklinkMissing).await);

    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    for _ in 0..2 {
        queue.push(TcpStream::connect(addr).await.unwrap());
    }
    let full = Row {
        fault: "a full backlog".into(),
        url: format!("http://{addr}/"),
        class: Class::ConnectTimeout,
        _site: None,
    };
    rows.push(full);
    let seen = hold(rows).await;
    drop((listener, queue));
    assert_eq!(seen["shorter than Content-Length"].status, Some(200));
    assert_eq!(seen["refused"].status, None);
}

#[tokio::test]
async fn protocols() {
    let mut rows = vec![said("SSH", "SSH-2.0-OpenSSH_9.2\r\n", Class::HttpProtocol).await];
    rows.push(said("SMTP", "220 mail.test ESMTP\r\n", Class::HttpProtocol).await);
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    rows.push(said("broken chunking", format!("{chunks}zz\r\nno\r\n0\r\n\r\n"), Class::HttpProtocol).await);
    rows.push(said("chunks without an end", format!("{chunks}5\r\nshort\r\n"), Class::ConnectionReset).await);
    let two = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nshort";
    rows.push(said("two lengths", two, Class::HttpProtocol).await);
    let wide = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(500_000));
    rows.push(said("a header of 500 kB", wide, Class::HttpProtocol).await);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: 1\r\n".repeat(20_000));
    rows.push(said("20,000 header lines", many, Class::HttpProtocol).await);
    rows.push(said("a status beyond numbers", "HTTP/1.1 abc\r\n\r\n", Class::HttpProtocol).await);
    hold(rows).await;
}

/// A site that writes `first` and then `again` for ever.
async fn drips(first: &'static str, again: &'static str, every: Duration) -> Site {
    site(move |mut stream, _| async move {
        head(&mut stream).await?;
        stream.write_all(first.as_bytes()).await?;
        loop {
            stream.write_all(again.as_bytes()).await?;
            tokio::time::sleep(every).await;
        }
    })
    .await
}

#[tokio::test]
async fn silence_and_drips() {
    let moment = Duration::from_millis(30);
    let whole = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
    let mut rows = vec![row("never answers", drips("", "", moment).await, Class::Timeout)];
    rows.push(row("trickles the head", drips("HTTP/1.1 200 OK\r\n", "X: y\r\n", moment).await, Class::Timeout));
    rows.push(row("trickles the body for ever", drips(whole, "<p>", moment).await, Class::Timeout));
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<p>half";
    rows.push(row("half a body, then silence", drips(half, "", moment).await, Class::Timeout));
    let early = "HTTP/1.1 103 Early Hints\r\n\r\n";
    rows.push(row("interim answers without end", drips("", early, moment).await, Class::Timeout));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    rows.push(row("trickles chunks", drips(chunked, "3\r\n<p>\r\n", moment).await, Class::Timeout));
    let seen = hold(rows).await;
    assert_eq!(seen["trickles the body for ever"].status, Some(200));
    let late = u128::from(seen["never answers"].ms);
    assert!(late >= LIMIT.as_millis(), "given up after {late} ms");
}

#[tokio::test]
async fn codings() {
    let gz = "Content-Encoding: gzip\r\n";
    let page = PAGE.as_bytes();
    let twice = gzip(&gzip(page));
    let bomb = gzip(&vec![b' '; 100 << 20]);
    let junk = b"this was never compressed by anything";
    let (br, zs) = (brotli(page).await, zstd(page).await);
    let mut rows = Vec::new();
    for (fault, headers, body, class) in [
        ("gzip", gz, gzip(page), Class::Ok),
        ("x-gzip", "Content-Encoding: X-GZIP\r\n", gzip(page), Class::Ok),
        ("deflate", "Content-Encoding: deflate\r\n", zlib(page), Class::Ok),
        ("br", "Content-Encoding: br\r\n", br.clone(), Class::Ok),
        ("zstd", "Content-Encoding: zstd\r\n", zs.clone(), Class::Ok),
        ("double gzip", "Content-Encoding: gzip, gzip\r\n", twice.clone(), Class::Ok),
        ("double gzip in two lines", "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", twice.clone(), Class::Ok),
        ("once more than it says", gz, twice, Class::DecodeFailure),
        ("gzip that nobody mentions", "", gzip(page), Class::DecodeFailure),
        ("four codings", "Content-Encoding: gzip, gzip, gzip, gzip\r\n", gzip(page), Class::DecodeFailure),
        ("a coding that nobody knows", "Content-Encoding: utf-8\r\n", page.to_vec(), Class::Ok),
        ("broken gzip", gz, junk.to_vec(), Class::DecodeFailure),
        ("broken br", "Content-Encoding: br\r\n", junk.to_vec(), Class::DecodeFailure),
        ("broken zstd", "Content-Encoding: zstd\r\n", junk.to_vec(), Class::DecodeFailure),
        ("gzip cut short", gz, bomb[..2000].to_vec(), Class::DecodeFailure),
        ("a gzip bomb", gz, bomb.clone(), Class::BodyTooLarge),
        ("a bomb in a bomb", "Content-Encoding: gzip, gzip\r\n", gzip(&bomb), Class::BodyTooLarge),
        ("a br bomb", "Content-Encoding: br\r\n", brotli(&vec![b' '; 20 << 20]).await, Class::BodyTooLarge),
        ("a zstd bomb", "Content-Encoding: zstd\r\n", zstd(&vec![b' '; 100 << 20]).await, Class::BodyTooLarge),
    ] {
        rows.push(said(fault, answer(headers, &body), class).await);
    }
    let endless = drips("HTTP/1.1 200 OK\r\n\r\n", LINE.as_str(), Duration::ZERO).await;
    rows.push(row("a page without an end", endless, Class::BodyTooLarge));
    let crumbs = drips("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", CRUMBS.as_str(), Duration::ZERO).await;
    rows.push(row("a body in crumbs", crumbs, Class::BodyTooLarge));
    let seen = hold(rows).await;
    assert!(seen["a gzip bomb"].evidence.bytes.unwrap() <= 2 << 20);
}

static CRUMBS: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| "1\r\nx\r\n".repeat(10_000));
static LINE: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| format!("<p>{}</p>\n", "more ".repeat(10_000)));

#[tokio::test]
async fn redirects() {
    let mut rows = Vec::new();
    for (hops, class) in [(5, Class::Ok), (6, Class::RedirectLoop), (u32::MAX, Class::RedirectLoop)] {
        let chain = site(move |mut stream, n| async move {
            head(&mut stream).await?;
            let answer = if n < hops { status(302, &format!("Location: /{n}\r\n")) } else { friendly() };
            stream.write_all(answer.as_bytes()).await
        })
        .await;
        rows.push(row(format!("a chain of {hops}"), chain, class));
    }
    rows.push(said("a loop of one", status(301, "Location: /\r\n"), Class::RedirectLoop).await);
    for code in [301, 302, 303, 307, 308] {
        let answers = vec![status(code, "Location: /next\r\n"), friendly()];
        rows.push(row(format!("{code}"), says_in_turn(answers).await, Class::Ok));
    }
    let other = says(friendly()).await;
    let to_other = status(302, &format!("Location: {}\r\n", other.url().replace("127.0.0.1", "127.0.0.2")));
    rows.push(said("to another host, where nobody listens", to_other, Class::ConnectRefused).await);
    rows.push(said("to another host", status(302, &format!("Location: {}\r\n", other.url())), Class::Ok).await);
    for (fault, location, class) in [
        ("no Location", "", Class::RedirectInvalid),
        ("an empty Location", "Location: \r\n", Class::RedirectInvalid),
        ("a bad Location", "Location: http://[nonsense\r\n", Class::RedirectInvalid),
        (
            "to a host of thousands of letters",
            &format!("Location: http://{}.test/\r\n", "%E5%8F%8B".repeat(20_000)),
            Class::RedirectInvalid,
        ),
        ("to ftp", "Location: ftp://127.0.0.1/\r\n", Class::BlockedByPolicy),
        ("to a file", "Location: file:///etc/passwd\r\n", Class::BlockedByPolicy),
        ("to a script", "Location: javascript:alert(1)\r\n", Class::BlockedByPolicy),
        ("inwards", "Location: http://10.0.0.1/\r\n", Class::BlockedByPolicy),
        ("to a port of others", "Location: http://127.0.0.1:22/\r\n", Class::BlockedByPolicy),
    ] {
        rows.push(said(fault, status(302, location), class).await);
    }
    let refresh = |content: &str| ok(&format!("<meta http-equiv=refresh content=\"{content}\">"));
    let soon = says_in_turn(vec![refresh("5; url=/new"), friendly()]).await;
    rows.push(row("a refresh of 5 s", soon, Class::Ok));
    rows.push(said("a refresh of 6 s", refresh("6; url=/new"), Class::BacklinkMissing).await);
    let round = site(|mut stream, n| async move {
        head(&mut stream).await?;
        let page = ok(&format!("<meta http-equiv=refresh content='0; url=/{n}'>"));
        stream.write_all(page.as_bytes()).await
    })
    .await;
    rows.push(row("refreshes without end", round, Class::RedirectLoop));
    let seen = hold(rows).await;
    assert_eq!(seen["301"].evidence.hops.len(), 1);
    assert!(seen["301"].final_url.as_deref().unwrap().ends_with("/next"));
    assert_eq!(seen["a chain of 5"].evidence.hops.len(), 5);
    assert!(seen["no Location"].evidence.detail.is_none());
}
