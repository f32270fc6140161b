//! The table of rules, as steps; and what must hold whatever is seen.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rollcall::domain::{
    class::Class,
    counts::Counts,
    lang::Lang,
    link::{LastCheck, LinkState, Manual},
    observation::{Observation, Standing},
    policy::{Policy, Preset},
    reason::Reason,
    verdict::{Change, automatic, judge},
};

/// One link, told what was seen step by step.
struct Story {
    state: LinkState,
    policy: Policy,
    minute: i64,
}

fn story(preset: Preset) -> Story {
    Story { state: LinkState::new(DateTime::UNIX_EPOCH), policy: Policy::of(preset), minute: 0 }
}

fn seen(class: Class, status: Option<u16>, at: DateTime<Utc>) -> Observation {
    Observation { class, status, ..Observation::whitelisted(at) }
}

impl Story {
    fn at(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(self.minute)
    }

    fn sees(&mut self, class: Class, status: Option<u16>) -> Change {
        self.minute += 1;
        let at = self.at();
        let verdict = judge(&self.state, &seen(class, status, at), &self.policy, at);
        self.state = verdict.next;
        verdict.change
    }

    fn fine(&mut self) -> Change {
        self.sees(Class::Ok, Some(200))
    }

    fn status(&mut self, status: u16) -> Change {
        self.sees(Class::HttpStatus, Some(status))
    }

    fn why(&self) -> String {
        self.state.reason.as_ref().map(|r| r.words(Lang::Zh)).unwrap_or_default()
    }
}

#[test]
fn a_verdict_that_is_lifted_leaves_the_link_as_its_newest_check_says() {
    let mut link = story(Preset::Strict);
    let newest = |class, status| LastCheck { at: DateTime::UNIX_EPOCH, class, status, ms: 1, final_url: None };
    let lifted = |link: &Story, last: Option<&LastCheck>| automatic(&link.state, last, &link.policy);
    assert_eq!(lifted(&link, None), (true, None), "never checked");
    link.status(404);
    link.state.shown = true;
    let gone = newest(Class::HttpStatus, Some(404));
    assert_eq!(lifted(&link, Some(&gone)), (false, Some(Reason::new(Class::HttpStatus, Some(404)))));
    link.sees(Class::BotChallenge, Some(403));
    let walled = newest(Class::BotChallenge, Some(403));
    assert!(lifted(&link, Some(&walled)).0, "what could not be told leaves it as it is");
    link.fine();
    link.state.shown = false;
    assert_eq!(lifted(&link, Some(&newest(Class::Ok, Some(200)))), (true, None));
    let mut patient = story(Preset::Patient);
    patient.status(404);
    assert!(lifted(&patient, Some(&gone)).0, "once is not enough for the patient");
}

#[test]
fn strict_hides_at_once_and_restores_at_once() {
    let mut link = story(Preset::Strict);
    assert_eq!(link.fine(), Change::None);
    assert_eq!(link.status(404), Change::Hide);
    assert_eq!((link.state.shown, link.why().as_str()), (false, "网页请求返回404"));
    assert_eq!(link.sees(Class::BacklinkMissing, Some(200)), Change::None);
    assert_eq!(link.why(), "网站未设置本站外链", "a hidden link's reason is kept up to date");
    assert_eq!(link.fine(), Change::Show);
    assert_eq!((link.state.shown, link.why().as_str()), (true, ""));
}

#[test]
fn patient_waits_longer_for_what_may_pass() {
    let mut link = story(Preset::Patient);
    assert_eq!(link.status(404), Change::None);
    assert_eq!(link.status(404), Change::Hide);
    assert_eq!(link.fine(), Change::None);
    assert!(!link.state.shown && !link.why().is_empty(), "still hidden, with its reason");
    assert_eq!(link.fine(), Change::Show);

    assert_eq!(link.sees(Class::Timeout, None), Change::None);
    assert_eq!(link.sees(Class::Timeout, None), Change::None);
    assert_eq!(link.sees(Class::Timeout, None), Change::Hide);
}

#[test]
fn bad_checks_of_any_class_form_one_streak_and_the_newest_sets_the_threshold() {
    let mut link = story(Preset::Patient);
    link.sees(Class::Timeout, None);
    assert_eq!(link.status(404), Change::Hide, "the second bad one, and definite");
    let mut link = story(Preset::Patient);
    link.status(404);
    assert_eq!(link.status(503), Change::None, "the second bad one, but transient");
    assert_eq!(link.status(503), Change::Hide);
    let mut link = story(Preset::Patient);
    link.status(404);
    link.fine();
    assert_eq!(link.status(404), Change::None, "a good one breaks the streak");
}

