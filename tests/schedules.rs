//! Schedules over a real database, with a clock that is moved by hand.

mod support;

use rollcall::{
    domain::{
        progress::{RunState, Trigger},
        schedule::Scope,
    },
    scheduler::{self, Memory},
    service::{Network, Service},
    supervisor::Liveness,
};
use std::sync::Arc;
use support::{HandClock, enter, friendly, gone, says, site, until};
use tempfile::TempDir;

/// A service on a clock that stands at midnight UTC, eight in the morning in Shanghai.
async fn shanghai() -> (TempDir, Arc<Service>, Arc<HandClock>) {
    let (folder, store) = support::store().await;
    let hand = HandClock::at("2026-11-21T00:00:00Z");
    let network = Network { allowed: support::loopback(), ..Network::default() };
    let service = Service::start(store, network, hand.clone()).await.unwrap();
    service.set("timezone", "Asia/Shanghai").await.unwrap();
    service.set("jitter", "0").await.unwrap();
    (folder, service, hand)
}

fn memory() -> Memory {
    Memory::new(fastrand::Rng::with_seed(7))
}

async fn runs(service: &Service) -> usize {
    service.store().runs(0, 100).await.unwrap().len()
}

async fn at_rest(service: &Service) {
    until(async || service.store().running().await.unwrap().is_empty()).await;
}

#[tokio::test]
async fn a_run_starts_at_its_time_and_what_was_missed_is_caught_up_once() {
    let (_folder, service, hand) = shanghai().await;
    enter(&service, "fine", &says(friendly()).await.url()).await;
    let mut memory = memory();

    let next = scheduler::step(&service, &mut memory).await.unwrap();
    assert_eq!((next, runs(&service).await), (Some("2026-11-21T20:00:00Z".parse().unwrap()), 0));
    hand.set("2026-11-21T19:59:59Z");
    scheduler::step(&service, &mut memory).await.unwrap();
    assert_eq!(runs(&service).await, 0);
    hand.set("2026-11-21T20:00:00Z");
    scheduler::step(&service, &mut memory).await.unwrap();
    scheduler::step(&service, &mut memory).await.unwrap();
    assert_eq!(runs(&service).await, 1, "once, however often it is looked at");
    at_rest(&service).await;
    // Three days without power: one run makes up for all of them.
    hand.set("2026-11-24T22:00:00Z");
    let next = scheduler::step(&service, &mut Memory::new(fastrand::Rng::with_seed(8))).await.unwrap();
    assert_eq!((next, runs(&service).await), (Some("2026-11-25T20:00:00Z".parse().unwrap()), 2));
    let newest = service.store().runs(0, 1).await.unwrap().remove(0);
    assert_eq!(newest.trigger, Trigger::Schedule);
}

#[tokio::test]
async fn a_first_night_without_power_is_caught_up_as_well() {
    let (_folder, service, hand) = shanghai().await;
    enter(&service, "fine", &says(friendly()).await.url()).await;
    scheduler::step(&service, &mut memory()).await.unwrap();
    hand.set("2026-11-22T06:00:00Z");
    scheduler::step(&service, &mut memory()).await.unwrap();
    assert_eq!(runs(&service).await, 1);
}

#[tokio::test]
async fn a_changed_schedule_counts_from_its_change() {
    let (_folder, service, hand) = shanghai().await;
    enter(&service, "fine", &says(friendly()).await.url()).await;
    scheduler::step(&service, &mut memory()).await.unwrap();
    hand.set("2026-11-21T09:30:00Z");
    let id = service.store().schedules().await.unwrap()[0].id;
    service.store().put_schedule(Some(id), "0 * * * *", &Scope::All, service.clock().now()).await.unwrap();
    let next = scheduler::step(&service, &mut memory()).await.unwrap();
    assert_eq!((next, runs(&service).await), (Some("2026-11-21T10:00:00Z".parse().unwrap()), 0));
}

