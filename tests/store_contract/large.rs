//! Lists and rolls of any size, and texts of any length.

use super::{now, outcome, run_of, seen, two};
use rollcall::{
    domain::{
        class::Class,
        verdict::Change,
        whitelist::{Entry, Kind},
    },
    store::{Draft, Imported, SharedStore, StoreError, unwatched},
};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

fn draft(n: usize) -> Draft {
    Draft { name: format!("site {n}"), url: format!("https://site{n}.test/"), ..Draft::default() }
}

fn grouped(n: usize, group: &str) -> Draft {
    Draft { group: Some(group.to_owned()), ..draft(n) }
}

pub async fn a_list_is_taken_in_whole(store: SharedStore) {
    const MANY: usize = 5000;
    let drafts: Vec<Draft> = (0..MANY).map(draft).collect();
    let stop = |written| written == 0;
    assert!(matches!(store.import(&drafts, now(), false, &stop).await, Err(StoreError::Cancelled)));
    assert!(store.links().await.unwrap().is_empty(), "called off half-way, nothing is there");
    let written = AtomicUsize::new(0);
    let watch = |n| written.fetch_max(n, SeqCst) <= n;
    let done = store.import(&drafts, now(), false, &watch).await.unwrap();
    assert_eq!((done.len(), written.into_inner()), (MANY, MANY));
    assert!(done.iter().all(|one| *one == Imported::Added));
    let links = store.links().await.unwrap();
    assert!(links.iter().zip(&drafts).all(|(link, draft)| link.about.name == draft.name), "in the file's order");
    let (revision, of_names) = (store.roll_revision().await.unwrap(), store.links_revision().await.unwrap());
    let again = store.import(&drafts, now(), false, &unwatched).await.unwrap();
    assert!(again.iter().all(|one| *one == Imported::Unchanged));
    assert_eq!(store.roll_revision().await.unwrap(), revision, "nothing was written");

    // A removed link gives its address up; the same address twice is one link; groups come by themselves.
    store.remove_links(&[links[0].id, links[1].id], now()).await.unwrap();
    let twice = Draft { name: "again".into(), ..grouped(1, "乙") };
    let list = [grouped(0, "甲"), grouped(1, "甲"), twice.clone(), twice, grouped(2, "乙"), draft(3)];
    let done = store.import(&list, now(), false, &unwatched).await.unwrap();
    use Imported::{Added, Unchanged, Updated};
    assert_eq!(done, [Added, Added, Updated, Unchanged, Updated, Unchanged]);
    assert_eq!(store.restore_links(&[links[0].id]).await.unwrap(), 0, "it is gone for good");
    assert_eq!(store.groups().await.unwrap(), [("乙".to_owned(), 2), ("甲".to_owned(), 1)]);
    assert_eq!(store.totals().await.unwrap().links as usize, MANY);
    let kept = store.link(links[2].id).await.unwrap().unwrap();
    assert_eq!((kept.about.name.as_str(), kept.about.group.as_str()), ("site 2", "乙"));
    assert_ne!(store.links_revision().await.unwrap(), of_names);
    let off = Draft { active: Some(false), ..draft(MANY) };
    store.import(std::slice::from_ref(&off), now(), false, &unwatched).await.unwrap();
    assert!(!store.links().await.unwrap().last().unwrap().active);
    // What the file says of being active counts for new links only.
    let on = Draft { active: Some(true), note: Some("n".into()), ..off };
    assert_eq!(store.import(&[on], now(), false, &unwatched).await.unwrap(), [Updated]);
    let last = store.links().await.unwrap().pop().unwrap();
    assert_eq!((last.active, last.about.note.as_str()), (false, "n"));
}

