//! The mass-failure guard: one hiccup of our own network must not hide a hundred friends.

use super::{class::Class, observation::Observation, policy::GuardPolicy, verdict::Change};
use serde::{Deserialize, Serialize};

/// Why a run is held for the owner to apply or discard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// It would hide too many of the shown links at once.
    TooManyHidden,
    /// Not one of its checks got an HTTP answer.
    NoAnswerAtAll,
    /// None of the owner's witness sites answered.
    WitnessesFailed,
}

/// What the guard looks at, gathered over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Checks made; whitelisted links are none.
    pub checks: u32,
    /// Of these, the ones with an HTTP answer.
    pub answered: u32,
    /// Of these, the ones that look the same where our own network is down: [`is_silent`].
    pub silent: u32,
    /// Of these, the ones of links that were shown.
    pub shown_checked: u32,
    pub would_hide: u32,
    /// Witnesses asked, and how many of them answered.
    pub witnesses: u32,
    pub witnesses_answered: u32,
}

/// The number of checks from which on "no answer at all" speaks of our own network.
const NO_ANSWER_MIN: u32 = 3;

/// Whether a check that ended so may as well have met our own network down: nothing outside this machine is known to
/// have answered.
pub fn is_silent(class: Class) -> bool {
    matches!(class, Class::DnsFailure | Class::Unreachable | Class::ConnectTimeout)
}

impl Tally {
    /// Adds one check that was made.
    pub fn add(&mut self, seen: &Observation, was_shown: bool, change: Change) {
        self.checks += 1;
        self.answered += u32::from(seen.had_http_answer());
        self.silent += u32::from(is_silent(seen.class));
        self.shown_checked += u32::from(was_shown);
        self.would_hide += u32::from(change == Change::Hide);
    }

    /// Whether the run is to be held, and why. Design.md, Rules: mass-failure guard.
    pub fn hold(&self, policy: GuardPolicy) -> Option<Hold> {
        if policy.min == 0 {
            return None;
        }
        if self.witnesses > 0 && self.witnesses_answered == 0 {
            return Some(Hold::WitnessesFailed);
        }
        if self.checks >= NO_ANSWER_MIN && self.answered == 0 {
            return Some(Hold::NoAnswerAtAll);
        }
        // Few checks and not a sign of life, of ours either: ADR 0007.
        if self.would_hide > 0 && self.silent == self.checks && self.witnesses_answered == 0 {
            return Some(Hold::NoAnswerAtAll);
        }
        let share_exceeded = f64::from(self.would_hide) > policy.share * f64::from(self.shown_checked);
        (self.would_hide >= policy.min && share_exceeded).then_some(Hold::TooManyHidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(checks: u32, answered: u32, would_hide: u32) -> Tally {
        Tally { checks, answered, shown_checked: checks, would_hide, ..Tally::default() }
    }

    #[test]
    fn holds_only_past_both_edges() {
        let policy = GuardPolicy::default();
        assert_eq!(tally(19, 19, 10).hold(policy), Some(Hold::TooManyHidden));
        assert_eq!(tally(20, 20, 10).hold(policy), None, "exactly half is not more than half");
        assert_eq!(tally(9, 9, 9).hold(policy), None, "fewer than guard_min");
        assert_eq!(tally(10, 10, 10).hold(policy), Some(Hold::TooManyHidden));
    }

    #[test]
    fn share_counts_shown_links_only() {
        let t = Tally { checks: 100, answered: 100, shown_checked: 12, would_hide: 10, ..Tally::default() };
        assert_eq!(t.hold(GuardPolicy::default()), Some(Hold::TooManyHidden));
    }

    #[test]
    fn no_answer_at_all_holds_small_rings_too() {
        let policy = GuardPolicy::default();
        assert_eq!(tally(2, 0, 2).hold(policy), None);
        assert_eq!(tally(3, 0, 3).hold(policy), Some(Hold::NoAnswerAtAll));
        assert_eq!(tally(3, 1, 2).hold(policy), None);
    }

    #[test]
    fn witnesses_hold_only_when_all_fail() {
        let policy = GuardPolicy::default();
        let all_failed = Tally { witnesses: 2, ..tally(1, 0, 1) };
        assert_eq!(all_failed.hold(policy), Some(Hold::WitnessesFailed));
        let one_answers = Tally { witnesses: 2, witnesses_answered: 1, ..tally(1, 0, 1) };
        assert_eq!(one_answers.hold(policy), None);
    }

    #[test]
    fn one_silent_link_hides_only_where_something_else_answers() {
        let policy = GuardPolicy::default();
        let alone = Tally { silent: 1, ..tally(1, 0, 1) };
        assert_eq!(alone.hold(policy), Some(Hold::NoAnswerAtAll));
        assert_eq!(Tally { witnesses: 3, witnesses_answered: 1, ..alone }.hold(policy), None);
        assert_eq!(Tally { would_hide: 0, ..alone }.hold(policy), None, "nothing would change");
        assert_eq!(Tally { silent: 1, ..tally(2, 0, 2) }.hold(policy), None, "the other one was refused, say");
    }

    #[test]
    fn zero_turns_the_guard_off() {
        let off = GuardPolicy { min: 0, share: 0.5 };
        assert_eq!(tally(50, 0, 50).hold(off), None);
    }
}