#[tokio::test]
async fn a_clock_set_back_does_not_stop_the_schedule() {
    let (_folder, service, hand) = shanghai().await;
    enter(&service, "fine", &says(friendly()).await.url()).await;
    let mut memory = memory();
    scheduler::step(&service, &mut memory).await.unwrap();
    hand.set("2027-11-21T20:00:00Z");
    scheduler::step(&service, &mut memory).await.unwrap();
    at_rest(&service).await;
    // The clock was a year ahead.
    hand.set("2026-11-21T10:00:00Z");
    let next = scheduler::step(&service, &mut memory).await.unwrap();
    assert_eq!(next, Some("2026-11-21T20:00:00Z".parse().unwrap()));
    hand.set("2026-11-21T20:00:00Z");
    scheduler::step(&service, &mut memory).await.unwrap();
    assert_eq!(runs(&service).await, 2);
}

#[tokio::test]
async fn starts_are_spread_and_each_is_drawn_once() {
    let (_folder, service, hand) = shanghai().await;
    enter(&service, "fine", &says(friendly()).await.url()).await;
    service.set("jitter", "600").await.unwrap();
    let mut memory = memory();
    scheduler::step(&service, &mut memory).await.unwrap();
    let due: chrono::DateTime<chrono::Utc> = "2026-11-21T20:00:00Z".parse().unwrap();
    hand.set("2026-11-21T12:00:00Z");
    let start = scheduler::step(&service, &mut memory).await.unwrap().unwrap();
    assert!(start > due && start <= due + chrono::TimeDelta::seconds(600), "{start}");
    hand.set("2026-11-21T20:00:00Z");
    assert_eq!(scheduler::step(&service, &mut memory).await.unwrap(), Some(start));
    assert_eq!(runs(&service).await, 0);
    hand.set(&start.to_rfc3339());
    scheduler::step(&service, &mut memory).await.unwrap();
    assert_eq!(runs(&service).await, 1);
}

#[tokio::test]
async fn schedules_are_over_a_part_of_the_roll() {
    let (_folder, service, hand) = shanghai().await;
    let fine = says(friendly()).await;
    let shown = enter(&service, "shown", &fine.url()).await;
    let grouped = enter(&service, "grouped", &format!("{}grouped", fine.url())).await;
    let hidden = enter(&service, "hidden", &gone().await).await;
    service.store().set_group(&[grouped], "同行").await.unwrap();
    let store = service.store();
    for row in store.schedules().await.unwrap() {
        store.remove_schedule(row.id).await.unwrap();
    }
    support::run(&service).await;
    let started = service.clock().now();
    store.put_schedule(None, "0 1 * * *", &Scope::Hidden, started).await.unwrap();
    store.put_schedule(None, "0 2 * * *", &Scope::Group("同行".to_owned()), started).await.unwrap();
    store.put_schedule(None, "0 3 * * *", &Scope::All, started).await.unwrap();
    store.put_schedule(None, "30 3 * * *", &Scope::Group("nobody".to_owned()), started).await.unwrap();
    let mut memory = memory();
    for (time, expected) in [
        ("2026-11-21T17:00:00Z", vec![hidden]),
        ("2026-11-21T18:00:00Z", vec![grouped]),
        ("2026-11-21T19:00:00Z", vec![shown, grouped, hidden]),
    ] {
        hand.set(time);
        scheduler::step(&service, &mut memory).await.unwrap();
        at_rest(&service).await;
        let run = store.runs(0, 1).await.unwrap().remove(0);
        let checked: Vec<i64> = store.items(run.id).await.unwrap().iter().map(|item| item.link_id).collect();
        assert_eq!(checked, expected, "{time}");
    }
    hand.set("2026-11-21T19:30:00Z");
    scheduler::step(&service, &mut memory).await.unwrap();
    assert_eq!(runs(&service).await, 4, "a group without links makes no run");
}

