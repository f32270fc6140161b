//! Runs in number and over the years.

use super::{now, outcome, plan, two};
use chrono::{DateTime, TimeDelta, Utc};
use rollcall::{
    domain::{
        class::Class,
        observation::{Observation, Standing},
        own_failure::OwnFailure,
        progress::Trigger,
        run::ItemState,
        verdict::Change,
    },
    store::{Draft, Ending, ItemOutcome, Record, SharedStore, WantedItems, unwatched},
};

async fn run(store: &SharedStore, records: Vec<Record>, at: DateTime<Utc>) {
    let ids: Vec<i64> = records.iter().map(|record| record.link_id).collect();
    let id = store.begin_run(Trigger::Schedule, &plan(), "me", &ids, at).await.unwrap().run_id.unwrap();
    let at_that_time = |record: Record| Record { seen: record.seen.map(|seen| Observation { at, ..seen }), ..record };
    store.record(id, "me", &records.into_iter().map(at_that_time).collect::<Vec<_>>()).await.unwrap();
    store.settle(id, "me", Ending::default(), at).await.unwrap();
}

pub async fn old_checks_become_days(store: SharedStore) {
    let [a, b] = two(&store).await;
    for (hours, class) in
        [(0, Class::Ok), (1, Class::Ok), (2, Class::Timeout), (24, Class::Timeout), (25, Class::Timeout)]
    {
        let at = now() + TimeDelta::hours(hours);
        run(&store, vec![outcome(a, class, 200, Change::None), outcome(b, Class::BotChallenge, 403, Change::None)], at)
            .await;
    }
    let raw = store.points(a, now()).await.unwrap();
    assert_eq!(raw.len(), 5);
    // The first day goes, in pieces of one check.
    while store.prune(now() + TimeDelta::hours(20), 1).await.unwrap() {}
    let points = store.points(a, now()).await.unwrap();
    assert_eq!(points.iter().map(|p| p.standing).collect::<Vec<_>>(), [Standing::Good, Standing::Bad, Standing::Bad]);
    assert_eq!((points[0].at, points[0].ms), ("2026-11-21T12:00:00Z".parse().unwrap(), 12));
    assert_eq!(store.points(b, now()).await.unwrap()[0].standing, Standing::Unverifiable);
    assert_eq!(store.checks(a, 10).await.unwrap().len(), 2);
    assert!(!store.prune(now() + TimeDelta::hours(20), 1).await.unwrap(), "once");
    // Added up a second time into the same days and a new one.
    while store.prune(now() + TimeDelta::days(9), 100).await.unwrap() {}
    assert_eq!(store.points(a, now()).await.unwrap().len(), 2);
    while store.prune_days(now() + TimeDelta::days(1), 1).await.unwrap() {}
    assert_eq!(store.points(a, now() - TimeDelta::days(9)).await.unwrap().len(), 1, "days go as well, later");
}

pub async fn space_is_given_back(store: SharedStore) {
    let [a, _] = two(&store).await;
    for hours in 0..200 {
        run(&store, vec![outcome(a, Class::Timeout, 200, Change::Hide)], now() + TimeDelta::hours(hours)).await;
    }
    while store.prune(now() + TimeDelta::days(99), 50).await.unwrap() {}
    while store.shrink().await.unwrap() {}
    let size = store.size().await.unwrap();
    assert!(size.file > 0 && size.free == 0, "{size:?}");
    assert!(store.examine().await.unwrap().is_empty());
    assert!(store.folder().is_dir());
}

pub async fn a_run_of_thousands_settles_whole(store: SharedStore) {
    let draft = |n| Draft { name: format!("site {n}"), url: format!("https://s{n}.test/"), ..Draft::default() };
    store.import(&(0..5000).map(draft).collect::<Vec<_>>(), now(), false, &unwatched).await.unwrap();
    let ids: Vec<i64> = store.links().await.unwrap().into_iter().map(|link| link.id).collect();
    let run = store.begin_run(Trigger::Click, &plan(), "me", &ids, now()).await.unwrap().run_id.unwrap();
    // One in fifty is gone; the last thousand are never reached.
    let seen = |id: &i64| match id % 50 {
        0 => outcome(*id, Class::HttpStatus, 404, Change::Hide),
        _ => outcome(*id, Class::Ok, 200, Change::None),
    };
    store.record(run, "me", &ids[..4000].iter().map(seen).collect::<Vec<_>>()).await.unwrap();
    let counts = store.settle(run, "me", Ending { cancelled: true, ..Ending::default() }, now()).await.unwrap().counts;
    assert_eq!((counts.total, counts.ok, counts.to_not_show, counts.cancelled), (5000, 3920, 80, 1000));
    let hidden = store.links().await.unwrap().into_iter().filter(|link| !link.state.shown).map(|link| link.id);
    assert_eq!(hidden.collect::<Vec<_>>(), ids[..4000].iter().copied().filter(|id| id % 50 == 0).collect::<Vec<_>>());
}

pub async fn what_failed_on_our_side_touches_no_link(store: SharedStore) {
    let [a, b] = two(&store).await;
    let before = store.link(b).await.unwrap();
    let run = store.begin_run(Trigger::Click, &plan(), "me", &[a, b], now()).await.unwrap().run_id.unwrap();
    let failed = Record::unseen(b, ItemState::Failed, Some(OwnFailure::OpenFiles));
    store.record(run, "me", &[outcome(a, Class::Ok, 200, Change::None), failed]).await.unwrap();
    let counts = store.settle(run, "me", Ending::default(), now()).await.unwrap().counts;
    assert_eq!((counts.ok, counts.failed, counts.active_num), (1, 1, 1));
    assert_eq!(store.link(b).await.unwrap(), before);
    assert_eq!(store.failures(run).await.unwrap(), [(OwnFailure::OpenFiles, 1)]);
    let items = store.items(run).await.unwrap();
    assert_eq!(items.iter().map(|item| item.failure).collect::<Vec<_>>(), [None, Some(OwnFailure::OpenFiles)]);
    let wanted = WantedItems { outcome: Some(ItemOutcome::Failed), limit: 9, ..WantedItems::default() };
    let (found, total) = store.search_items(run, &wanted).await.unwrap();
    assert_eq!((found[0].link_id, found[0].state, total), (b, ItemState::Failed, 1));
    assert!(store.checks(b, 9).await.unwrap().is_empty() && store.points(b, now()).await.unwrap().is_empty());
}
