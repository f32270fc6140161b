//! Whole runs over a real database and real sockets, as steps.

mod support;

use futures::future::BoxFuture;
use rollcall::{
    clock::SharedClock,
    domain::{
        class::Class,
        observation::BacklinkState,
        progress::{Event, RunState, Trigger},
        run::{Cause, ItemState},
        whitelist::Kind,
    },
    engine::{
        probe::{Probe, Request, Seen},
        run::Ask,
    },
    service::{Network, Pick, Recheck, Service},
};
use sqlx::{Connection, SqliteConnection};
use std::{sync::Arc, time::Duration};
use support::{enter, forgetful, friendly, head, is_shown, run, says, says_in_turn, service, site, status, until};
use tokio::{io::AsyncWriteExt, sync::Notify};

#[tokio::test]
async fn fail_hide_recover() {
    let (_folder, service) = service().await;
    let flaky = says_in_turn(vec![friendly(), status(404, ""), forgetful(), friendly()]).await;
    let id = enter(&service, "flaky", &flaky.url()).await;
    let mut story = Vec::new();
    for _ in 0..4 {
        let counts = run(&service).await.counts;
        let link = service.store().link(id).await.unwrap().unwrap();
        story.push((link.state.shown, link.state.reason.map(|r| r.code), counts.to_not_show, counts.to_show));
    }
    assert_eq!(
        story,
        [
            (true, None, 0, 0),
            (false, Some(Class::HttpStatus), 1, 0),
            (false, Some(Class::BacklinkMissing), 0, 0),
            (true, None, 0, 1),
        ]
    );
    let log = service.store().transitions(id, 10).await.unwrap();
    assert_eq!(log.iter().map(|t| (t.shown, t.cause)).collect::<Vec<_>>(), [(true, Cause::Run), (false, Cause::Run)]);
}

#[tokio::test]
async fn the_whitelist_is_never_fetched_and_stays_shown() {
    let (_folder, service) = service().await;
    let dead = says(status(404, "")).await;
    let id = enter(&service, "old friend", &dead.url()).await;
    assert_eq!(run(&service).await.counts.to_not_show, 1);
    let hits = dead.hits();
    assert_eq!(service.put_entry(Kind::Name, "Old Friend", true, "", None).await.unwrap(), 1, "shown at once");
    assert!(is_shown(&service, id).await);
    let counts = run(&service).await.counts;
    assert_eq!((counts.active_num, counts.whitelisted, counts.to_not_show), (0, 1, 0));
    assert_eq!(service.recheck(id).await.unwrap(), Recheck::Whitelisted);
    assert_eq!(dead.hits(), hits, "nothing was fetched");
    service.switch_entry("Old Friend", false).await.unwrap();
    assert_eq!(run(&service).await.counts.to_not_show, 1);
}

#[tokio::test]
async fn inactive_links_are_never_touched() {
    let (_folder, service) = service().await;
    let dead = says(status(404, "")).await;
    let about = support::about("resting", &dead.url());
    let id = service.store().add_link(&about, false, service.clock().now()).await.unwrap();
    let counts = run(&service).await.counts;
    assert_eq!((counts.total, dead.hits()), (0, 0));
    assert_eq!(service.recheck(id).await.unwrap(), Recheck::Inactive);
}

#[tokio::test]
async fn every_request_names_rollcall_and_its_owner_and_is_a_get() {
    let (_folder, service) = service().await;
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let listening = site(move |mut stream, _| {
        let told = told.clone();
        async move {
            let mut held = vec![0; 4096];
            let n = tokio::io::AsyncReadExt::read(&mut stream, &mut held).await?;
            told.send(String::from_utf8_lossy(&held[..n]).into_owned()).unwrap();
            stream.write_all(friendly().as_bytes()).await
        }
    })
    .await;
    enter(&service, "listening", &listening.url()).await;
    run(&service).await;
    service.set("user_agent", "my own/1").await.unwrap();
    run(&service).await;
    let [first, second] = [heard.recv().await.unwrap(), heard.recv().await.unwrap()];
    assert!(first.starts_with("GET / HTTP/1.1\r\n"), "{first}");
    let agent = concat!(
        "user-agent: Mozilla/5.0 (compatible; Rollcall/",
        env!("CARGO_PKG_VERSION"),
        "; +https://me.example.com/)"
    );
    assert!(first.contains(agent), "{first}");
    assert!(first.contains("accept: text/html,") && first.contains("accept-encoding: gzip\r\n"), "{first}");
    assert!(second.contains("user-agent: my own/1\r\n"), "{second}");
}

