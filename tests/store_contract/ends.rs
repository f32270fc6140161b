//! What ends by itself, and whether the store is well.

use super::{now, outcome, plan, two};
use chrono::{DateTime, TimeDelta, Utc};
use rollcall::{
    domain::{
        class::Class,
        link::Manual,
        policy::Policy,
        progress::Trigger,
        run::Cause,
        verdict::Change,
        whitelist::{Entry, Kind},
    },
    store::{Ended, Ending, SharedStore},
};

fn hour(n: i64) -> DateTime<Utc> {
    now() + TimeDelta::hours(n)
}

fn until(shown: bool, until: DateTime<Utc>) -> Manual {
    Manual { shown, until: Some(until), set_at: now(), set_by: "me".into() }
}

fn entry(kind: Kind, pattern: &str, expires_at: Option<DateTime<Utc>>) -> Entry {
    Entry { id: 0, kind, pattern: pattern.into(), enabled: true, note: String::new(), expires_at }
}

/// One check of each: the first is bad, and hidden.
async fn checked(store: &SharedStore, [bad, good]: [i64; 2]) {
    let id = store.begin_run(Trigger::Click, &plan(), "me", &[bad, good], now()).await.unwrap().run_id.unwrap();
    let records = [outcome(bad, Class::HttpStatus, 404, Change::Hide), outcome(good, Class::Ok, 200, Change::None)];
    store.record(id, "me", &records).await.unwrap();
    store.settle(id, "me", Ending::default(), now()).await.unwrap();
}

async fn end(store: &SharedStore, at: DateTime<Utc>) -> Ended {
    store.end_what_is_over(&Policy::default(), at).await.unwrap()
}

/// What ended entries exempted and is still to be checked.
async fn freed(store: &SharedStore, at: DateTime<Utc>) -> Vec<i64> {
    store.freed_by(&store.unchecked_ends().await.unwrap(), at).await.unwrap()
}

async fn shown(store: &SharedStore, id: i64) -> bool {
    store.link(id).await.unwrap().unwrap().state.shown
}

pub async fn verdicts_end_at_their_time(store: SharedStore) {
    let [bad, good] = two(&store).await;
    checked(&store, [bad, good]).await;
    store.set_manual(bad, until(true, hour(2)), now()).await.unwrap();
    store.set_manual(good, until(false, hour(3) + TimeDelta::milliseconds(500)), now()).await.unwrap();
    assert_eq!(end(&store, hour(2) - TimeDelta::milliseconds(1)).await, Ended::default());
    assert!(shown(&store, bad).await && !shown(&store, good).await);
    assert_eq!(end(&store, hour(2)).await.verdicts, ["a"]);
    let link = store.link(bad).await.unwrap().unwrap();
    assert_eq!((link.state.shown, link.state.manual, link.state.since), (false, None, hour(2)));
    assert_eq!(link.state.reason.unwrap().code, Class::HttpStatus);
    let newest = store.transitions(bad, 1).await.unwrap().remove(0);
    assert_eq!((newest.at, newest.shown, newest.cause, newest.run_id), (hour(2), false, Cause::Manual, None));
    assert_eq!(end(&store, hour(3)).await, Ended::default(), "half a second is left");
    // A new verdict of the owner's is not the one that is over.
    store.set_manual(good, until(false, hour(5)), hour(3)).await.unwrap();
    assert_eq!(end(&store, hour(4)).await, Ended::default());
    // Out of the roll it is not touched, and ends once it is back.
    store.set_active(&[good], false).await.unwrap();
    assert_eq!(end(&store, hour(6)).await, Ended::default());
    store.set_active(&[good], true).await.unwrap();
    // An exempt link is shown whatever its checks were.
    store.set_manual(bad, until(false, hour(5)), now()).await.unwrap();
    store.put_entry(&entry(Kind::Host, "a.test", None), now()).await.unwrap();
    assert_eq!(end(&store, hour(6)).await.verdicts, ["a", "b"]);
    assert!(shown(&store, bad).await && shown(&store, good).await);
}

pub async fn entries_end_at_their_time(store: SharedStore) {
    let [bad, good] = two(&store).await;
    checked(&store, [bad, good]).await;
    store.put_entry(&entry(Kind::Name, "A", Some(hour(2))), now()).await.unwrap();
    store.put_entry(&entry(Kind::Host, "b.test", Some(hour(2))), now()).await.unwrap();
    store.show_exempt(&[bad], now()).await.unwrap();
    assert_eq!(end(&store, hour(2) - TimeDelta::milliseconds(1)).await, Ended::default());
    let ended = end(&store, hour(2)).await;
    assert_eq!(
        (ended.entries, freed(&store, hour(2)).await),
        (vec!["A".to_owned(), "b.test".to_owned()], vec![bad, good])
    );
    assert!(!shown(&store, bad).await && shown(&store, good).await, "as the rules remember them");
    assert_eq!(store.transitions(bad, 1).await.unwrap()[0].cause, Cause::Whitelist);
    assert_eq!(end(&store, hour(9)).await, Ended::default(), "once");
    assert_eq!(freed(&store, hour(9)).await, [bad, good], "still to be checked");
    store.note_checked_ends(&store.unchecked_ends().await.unwrap()).await.unwrap();
    assert_eq!(store.unchecked_ends().await.unwrap(), [0; 0], "a check was begun");
    // Prolonged, with another entry that goes on when it ends.
    store.put_entry(&entry(Kind::Name, "A", Some(hour(20))), hour(9)).await.unwrap();
    store.put_entry(&entry(Kind::Host, "a.test", None), hour(9)).await.unwrap();
    store.show_exempt(&[bad], hour(9)).await.unwrap();
    let ended = end(&store, hour(20)).await;
    assert_eq!((ended.entries, freed(&store, hour(20)).await), (vec!["A".to_owned()], vec![]));
    // Prolonged before a check was begun: nothing of it is left to be checked.
    let unchecked = store.unchecked_ends().await.unwrap();
    store.put_entry(&entry(Kind::Name, "A", Some(hour(25))), hour(20)).await.unwrap();
    store.note_checked_ends(&unchecked).await.unwrap();
    assert_eq!(store.unchecked_ends().await.unwrap(), [0; 0]);
    assert_eq!(end(&store, hour(25)).await.entries, ["A"], "it ends anew");
    store.note_checked_ends(&unchecked).await.unwrap();
    assert!(shown(&store, bad).await);
    // The owner's own word is not touched.
    store.put_entry(&entry(Kind::Host, "a.test", Some(hour(30))), hour(21)).await.unwrap();
    store.set_manual(bad, until(true, hour(99)), hour(21)).await.unwrap();
    assert_eq!(end(&store, hour(30)).await.entries, ["a.test"]);
    assert_eq!(freed(&store, hour(30)).await, [bad]);
    assert!(shown(&store, bad).await);
}

pub async fn a_store_that_is_well_says_so(store: SharedStore) {
    let [a, _] = two(&store).await;
    for _ in 0..3 {
        store.ping().await.unwrap();
        store.probe_write(std::time::Duration::from_secs(1)).await.unwrap();
    }
    assert!(store.link(a).await.unwrap().is_some());
}
