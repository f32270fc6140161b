//! The one gate for outgoing requests, watched from outside: listeners count connections, a name server counts
//! questions.

mod support;

use hickory_resolver::proto::op::ResponseCode;
use rollcall::{
    domain::{class::Class, observation::Observation},
    engine::{guard::Allowed, probe::Probe},
};
use std::{net::SocketAddr, process::Stdio, sync::atomic::Ordering::SeqCst};
use support::{
    Site, about, check_with,
    desk::Desk,
    dns::{NameServer, Reply},
    friendly, head, says, status, terms,
};
use tokio::{io::AsyncWriteExt, net::TcpListener};

async fn look(probe: &Probe, url: &str) -> Observation {
    check_with(probe, &about("friend", url), terms(0)).await
}

/// A probe that may reach 127.0.0.1 and nothing else beyond the public internet.
fn only_one(dns: &NameServer) -> Probe {
    Probe::new(Allowed::new(vec!["127.0.0.1/32".parse().unwrap()]), vec![dns.addr]).unwrap()
}

/// A friendly site on 127.0.0.1, and a listener on the same port of 127.0.0.2 where nobody may come.
async fn site_and_forbidden_twin() -> (Site, Site) {
    let here = says(friendly()).await;
    let twin = support::site_at(SocketAddr::new([127, 0, 0, 2].into(), here.addr.port()), |mut stream, _| async move {
        stream.write_all(friendly().as_bytes()).await
    })
    .await;
    (here, twin)
}

#[tokio::test]
async fn every_vector_is_refused_before_a_packet_leaves() {
    let dns = NameServer::start(|_, _| Reply::Addresses(vec![[127, 0, 0, 1]])).await;
    let probe = Probe::new(Allowed::default(), vec![dns.addr]).unwrap();
    let text = include_str!("data/ssrf-vectors.txt");
    let text = text.replace("\\u{ad}", "\u{ad}").replace("\\t", "\t").replace("\\n", "\n");
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        assert_eq!(look(&probe, line).await.class, Class::BlockedByPolicy, "{line}");
    }
    assert!(dns.asked().is_empty(), "{:?}", dns.asked());
}

#[tokio::test]
async fn a_name_that_changes_its_answer_gets_no_further() {
    let (here, twin) = site_and_forbidden_twin().await;
    let port = here.addr.port();
    let dns = NameServer::start(|_, before| Reply::Addresses(vec![[127, 0, 0, if before == 0 { 1 } else { 2 }]])).await;
    let probe = only_one(&dns);
    let url = format!("http://turns.test:{port}/");
    assert_eq!(look(&probe, &url).await.class, Class::Ok, "the answer that was looked at is the one that is used");
    assert_eq!(look(&probe, &url).await.class, Class::BlockedByPolicy, "and it is looked at each time");
    assert_eq!((here.hits(), twin.hits(), dns.asked().len()), (1, 0, 2));
}

#[tokio::test]
async fn a_redirect_to_a_name_is_looked_up_and_looked_at_again() {
    let turned = support::site(|mut stream, _| async move {
        let path = head(&mut stream).await?;
        let port = stream.local_addr()?.port();
        let answer = match path.as_str() {
            "/" => status(302, &format!("Location: http://turns.test:{port}/end\r\n")),
            _ => friendly(),
        };
        stream.write_all(answer.as_bytes()).await
    })
    .await;
    let port = turned.addr.port();
    let twin = support::site_at(SocketAddr::new([127, 0, 0, 2].into(), port), |_, _| async { Ok(()) }).await;
    let dns = NameServer::start(|_, before| Reply::Addresses(vec![[127, 0, 0, if before == 0 { 1 } else { 2 }]])).await;
    let probe = only_one(&dns);
    assert_eq!(look(&probe, &format!("http://turns.test:{port}/")).await.class, Class::BlockedByPolicy);
    assert_eq!((turned.hits(), twin.hits(), dns.asked().len()), (1, 0, 2));
}

