//! What every store keeps to. A second backend joins by one more line in `backends!`.

mod accounts;
mod ends;
mod history;
mod large;
mod owners;
mod review;
#[path = "../support/mod.rs"]
mod support;

use accounts::{accounts_and_sessions, who_did_what_is_kept_for_a_time, wrong_log_ins_push_nothing_out};
use chrono::{DateTime, TimeDelta, Utc};
use ends::{a_store_that_is_well_says_so, entries_end_at_their_time, verdicts_end_at_their_time};
use history::{
    a_run_of_thousands_settles_whole, old_checks_become_days, space_is_given_back,
    what_failed_on_our_side_touches_no_link,
};
use large::{
    a_list_is_taken_in_whole, a_roll_is_read_in_parts, exempt_links_are_shown_at_once, long_texts_are_refused_or_cut,
};
use owners::{
    adoption_is_by_compare_and_swap, what_is_known_better_by_now_is_left_out, who_has_lost_a_run_writes_nothing_of_it,
};
use review::{good_titles_stay_until_one_like_them_comes, review_is_a_queue};
use rollcall::{
    domain::{
        class::Class,
        link::Manual,
        observation::{Evidence, Flag, Hop, Observation, Standing},
        progress::{RunState, Trigger},
        reason::Reason,
        run::Plan,
        schedule::Scope,
        settings::Settings,
        verdict::Change,
        whitelist::{Entry, Kind},
    },
    store::{
        Among, Draft, Ending, Imported, ItemOutcome, Record, SharedStore, Sort, Status, StoreError, Wanted,
        WantedItems, unwatched,
    },
};
use support::about;

/// Runs every contract test over each backend.
macro_rules! backends {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let (_folder, store) = super::support::store().await;
                super::$test(store).await;
            })*
        }
    };
}

backends! {
    links_come_and_go,
    import_updates_only_what_is_carried,
    a_list_is_taken_in_whole,
    a_roll_is_read_in_parts,
    exempt_links_are_shown_at_once,
    long_texts_are_refused_or_cut,
    claims_are_exclusive,
    outcomes_are_written_once,
    settling_twice_is_harmless,
    whitelist_settings_and_schedules,
    manual_verdicts_show_and_hide,
    totals_and_pages_agree,
    review_is_a_queue,
    good_titles_stay_until_one_like_them_comes,
    history_is_found_by_link_and_run,
    accounts_and_sessions,
    adoption_is_by_compare_and_swap,
    who_has_lost_a_run_writes_nothing_of_it,
    what_is_known_better_by_now_is_left_out,
    evidence_is_bounded,
    old_checks_become_days,
    space_is_given_back,
    a_run_of_thousands_settles_whole,
    who_did_what_is_kept_for_a_time,
    wrong_log_ins_push_nothing_out,
    what_failed_on_our_side_touches_no_link,
    verdicts_end_at_their_time,
    entries_end_at_their_time,
    a_store_that_is_well_says_so,
}

fn now() -> DateTime<Utc> {
    "2026-11-21T04:00:00Z".parse().unwrap()
}

fn plan() -> Plan {
    Plan { settings: Settings::default(), whitelist: Vec::new(), widened: false }
}

fn outcome(link_id: i64, class: Class, status: u16, change: Change) -> Record {
    let seen = Observation { class, status: Some(status), ms: 12, attempts: 1, ..Observation::whitelisted(now()) };
    Record::done(link_id, seen, change)
}

async fn two(store: &SharedStore) -> [i64; 2] {
    let a = store.add_link(&about("a", "https://a.test/"), true, now()).await.unwrap();
    let b = store.add_link(&about("b", "https://b.test/"), true, now()).await.unwrap();
    [a, b]
}