/// A site that answers once it is told to.
async fn gated() -> (support::Site, Arc<Notify>) {
    let open = Arc::new(Notify::new());
    let gate = open.clone();
    let held = site(move |mut stream, _| {
        let gate = gate.clone();
        async move {
            head(&mut stream).await?;
            gate.notified().await;
            stream.write_all(friendly().as_bytes()).await
        }
    })
    .await;
    (held, open)
}

#[tokio::test]
async fn a_cancelled_run_keeps_what_was_finished() {
    let (_folder, service) = service().await;
    let dead = enter(&service, "dead", &says(status(404, "")).await.url()).await;
    let (held, _open) = gated().await;
    let slow = enter(&service, "slow", &held.url()).await;
    let plan = service.plan().await.unwrap();
    let started = service.start_run(Trigger::Click, Pick::All, plan).await.unwrap();
    let finished = async || service.registry().snapshots().iter().any(|s| s.counts.active_num == 1 && held.hits() == 1);
    until(finished).await;
    service.cancel_run(started.run_id).await.unwrap();
    let settled = started.done.unwrap().await.unwrap().unwrap();
    assert_eq!((settled.state, settled.counts.cancelled, settled.counts.to_not_show), (RunState::Cancelled, 1, 1));
    assert!(!is_shown(&service, dead).await && is_shown(&service, slow).await);
    let items = service.store().items(started.run_id).await.unwrap();
    assert_eq!(items.iter().map(|i| i.state).collect::<Vec<_>>(), [ItemState::Done, ItemState::Cancelled]);
}

#[tokio::test]
async fn links_join_a_run_and_are_claimed_once() {
    let (_folder, service) = service().await;
    let (held, open) = gated().await;
    enter(&service, "slow", &held.url()).await;
    let plan = service.plan().await.unwrap();
    let first = service.start_run(Trigger::Click, Pick::All, plan.clone()).await.unwrap();
    until(async || held.hits() == 1).await;
    // A second request for the same links attaches to the first.
    let second = service.start_run(Trigger::Click, Pick::All, plan).await.unwrap();
    assert_eq!((second.run_id, second.done.is_none()), (first.run_id, true));
    let late = says(friendly()).await;
    let id = enter(&service, "late", &late.url()).await;
    assert_eq!(service.add_to_run(first.run_id, Pick::Ids(vec![id])).await.unwrap(), 1);
    until(async || late.hits() == 1).await;
    open.notify_one();
    let counts = first.done.unwrap().await.unwrap().unwrap().counts;
    assert_eq!((counts.total, counts.ok, held.hits(), late.hits()), (2, 2, 1, 1));
}

/// The real probe, but for one name, at which it panics.
struct Breaks(Probe);

impl Ask for Breaks {
    fn ask(&self, request: Request, clock: SharedClock) -> BoxFuture<'static, Seen> {
        assert!(!request.url.contains("/early"), "it breaks before it begins");
        let asking = Ask::ask(&self.0, request.clone(), clock);
        Box::pin(async move {
            assert!(!request.url.contains("/late"), "it breaks half-way");
            asking.await
        })
    }
}

#[tokio::test]
async fn one_check_that_breaks_harms_no_other() {
    let (_folder, store) = support::store().await;
    let probe = support::probe();
    let service = Service::start_with(
        store,
        probe.clone(),
        Arc::new(Breaks(probe)),
        support::clock(),
        &tokio::runtime::Handle::current(),
    )
    .await
    .unwrap();
    let fine = says(friendly()).await;
    for path in ["", "late", "a", "b"] {
        enter(&service, &format!("at {path}"), &format!("{}{path}", fine.url())).await;
    }
    let settled = run(&service).await;
    assert_eq!((settled.state, settled.counts.failed, settled.counts.ok), (RunState::Done, 1, 3));
}