#[tokio::test]
async fn an_answer_that_mixes_allowed_and_forbidden_is_refused_whole() {
    let (here, twin) = site_and_forbidden_twin().await;
    let dns = NameServer::start(|name, _| match name {
        "mixed.test" => Reply::Addresses(vec![[127, 0, 0, 1], [127, 0, 0, 2]]),
        _ => Reply::Addresses(vec![[127, 0, 0, 2], [127, 0, 0, 1]]),
    })
    .await;
    let probe = only_one(&dns);
    for name in ["mixed.test", "dexim.test"] {
        let seen = look(&probe, &format!("http://{name}:{}/", here.addr.port())).await;
        assert_eq!(seen.class, Class::BlockedByPolicy, "{name}");
    }
    assert_eq!((here.hits(), twin.hits(), dns.asked().len()), (0, 0, 2));
}

#[tokio::test]
async fn redirects_into_forbidden_places_are_not_followed() {
    let (here, twin) = site_and_forbidden_twin().await;
    let port = twin.addr.port();
    let dns = NameServer::start(|_, _| Reply::Addresses(vec![[127, 0, 0, 2]])).await;
    let probe = only_one(&dns);
    for to in [
        format!("http://127.0.0.2:{port}/"),
        format!("//127.0.0.2:{port}/"),
        format!("http://2130706434:{port}/"),
        format!("http://0x7f.2:{port}/"),
        format!("http://inside.test:{port}/"),
        format!("http://user@127.0.0.1:{}/", here.addr.port()),
        "http://127.0.0.1:22/".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[::ffff:127.0.0.1]/".to_owned(),
        "gopher://127.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let page = format!("<meta http-equiv=refresh content=\"0;url={to}\">{}", "<p>words</p>".repeat(9));
        for first in [says(status(301, &format!("Location: {to}\r\n"))).await, says(support::ok(&page)).await] {
            let seen = look(&probe, &first.url()).await;
            assert!(matches!(seen.class, Class::BlockedByPolicy | Class::RedirectInvalid), "{to}: {}", seen.class);
        }
    }
    assert_eq!((here.hits(), twin.hits()), (0, 0));
}

#[tokio::test]
async fn our_own_address_is_not_asked_under_any_name() {
    let own = says(friendly()).await;
    let dns = NameServer::start(|_, _| Reply::Addresses(vec![[127, 0, 0, 1]])).await;
    let open = Allowed::new(vec!["127.0.0.0/8".parse().unwrap()]);
    for at in [own.addr, SocketAddr::new([0, 0, 0, 0].into(), own.addr.port())] {
        let probe = Probe::new(open.clone().without_own(at), vec![dns.addr]).unwrap();
        let around = says(status(302, &format!("Location: {}\r\n", own.url()))).await;
        for url in [own.url(), format!("http://me.test:{}/", own.addr.port()), around.url()] {
            assert_eq!(look(&probe, &url).await.class, Class::BlockedByPolicy, "{url}");
        }
        let beside = says(friendly()).await;
        assert_eq!(look(&probe, &beside.url()).await.class, Class::Ok, "other ports of this machine are other servers");
    }
    assert_eq!(own.hits(), 0);
}

#[tokio::test]
async fn our_own_address_is_not_asked_in_any_form_however_much_is_allowed() {
    // One socket for both versions, where this machine has both.
    let listening = match std::net::TcpListener::bind("[::]:0") {
        Ok(free) => free.local_addr().unwrap(),
        Err(_) => SocketAddr::new([0, 0, 0, 0].into(), 0),
    };
    let own =
        support::site_at(listening, |mut stream, _| async move { stream.write_all(friendly().as_bytes()).await }).await;
    let port = own.addr.port();
    let dns = NameServer::start(|name, _| match name {
        "nowhere.test" => Reply::Addresses(vec![[0, 0, 0, 0]]),
        _ => Reply::Addresses(vec![[127, 0, 0, 1]]),
    })
    .await;
    let open = Allowed::new(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
    for at in ["127.0.0.1", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]"] {
        let at = format!("{at}:{port}").parse().unwrap();
        let probe = Probe::new(open.clone().without_own(at), vec![dns.addr]).unwrap();
        for host in [
            "127.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "0x7f.1",
            "me.test",
            "nowhere.test",
            "localhost",
        ] {
            let url = format!("http://{host}:{port}/");
            assert_eq!(look(&probe, &url).await.class, Class::BlockedByPolicy, "{at}: {url}");
        }
    }
    for at in ["0.0.0.0", "[::]"] {
        let at = format!("{at}:{port}").parse().unwrap();
        let probe = Probe::new(open.clone().without_own(at), vec![dns.addr]).unwrap();
        for host in ["127.0.0.2", "[::ffff:127.1.2.3]", "[::1]"] {
            let url = format!("http://{host}:{port}/");
            assert_eq!(look(&probe, &url).await.class, Class::BlockedByPolicy, "{at}: {url}");
        }
    }
    assert_eq!(own.hits(), 0);
}

