//! Runs and who they belong to.

use super::{about, now, outcome, plan, two};
use rollcall::{
    domain::{
        class::Class,
        progress::{RunState, Trigger},
        verdict::Change,
    },
    store::{Ending, SharedStore, StoreError},
};

pub async fn adoption_is_by_compare_and_swap(store: SharedStore) {
    let [a, _] = two(&store).await;
    let id = store.begin_run(Trigger::Click, &plan(), "first", &[a], now()).await.unwrap().run_id.unwrap();
    let run = store.run(id).await.unwrap().unwrap();
    assert!(store.beat(id, "first").await.unwrap().mine);
    assert!(!store.adopt(&run, "second").await.unwrap(), "its owner has counted meanwhile");
    let run = store.run(id).await.unwrap().unwrap();
    assert!(store.adopt(&run, "second").await.unwrap());
    assert!(!store.beat(id, "first").await.unwrap().mine);
    assert!(store.ask_cancel(id).await.unwrap());
    assert!(store.beat(id, "second").await.unwrap().cancel);
    assert_eq!(store.running().await.unwrap().len(), 1);
    assert_eq!((store.let_go("first").await.unwrap(), store.let_go("second").await.unwrap()), (0, 1));
    assert_eq!(store.run(id).await.unwrap().unwrap().owner, "", "for whoever comes");
}

pub async fn who_has_lost_a_run_writes_nothing_of_it(store: SharedStore) {
    let [a, b] = two(&store).await;
    let id = store.begin_run(Trigger::Click, &plan(), "first", &[a], now()).await.unwrap().run_id.unwrap();
    let run = store.run(id).await.unwrap().unwrap();
    assert!(store.adopt(&run, "second").await.unwrap());
    let bad = [outcome(a, Class::HttpStatus, 404, Change::Hide)];
    assert!(matches!(store.record(id, "first", &bad).await, Err(StoreError::NotOwner(_))));
    let ended = store.settle(id, "first", Ending { cancelled: true, ..Ending::default() }, now()).await;
    assert!(matches!(ended, Err(StoreError::NotOwner(_))));
    assert_eq!(store.add_items(id, "first", &[b]).await.unwrap(), [0; 0]);
    assert_eq!(store.unfinished(id).await.unwrap(), [a], "it is the other's to check");
    store.record(id, "second", &[outcome(a, Class::Ok, 200, Change::None)]).await.unwrap();
    assert_eq!(store.settle(id, "second", Ending::default(), now()).await.unwrap().counts.ok, 1);
    assert!(matches!(store.record(id, "second", &bad).await, Err(StoreError::NotOwner(_))), "it is over");
}

pub async fn what_is_known_better_by_now_is_left_out(store: SharedStore) {
    let [a, b] = two(&store).await;
    let c = store.add_link(&about("c", "https://c.test/"), true, now()).await.unwrap();
    let bad = |id| outcome(id, Class::HttpStatus, 404, Change::Hide);
    let begin = async |links: &[i64]| {
        store.begin_run(Trigger::Click, &plan(), "me", links, now()).await.unwrap().run_id.unwrap()
    };
    let held = begin(&[a, b, c]).await;
    store.record(held, "me", &[bad(a), bad(b), bad(c)]).await.unwrap();
    assert_eq!(store.settle(held, "me", Ending::default(), now()).await.unwrap().state, RunState::Held);
    let newer = begin(&[a]).await;
    store.record(newer, "me", &[outcome(a, Class::Ok, 200, Change::None)]).await.unwrap();
    store.settle(newer, "me", Ending::default(), now()).await.unwrap();
    store.set_link(b, &about("b", "https://b.test/elsewhere"), true).await.unwrap();
    let counts = store.apply_held(held, now()).await.unwrap().counts;
    assert_eq!((counts.to_not_show, counts.overtaken), (1, 2));
    let shown = store.links().await.unwrap().into_iter().map(|link| link.state.shown);
    assert_eq!(shown.collect::<Vec<_>>(), [true, true, false]);

    let slow = begin(&[a, b]).await;
    store.record(slow, "me", &[bad(a)]).await.unwrap();
    let click = begin(&[a]).await;
    store.record(click, "me", &[outcome(a, Class::Ok, 200, Change::None)]).await.unwrap();
    store.settle(click, "me", Ending::default(), now()).await.unwrap();
    store.set_link(b, &about("b", "https://b.test/again"), true).await.unwrap();
    store.record(slow, "me", &[bad(b)]).await.unwrap();
    let counts = store.settle(slow, "me", Ending::default(), now()).await.unwrap().counts;
    assert_eq!((counts.to_not_show, counts.overtaken), (0, 2), "the same while a run goes on");
    let last = store.link(b).await.unwrap().unwrap().last_check.unwrap();
    assert_eq!(last.status, Some(404), "of the held run, and not of the old address");
}
