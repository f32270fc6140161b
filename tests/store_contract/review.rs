//! What waits for the owner's look, and the titles that links had.

use super::{now, outcome, run_of, seen, support::about, two};
use chrono::{DateTime, TimeDelta, Utc};
use rollcall::{
    domain::{class::Class, link::Manual, observation::Flag, verdict::Change},
    store::{SharedStore, Sort, Status, Wanted},
};

pub async fn review_is_a_queue(store: SharedStore) {
    let [a, b] = two(&store).await;
    let c = store.add_link(&about("c", "https://c.test/"), true, now()).await.unwrap();
    let queue = async |at: DateTime<Utc>| -> Vec<i64> {
        let wanted = Wanted { status: Some(Status::Review), now: at, sort: Sort::Id, limit: 9, ..Wanted::default() };
        store.search(&wanted).await.unwrap().links.iter().map(|link| link.id).collect()
    };
    let unsure = outcome(a, Class::BotChallenge, 403, Change::None);
    run_of(&store, &[unsure, outcome(b, Class::HttpStatus, 404, Change::Hide), seen(c, "C", &[])]).await;
    assert_eq!(queue(now()).await, [a, b], "what could not be told, and what was hidden");
    assert_eq!(queue(now() + TimeDelta::days(8)).await, [a], "what was hidden is no news after a week");
    run_of(&store, &[seen(c, "C", &[Flag::MovedHost])]).await;
    assert_eq!(queue(now()).await, [a, b, c], "what was flagged");
    let until = now() + TimeDelta::days(30);
    let fine = Manual { shown: true, until: Some(until), set_at: now(), set_by: "me".into() };
    store.set_manual(c, fine, now()).await.unwrap();
    assert_eq!(queue(now()).await, [a, b], "the owner has spoken");
    assert_eq!(queue(until).await, [a, c], "until the end of that");
    let hidden = Manual { shown: false, until: None, set_at: now(), set_by: "me".into() };
    store.set_manual(a, hidden, now()).await.unwrap();
    assert_eq!(queue(until).await, [c], "a verdict without an end holds until it is lifted");
}

pub async fn good_titles_stay_until_one_like_them_comes(store: SharedStore) {
    let [a, _] = two(&store).await;
    let title = async || store.link(a).await.unwrap().unwrap().good_title;
    assert_eq!(title().await, None);
    run_of(&store, &[seen(a, "A friend", &[])]).await;
    run_of(&store, &[seen(a, "Casino", &[Flag::TitleChanged])]).await;
    let link = store.link(a).await.unwrap().unwrap();
    assert_eq!((link.good_title.as_deref(), link.flags.as_slice()), (Some("A friend"), &[Flag::TitleChanged][..]));
    run_of(&store, &[outcome(a, Class::Timeout, 0, Change::Hide)]).await;
    assert_eq!(title().await.as_deref(), Some("A friend"));
    let fine = Manual { shown: true, until: None, set_at: now(), set_by: "me".into() };
    store.set_manual(a, fine, now()).await.unwrap();
    assert_eq!(title().await, None, "the owner takes it as it is now");
    run_of(&store, &[seen(a, "Casino", &[])]).await;
    assert_eq!(title().await.as_deref(), Some("Casino"));
}
