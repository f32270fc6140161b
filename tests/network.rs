//! Names and certificates: a DNS server and TLS servers of our own.

mod support;

use chrono::Datelike;
use hickory_resolver::proto::op::ResponseCode;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rollcall::{
    domain::{
        class::Class,
        observation::{Doubt, Observation},
        settings::Limits,
    },
    engine::{
        check::{Course, Next, Terms},
        guard::Allowed,
        probe::Probe,
    },
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use support::{
    dns::{NameServer, Reply},
    friendly, says,
};
use tokio::io::AsyncWriteExt;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

/// `mixed.test` has a public and a private address, `fake.test` one of a local proxy's, and so on.
async fn name_server() -> SocketAddr {
    let server = NameServer::start(|name, _| match name {
        "here.test" => Reply::Addresses(vec![[127, 0, 0, 1]]),
        "mixed.test" => Reply::Addresses(vec![[93, 184, 216, 34], [10, 0, 0, 1]]),
        "fake.test" => Reply::Addresses(vec![[198, 18, 0, 7]]),
        "empty.test" => Reply::Addresses(Vec::new()),
        "refused.test" => Reply::Code(ResponseCode::Refused),
        "broken.test" => Reply::Code(ResponseCode::ServFail),
        "silent.test" => Reply::Silence,
        _ => Reply::Code(ResponseCode::NXDomain),
    })
    .await;
    server.addr
}

fn terms() -> Terms {
    let limits = Limits { retries: 0, ..Limits::default() };
    Terms { sites: Arc::default(), discovery: false, limits, user_agent: "test".into() }
}

async fn check(probe: &Probe, url: &str) -> Observation {
    let mut course = Course::new(1, &support::about("x", url), Arc::new(terms()));
    let clock = support::clock();
    let seen = probe.ask(&course.request(), clock.now()).await;
    match course.take(seen, clock.now(), 0.0) {
        Next::Done { seen, .. } => *seen,
        Next::Ask(_) => panic!("nothing is to be retried here"),
    }
}

#[tokio::test]
async fn names_are_guarded_and_their_failures_told_apart() {
    let dns = name_server().await;
    let here = says(friendly()).await;
    let open = Probe::new(support::loopback(), vec![dns]).unwrap();
    let port = here.addr.port();
    let seen = check(&open, &format!("http://here.test:{port}/")).await;
    assert_eq!((seen.class, seen.status), (Class::Ok, Some(200)));
    for (name, class) in [
        ("nowhere.test", Class::DnsNotFound),
        ("empty.test", Class::DnsNotFound),
        ("refused.test", Class::DnsFailure),
        ("broken.test", Class::DnsFailure),
        ("silent.test", Class::DnsFailure),
        ("mixed.test", Class::BlockedByPolicy),
    ] {
        let seen = check(&open, &format!("http://{name}:{port}/")).await;
        assert_eq!(seen.class, class, "{name}: {:?}", seen.evidence.detail);
        assert!(!seen.inconclusive);
        assert!(seen.ms < 5100);
    }
    let fake = check(&open, "http://fake.test/").await;
    assert_eq!((fake.class, fake.inconclusive), (Class::BlockedByPolicy, true));

    let hits = here.hits();
    let closed = Probe::new(Allowed::default(), vec![dns]).unwrap();
    assert_eq!(check(&closed, &format!("http://here.test:{port}/")).await.class, Class::BlockedByPolicy);
    assert_eq!(here.hits(), hits, "a name does not lead where its address may not");
}

/// Addresses that this machine has no way to say nothing of the site, by a name or as they are: where IPv6 is switched
/// off the system's word for it is the one for a shortage of ports.
#[tokio::test]
async fn an_address_that_cannot_be_reached_from_here_is_no_shortage() {
    let six = "2606:4700:4700::1111";
    let routed = std::net::UdpSocket::bind("[::]:0").and_then(|socket| socket.connect((six, 9)));
    if routed.is_ok() {
        eprintln!("this machine has a way to {six}: nothing to see here");
        return;
    }
    let probe = Probe::new(Allowed::default(), Vec::new()).unwrap();
    let request = Course::new(1, &support::about("x", &format!("http://[{six}]/")), Arc::new(terms())).request();
    let seen = probe.ask(&request, support::clock().now()).await;
    assert_eq!((seen.class, seen.own, seen.doubt), (Class::Unreachable, None, Some(Doubt::NoRoute)));
    assert!(seen.detail.is_some_and(|words| words.contains("no way there")));
}

/// What is wrong with a certificate.
#[derive(Clone, Copy)]
enum Flaw {
    None,
    Expired,
    NotYet,
    OtherName,
    /// No flaw, but it ends in ten days.
    EndsSoon,
}

fn certificate(
    authority: &CertifiedIssuer<'static, KeyPair>,
    flaw: Flaw,
) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let name = if matches!(flaw, Flaw::OtherName) { "other.test" } else { "here.test" };
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let day = |year| rcgen::date_time_ymd(year, 1, 1);
    (params.not_before, params.not_after) = match flaw {
        Flaw::Expired => (day(2019), day(2020)),
        Flaw::NotYet => (day(2090), day(2091)),
        Flaw::EndsSoon => {
            let end = (support::clock().now() + chrono::TimeDelta::days(10)).date_naive();
            let (month, day_of_month) = (end.month() as u8, end.day() as u8);
            (day(2020), rcgen::date_time_ymd(end.year(), month, day_of_month))
        }
        Flaw::None | Flaw::OtherName => (day(2020), day(2090)),
    };
    let key = KeyPair::generate().unwrap();
    let signed = params.signed_by(&key, authority).unwrap();
    (vec![signed.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Test authority");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

async fn tls_site(authority: &CertifiedIssuer<'static, KeyPair>, flaw: Flaw) -> u16 {
    let (chain, key) = certificate(authority, flaw);
    serve_tls(chain, key).await
}

fn server_config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

async fn serve_tls(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> u16 {
    let acceptor = TlsAcceptor::from(Arc::new(server_config(chain, key)));
    let site = support::site(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await?;
            let mut held = [0; 1024];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut held).await?;
            stream.write_all(friendly().as_bytes()).await?;
            stream.shutdown().await
        }
    })
    .await;
    site.addr.port()
}

/// A site that speaks HTTP/2 and nothing else.
async fn h2_site(authority: &CertifiedIssuer<'static, KeyPair>) -> u16 {
    let (chain, key) = certificate(authority, Flaw::None);
    let mut config = server_config(chain, key);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    const PAGE: &str = "<a href=https://me.example.com/>me</a>";
    let site = support::site(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let stream = hyper_util::rt::TokioIo::new(acceptor.accept(stream).await?);
            let answer = hyper::service::service_fn(async |asked: hyper::Request<hyper::body::Incoming>| {
                assert_eq!(asked.version(), hyper::Version::HTTP_2);
                Ok::<_, std::convert::Infallible>(hyper::Response::new(axum::body::Body::from(PAGE)))
            });
            let executor = hyper_util::rt::TokioExecutor::new();
            let served = hyper::server::conn::http2::Builder::new(executor).serve_connection(stream, answer).await;
            served.map_err(std::io::Error::other)
        }
    })
    .await;
    site.addr.port()
}