async fn links_come_and_go(store: SharedStore) {
    let [a, b] = two(&store).await;
    let mut friend = about("甲", "https://a.test/new");
    friend.group = "组".into();
    store.set_link(a, &friend, false).await.unwrap();
    let link = store.link(a).await.unwrap().unwrap();
    assert_eq!((link.about, link.active, link.state.shown), (friend, false, true));
    assert_eq!(store.roster().await.unwrap(), [(a, "甲".to_owned(), false), (b, "b".to_owned(), true)]);
    let taken = store.add_link(&about("c", "http://www.b.test"), true, now()).await;
    assert!(matches!(taken, Err(StoreError::DuplicateLink(_, id)) if id == b));
    let clash = store.set_link(a, &about("a", "https://b.test"), true).await;
    assert!(matches!(clash, Err(StoreError::DuplicateLink(..))));
    assert_eq!(store.remove_links(&[a], now()).await.unwrap(), 1);
    assert_eq!(store.remove_links(&[a, 99], now()).await.unwrap(), 0, "once is enough");
    assert_eq!(store.links().await.unwrap().len(), 1);
    assert_eq!(store.totals().await.unwrap().links, 1);
    assert_eq!(store.restore_links(&[a]).await.unwrap(), 1);
    assert_eq!(store.link(a).await.unwrap().unwrap().about.name, "甲");
    // A new link at its address takes the place of a removed one for good.
    store.remove_links(&[a, b], now()).await.unwrap();
    let again = store.add_link(&about("new", "https://b.test"), true, now()).await.unwrap();
    assert_eq!(store.restore_links(&[b]).await.unwrap(), 0);
    let revision = store.links_revision().await.unwrap();
    assert_eq!(store.purge(now() + TimeDelta::seconds(1)).await.unwrap(), 1);
    assert_ne!(store.links_revision().await.unwrap(), revision, "a link has gone");
    assert_eq!(store.names().await.unwrap().len(), 1);
    assert_eq!(store.count_hidden(&[again]).await.unwrap(), 0);
    assert_eq!(store.restore_links(&[a]).await.unwrap(), 0, "purged");
    assert_eq!(store.links().await.unwrap()[0].id, again);
}

async fn import_updates_only_what_is_carried(store: SharedStore) {
    let draft = |name: &str, note: Option<&str>| Draft {
        name: name.into(),
        url: "https://a.test".into(),
        note: note.map(str::to_owned),
        ..Draft::default()
    };
    let dry = store.import(&[draft("A", Some("n"))], now(), true, &unwatched).await.unwrap();
    assert_eq!((dry, store.links().await.unwrap().len()), (vec![Imported::Added], 0));
    store.import(&[draft("A", Some("n"))], now(), false, &unwatched).await.unwrap();
    assert_eq!(store.import(&[draft("A", Some("n"))], now(), false, &unwatched).await.unwrap(), [Imported::Unchanged]);
    assert_eq!(store.import(&[draft("A2", None)], now(), false, &unwatched).await.unwrap(), [Imported::Updated]);
    let link = store.links().await.unwrap().remove(0);
    assert_eq!((link.about.name.as_str(), link.about.note.as_str()), ("A2", "n"));
    let bad = Draft { name: "B".into(), url: "nonsense".into(), ..Draft::default() };
    let fresh = Draft { name: "C".into(), url: "https://c.test".into(), ..Draft::default() };
    assert!(store.import(&[fresh, bad], now(), false, &unwatched).await.is_err());
    assert_eq!(store.links().await.unwrap().len(), 1, "all or nothing");
}

async fn claims_are_exclusive(store: SharedStore) {
    let [a, b] = two(&store).await;
    let first = store.begin_run(Trigger::Click, &plan(), "me", &[a], now()).await.unwrap();
    let second = store.begin_run(Trigger::Click, &plan(), "me", &[a, b], now()).await.unwrap();
    assert_eq!((second.claimed.clone(), second.elsewhere), (vec![b], vec![first.run_id.unwrap()]));
    let third = store.begin_run(Trigger::Click, &plan(), "me", &[a, b], now()).await.unwrap();
    assert_eq!((third.run_id, third.elsewhere.len()), (None, 2));
    store.settle(first.run_id.unwrap(), "me", Ending::default(), now()).await.unwrap();
    assert_eq!(store.add_items(second.run_id.unwrap(), "me", &[a, b]).await.unwrap(), [a]);
    assert_eq!(store.add_items(first.run_id.unwrap(), "me", &[b]).await.unwrap(), [0; 0], "it is over");
}