#[tokio::test]
async fn a_friends_page_does_not_make_us_try_other_ports() {
    let other = says(friendly()).await;
    let to = other.addr.port();
    let named = support::site(move |mut stream, _| async move {
        let path = head(&mut stream).await?;
        let own = stream.local_addr()?.port();
        let answer = match path.as_str() {
            "/" => support::ok(&format!(
                "<p>{}</p><a href='http://friend.test:{to}/links/'>友链</a><a href='http://friend.test:{own}/friends/'>友链</a>",
                "words ".repeat(60)
            )),
            "/friends/" => friendly(),
            _ => status(404, ""),
        };
        stream.write_all(answer.as_bytes()).await
    })
    .await;
    let dns = NameServer::start(|_, _| Reply::Addresses(vec![[127, 0, 0, 1]])).await;
    let seen = look(&only_one(&dns), &format!("http://friend.test:{}/", named.addr.port())).await;
    assert_eq!((seen.class, other.hits()), (Class::Ok, 0), "its own port is asked, the other is not");
    assert!(seen.evidence.earlier.iter().any(|attempt| attempt.class == Class::BlockedByPolicy));
}

/// A proxy that answers for every site itself, and notes what it is asked for.
async fn proxy() -> (Site, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let asked = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
    let noted = asked.clone();
    let site = support::site(move |mut stream, _| {
        let noted = noted.clone();
        async move {
            let target = head(&mut stream).await?;
            noted.lock().unwrap().push(target);
            stream.write_all(friendly().as_bytes()).await
        }
    })
    .await;
    (site, asked)
}

#[tokio::test]
async fn a_proxy_is_a_setting_and_it_is_the_one_that_the_gate_sees() {
    let dns = NameServer::start(|_, _| Reply::Code(ResponseCode::NXDomain)).await;
    let (site, asked) = proxy().await;
    let probe = only_one(&dns);
    probe.use_proxy(&site.url()).unwrap();
    assert_eq!(look(&probe, "http://friend.test/page").await.class, Class::Ok);
    assert_eq!(asked.lock().unwrap().as_slice(), ["http://friend.test/page"], "the proxy looks names up");
    assert!(dns.asked().is_empty());
    assert_eq!(
        look(&probe, "http://10.0.0.1/").await.class,
        Class::BlockedByPolicy,
        "literal addresses stay forbidden"
    );
    look(&probe, "https://friend.test/").await;
    assert_eq!(asked.lock().unwrap().last().map(String::as_str), Some("friend.test:443"));

    let closed = Probe::new(Allowed::default(), vec![dns.addr]).unwrap();
    let before = site.hits();
    for address in [site.url(), format!("http://proxy.test:{}/", site.addr.port())] {
        closed.use_proxy(&address).unwrap();
        let seen = look(&closed, "http://friend.test/").await;
        assert_ne!(seen.class, Class::Ok, "{address}");
    }
    assert_eq!(site.hits.load(SeqCst), before, "a proxy inside wants --allow-net");
    probe.use_proxy("").unwrap();
    assert_eq!(look(&probe, "http://friend.test/").await.class, Class::DnsNotFound, "and directly again");
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_of_the_environment_are_not_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let fine = says(friendly()).await;
    let desk = Desk::new();
    desk.out(&["link", "add", &fine.url(), "--name", "fine"]);
    let mut command = desk.command(&["check", "--allow-net", "127.0.0.0/8"]);
    for key in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(key, &proxy);
    }
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
    assert_eq!(fine.hits(), 1);
    let came = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
    assert!(came.is_err(), "nobody came to the proxy");
}