/// The program itself, trusting our authority by SSL_CERT_FILE, as an owner with a private one would run it.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_have_their_names() {
    let dns = name_server().await;
    let (trusted, stranger) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, trusted.pem()).unwrap();
    let plain = support::site(|mut stream, _| async move {
        // As web servers answer what is no HTTP.
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await?;
        stream.shutdown().await
    })
    .await;
    let cases = [
        ("fine", tls_site(&trusted, Flaw::None).await, "ok"),
        ("ends soon", tls_site(&trusted, Flaw::EndsSoon).await, "ok"),
        ("expired", tls_site(&trusted, Flaw::Expired).await, "tls_expired"),
        ("not yet", tls_site(&trusted, Flaw::NotYet).await, "tls_not_yet_valid"),
        ("other name", tls_site(&trusted, Flaw::OtherName).await, "tls_name_mismatch"),
        ("stranger", tls_site(&stranger, Flaw::None).await, "tls_untrusted"),
        ("plain", plain.addr.port(), "tls_failure"),
    ];
    let own = rcgen::generate_simple_self_signed(vec!["here.test".to_owned()]).unwrap();
    let own_key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let self_signed = serve_tls(vec![own.cert.der().clone()], own_key).await;
    // What a server answers that knows nothing newer than TLS 1.0: its hello, in that version.
    let old = support::site(|mut stream, _| async move {
        let mut held = [0; 1024];
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut held).await?;
        let mut hello = vec![0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
        hello.extend([7; 32]);
        hello.extend([0, 0, 0x2f, 0]);
        stream.write_all(&hello).await?;
        tokio::io::AsyncReadExt::read(&mut stream, &mut held).await.map(|_| ())
    })
    .await;
    let cases = [
        &cases[..],
        &[
            ("HTTP/2", h2_site(&trusted).await, "ok"),
            ("self-signed", self_signed, "tls_untrusted"),
            ("TLS 1.0", old.addr.port(), "tls_failure"),
        ],
    ]
    .concat();
    let rollcall = |args: Vec<String>| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command
            .args(args)
            .env("ROLLCALL_DATABASE", format!("sqlite:{}", folder.path().join("t.db").display()))
            .env("SSL_CERT_FILE", &roots);
        async move { tokio::time::timeout(Duration::from_secs(30), command.output()).await.unwrap().unwrap() }
    };
    for (name, port, _) in &cases {
        let url = format!("https://here.test:{port}/");
        rollcall(["link", "add", &url, "--name", name].map(str::to_owned).to_vec()).await;
    }
    let args = ["check", "--format", "json", "--details", "--retries=0", "--allow-net", "127.0.0.0/8", "--dns"];
    let mut args: Vec<String> = args.map(str::to_owned).to_vec();
    args.push(dns.to_string());
    let output = rollcall(args).await;
    let envelope: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (name, _, class) in cases {
        let links = envelope["data"]["links"].as_array().unwrap();
        let link = links.iter().find(|link| link["name"] == name).unwrap();
        assert_eq!(link["class"], class, "{name}");
        let expected = if name == "ends soon" { serde_json::json!(["cert_expiring"]) } else { serde_json::json!([]) };
        assert_eq!(link["flags"], expected, "{name}");
    }
}
