//! What keeps a whole run from hiding the wrong ones: guard, witnesses, and flags for the owner's eye.

mod support;

use rollcall::{
    domain::{
        guard::Hold,
        link::Manual,
        observation::Flag,
        progress::{RunState, Trigger},
    },
    service::{Network, Pick, Service},
};
use support::{
    dns::{NameServer, Reply},
    enter, friendly, gone, is_shown, run, says, says_in_turn, service, status,
};

#[tokio::test]
async fn a_run_that_would_hide_too_many_is_held_applied_and_discarded() {
    let (_folder, service) = service().await;
    let dead = says(status(404, "")).await;
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(enter(&service, &format!("n{n}"), &format!("{}{n}", dead.url())).await);
    }
    for decided in ["discard", "apply"] {
        let settled = run(&service).await;
        assert_eq!(
            (settled.state, settled.hold, settled.counts.to_not_show),
            (RunState::Held, Some(Hold::TooManyHidden), 12)
        );
        assert!(is_shown(&service, ids[0]).await, "nothing was changed");
        let id = service.store().runs(0, 1).await.unwrap()[0].id;
        if decided == "apply" {
            assert_eq!(service.apply(id).await.unwrap().counts.to_not_show, 12);
            assert!(!is_shown(&service, ids[0]).await);
        } else {
            service.discard(id).await.unwrap();
            assert!(is_shown(&service, ids[0]).await);
        }
        assert!(service.apply(id).await.is_err(), "it is decided already");
    }
}

#[tokio::test]
async fn without_any_answer_a_small_ring_is_held_too() {
    let (_folder, service) = service().await;
    for n in 0..3 {
        enter(&service, &format!("n{n}"), &gone().await).await;
    }
    assert_eq!(run(&service).await.hold, Some(Hold::NoAnswerAtAll));
    enter(&service, "one that answers", &says(status(500, "")).await.url()).await;
    assert_eq!(run(&service).await.state, RunState::Done);
}

#[tokio::test]
async fn witnesses_speak_for_our_own_network() {
    let (_folder, service) = service().await;
    let id = enter(&service, "dead", &says(status(404, "")).await.url()).await;
    service.set("witnesses", &format!("{} {}", gone().await, gone().await)).await.unwrap();
    assert_eq!(run(&service).await.hold, Some(Hold::WitnessesFailed));
    assert!(is_shown(&service, id).await);
    service.set("witnesses", &format!("{} {}", gone().await, says(friendly()).await.url())).await.unwrap();
    assert_eq!(run(&service).await.counts.to_not_show, 1);
}

#[tokio::test]
async fn a_laptop_without_network_hides_nobody_however_small_the_ring() {
    let (_folder, store) = support::store().await;
    // Name servers that nobody runs, as behind a cable that is out.
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let network = Network { allowed: support::loopback(), dns: vec![nobody], ..Network::default() };
    let service = Service::start(store, network, support::clock()).await.unwrap();
    service.set("retries", "0").await.unwrap();
    let alone = enter(&service, "alone", "http://alone.test/").await;
    let settled = run(&service).await;
    assert_eq!((settled.hold, settled.counts.to_not_show), (Some(Hold::NoAnswerAtAll), 1));
    assert!(is_shown(&service, alone).await);

    // A neighbour that answers says that it is the link and not our network.
    let neighbour = says(friendly()).await;
    let well = enter(&service, "neighbour", &neighbour.url()).await;
    let one = async |id| {
        let plan = service.plan().await.unwrap();
        let started = service.start_run(Trigger::Click, Pick::Ids(vec![id]), plan).await.unwrap();
        started.done.unwrap().await.unwrap().unwrap()
    };
    assert_eq!(one(well).await.hold, None);
    let asked = neighbour.hits();
    assert_eq!(one(alone).await.hold, None);
    // Before the link is asked once more, after that, and each second in between.
    assert!((2..=6).contains(&(neighbour.hits() - asked)), "it was asked as a witness");
    assert!(!is_shown(&service, alone).await);
}

/// How a network answers in the name of every site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hijack {
    Off,
    /// To a log-in page elsewhere.
    Redirect,
    /// With its own page, at once.
    Page,
    /// The same, with the site's address on it.
    NamedPage,
    /// With a status that says so.
    NetworkLogin,
    NotFound,
    /// No name exists.
    NoNames,
}

