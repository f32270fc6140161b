//! The mass-failure guard: one hiccup of our own network must not hide a hundred friends.

use super::{class::Class, lang::Lang, observation::Observation, policy::GuardPolicy, verdict::Change};
#[cfg(feature = "ssr")]
use super::{
    flags::{moved_host, registrable},
    observation::Flag,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Why a run is held for the owner to apply or discard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// It would hide too many of the shown links at once.
    TooManyHidden,
    /// It would hide every shown link that it checked.
    AllHidden,
    /// Not one of its checks got an HTTP answer.
    NoAnswerAtAll,
    /// None of those that were asked beside the run's links answered as itself.
    WitnessesFailed,
    /// Sites that have nothing to do with each other gave one and the same answer.
    OneAnswer,
}

impl Hold {
    pub const ALL: [Hold; 5] =
        [Hold::TooManyHidden, Hold::AllHidden, Hold::NoAnswerAtAll, Hold::WitnessesFailed, Hold::OneAnswer];

    /// Why, in one sentence without a full stop.
    pub fn words(self, lang: Lang) -> &'static str {
        match self {
            Hold::TooManyHidden => lang.pick("会一次隐藏过多友链", "it would hide too many links at once"),
            Hold::AllHidden => lang.pick(
                "会一次隐藏全部友链，可能是本机网络故障",
                "it would hide every link at once: perhaps our own network is at fault",
            ),
            Hold::NoAnswerAtAll => lang.pick(
                "没有任何网站应答，可能是本机网络故障",
                "no site answered at all: perhaps our own network is down",
            ),
            Hold::WitnessesFailed => lang.pick(
                "其他网站均未正常应答，可能是本机网络故障",
                "no other site answered as itself: perhaps our own network is down",
            ),
            Hold::OneAnswer => lang.pick(
                "多个不相干的网站给出了同一个应答，可能是网络登录页或域名劫持",
                "unrelated sites gave one and the same answer, as a network's log-in page does",
            ),
        }
    }
}

/// What the guard looks at, gathered over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Checks made; whitelisted links are none.
    pub checks: u32,
    /// Of these, the ones with an HTTP answer.
    pub answered: u32,
    /// Of these, the ones that were asked to log in to the network first: status 511.
    pub network_logins: u32,
    /// Of these, the ones of links that were shown.
    pub shown_checked: u32,
    pub would_hide: u32,
    /// Of these, the ones without an answer that came from the site itself.
    pub strange: u32,
    /// What those that go saw may have come from one and the same stranger: [`is_one_answer`].
    pub one_answer: bool,
    pub witnesses: Heard,
    /// Other sites that were well just now, or when they were last checked.
    pub others: Heard,
}

/// How many were asked to see whether our own network is well, and how many answered as themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    pub asked: u32,
    pub answered: u32,
}

impl Heard {
    /// Some were asked, and not one answered.
    fn nobody(self) -> bool {
        self.asked > 0 && self.answered == 0
    }
}

/// The number of links from which on "not one answered", or "all go at once", speaks of our own network.
pub const MANY: u32 = 3;

/// So many sites that go behind one address are no chance, although many share one.
const CROWD: usize = 10;

/// The status of a network that wants a log-in first: RFC 6585, section 6.
pub const NETWORK_LOGIN: u16 = 511;

impl Tally {
    /// Adds one check that was made.
    pub fn add(&mut self, seen: &Observation, was_shown: bool, change: Change) {
        self.checks += 1;
        self.answered += u32::from(seen.had_http_answer());
        self.network_logins += u32::from(seen.status == Some(NETWORK_LOGIN));
        self.shown_checked += u32::from(was_shown);
        self.would_hide += u32::from(change == Change::Hide);
    }

