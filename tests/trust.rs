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
use support::{enter, friendly, gone, is_shown, run, says, says_in_turn, service, status};

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
    assert_eq!(neighbour.hits(), asked + 2, "it was asked as a witness, before the link was asked once more and after");
    assert!(!is_shown(&service, alone).await);
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