async fn outcomes_are_written_once(store: SharedStore) {
    let [a, b] = two(&store).await;
    let c = store.add_link(&about("c", "https://c.test/"), true, now()).await.unwrap();
    let run = store.begin_run(Trigger::Click, &plan(), "me", &[a, b, c], now()).await.unwrap().run_id.unwrap();
    store.record(run, "me", &[outcome(a, Class::HttpStatus, 404, Change::Hide)]).await.unwrap();
    store.record(run, "me", &[outcome(a, Class::Ok, 200, Change::None)]).await.unwrap();
    store
        .record(run, "me", &[outcome(b, Class::Ok, 200, Change::None), outcome(b, Class::Ok, 201, Change::None)])
        .await
        .unwrap();
    let notable = store.notable_items(run).await.unwrap();
    assert_eq!(notable.iter().map(|item| item.link_id).collect::<Vec<_>>(), [a, c], "not the good one");
    let items = store.items(run).await.unwrap();
    assert_eq!(items[1].seen.as_ref().and_then(|seen| seen.status), Some(200), "the first of a batch counts");
    assert_eq!(items[0].seen.as_ref().map(|s| (s.class, s.status, s.ms)), Some((Class::HttpStatus, Some(404), 12)));
    assert!(store.link(a).await.unwrap().unwrap().state.shown, "pending until the run is settled");
    let settled = store.settle(run, "me", Ending { cancelled: true, ..Ending::default() }, now()).await.unwrap();
    assert_eq!((settled.state, settled.counts.to_not_show, settled.counts.cancelled), (RunState::Cancelled, 1, 1));
    let link = store.link(a).await.unwrap().unwrap();
    assert_eq!((link.state.shown, link.last_check.unwrap().status), (false, Some(404)));
    assert_eq!(store.transitions(a, 5).await.unwrap().len(), 1);
}

async fn settling_twice_is_harmless(store: SharedStore) {
    let [a, _] = two(&store).await;
    let run = store.begin_run(Trigger::Click, &plan(), "me", &[a], now()).await.unwrap().run_id.unwrap();
    store.record(run, "me", &[outcome(a, Class::HttpStatus, 500, Change::Hide)]).await.unwrap();
    let first = store.settle(run, "me", Ending { elapsed_ms: 9, ..Ending::default() }, now()).await.unwrap();
    let before = store.link(a).await.unwrap();
    assert_eq!(store.settle(run, "me", Ending::default(), now()).await.unwrap(), first);
    assert_eq!(store.link(a).await.unwrap(), before);
    assert_eq!(store.run(run).await.unwrap().unwrap().ms, 9);
}

async fn whitelist_settings_and_schedules(store: SharedStore) {
    let entry = Entry {
        id: 0,
        kind: Kind::Host,
        pattern: "a.test".into(),
        enabled: true,
        note: "n".into(),
        expires_at: Some(now()),
    };
    let id = store.put_entry(&entry, now()).await.unwrap();
    let off = Entry { enabled: false, ..entry.clone() };
    assert_eq!(store.put_entry(&off, now()).await.unwrap(), id, "one entry a pattern");
    assert_eq!(store.whitelist().await.unwrap(), [Entry { id, ..off }]);
    assert!(store.remove_entry(Kind::Host, "a.test").await.unwrap());
    assert!(!store.remove_entry(Kind::Host, "a.test").await.unwrap());

    store.put_settings(&[("policy".into(), "patient".into())]).await.unwrap();
    store.put_settings(&[("policy".into(), "strict".into())]).await.unwrap();
    assert_eq!(store.settings().await.unwrap(), [("policy".to_owned(), "strict".to_owned())]);

    let row = store.schedules().await.unwrap().remove(0);
    assert_eq!((row.cron.as_str(), row.last_due), ("0 4 * * *", None));
    assert!(store.claim_due(row.id, None, now()).await.unwrap());
    assert!(!store.claim_due(row.id, None, now()).await.unwrap(), "another was first");
    assert_eq!(store.schedules().await.unwrap()[0].last_due, Some(now()));
    let added = store.put_schedule(None, "5 5 * * *", &Scope::Hidden, now()).await.unwrap();
    let row = store.schedules().await.unwrap().remove(1);
    assert_eq!((row.id, &row.scope, row.last_due), (added, &Scope::Hidden, Some(now())));
    let group = Scope::Group("同行".to_owned());
    assert_eq!(store.put_schedule(Some(added), "6 5 * * *", &group, now()).await.unwrap(), added);
    assert_eq!(store.schedules().await.unwrap()[1].scope, group);
    assert!(store.put_schedule(Some(99), "5 5 * * *", &Scope::All, now()).await.is_err());
    assert!(store.remove_schedule(added).await.unwrap());
}

