//! The rules: what an observation makes of a link.

use super::{
    link::{LastCheck, LinkState},
    observation::{Observation, Standing},
    policy::Policy,
    reason::Reason,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a verdict does to whether a link is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    #[default]
    None,
    Hide,
    Show,
}

/// What the rules make of one observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub next: LinkState,
    pub change: Change,
    /// The owner should look: the check could not tell.
    pub review: bool,
}

/// Judges one observation of a link by design.md's table.
///
/// An observation that `state` has judged already changes nothing, so applying a run twice is harmless.
pub fn judge(state: &LinkState, seen: &Observation, policy: &Policy, at: DateTime<Utc>) -> Verdict {
    let mut next = state.clone();
    if next.manual.as_ref().is_some_and(|manual| !manual.holds(at)) {
        next.manual = None;
    }
    let standing = seen.standing();
    let review = standing == Standing::Unverifiable;
    if state.judged == Some(seen.at) {
        return Verdict { next, change: Change::None, review };
    }
    next.judged = Some(seen.at);
    count_streaks(&mut next, standing);

    let by_rules = match standing {
        Standing::Exempt => Some(true),
        Standing::Unverifiable => None,
        Standing::Good if state.shown || next.good_streak >= policy.restore_after() => Some(true),
        Standing::Bad if !state.shown || next.bad_streak >= policy.hide_after(seen.class, seen.status) => Some(false),
        Standing::Good | Standing::Bad => None,
    };
    let shown = match &next.manual {
        Some(manual) => Some(manual.shown),
        None => by_rules,
    };
    let change = settle(&mut next, shown, seen, at);
    Verdict { next, change, review }
}

/// What the rules make of a link as it stands, for when the owner's own verdict is lifted: whether it is shown, and
/// why not.
pub fn automatic(state: &LinkState, last: Option<&LastCheck>, policy: &Policy) -> (bool, Option<Reason>) {
    if state.bad_streak == 0 {
        return (true, None);
    }
    let bad = last.filter(|last| Standing::of(last.class, false) == Standing::Bad);
    match bad {
        Some(bad) if state.bad_streak >= policy.hide_after(bad.class, bad.status) => {
            (false, Some(Reason::new(bad.class, bad.status)))
        }
        _ => (state.shown, state.reason.clone()),
    }
}

/// Bad checks of any class form one streak; an unverifiable one neither adds to it nor breaks it.
fn count_streaks(next: &mut LinkState, standing: Standing) {
    match standing {
        Standing::Good => {
            next.good_streak = next.good_streak.saturating_add(1);
            next.bad_streak = 0;
        }
        Standing::Bad => {
            next.bad_streak = next.bad_streak.saturating_add(1);
            next.good_streak = 0;
        }
        Standing::Unverifiable | Standing::Exempt => {}
    }
}

/// Sets `shown` and the reason that goes with it; `None` leaves both as they are.
fn settle(next: &mut LinkState, shown: Option<bool>, seen: &Observation, at: DateTime<Utc>) -> Change {
    let Some(shown) = shown else {
        return Change::None;
    };
    if shown {
        next.reason = None;
    } else if seen.standing() == Standing::Bad {
        next.reason = Some(Reason::of(seen));
    }
    if shown == next.shown {
        return Change::None;
    }
    next.shown = shown;
    next.since = at;
    if shown { Change::Show } else { Change::Hide }
}