#[test]
fn numbers_of_the_owners_own_come_first() {
    let mut link = story(Preset::Strict);
    link.policy.hide_after.insert(Class::Timeout, 3);
    link.policy.restore_after = Some(2);
    assert_eq!([link.sees(Class::Timeout, None), link.sees(Class::Timeout, None)], [Change::None; 2]);
    assert_eq!(link.sees(Class::Timeout, None), Change::Hide);
    assert_eq!([link.fine(), link.fine()], [Change::None, Change::Show]);
}

#[test]
fn what_cannot_tell_changes_nothing_and_breaks_no_streak() {
    let mut link = story(Preset::Patient);
    link.status(404);
    for class in [Class::BotChallenge, Class::RateLimited, Class::ScriptOnly, Class::BodyTooLarge] {
        assert_eq!(link.sees(class, Some(200)), Change::None);
    }
    assert_eq!(link.status(404), Change::Hide);
    assert_eq!(link.sees(Class::BotChallenge, Some(403)), Change::None);
    assert!(!link.state.shown, "a hidden link stays as it is");
}

#[test]
fn a_fake_answer_of_a_local_proxy_says_nothing() {
    let mut link = story(Preset::Strict);
    let at = link.at();
    let fake = Observation { inconclusive: true, ..seen(Class::BlockedByPolicy, None, at) };
    let verdict = judge(&link.state, &fake, &link.policy, at);
    assert_eq!((verdict.change, verdict.review), (Change::None, true));
    assert_eq!(link.sees(Class::BlockedByPolicy, None), Change::Hide, "but a truly private address does");
}

#[test]
fn the_whitelist_shows_a_hidden_link_and_clears_its_reason() {
    let mut link = story(Preset::Strict);
    link.status(500);
    assert_eq!(link.sees(Class::Whitelisted, None), Change::Show);
    assert_eq!((link.state.shown, link.why().as_str()), (true, ""));
    assert_eq!(link.sees(Class::Whitelisted, None), Change::None);
}

#[test]
fn a_manual_verdict_holds_until_its_end() {
    let mut link = story(Preset::Strict);
    let until = Some(link.at() + TimeDelta::minutes(3));
    link.state.manual = Some(Manual { shown: true, until, set_at: link.at(), set_by: "me".into() });
    assert_eq!([link.status(404), link.status(404)], [Change::None; 2]);
    assert!(link.state.shown && link.state.reason.is_none());
    assert_eq!(link.status(404), Change::Hide, "its time is over");
    assert_eq!(link.state.manual, None);
}

fn any_observation() -> impl Strategy<Value = (Class, Option<u16>, bool)> {
    let class = proptest::sample::select(Class::ALL.to_vec());
    (class, proptest::option::of(100u16..600), any::<bool>())
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let class = proptest::sample::select(Class::ALL.to_vec());
    (any::<bool>(), proptest::collection::btree_map(class, 1u32..6, 0..4), proptest::option::of(1u32..6)).prop_map(
        |(strict, hide_after, restore_after)| Policy {
            preset: if strict { Preset::Strict } else { Preset::Patient },
            hide_after,
            restore_after,
            ..Policy::default()
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_seen(policy in any_policy(), steps in proptest::collection::vec(any_observation(), 1..40)) {
        let mut state = LinkState::new(DateTime::UNIX_EPOCH);
        let mut counts = Counts::of_total(u32::try_from(steps.len()).unwrap());
        for (minute, (class, status, inconclusive)) in steps.iter().enumerate() {
            let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute as i64 + 1);
            let seen = Observation { inconclusive: *inconclusive, ..seen(*class, *status, at) };
            let verdict = judge(&state, &seen, &policy, at);

            // Judging twice changes nothing.
            let again = judge(&verdict.next, &seen, &policy, at);
            prop_assert_eq!(&again.next, &verdict.next);
            prop_assert_eq!(again.change, Change::None);

            // The change says what happened to what is shown.
            let expected = match (state.shown, verdict.next.shown) {
                (true, false) => Change::Hide,
                (false, true) => Change::Show,
                _ => Change::None,
            };
            prop_assert_eq!(verdict.change, expected);

            // A shown link has no reason, a hidden one always has.
            prop_assert_eq!(verdict.next.reason.is_some(), !verdict.next.shown);

            // What cannot tell never changes what is shown, nor a streak.
            if seen.standing() == Standing::Unverifiable {
                prop_assert_eq!(verdict.change, Change::None);
                prop_assert_eq!((verdict.next.bad_streak, verdict.next.good_streak), (state.bad_streak, state.good_streak));
            }
            counts.add(seen.standing(), verdict.change);
            state = verdict.next;
        }
        // Counts add up.
        prop_assert_eq!(counts.active_num, counts.ok + counts.bad + counts.unverifiable);
        prop_assert_eq!(counts.finished(), counts.total);
        prop_assert_eq!(counts.pending(), 0);
    }
}
