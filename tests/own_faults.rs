//! What befalls this machine and not its friends: the network is lost, the process stands still, another one takes over.
//! No healthy friend is hidden, and no link is left unchecked without being said.
//!
//! `make faults` goes through all of it ten times over; ROLLCALL_FAULT_ROUNDS says how often.
#![cfg(target_os = "linux")]

#[path = "support/lo.rs"]
mod lo;
mod support;

use rollcall::{
    domain::progress::{RunState, Trigger},
    service::{Network, Pick, Service},
    store::{Runs, Store, sqlite::SqliteStore},
};
use serde_json::Value;
use std::{
    process::{Child, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use support::{
    HandClock, ME, Site,
    desk::{Desk, signal},
    dns::{NameServer, Reply},
    friendly, head, site, until,
};
use tokio::{io::AsyncWriteExt, time::sleep};

/// How often each fault is tried, with other timings: 0 is once over the fewest of them.
fn rounds() -> usize {
    std::env::var("ROLLCALL_FAULT_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Healthy friends, each by a name of its own, that answer in their time; three that are dead, each in another way.
struct Ring {
    desk: Desk,
    dns: NameServer,
    _friend: Site,
    stalls: Site,
    answered: Arc<AtomicUsize>,
    healthy: usize,
}

/// Names of the dead: not there, nobody listens, never answers.
const DEAD: [&str; 3] = ["nowhere", "refuses", "stalls"];

impl Ring {
    /// Friends answer after `ms` milliseconds, each after another time in that range.
    async fn of(healthy: usize, ms: std::ops::Range<u64>) -> Ring {
        let dns = NameServer::start(|name, _| match name {
            "nowhere.test" => Reply::Code(hickory_resolver::proto::op::ResponseCode::NXDomain),
            _ => Reply::Addresses(vec![[127, 0, 0, 1]]),
        })
        .await;
        let answered = Arc::new(AtomicUsize::new(0));
        let counted = answered.clone();
        let friend = site(move |mut stream, n| {
            let (counted, ms) = (counted.clone(), ms.clone());
            async move {
                head(&mut stream).await?;
                sleep(Duration::from_millis(fastrand::Rng::with_seed(n.into()).u64(ms))).await;
                stream.write_all(friendly().as_bytes()).await?;
                counted.fetch_add(1, SeqCst);
                Ok(())
            }
        })
        .await;
        let stalls = site(|mut stream, _| async move {
            head(&mut stream).await?;
            std::future::pending().await
        })
        .await;
        let desk = Desk::new();
        let port = friend.addr.port();
        let mut list = "name,url\n".to_owned();
        for n in 0..healthy {
            list.push_str(&format!("n{n},http://n{n}.test:{port}/\n"));
        }
        let gone = support::gone().await.rsplit(':').next().unwrap().to_owned();
        let ports = [port.to_string(), gone, stalls.addr.port().to_string()];
        for (name, port) in DEAD.iter().zip(ports) {
            list.push_str(&format!("{name},http://{name}.test:{}/\n", port.trim_end_matches('/')));
        }
        desk.out(&["import", &desk.file("friends.csv", list.as_bytes())]);
        desk.out(&["setting", "set", "my_sites", ME]);
        desk.out(&["setting", "set", "timeout", "2"]);
        Ring { desk, dns, _friend: friend, stalls, answered, healthy }
    }

    fn network(&self) -> [String; 4] {
        ["--allow-net", "127.0.0.0/8", "--dns", &self.dns.addr.to_string()].map(str::to_owned)
    }

    /// Begins a check.
    fn check(&self) -> Child {
        let network = self.network();
        let args = [&["check", "--format", "json"][..], &network.each_ref().map(String::as_str)[..]].concat();
        self.desk.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits until so many have answered.
    async fn until_answered(&self, friends: usize) {
        until(async || {
            sleep(Duration::from_millis(2)).await;
            self.answered.load(SeqCst) >= friends
        })
        .await;
    }

    /// That no healthy friend is hidden, and how many of the dead are.
    fn hidden(&self, said: &str) -> usize {
        let links: Value = serde_json::from_str(&self.desk.out(&["export"])).unwrap();
        let links = links.as_array().unwrap();
        assert_eq!(links.len(), self.healthy + DEAD.len());
        let hidden: Vec<&str> =
            links.iter().filter(|link| link["shown"] == false).map(|link| link["name"].as_str().unwrap()).collect();
        let healthy: Vec<&&str> = hidden.iter().filter(|name| !DEAD.contains(name)).collect();
        assert!(healthy.is_empty(), "{} healthy friends are hidden: {healthy:?} {said}", healthy.len());
        hidden.len()
    }
}

async fn ended(child: Child) -> Output {
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
}

/// The envelope, in which every link is told of: as checked, or as not.
fn told(output: &Output, links: usize) -> Value {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let envelope: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
    let count = |key: &str| envelope["data"][key].as_u64().unwrap() as usize;
    assert_eq!(count("active_num") + count("unchecked"), links, "{said}");
    assert_eq!(output.status.success(), count("unchecked") == 0, "{said}");
    envelope
}

/// Runs a check over a ring that loses its network when a share of it, in percent, has answered, for good or for a time.
async fn network_lost(healthy: usize, share: usize, down: Option<Duration>) {
    let what = format!("{healthy} friends, lost at {share} % for {down:?}");
    lo::set(true);
    let ring = Ring::of(healthy, 20..900).await;
    let check = ring.check();
    ring.until_answered((healthy * share / 100).max(1)).await;
    lo::set(false);
    let back = async {
        if let Some(down) = down {
            sleep(down).await;
            lo::set(true);
        }
    };
    let (output, ()) = tokio::join!(ended(check), back);
    lo::set(true);
    let envelope = told(&output, healthy + DEAD.len());
    let hidden = ring.hidden(&format!("{what} {envelope}"));
    if down.is_none() {
        assert_eq!(hidden, 0, "{what}: nothing can be certain then");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_lost_hides_no_healthy_friend() {
    if !lo::inside("a_network_that_is_lost_hides_no_healthy_friend") {
        return;
    }
    let (rings, shares, downs): (&[usize], &[usize], &[Option<u64>]) = match rounds() {
        0 => (&[3, 80], &[30, 90], &[None, Some(1500)]),
        _ => (&[3, 80, 300], &[10, 30, 50, 70, 90], &[None, Some(1000), Some(5000), Some(20_000)]),
    };
    for round in 0..rounds().max(1) {
        for ring in rings {
            for share in shares {
                for down in downs {
                    let share = (share + round % 10).min(99);
                    network_lost(*ring, share, down.map(Duration::from_millis)).await;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_well_run_hides_the_dead_and_takes_no_longer_than_asking_them_once_more() {
    let ring = Ring::of(80, 20..900).await;
    let start = Instant::now();
    let output = ended(ring.check()).await;
    let envelope = told(&output, 83);
    assert_eq!(ring.hidden(&envelope.to_string()), DEAD.len());
    // It is counted who was asked, since a slow machine takes its time over everything.
    assert_eq!(ring.stalls.hits(), 2, "asked once more: {envelope}");
    told(&ended(ring.check()).await, 83);
    assert_eq!(ring.stalls.hits(), 2 + 1, "who is hidden is not asked once more");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

/// Stops a check for a time when a tenth of its ring has answered.
async fn paused(healthy: usize, pause: Duration) {
    let ring = Ring::of(healthy, 700..1300).await;
    let check = ring.check();
    ring.until_answered(healthy / 10).await;
    signal(&check, "STOP");
    sleep(pause).await;
    signal(&check, "CONT");
    let envelope = told(&ended(check).await, healthy + DEAD.len());
    assert_eq!(ring.hidden(&envelope.to_string()), DEAD.len(), "{pause:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stood_still_hides_no_healthy_friend() {
    let pauses: &[u64] = if rounds() == 0 { &[1000, 4000] } else { &[1000, 4000, 7000, 30_000] };
    for _ in 0..rounds().max(1) {
        for pause in pauses {
            paused(250, Duration::from_millis(*pause)).await;
        }
    }
}

/// Who stands still for so long has lost his run: a server that looks once a second has missed his beats by then.
const TAKEN_OVER: Duration = Duration::from_secs(6);

/// A check that is stopped for so long that a server beside takes its run over.
async fn taken_over(pause: Duration) {
    let ring = Ring::of(150, 700..1300).await;
    let network = ring.network();
    let mut args = vec!["serve", "--addr", "127.0.0.1:0"];
    args.extend(network.iter().map(String::as_str));
    let mut server = ring.desk.serve_with(&args);
    let check = ring.check();
    ring.until_answered(15).await;
    let owner = async || {
        let store = SqliteStore::open(&ring.desk.database()).await.unwrap();
        let owner = store.runs(0, 1).await.unwrap().remove(0).owner;
        store.close().await;
        owner
    };
    let before = owner().await;
    signal(&check, "STOP");
    sleep(pause).await;
    signal(&check, "CONT");
    let output = ended(check).await;
    let envelope = told(&output, 150 + DEAD.len());
    if pause >= TAKEN_OVER {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("has been taken over by another process"), "{pause:?}: {said}");
        assert_ne!(owner().await, before, "{pause:?}");
    }
    assert_eq!(envelope["data"]["unchecked"], 0, "who took the run over has ended it: {envelope}");
    assert_eq!(ring.hidden(&envelope.to_string()), DEAD.len());
    let store = SqliteStore::open(&ring.desk.database()).await.unwrap();
    let runs = store.runs(0, 10).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.state).collect::<Vec<_>>(), [RunState::Done]);
    store.close().await;
    server.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_taken_over_is_ended_by_its_new_owner_alone() {
    let pauses: &[u64] = if rounds() == 0 { &[6000] } else { &[1000, 4000, 5000, 7000, 30_000] };
    for _ in 0..rounds().max(1) {
        for pause in pauses {
            taken_over(Duration::from_millis(*pause)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_was_killed_holds_no_links_back() {
    let ring = Ring::of(60, 300..900).await;
    for name in ["KILL", "HUP", "TERM"] {
        ring.answered.store(0, SeqCst);
        let check = ring.check();
        ring.until_answered(10).await;
        signal(&check, name);
        let first = ended(check).await;
        assert!(!first.status.success(), "{name}: {first:?}");
        let start = Instant::now();
        let envelope = told(&ended(ring.check()).await, 60 + DEAD.len());
        assert_eq!(envelope["data"]["unchecked"], 0, "{name}: {envelope}");
        assert!(start.elapsed() < Duration::from_secs(5 + 6), "{name}: {:?}", start.elapsed());
    }
    assert_eq!(ring.hidden(""), DEAD.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_nobody_reads_ends_the_run_in_order() {
    let ring = Ring::of(60, 300..900).await;
    let network = ring.network();
    let args = [&["check", "--format", "ndjson"][..], &network.each_ref().map(String::as_str)[..]].concat();
    let mut check = ring.desk.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(check.stdout.take());
    let output = ended(check).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("links were not checked"), "{said}");
    let store = SqliteStore::open(&ring.desk.database()).await.unwrap();
    assert_eq!(store.running().await.unwrap(), [], "nothing is left going on");
    store.close().await;
    ring.hidden(&said);
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_set_take_no_run_from_its_owner() {
    let (folder, store) = support::store().await;
    let clocks = ["2026-05-01T12:00:00Z", "2026-05-02T09:00:00Z"].map(HandClock::at);
    let network = || Network { allowed: support::loopback(), ..Network::default() };
    let one = Service::start(store, network(), clocks[0].clone()).await.unwrap();
    let other = Service::start(support::open(&folder).await, network(), clocks[1].clone()).await.unwrap();
    let friend = site(|mut stream, _| async move {
        head(&mut stream).await?;
        sleep(Duration::from_millis(4500)).await;
        stream.write_all(friendly().as_bytes()).await
    })
    .await;
    one.set("timeout", "9").await.unwrap();
    one.set("per_host", "9").await.unwrap();
    for n in 0..5 {
        support::enter(&one, &format!("n{n}"), &format!("{}{n}", friend.url())).await;
    }
    let plan = one.plan().await.unwrap();
    let started = one.start_run(Trigger::CommandLine, Pick::All, plan).await.unwrap();
    let owner = other.store().run(started.run_id).await.unwrap().unwrap().owner;
    let steps = ["12:00:10Z", "12:00:00Z", "13:00:00Z", "11:00:00Z"].map(|time| format!("2026-05-01T{time}"));
    let days = ["2026-05-02T12:00:00Z", "2026-04-30T12:00:00Z", "2026-05-01T12:00:00Z"].map(str::to_owned);
    let stepping = async {
        for (n, time) in steps.iter().chain(&days).enumerate() {
            clocks[n % 2].set(time);
            sleep(Duration::from_millis(500)).await;
            assert_eq!(other.adopt_stale().await.unwrap(), [0; 0], "after {time}");
        }
    };
    let (settled, ()) = tokio::join!(started.done.unwrap(), stepping);
    let settled = settled.unwrap().unwrap();
    assert_eq!((settled.state, settled.counts.ok, settled.counts.cancelled), (RunState::Done, 5, 0));
    assert_eq!(other.store().run(started.run_id).await.unwrap().unwrap().owner, owner);
}