#[tokio::test]
async fn per_host_and_global_limits_hold() {
    let (_folder, service) = service().await;
    let busy = Arc::new(std::sync::atomic::AtomicI32::new(0));
    let most = Arc::new(std::sync::atomic::AtomicI32::new(0));
    let (counted, peak) = (busy.clone(), most.clone());
    let host = site(move |mut stream, _| {
        let (busy, most) = (counted.clone(), peak.clone());
        async move {
            head(&mut stream).await?;
            let now = busy.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            most.fetch_max(now, std::sync::atomic::Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(30)).await;
            busy.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            stream.write_all(friendly().as_bytes()).await
        }
    })
    .await;
    for n in 0..10 {
        enter(&service, &format!("n{n}"), &format!("{}{n}", host.url())).await;
    }
    assert_eq!(run(&service).await.counts.ok, 10);
    assert_eq!(most.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_unfinished_run_is_adopted_and_each_remaining_link_checked_once() {
    let (folder, service) = service().await;
    let (first, second) = (says(friendly()).await, says(status(404, "")).await);
    let ids = [enter(&service, "first", &first.url()).await, enter(&service, "second", &second.url()).await];
    let plan = service.plan().await.unwrap();
    // A process that wrote one outcome and died, four seconds ago.
    let before = service.clock().now() - chrono::TimeDelta::seconds(4);
    let begun = service.store().begin_run(Trigger::CommandLine, &plan, "dead process", &ids, before).await.unwrap();
    let run_id = begun.run_id.unwrap();
    let seen = rollcall::domain::observation::Observation {
        class: Class::Ok,
        status: Some(200),
        ..rollcall::domain::observation::Observation::whitelisted(before)
    };
    let record = rollcall::store::Record::done(ids[0], seen, rollcall::domain::verdict::Change::None);
    service.store().record(run_id, "dead process", &[record]).await.unwrap();

    let other = Service::start(
        support::open(&folder).await,
        Network { allowed: support::loopback(), ..Network::default() },
        support::clock(),
    )
    .await
    .unwrap();
    // Whether it is dead is known once it has been looked at for long enough.
    let mut adopted = Vec::new();
    support::until(async || {
        adopted.extend(service.adopt_stale().await.unwrap());
        adopted.extend(other.adopt_stale().await.unwrap());
        !adopted.is_empty()
    })
    .await;
    adopted.extend(other.adopt_stale().await.unwrap());
    assert_eq!(adopted, [run_id], "only one of two takes it over");
    let run = service.follow(run_id).await.unwrap();
    assert_eq!((run.state, run.counts.ok, run.counts.bad), (RunState::Done, 1, 1));
    // The first one is not checked again; whether the other's answer may be believed is asked of it.
    assert_eq!((first.hits(), second.hits()), (1, 1));
    assert_eq!(service.store().checks(ids[0], 9).await.unwrap().len(), 1);
    assert!(!is_shown(&service, ids[1]).await);
}

#[tokio::test]
async fn a_run_that_cannot_be_gone_on_with_keeps_no_other_waiting() {
    let (folder, service) = service().await;
    let friend = says(friendly()).await;
    let plan = service.plan().await.unwrap();
    let mut runs = Vec::new();
    for name in ["broken", "sound"] {
        let link = enter(&service, name, &format!("{}{name}", friend.url())).await;
        let before = service.clock().now();
        let begun = service.store().begin_run(Trigger::CommandLine, &plan, "dead process", &[link], before).await;
        runs.push(begun.unwrap().run_id.unwrap());
    }
    let mut database = beside(&folder).await;
    let break_it = sqlx::query("UPDATE run_items SET failure = 'no such word' WHERE run_id = ?").bind(runs[0]);
    break_it.execute(&mut database).await.unwrap();
    let mut adopted = Vec::new();
    support::until(async || {
        adopted.extend(service.adopt_stale().await.unwrap());
        !adopted.is_empty()
    })
    .await;
    assert_eq!(adopted, [runs[1]]);
    assert_eq!(service.follow(runs[1]).await.unwrap().counts.ok, 1);
}

#[tokio::test]
async fn those_who_watch_are_told_while_a_beat_waits_for_the_database() {
    let (folder, service) = service().await;
    let stalls = site(|mut stream, _| async move {
        head(&mut stream).await?;
        std::future::pending().await
    })
    .await;
    enter(&service, "stalls", &stalls.url()).await;
    let plan = service.plan().await.unwrap();
    let run_id = service.start_run(Trigger::Click, Pick::All, plan).await.unwrap().run_id;
    support::until(async || stalls.hits() == 1).await;
    let mut database = beside(&folder).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut database).await.unwrap();
    // The run beats every second: by now one waits.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let (_, mut lines) = service.registry().watch();
    service.registry().publish(run_id, Event::Added { links: 0 });
    let line =
        tokio::time::timeout(Duration::from_secs(1), lines.recv()).await.expect("told at the next tick").unwrap();
    assert!(line.starts_with(b"{\"events\""), "{line:?}");
    sqlx::query("ROLLBACK").execute(&mut database).await.unwrap();
}

/// Another connection to the database.
async fn beside(folder: &tempfile::TempDir) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite:{}", folder.path().join("test.db").display())).await.unwrap()
}

#[tokio::test]
async fn evidence_is_kept_for_the_newest_checks_only() {
    let (_folder, service) = service().await;
    enter(&service, "fine", &says(friendly()).await.url()).await;
    for _ in 0..5 {
        run(&service).await;
    }
    let mut kept = Vec::new();
    for run in service.store().runs(0, 10).await.unwrap() {
        let item = service.store().items(run.id).await.unwrap().remove(0);
        kept.push(item.seen.unwrap().backlink.state == BacklinkState::Found);
    }
    assert_eq!(kept, [true, true, true, false, false]);
}