    /// Whether the run is to be held, and why. Design.md, Rules: mass-failure guard.
    pub fn hold(&self, policy: GuardPolicy) -> Option<Hold> {
        if policy.min == 0 {
            return None;
        }
        if self.witnesses.nobody() {
            return Some(Hold::WitnessesFailed);
        }
        if self.checks >= MANY && self.answered == 0 {
            return Some(Hold::NoAnswerAtAll);
        }
        if self.would_hide == 0 {
            return None;
        }
        let share_exceeded = f64::from(self.would_hide) > policy.share * f64::from(self.shown_checked);
        if self.would_hide >= policy.min && share_exceeded {
            return Some(Hold::TooManyHidden);
        }
        let logins = self.network_logins;
        if self.one_answer || logins == self.checks || (logins >= MANY && logins * 2 >= self.checks) {
            return Some(Hold::OneAnswer);
        }
        if self.others.nobody() {
            return Some(Hold::WitnessesFailed);
        }
        if self.would_hide == self.shown_checked { self.all_go() } else { None }
    }

    /// Every shown link goes. Few of them may well have gone, if others are heard: ADR 0007, ADR 0014.
    fn all_go(&self) -> Option<Hold> {
        if self.would_hide >= MANY {
            return Some(Hold::AllHidden);
        }
        if self.witnesses.answered + self.others.answered > 0 {
            return None;
        }
        // Nobody could be asked: what came from the site itself has to do.
        (self.strange > 0).then_some(Hold::NoAnswerAtAll)
    }
}

/// What was seen of a link that would go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    pub class: Option<Class>,
    /// The link's own registrable domain: names below one are in one hand.
    pub site: String,
    /// The address that answered.
    pub remote: Option<String>,
    /// Where redirects ended, if that is another site than the link's.
    pub elsewhere: Option<String>,
    /// Title and length of the page that came with status 200.
    pub page: Option<(String, u64)>,
    /// The title has nothing in common with the one that the site had when it was well.
    pub retitled: bool,
}

#[cfg(feature = "ssr")]
impl Gone {
    /// What a check of the link at `url` saw.
    pub fn of(url: &str, seen: &Observation) -> Gone {
        let evidence = &seen.evidence;
        let address = |remote: &String| remote.parse().ok().map(|socket: std::net::SocketAddr| socket.ip().to_string());
        let title = evidence.title.clone().filter(|title| !title.is_empty());
        Gone {
            class: Some(seen.class),
            site: registrable(url).unwrap_or_default(),
            remote: evidence.remote.as_ref().and_then(address),
            elsewhere: seen.final_url.as_deref().filter(|to| moved_host(url, to)).and_then(registrable),
            page: title.zip(evidence.bytes).filter(|_| seen.status == Some(200)),
            retitled: seen.flags.contains(&Flag::TitleChanged),
        }
    }
}

impl Gone {
    /// Nothing of it is known to have come from the site itself.
    pub fn is_strange(&self) -> bool {
        self.elsewhere.is_some() || self.retitled || self.class.is_none_or(|class| !class.implies_http_answer())
    }
}

/// Whether what many hosts answered came from one and the same stranger, such as a network's log-in page or a name
/// server that answers every question: most of those that go ended at one other site or with one page, or one address
/// stood for most of the shown links that were checked, or for ten sites and most of those that go.
pub fn is_one_answer(gone: &[Gone], shown_checked: u32) -> bool {
    let most_of = |total: usize, sites: usize| sites >= MANY as usize && sites * 2 > total;
    let of_one_address = most_sites(gone, |one| one.remote.as_deref());
    most_of(gone.len(), most_sites(gone, |one| one.elsewhere.as_deref()))
        || most_of(gone.len(), most_sites(gone, |one| one.page.as_ref()))
        || most_of(shown_checked as usize, of_one_address)
        || (of_one_address >= CROWD && most_of(gone.len(), of_one_address))
}

