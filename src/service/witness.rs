//! Whether our own network is well: sites that are asked because they are likely to answer, and count only where they
//! answer as themselves.

use super::{Result, Service};
use crate::{
    domain::{
        class::Class,
        flags::{moved_host, registrable, titles_share_a_word},
        guard::Heard,
        link::Link,
        observation::Observation,
    },
    engine::{
        check::Terms,
        page::Want,
        probe::{Request, Seen},
    },
};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Links of the roll that are asked where nothing else is known.
const NEIGHBOURS: usize = 3;
/// Sites that are asked for one voice: one flaky site, or one friend who keeps silent on purpose, must not be all.
const ASKED: usize = 6;
/// What a witness waits for a shortage of our own to pass, before it is asked anew.
const SHORT_WAITS: [Duration; 3] = [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(2)];
/// Strangers that are remembered.
const STRANGERS_MAX: usize = 64;

/// A site to ask, and what it is known by.
#[derive(Clone, Debug)]
pub struct Candidate {
    url: String,
    /// `None` takes any of success.
    status: Option<u16>,
    title: Option<String>,
}

/// How much an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Voice {
    /// None came, or a stranger's.
    Silent,
    /// One that anybody on the way could give.
    Unproven,
    /// The site itself, by its certificate or its title.
    Itself,
}

impl Candidate {
    /// A site of which nothing is known.
    pub fn new(url: String) -> Candidate {
        Candidate { url, status: None, title: None }
    }

    /// One that answered with this status and title.
    pub fn known(url: String, status: Option<u16>, title: Option<String>) -> Candidate {
        Candidate { url, status, title: title.filter(|title| !title.trim().is_empty()) }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it can prove that it is itself.
    fn can_prove(&self) -> bool {
        self.url.starts_with("https:") || self.title.is_some()
    }

    /// Whether it answered, and not a stranger in its name: a network's log-in page sends elsewhere, or has its own
    /// address and page for every name. A certificate for the name is proof enough, or the title that it had.
    fn voice(&self, seen: &Seen, strangers: &Strangers) -> Voice {
        let expected = |status: u16| self.status.map_or((200..300).contains(&status), |known| known == status);
        let end = seen.final_url.as_deref().unwrap_or(&self.url);
        if self.url.starts_with("https:") && seen.own.is_none() && seen.status.is_some() {
            return Voice::Itself;
        }
        if seen.own.is_some() || !seen.status.is_some_and(expected) || moved_host(&self.url, end) {
            return Voice::Silent;
        }
        let title = seen.page.as_ref().and_then(|page| page.title.as_deref()).filter(|title| !title.trim().is_empty());
        match (self.title.as_deref(), title) {
            (Some(known), Some(title)) if titles_share_a_word(known, title) => Voice::Itself,
            (Some(_), _) => Voice::Silent,
            (None, title) => {
                let page = title.map(|title| (title.to_owned(), seen.bytes));
                let remote = seen.remote.map(|remote| remote.to_string());
                if strangers.has(end, remote, page) { Voice::Silent } else { Voice::Unproven }
            }
        }
    }
}

/// Who may have answered in the name of sites that would be hidden: their addresses and pages, each with the sites that
/// it was met for.
#[derive(Clone, Debug, Default)]
pub struct Strangers {
    remotes: BTreeMap<String, BTreeSet<String>>,
    pages: BTreeMap<(String, u64), BTreeSet<String>>,
    /// All the sites.
    sites: BTreeSet<String>,
}

impl Strangers {
    /// Notes what stood for the site at `url`.
    pub fn note(&mut self, url: &str, seen: &Observation) {
        if self.sites.len() >= STRANGERS_MAX {
            return;
        }
        let site = registrable(url).unwrap_or_default();
        if let Some(remote) = seen.evidence.remote.clone() {
            self.remotes.entry(remote).or_default().insert(site.clone());
        }
        if let Some(page) = seen.evidence.title.clone().zip(seen.evidence.bytes) {
            self.pages.entry(page).or_default().insert(site.clone());
        }
        self.sites.insert(site);
    }