#[tokio::test]
async fn the_long_dead_are_checked_less_unless_told_otherwise() {
    let (_folder, service, hand) = shanghai().await;
    enter(&service, "fine", &says(friendly()).await.url()).await;
    enter(&service, "dead", &gone().await).await;
    service.set("retries", "0").await.unwrap();
    let mut memory = memory();
    let mut checked = Vec::new();
    let first: chrono::DateTime<chrono::Utc> = "2026-11-21T20:00:00Z".parse().unwrap();
    scheduler::step(&service, &mut memory).await.unwrap();
    for day in 0..32 {
        hand.set(&(first + chrono::TimeDelta::days(day)).to_rfc3339());
        scheduler::step(&service, &mut memory).await.unwrap();
        at_rest(&service).await;
        let run = service.store().runs(0, 1).await.unwrap().remove(0);
        if run.counts.total == 2 {
            checked.push(day);
        }
    }
    assert_eq!(checked, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 19, 24, 29]);
    service.set("back_off", "off").await.unwrap();
    hand.set(&(first + chrono::TimeDelta::days(32)).to_rfc3339());
    scheduler::step(&service, &mut memory).await.unwrap();
    at_rest(&service).await;
    assert_eq!(service.store().runs(0, 1).await.unwrap()[0].counts.total, 2);
}

#[tokio::test]
async fn two_runs_never_hold_one_link() {
    let (_folder, service, hand) = shanghai().await;
    let slow = site(|stream, _| async move {
        let _held = stream;
        std::future::pending().await
    })
    .await;
    enter(&service, "slow", &slow.url()).await;
    service.set("timeout", "300").await.unwrap();
    let store = service.store();
    store.put_schedule(None, "0 4 * * *", &Scope::All, service.clock().now()).await.unwrap();
    let mut memory = memory();
    scheduler::step(&service, &mut memory).await.unwrap();
    hand.set("2026-11-21T20:00:00Z");
    scheduler::step(&service, &mut memory).await.unwrap();
    hand.set("2026-11-22T20:00:00Z");
    scheduler::step(&service, &mut memory).await.unwrap();
    let running = store.running().await.unwrap();
    assert_eq!((running.len(), runs(&service).await), (1, 1));
    service.cancel_run(running[0].id).await.unwrap();
    at_rest(&service).await;
}

#[tokio::test]
async fn the_loop_goes_by_the_clock_that_it_is_handed() {
    let (_folder, service, hand) = shanghai().await;
    enter(&service, "fine", &says(friendly()).await.url()).await;
    let looping = tokio::spawn(scheduler::serve(service.clone(), fastrand::Rng::with_seed(7), Liveness::unwatched()));
    until(async || service.store().schedules().await.unwrap()[0].last_due.is_some()).await;
    for (nth, day) in ["2026-11-21", "2026-11-22", "2026-11-23"].into_iter().enumerate() {
        hand.set(&format!("{day}T19:59:59Z"));
        assert_eq!(runs(&service).await, nth);
        hand.set(&format!("{day}T20:00:00Z"));
        until(async || runs(&service).await == nth + 1).await;
        at_rest(&service).await;
        assert_eq!(service.store().runs(0, 1).await.unwrap()[0].state, RunState::Done);
    }
    looping.abort();
}

#[test]
fn what_cannot_be_a_schedule_is_refused_on_the_page_in_its_language() {
    let desk = support::desk::Desk::new();
    let server = desk.serve(&[]);
    let mut first = true;
    for (lang, cron, words) in [
        ("en", "0 0 4 * * *", "write five"),
        ("en", "0 0 30 2 *", "never comes"),
        ("en", "@reboot", "@daily"),
        ("zh", "0 0 4 * * * 2030", "请填写五段"),
        ("zh", "0 0 31 4 *", "永远不会触发"),
    ] {
        let mut browser = server.browser();
        browser.headers.push(("Accept-Language", lang.to_owned()));
        if first {
            browser.set_up(&server);
        } else {
            browser.sign_in("a long enough password");
        }
        first = false;
        let answer = browser.post("/api/fn/save_schedule", &[("cron", cron), ("scope", "all")]);
        assert!(answer.body.contains(words), "{cron}: {} {}", answer.status, answer.body);
    }
    let listed = desk.out(&["schedule", "list"]);
    assert_eq!(listed.lines().count(), 2, "nothing was added: {listed}");
}