/// The number of sites that share what most of them share.
fn most_sites<'a, K: Ord + 'a>(gone: &'a [Gone], shared: impl Fn(&'a Gone) -> Option<K>) -> usize {
    let mut sites: BTreeMap<K, BTreeSet<&str>> = BTreeMap::new();
    for one in gone {
        if let Some(key) = shared(one) {
            sites.entry(key).or_default().insert(&one.site);
        }
    }
    sites.values().map(BTreeSet::len).max().unwrap_or_default()
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
        assert_eq!(tally(10, 10, 9).hold(policy), None, "fewer than guard_min");
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
        assert_eq!(tally(3, 0, 3).hold(policy), Some(Hold::NoAnswerAtAll));
        assert_eq!(tally(3, 1, 2).hold(policy), None);
    }

    #[test]
    fn three_that_go_at_once_are_held_whoever_else_is_heard() {
        let policy = GuardPolicy::default();
        let witnesses = Heard { asked: 1, answered: 1 };
        assert_eq!(Tally { witnesses, ..tally(3, 3, 3) }.hold(policy), Some(Hold::AllHidden));
        assert_eq!(tally(9, 9, 9).hold(policy), Some(Hold::AllHidden));
        assert_eq!(tally(9, 9, 8).hold(policy), None);
        let hidden_before = Tally { shown_checked: 2, ..tally(9, 9, 2) };
        assert_eq!(hidden_before.hold(policy), None, "the rest was hidden already");
    }

    #[test]
    fn witnesses_hold_only_when_all_fail() {
        let policy = GuardPolicy::default();
        let all_failed = Tally { witnesses: Heard { asked: 2, answered: 0 }, ..tally(1, 0, 1) };
        assert_eq!(all_failed.hold(policy), Some(Hold::WitnessesFailed));
        let one_answers = Tally { witnesses: Heard { asked: 2, answered: 1 }, ..tally(1, 0, 1) };
        assert_eq!(one_answers.hold(policy), None);
    }

    #[test]
    fn one_or_two_hide_only_where_someone_else_answers_or_the_site_itself_did() {
        let policy = GuardPolicy::default();
        let silent = Tally { strange: 1, ..tally(1, 0, 1) };
        assert_eq!(silent.hold(policy), Some(Hold::NoAnswerAtAll));
        let others = |asked, answered| Tally { others: Heard { asked, answered }, ..silent };
        assert_eq!(others(3, 1).hold(policy), None);
        assert_eq!(others(3, 0).hold(policy), Some(Hold::WitnessesFailed));
        assert_eq!(Tally { would_hide: 0, ..silent }.hold(policy), None, "nothing would change");
        assert_eq!(tally(1, 1, 1).hold(policy), None, "the site itself said so");
    }

    #[test]
    fn a_network_that_wants_a_log_in_holds() {
        let policy = GuardPolicy::default();
        assert_eq!(Tally { network_logins: 5, ..tally(10, 10, 1) }.hold(policy), Some(Hold::OneAnswer));
        assert_eq!(Tally { network_logins: 1, ..tally(10, 10, 1) }.hold(policy), None, "one site that says so");
    }

    #[test]
    fn zero_turns_the_guard_off() {
        let off = GuardPolicy { min: 0, share: 0.5 };
        assert_eq!(tally(50, 0, 50).hold(off), None);
    }

    fn gone(host: &str, remote: &str, elsewhere: Option<&str>, page: Option<&str>) -> Gone {
        Gone {
            class: Some(Class::BacklinkMissing),
            site: host.to_owned(),
            remote: Some(remote.to_owned()),
            elsewhere: elsewhere.map(str::to_owned),
            page: page.map(|title| (title.to_owned(), 900)),
            retitled: false,
        }
    }

    #[test]
    fn one_stranger_is_told_by_where_it_sends_by_its_page_and_by_its_address() {
        let sent = ["a", "b", "c"].map(|host| gone(host, host, Some("login.test"), None));
        assert!(is_one_answer(&sent, 300));
        let page = ["a", "b", "c"].map(|host| gone(host, host, None, Some("Log in")));
        assert!(is_one_answer(&page, 300));
        let address = ["a", "b", "c"].map(|host| gone(host, "10.0.0.1", None, None));
        assert!(is_one_answer(&address, 5));
        assert!(!is_one_answer(&address, 6), "three friends of one host");
        let crowd: Vec<Gone> = (0..10).map(|n| gone(&n.to_string(), "10.0.0.1", None, None)).collect();
        assert!(is_one_answer(&crowd, 300));
        assert!(!is_one_answer(&sent[..2], 2));
        let one_site = ["a", "a", "a"].map(|host| gone(host, "10.0.0.1", Some("login.test"), Some("Log in")));
        assert!(!is_one_answer(&one_site, 3), "three links to one site");
        let mixed = [&sent[..], &["d", "e", "f"].map(|host| gone(host, host, None, None))].concat();
        assert!(!is_one_answer(&mixed, 300), "no more than half");
    }
}