pub async fn a_roll_is_read_in_parts(store: SharedStore) {
    let list = [grouped(0, "b"), draft(1), grouped(2, "a"), grouped(3, "b"), draft(4)];
    store.import(&list, now(), false, &unwatched).await.unwrap();
    let links = store.links().await.unwrap();
    let ids: Vec<i64> = links.iter().map(|link| link.id).collect();
    let [zero, one, two, three, four] = ids[..] else { panic!("{ids:?}") };
    assert_eq!(store.roll_order(false, false).await.unwrap(), ids);
    assert_eq!(store.roll_order(false, true).await.unwrap(), [zero, three, one, four, two], "as groups first come");
    store.remove_links(&[four], now()).await.unwrap();
    run_of(&store, &[outcome(zero, Class::HttpStatus, 404, Change::Hide), seen(one, "t", &[])]).await;
    store.set_active(&[one], false).await.unwrap();
    assert_eq!(store.roll_order(true, true).await.unwrap(), [two, three], "only what is shown decides the order");
    let some = store.links_of(&[three, four, zero]).await.unwrap();
    assert_eq!(some.iter().map(|link| link.id).collect::<Vec<_>>(), [three, zero]);
    assert_eq!(some[0], store.link(three).await.unwrap().unwrap());
    let run = store.runs(0, 1).await.unwrap().remove(0);
    let all = store.items(run.id).await.unwrap();
    assert_eq!(store.items_after(run.id, 0, 1).await.unwrap(), all[..1]);
    assert_eq!(store.items_after(run.id, all[0].link_id, 9).await.unwrap(), all[1..]);

    // The revision goes up with whatever a list could show, and with nothing else.
    let mut revision = store.roll_revision().await.unwrap();
    run_of(&store, &[seen(two, "t", &[])]).await;
    assert_eq!(store.roll_revision().await.unwrap(), revision, "a good check of a shown link");
    let mut goes_up = async |what| {
        let now = store.roll_revision().await.unwrap();
        assert_ne!(std::mem::replace(&mut revision, now), now, "{what}");
    };
    store.set_group(&[two], "c").await.unwrap();
    goes_up("group").await;
    store.set_active(&[one], true).await.unwrap();
    goes_up("active").await;
    run_of(&store, &[outcome(three, Class::HttpStatus, 404, Change::Hide)]).await;
    goes_up("hidden").await;
    store.restore_links(&[four]).await.unwrap();
    goes_up("brought back").await;
    let mut about = store.link(two).await.unwrap().unwrap().about;
    about.description = "d".into();
    store.set_link(two, &about, true).await.unwrap();
    goes_up("description").await;
}

pub async fn exempt_links_are_shown_at_once(store: SharedStore) {
    let [a, b] = two(&store).await;
    let bad = |id| outcome(id, Class::HttpStatus, 404, Change::Hide);
    run_of(&store, &[bad(a), bad(b)]).await;
    assert_eq!(store.to_review(now()).await.unwrap(), [a, b]);
    assert_eq!(store.show_exempt(&[a, 99], now()).await.unwrap(), 1);
    assert_eq!(store.show_exempt(&[a], now()).await.unwrap(), 0, "it is shown");
    let link = store.link(a).await.unwrap().unwrap();
    assert!(link.state.shown && link.state.reason.is_none());
    assert!(store.transitions(a, 1).await.unwrap()[0].shown);
    assert_eq!(store.to_review(now()).await.unwrap(), [b]);
}

pub async fn long_texts_are_refused_or_cut(store: SharedStore) {
    let [a, b] = two(&store).await;
    let long = |n: usize| "长".repeat(n);
    let mut about = store.link(a).await.unwrap().unwrap().about;
    about.name = long(200);
    about.note = long(1000);
    store.set_link(a, &about, true).await.unwrap();
    about.name = long(201);
    let refused = |done| assert!(matches!(done, Err(StoreError::TooLong { .. })), "{done:?}");
    refused(store.set_link(a, &about, true).await);
    refused(store.set_group(&[a], &long(1001)).await.map(|_| ()));
    refused(store.put_settings(&[("my_sites".into(), long(20_000))]).await);
    let entry =
        Entry { id: 0, kind: Kind::Name, pattern: long(300), enabled: true, note: String::new(), expires_at: None };
    refused(store.put_entry(&entry, now()).await.map(|_| ()));
    let listed = [draft(1), Draft { description: Some(long(1001)), ..draft(2) }];
    refused(store.import(&listed, now(), false, &unwatched).await.map(|_| ()));
    assert_eq!(store.links().await.unwrap().len(), 2, "all or nothing");
    // What a friend's page says is cut: it must not stop a run.
    let mut record = seen(b, &long(5000), &[]);
    if let Some(seen) = &mut record.seen {
        seen.final_url = Some(format!("https://b.test/{}", long(5000)));
        seen.backlink.href = Some("\u{1}".repeat(9000));
        seen.backlink.page = Some(long(9000));
    }
    run_of(&store, &[record]).await;
    let link = store.link(b).await.unwrap().unwrap();
    assert_eq!(link.good_title.unwrap().chars().count(), 1000);
    assert_eq!(link.last_check.unwrap().final_url.unwrap().chars().count(), 2048);
    let (_, seen) = store.checks(b, 1).await.unwrap().remove(0);
    assert!(seen.backlink.href.unwrap().len() <= 4096);
}
