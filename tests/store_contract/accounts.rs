//! Accounts, who is signed in, and who did what.

use super::now;
use chrono::TimeDelta;
use rollcall::{
    domain::audit::{Deed, Note},
    store::SharedStore,
};

pub async fn accounts_and_sessions(store: SharedStore) {
    let id = store.add_user("me", "hash", true, now()).await.unwrap().unwrap();
    assert_eq!(store.add_user("two", "hash", true, now()).await.unwrap(), None, "the first is there");
    assert_eq!(store.add_user("ME", "hash", false, now()).await.unwrap(), None, "the name is taken");
    assert_eq!(store.user(id).await.unwrap().unwrap().epoch, 0);
    assert!(store.set_password("me", "other").await.unwrap());
    assert!(!store.set_password("nobody", "other").await.unwrap());
    store.end_sessions(id).await.unwrap();
    let user = store.users().await.unwrap().remove(0);
    assert_eq!((user.password.as_str(), user.epoch), ("other", 2));
    let ends = now() + TimeDelta::hours(1);
    assert!(store.put_session("s", "{}", ends, true).await.unwrap());
    assert!(!store.put_session("s", "{}", ends, true).await.unwrap(), "the id is taken");
    assert!(store.put_session("s", "{1}", ends, false).await.unwrap());
    assert_eq!(store.session("s", now()).await.unwrap().as_deref(), Some("{1}"));
    assert_eq!(store.session("s", ends).await.unwrap(), None, "it has ended");
    store.sweep_sessions(ends).await.unwrap();
    assert_eq!(store.session("s", now()).await.unwrap(), None);
    store.put_session("t", "{}", ends, true).await.unwrap();
    store.remove_session("t").await.unwrap();
    assert_eq!(store.session("t", now()).await.unwrap(), None);
}

pub async fn who_did_what_is_kept_for_a_time(store: SharedStore) {
    for (days, deed) in [(0, Deed::SignedIn), (1, Deed::Imported)] {
        let at = now() + TimeDelta::days(days);
        store.note(&Note { at, who: "me".into(), deed: deed.code().into(), about: "<b>友".into() }).await.unwrap();
    }
    let (notes, all) = store.notes(0, 1).await.unwrap();
    assert_eq!((notes[0].deed.as_str(), notes[0].about.as_str(), all), ("imported", "<b>友", 2), "the newest first");
    store.sweep_notes(now() + TimeDelta::hours(1)).await.unwrap();
    assert_eq!(store.notes(0, 9).await.unwrap().1, 1);
    assert!(store.notes(1, 9).await.unwrap().0.is_empty());
}

pub async fn wrong_log_ins_push_nothing_out(store: SharedStore) {
    let note = |deed: Deed, who: &str| Note { at: now(), who: who.into(), deed: deed.code().into(), about: "".into() };
    store.note(&note(Deed::SignedIn, "me")).await.unwrap();
    for n in 0..1_005 {
        store.note(&note(Deed::SignInFailed, &n.to_string())).await.unwrap();
    }
    let (notes, all) = store.notes(0, 2_000).await.unwrap();
    assert_eq!(
        (all, notes[0].who.as_str(), notes[999].who.as_str(), notes[1000].who.as_str()),
        (1_001, "1004", "5", "me")
    );
}