/// Friends, and a site to ask beside them, by names; and a network that may answer for all of them.
async fn ring_behind_a_portal(
    friends: usize,
    witness: bool,
) -> (tempfile::TempDir, std::sync::Arc<Service>, std::sync::Arc<std::sync::Mutex<Hijack>>) {
    let hijack = std::sync::Arc::new(std::sync::Mutex::new(Hijack::Off));
    let (of_names, of_pages) = (hijack.clone(), hijack.clone());
    let dns = NameServer::start(move |_, _| match *of_names.lock().unwrap() {
        Hijack::NoNames => Reply::Code(hickory_resolver::proto::op::ResponseCode::NXDomain),
        _ => Reply::Addresses(vec![[127, 0, 0, 1]]),
    })
    .await;
    let site = support::site(move |mut stream, _| {
        let hijack = of_pages.clone();
        async move {
            let port = stream.local_addr()?.port();
            let asked = support::head(&mut stream).await?;
            let page = |title: &str| support::ok(&format!("<title>{title}</title><form>password</form>"));
            let hijack = *hijack.lock().unwrap();
            let answer = match hijack {
                Hijack::Off | Hijack::NoNames => {
                    support::ok(&format!("<title>A diary of the north</title><a href='{}'>me</a>", support::ME))
                }
                Hijack::Redirect if asked.contains("login") => page("Log in"),
                Hijack::Redirect => status(302, &format!("Location: http://portal.example:{port}/login\r\n")),
                Hijack::Page => page("Log in"),
                Hijack::NamedPage => page(&format!("Log in to see {asked}")),
                Hijack::NetworkLogin => status(511, ""),
                Hijack::NotFound => status(404, ""),
            };
            tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await
        }
    })
    .await;
    let (folder, store) = support::store().await;
    let network = Network { allowed: support::loopback(), dns: vec![dns.addr], ..Network::default() };
    let service = Service::start(store, network, support::clock()).await.unwrap();
    service.set("my_sites", support::ME).await.unwrap();
    let port = site.addr.port();
    for n in 0..friends {
        enter(&service, &format!("n{n}"), &format!("http://n{n}.test:{port}/{n}")).await;
    }
    if witness {
        service.set("witnesses", &format!("http://witness.test:{port}/witness")).await.unwrap();
    }
    (folder, service, hijack)
}

#[tokio::test]
async fn a_network_that_answers_for_every_site_hides_none() {
    use Hijack::*;
    for friends in [1, 2, 3, 9, 12] {
        for witness in [false, true] {
            let (_folder, service, hijack) = ring_behind_a_portal(friends, witness).await;
            let well = run(&service).await;
            assert_eq!((well.state, well.counts.ok as usize), (RunState::Done, friends));
            for kind in [Redirect, Page, NamedPage, NetworkLogin, NotFound, NoNames] {
                *hijack.lock().unwrap() = kind;
                let settled = run(&service).await;
                // A site that is not found may well say so itself where there are but two.
                if kind != NotFound || friends > 2 || witness {
                    for link in service.store().links().await.unwrap() {
                        assert!(link.state.shown, "{friends} friends, witness {witness}, {kind:?}: {settled:?}");
                    }
                }
                *hijack.lock().unwrap() = Off;
                assert_eq!(run(&service).await.counts.ok as usize, friends, "{kind:?} is over");
            }
        }
    }
}

#[tokio::test]
async fn the_other_half_of_a_roll_that_one_stranger_answers_for_is_held() {
    let (_folder, service, hijack) = ring_behind_a_portal(8, false).await;
    let elsewhere = says(friendly()).await;
    for n in 0..9 {
        enter(&service, &format!("well{n}"), &format!("{}{n}", elsewhere.url())).await;
    }
    assert_eq!(run(&service).await.counts.ok, 17);
    for kind in [Hijack::Redirect, Hijack::Page] {
        *hijack.lock().unwrap() = kind;
        assert_eq!(run(&service).await.hold, Some(Hold::OneAnswer), "{kind:?}");
    }
}

#[tokio::test]
async fn a_site_that_changed_hands_is_flagged_until_the_owner_takes_it() {
    let (_folder, service) = service().await;
    let page = |title: &str| support::ok(&format!("<title>{title}</title><a href='{}'>me</a>", support::ME));
    let sold = says_in_turn(vec![page("我的博客 - 张三"), page("我的博客 | 新文章"), page("Best casino bonus")]).await;
    let id = enter(&service, "sold", &sold.url()).await;
    let mut flags = Vec::new();
    for _ in 0..4 {
        assert_eq!(run(&service).await.counts.ok, 1, "a flag is no verdict");
        flags.push(service.store().link(id).await.unwrap().unwrap().flags);
    }
    assert_eq!(flags, [vec![], vec![], vec![Flag::TitleChanged], vec![Flag::TitleChanged]]);
    let seen = service.store().checks(id, 1).await.unwrap().remove(0).1;
    assert_eq!(seen.flags, [Flag::TitleChanged], "it is kept with the evidence");
    let now = service.clock().now();
    let fine = Manual { shown: true, until: None, set_at: now, set_by: "me".into() };
    service.set_verdict(id, Some(fine)).await.unwrap();
    run(&service).await;
    assert_eq!(service.store().link(id).await.unwrap().unwrap().flags, []);
}