fn why_gone() -> Reason {
    Reason::new(Class::HttpStatus, Some(404))
}

async fn manual_verdicts_show_and_hide(store: SharedStore) {
    let [a, _] = two(&store).await;
    let manual = Manual { shown: false, until: None, set_at: now(), set_by: "me".into() };
    store.set_manual(a, manual.clone(), now()).await.unwrap();
    let link = store.link(a).await.unwrap().unwrap();
    assert_eq!((link.state.shown, link.state.manual), (false, Some(manual)));
    assert_eq!(store.show_exempt(&[a], now()).await.unwrap(), 0, "the owner's word stands");
    store.lift_manual(a, false, Some(why_gone()), now()).await.unwrap();
    assert_eq!(store.link(a).await.unwrap().unwrap().state.manual, None);
    assert_eq!(store.show_exempt(&[a], now()).await.unwrap(), 1);
    store.lift_manual(a, false, Some(why_gone()), now()).await.unwrap();
    let state = store.link(a).await.unwrap().unwrap().state;
    assert_eq!((state.shown, state.reason), (false, Some(why_gone())));
    assert!(store.lift_manual(99, true, None, now()).await.is_err());
}

async fn totals_and_pages_agree(store: SharedStore) {
    let [a, b] = two(&store).await;
    let c = store.add_link(&about("c", "https://c.test/"), false, now()).await.unwrap();
    let run = store.begin_run(Trigger::Click, &plan(), "me", &[a, b], now()).await.unwrap().run_id.unwrap();
    let records =
        [outcome(a, Class::BotChallenge, 403, Change::None), outcome(b, Class::HttpStatus, 404, Change::Hide)];
    store.record(run, "me", &records).await.unwrap();
    store.settle(run, "me", Ending::default(), now()).await.unwrap();
    let totals = store.totals().await.unwrap();
    assert_eq!((totals.links, totals.shown, totals.hidden), (3, 1, 1));
    let ids = async |wanted: Wanted| -> Vec<i64> {
        let found = store.search(&Wanted { limit: 10, ..wanted }).await.unwrap();
        assert_eq!(found.total as usize, found.links.len());
        found.links.iter().map(|link| link.id).collect()
    };
    assert_eq!(ids(Wanted::default()).await, [b, a, c], "hidden first, inactive last");
    let late = store.search(&Wanted { offset: 1, limit: 1, ..Wanted::default() }).await.unwrap();
    assert_eq!((late.links[0].id, late.total), (a, 3));
    for (status, expected) in
        [(Status::Shown, vec![a]), (Status::Hidden, vec![b]), (Status::Unchecked, vec![]), (Status::Inactive, vec![c])]
    {
        assert_eq!(ids(Wanted { status: Some(status), ..Wanted::default() }).await, expected, "{status:?}");
    }
    let by = |sort, descending| Wanted { sort, descending, ..Wanted::default() };
    assert_eq!(ids(by(Sort::Name, true)).await, [c, b, a]);
    assert_eq!(ids(by(Sort::Checked, false)).await.last(), Some(&c), "what was never checked comes last");
    assert_eq!(ids(by(Sort::Latency, true)).await.last(), Some(&c));
    assert_eq!(ids(Wanted { class: Some(Class::HttpStatus), ..Wanted::default() }).await, [b]);
    assert_eq!(ids(Wanted { text: "B.TEST".into(), ..Wanted::default() }).await, [b]);
    assert_eq!(ids(Wanted { text: "%".into(), ..Wanted::default() }).await, [0; 0], "taken to the letter");
    assert_eq!(ids(Wanted { among: Some(Among::Only(vec![a, c])), ..Wanted::default() }).await, [a, c]);
    assert_eq!(ids(Wanted { among: Some(Among::Except(vec![a, c])), ..Wanted::default() }).await, [b]);
    assert_eq!(store.set_group(&[a, c], "组").await.unwrap(), 2);
    assert_eq!(store.groups().await.unwrap(), [("组".to_owned(), 2)]);
    assert_eq!(ids(Wanted { group: Some("组".into()), ..Wanted::default() }).await, [a, c]);
    assert_eq!(store.set_active(&[a, c], true).await.unwrap(), 1);
    assert_eq!(store.link(b).await.unwrap().unwrap().recent, [Standing::Bad]);
}