    /// Whether an answer for `url` came from an address, or is a page, that stood for other sites: for two, or for all
    /// that there are. One friend of many who copies a witness's page silences nobody.
    fn has(&self, url: &str, remote: Option<String>, page: Option<(String, u64)>) -> bool {
        let own = registrable(url).unwrap_or_default();
        let enough = self.sites.len().clamp(1, 2);
        let stood_for = |sites: Option<&BTreeSet<String>>| {
            sites.is_some_and(|sites| sites.iter().filter(|site| **site != own).count() >= enough)
        };
        stood_for(remote.and_then(|remote| self.remotes.get(&remote)))
            || stood_for(page.and_then(|page| self.pages.get(&page)))
    }
}

impl Service {
    /// Links that were well when last checked, newest first, other than those that `in_run` knows. Whitelisted links
    /// are never asked, nor those that `patterns` name.
    pub(super) async fn neighbours(&self, patterns: &[String], in_run: impl Fn(i64) -> bool) -> Result<Vec<Candidate>> {
        let exempt = self.in_force(patterns).await?;
        let mut links: Vec<Link> = self.store.links().await?;
        links.retain(|link| {
            let well = link.last_check.as_ref().is_some_and(|last| last.class == Class::Ok);
            let asked = link.active && link.state.shown && well && !in_run(link.id);
            asked && !exempt.exempt(&link.about.name, &link.about.url)
        });
        links.sort_by_key(|link| std::cmp::Reverse(link.last_check.as_ref().map(|last| last.at)));
        let known = |link: Link| {
            let status = link.last_check.and_then(|last| last.status);
            Candidate::known(link.about.url, status, link.good_title)
        };
        Ok(links.into_iter().take(NEIGHBOURS).map(known).collect())
    }

    /// Asks the first few of them, by names that are looked up anew, until one has answered as itself. One that could not
    /// be asked for want of something on our side is no witness. Where some can prove that they are themselves, one of
    /// those has to.
    pub(super) async fn ask_any(&self, candidates: &[Candidate], terms: &Terms, strangers: &Strangers) -> Heard {
        self.probe.forget_names();
        let candidates = &candidates[..candidates.len().min(ASKED)];
        let enough = if candidates.iter().any(Candidate::can_prove) { Voice::Itself } else { Voice::Unproven };
        let asking = candidates.iter().map(async |candidate| {
            let seen = self.look_patiently_at(&candidate.url, terms).await;
            (candidate.voice(&seen, strangers), seen.own.is_none())
        });
        let mut answers: FuturesUnordered<_> = asking.collect();
        let mut heard = Heard::default();
        while let Some((voice, was_asked)) = answers.next().await {
            heard.asked += u32::from(was_asked);
            if voice >= enough {
                heard.answered = 1;
                break;
            }
        }
        heard
    }

    /// As [`Service::look_at`], after a wait where this machine is short of something.
    async fn look_patiently_at(&self, url: &str, terms: &Terms) -> Seen {
        for wait in SHORT_WAITS {
            let seen = self.look_at(url, terms).await;
            if seen.own.is_none() {
                return seen;
            }
            tokio::time::sleep(wait).await;
        }
        self.look_at(url, terms).await
    }

    /// Asks for one page, for the sake of the answer only.
    pub(super) async fn look_at(&self, url: &str, terms: &Terms) -> Seen {
        let request = Request {
            url: url.to_owned(),
            want: Want::default(),
            accept: Vec::new(),
            limit: Duration::from_millis(terms.limits.timeout_ms.into()),
            connect_limit: Duration::from_millis(terms.limits.connect_timeout_ms.into()),
            user_agent: terms.user_agent.clone(),
            named_from: None,
        };
        self.probe.ask(&request, self.clock.now()).await
    }
}
