//! What this machine runs short of is never held against a site: with few open files the program itself, and with
//! attempts that say so a whole run.

mod support;

use futures::future::BoxFuture;
use rollcall::{
    clock::SharedClock,
    domain::{
        own_failure::OwnFailure,
        progress::{RunState, Trigger},
        run::{ItemState, Plan},
        settings::Settings,
    },
    engine::{
        probe::{Probe, Request, Seen},
        run::Ask,
    },
    service::{Pick, Service},
    store::{Ending, Record, Runs, sqlite::SqliteStore},
};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use support::{ME, desk::Desk, dns::NameServer, enter, friendly, gone, head, is_shown, roll, run, says, site};
use tokio::{io::AsyncWriteExt, time::Instant};

/// One check of all, as data, and what was said on standard error.
fn checked(desk: &Desk, dns: &NameServer, more: &[&str]) -> (Value, String) {
    let dns = dns.addr.to_string();
    let args = ["check", "--allow-net", "127.0.0.0/8", "--dns", &dns, "--site-link", ME, "--format", "json"];
    let output = desk.run(&[&args[..], more].concat());
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let envelope = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
    (envelope, err.into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn few_open_files_hide_only_the_dead() {
    for (limit, friends) in [(64, 60), (128, 300), (256, 300)] {
        let desk = Desk::with_open_files(limit);
        let (dns, _friend) = roll(&desk, friends).await;
        let (envelope, err) = checked(&desk, &dns, &["--concurrency", "1000", "--details"]);
        let data = &envelope["data"];
        let counts = ["active_num", "to_not_show", "failed", "unverifiable"].map(|key| data[key].as_u64().unwrap());
        assert_eq!(counts, [friends as u64 + 1, 1, 0, 0], "{limit}: {err}");
        assert_eq!((&envelope["code"], &data["held"]), (&0.into(), &false.into()), "{limit}");
        let dead = data["links"].as_array().unwrap().iter().find(|link| link["name"] == "dead").unwrap();
        assert_eq!((&dead["shown"], &dead["class"]), (&false.into(), &"connect_refused".into()), "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_than_are_needed_hide_nobody_that_is_well() {
    // So few that the program itself holds most of them, or all: what is kept back cannot be had.
    for limit in [15, 16, 17, 18, 20, 24] {
        let (few, many) = (Desk::with_open_files(limit), Desk::new());
        let (dns, _friend) = roll(&many, 20).await;
        let dns = dns.addr.to_string();
        let args = ["check", "--allow-net", "127.0.0.0/8", "--dns", &dns, "--site-link", ME];
        let output = few.command(&args).env("ROLLCALL_DATABASE", many.database()).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        // Whether it could say what came of it is another matter.
        let export: Value = serde_json::from_str(&many.out(&["export"])).unwrap();
        for link in export.as_array().unwrap().iter().filter(|link| link["name"] != "dead") {
            assert_eq!(
                (&link["shown"], &link["state"]["bad_streak"]),
                (&true.into(), &0.into()),
                "{limit}: {link} {err}"
            );
            let last = &link["last_check"]["class"];
            assert!(last.is_null() || last == "ok", "{limit}: {link} {err}");
        }
        assert!(limit < 20 || export.as_array().unwrap().iter().any(|link| link["shown"] == false), "{limit}: {err}");
    }
}

/// The real probe, but for links whose path names a shortage: `/3` meets three of them before it is asked for, `/ever`
/// one after the other.
#[derive(Clone)]
struct Short {
    probe: Probe,
    met: Arc<Mutex<HashMap<String, u32>>>,
    flying: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Short {
    fn new() -> Short {
        Short { probe: support::probe(), met: Arc::default(), flying: Arc::default(), most: Arc::default() }
    }

    async fn service(&self) -> (tempfile::TempDir, Arc<Service>) {
        let (folder, store) = support::store().await;
        let (ask, threads) = (Arc::new(self.clone()), tokio::runtime::Handle::current());
        let service = Service::start_with(store, self.probe.clone(), ask, support::clock(), &threads).await.unwrap();
        service.set("my_sites", ME).await.unwrap();
        (folder, service)
    }
}

impl Ask for Short {
    fn ask(&self, request: Request, clock: SharedClock) -> BoxFuture<'static, Seen> {
        let short = self.clone();
        Box::pin(async move {
            let now = short.flying.fetch_add(1, SeqCst) + 1;
            short.most.fetch_max(now, SeqCst);
            let mut seen = short.probe.ask(&request, clock.now()).await;
            short.flying.fetch_sub(1, SeqCst);
            let path = request.url.rsplit('/').next().unwrap().to_owned();
            let times = if path == "ever" { u32::MAX } else { path.parse().unwrap_or(0) };
            let mut met = short.met.lock().unwrap();
            let met = met.entry(request.url).or_default();
            if *met < times {
                *met += 1;
                seen.own = Some(OwnFailure::OpenFiles);
                seen.class = rollcall::domain::class::Class::Unreachable;
                seen.status = None;
            }
            seen
        })
    }
}

#[tokio::test]
async fn a_shortage_that_passes_leaves_no_trace() {
    let short = Short::new();
    let (_folder, service) = short.service().await;
    let fine = says(friendly()).await;
    let mut ids = Vec::new();
    for n in 1..=4 {
        ids.push(enter(&service, &format!("n{n}"), &format!("{}{n}", fine.url())).await);
    }
    let dead = enter(&service, "dead", &format!("{}2", gone().await)).await;
    let settled = run(&service).await;
    assert_eq!((settled.state, settled.counts.ok, settled.counts.failed), (RunState::Done, 4, 0));
    assert_eq!(settled.counts.to_not_show, 1);
    assert!(!is_shown(&service, dead).await, "what is dead is seen to be once it can be asked");
    for id in ids {
        let seen = service.store().checks(id, 1).await.unwrap().remove(0).1;
        assert_eq!((seen.attempts, seen.evidence.earlier.len()), (1, 0), "such attempts do not count");
    }
}

#[tokio::test]
async fn a_shortage_that_stays_ends_in_no_verdict() {
    let short = Short::new();
    let (_folder, service) = short.service().await;
    let fine = says(friendly()).await;
    let ever = enter(&service, "ever", &format!("{}ever", fine.url())).await;
    let well = enter(&service, "well", &fine.url()).await;
    let dead = enter(&service, "dead", &says(support::status(404, "")).await.url()).await;
    let start = Instant::now();
    let settled = run(&service).await;
    assert!((Duration::from_secs(12)..Duration::from_secs(25)).contains(&start.elapsed()), "{:?}", start.elapsed());
    let counts = settled.counts;
    assert_eq!((settled.state, counts.ok, counts.failed, counts.to_not_show), (RunState::Done, 1, 1, 1));
    assert!(is_shown(&service, ever).await && is_shown(&service, well).await && !is_shown(&service, dead).await);
    let link = service.store().link(ever).await.unwrap().unwrap();
    assert_eq!((link.last_check, link.recent.len(), link.state.bad_streak), (None, 0, 0), "the link is as it was");
    let run_id = service.store().runs(0, 1).await.unwrap()[0].id;
    assert_eq!(service.store().failures(run_id).await.unwrap(), [(OwnFailure::OpenFiles, 1)]);
    let items = service.store().items(run_id).await.unwrap();
    let failed = items.iter().find(|item| item.link_id == ever).unwrap();
    assert_eq!(
        (failed.state, failed.failure, failed.seen.is_none()),
        (ItemState::Failed, Some(OwnFailure::OpenFiles), true)
    );
}

#[tokio::test]
async fn fewer_run_at_once_while_there_is_a_shortage() {
    let short = Short::new();
    let (_folder, service) = short.service().await;
    service.set("per_host", "1000").await.unwrap();
    let slow = site(|mut stream, _| async move {
        head(&mut stream).await?;
        tokio::time::sleep(Duration::from_millis(30)).await;
        stream.write_all(friendly().as_bytes()).await
    })
    .await;
    for n in 0..40 {
        enter(&service, &format!("n{n}"), &format!("{}x{n}/1", slow.url())).await;
    }
    service.set("concurrency", "40").await.unwrap();
    let plan = service.plan().await.unwrap();
    let started = service.start_run(Trigger::Click, Pick::All, plan).await.unwrap();
    let all_met = || short.met.lock().unwrap().values().map(|met| *met as usize).sum::<usize>() == 40;
    support::until(async || all_met()).await;
    assert_eq!(short.most.swap(0, SeqCst), 40);
    let counts = started.done.unwrap().await.unwrap().unwrap().counts;
    assert_eq!((counts.ok, counts.failed), (40, 0));
    assert!(short.most.load(SeqCst) <= 25, "{} at once", short.most.load(SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_told_on_the_runs_page_and_by_the_command() {
    let desk = Desk::new();
    desk.out(&["link", "add", "https://a.test/", "--name", "first"]);
    desk.out(&["link", "add", "https://b.test/", "--name", "second"]);
    let store = SqliteStore::open(&desk.database()).await.unwrap();
    let plan = Plan { settings: Settings::default(), whitelist: Vec::new(), widened: false };
    let now = support::clock().now();
    let run = store.begin_run(Trigger::Click, &plan, "me", &[1, 2], now).await.unwrap().run_id.unwrap();
    let failed = [1, 2].map(|id| Record::unseen(id, ItemState::Failed, Some(OwnFailure::OpenFiles)));
    store.record(run, "me", &failed).await.unwrap();
    store.settle(run, "me", Ending::default(), now).await.unwrap();
    let output = desk.run(&["run", "show", "1"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("failed: this machine ran short of open files"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("2 links could not be checked"));
    let (_server, mut browser) = desk.serve_first_signed_in();
    for (lang, told, row) in [
        ("en", "2 links could not be checked", "this machine ran short of open files"),
        ("zh", "2 个友链未能检查", "本机可打开的文件数不足"),
    ] {
        browser.headers.retain(|(name, _)| *name != "Accept-Language");
        browser.headers.push(("Accept-Language", lang.to_owned()));
        let page = browser.get("/runs/1").body;
        assert!(page.contains(told) && page.contains("LimitNOFILE="), "{page}");
        assert_eq!(page.matches(row).count(), 3, "with each row as well: {page}");
    }
}