/// A whole run over these outcomes.
async fn run_of(store: &SharedStore, records: &[Record]) {
    let ids: Vec<i64> = records.iter().map(|record| record.link_id).collect();
    let run = store.begin_run(Trigger::Click, &plan(), "me", &ids, now()).await.unwrap().run_id.unwrap();
    store.record(run, "me", records).await.unwrap();
    store.settle(run, "me", Ending::default(), now()).await.unwrap();
}

fn seen(link_id: i64, title: &str, flags: &[Flag]) -> Record {
    let mut record = outcome(link_id, Class::Ok, 200, Change::None);
    if let Some(seen) = &mut record.seen {
        seen.flags = flags.to_vec();
        seen.evidence.title = Some(title.to_owned());
    }
    record
}

async fn history_is_found_by_link_and_run(store: SharedStore) {
    let [a, b] = two(&store).await;
    let first = store.begin_run(Trigger::Click, &plan(), "me", &[a, b], now()).await.unwrap().run_id.unwrap();
    let bad = outcome(b, Class::HttpStatus, 404, Change::Hide);
    store.record(first, "me", &[outcome(a, Class::Ok, 200, Change::None), bad]).await.unwrap();
    assert_eq!(store.pending(&[a, b]).await.unwrap(), [(b, Change::Hide)]);
    store.settle(first, "me", Ending::default(), now()).await.unwrap();
    assert!(store.pending(&[a, b]).await.unwrap().is_empty());
    let lately = store.lately(5).await.unwrap();
    assert_eq!((lately.len(), lately[0].name.as_str(), lately[0].change.shown), (1, "b", false));
    assert_eq!(store.checks(b, 5).await.unwrap()[0].1.status, Some(404));
    assert_eq!(store.points(b, now() - TimeDelta::days(1)).await.unwrap()[0].standing, Standing::Bad);
    assert!(store.points(b, now() + TimeDelta::days(1)).await.unwrap().is_empty());
    let of = async |outcome| {
        let wanted = WantedItems { outcome, limit: 10, ..WantedItems::default() };
        let (items, total) = store.search_items(first, &wanted).await.unwrap();
        assert_eq!(items.len(), total as usize);
        items.iter().map(|item| item.link_id).collect::<Vec<_>>()
    };
    assert_eq!(of(None).await, [b, a], "what changed comes first");
    assert_eq!(of(Some(ItemOutcome::Good)).await, [a]);
    assert_eq!(of(Some(ItemOutcome::Bad)).await, [b]);
    assert_eq!(of(Some(ItemOutcome::Changed)).await, [b]);
    assert_eq!(of(Some(ItemOutcome::Unverifiable)).await, [0; 0]);
    assert_eq!(of(Some(ItemOutcome::Pending)).await, [0; 0]);
    let second = store.begin_run(Trigger::Schedule, &plan(), "me", &[a], now()).await.unwrap().run_id.unwrap();
    assert_eq!(store.count_runs().await.unwrap(), 2);
    assert_eq!(store.runs(0, 1).await.unwrap()[0].id, second);
    assert_eq!(store.runs(1, 1).await.unwrap()[0].id, first);
    assert!(!store.prune(now(), 10).await.unwrap(), "not old enough");
    while store.prune(now() + TimeDelta::days(1), 1).await.unwrap() {}
    assert!(store.checks(b, 5).await.unwrap().is_empty());
    assert_eq!(store.lately(5).await.unwrap().len(), 1, "what was shown and hidden is kept");
    assert_eq!(store.unfinished(second).await.unwrap(), [a]);
}

async fn evidence_is_bounded(store: SharedStore) {
    let [a, _] = two(&store).await;
    let run = store.begin_run(Trigger::Click, &plan(), "me", &[a], now()).await.unwrap().run_id.unwrap();
    let mut record = outcome(a, Class::Ok, 200, Change::None);
    let hop = Hop { url: "https://a.test/".to_owned() + &"路".repeat(5000), status: 301 };
    let evidence = Evidence { hops: vec![hop; 20], title: Some("标".repeat(9000)), ..Evidence::default() };
    record.seen.as_mut().unwrap().evidence = evidence;
    store.record(run, "me", &[record]).await.unwrap();
    let kept = store.items(run).await.unwrap().remove(0).seen.unwrap();
    assert!(serde_json::to_string(&kept.evidence).unwrap().len() <= 4096);
    assert!(kept.evidence.title.is_some());
}
