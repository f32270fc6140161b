//! Whether our own network is well: sites that are asked because they are likely to answer, and count only where they
//! answer as themselves.

use super::{Result, Service};
use crate::{
    domain::{class::Class, flags::moved_host, guard::Heard, link::Link, observation::Observation},
    engine::{
        check::Terms,
        page::Want,
        probe::{Request, Seen},
    },
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use std::{collections::BTreeSet, time::Duration};
use url::Url;

/// Links of the roll that are asked where no witness is set.
const NEIGHBOURS: usize = 3;
/// Witnesses asked at once: they come on top of the checks, out of the same open files.
const AT_ONCE: usize = 4;
/// What a witness waits for a shortage of our own to pass, before it is asked anew.
const SHORT_WAITS: [Duration; 3] = [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(2)];
/// Strangers that are remembered.
const STRANGERS_MAX: usize = 64;

/// A site to ask, and the status by which it is known to be itself; `None` takes any of success.
#[derive(Clone, Debug)]
pub struct Candidate {
    url: String,
    status: Option<u16>,
}

impl Candidate {
    pub fn new(url: String) -> Candidate {
        Candidate { url, status: None }
    }

    /// One that answered so just now.
    pub fn answering(url: String, status: u16) -> Candidate {
        Candidate { url, status: Some(status) }
    }

    /// Whether it answered, and not a stranger in its name: a network's log-in page sends elsewhere, or has its own
    /// address and page for every name. A certificate for the name is proof enough.
    fn is_heard(&self, seen: &Seen, strangers: &Strangers) -> bool {
        let expected = |status: u16| self.status.map_or((200..300).contains(&status), |known| known == status);
        let end = seen.final_url.as_deref().unwrap_or(&self.url);
        let page = seen.page.as_ref().and_then(|page| page.title.clone()).map(|title| (title, seen.bytes));
        let remote = seen.remote.map(|remote| remote.to_string());
        seen.own.is_none()
            && seen.status.is_some_and(expected)
            && !moved_host(&self.url, end)
            && (end.starts_with("https:") || !strangers.has(end, remote, page))
    }
}

/// Who may have answered in the name of sites that would be hidden: their addresses and pages, each with the host that
/// it was met for.
#[derive(Debug, Default)]
pub struct Strangers {
    remotes: BTreeSet<(String, String)>,
    pages: BTreeSet<(String, u64, String)>,
}

impl Strangers {
    /// Notes what stood for the site at `url`.
    pub fn note(&mut self, url: &str, seen: &Observation) {
        let host = host_of(url);
        if let Some(remote) = seen.evidence.remote.clone().filter(|_| self.remotes.len() < STRANGERS_MAX) {
            self.remotes.insert((remote, host.clone()));
        }
        let page = seen.evidence.title.clone().zip(seen.evidence.bytes).filter(|_| self.pages.len() < STRANGERS_MAX);
        if let Some((title, bytes)) = page {
            self.pages.insert((title, bytes, host));
        }
    }

    /// Whether an answer for `url` came from an address, or is a page, that stood for another host.
    fn has(&self, url: &str, remote: Option<String>, page: Option<(String, u64)>) -> bool {
        let host = host_of(url);
        self.remotes.iter().any(|(known, of)| Some(known) == remote.as_ref() && *of != host)
            || self.pages.iter().any(|(title, bytes, of)| {
                page.as_ref().is_some_and(|page| page.0 == *title && page.1 == *bytes) && *of != host
            })
    }
}

fn host_of(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

impl Service {
    /// Links that were well when last checked, newest first, other than those that `in_run` knows. Whitelisted links
    /// are never asked.
    pub(super) async fn neighbours(&self, in_run: impl Fn(i64) -> bool) -> Result<Vec<String>> {
        let exempt = self.exempt_ids(&self.store.whitelist().await?).await?;
        let mut links: Vec<Link> = self.store.links().await?;
        links.retain(|link| {
            let well = link.last_check.as_ref().is_some_and(|last| last.class == Class::Ok);
            link.active && link.state.shown && well && !in_run(link.id) && exempt.binary_search(&link.id).is_err()
        });
        links.sort_by_key(|link| std::cmp::Reverse(link.last_check.as_ref().map(|last| last.at)));
        Ok(links.into_iter().take(NEIGHBOURS).map(|link| link.about.url).collect())
    }

    /// Asks all of them; says how many were asked and how many answered as themselves. One that could not be asked for
    /// want of something on our side is no witness.
    pub(super) async fn ask_all(&self, candidates: &[Candidate], terms: &Terms, strangers: &Strangers) -> Heard {
        let seen: Vec<_> = stream::iter(self.asking(candidates, terms)).buffer_unordered(AT_ONCE).collect().await;
        let asked: Vec<_> = seen.into_iter().filter(|(_, seen)| seen.own.is_none()).collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let heard = asked.iter().filter(|(candidate, seen)| candidate.is_heard(seen, strangers)).count();
        Heard { asked: count(asked.len()), answered: count(heard) }
    }

    /// Asks until one of them has answered as itself.
    pub(super) async fn ask_any(&self, candidates: &[Candidate], terms: &Terms, strangers: &Strangers) -> Heard {
        let mut heard = Heard::default();
        let mut answers = stream::iter(self.asking(candidates, terms)).buffer_unordered(AT_ONCE);
        while let Some((candidate, seen)) = answers.next().await {
            heard.asked += u32::from(seen.own.is_none());
            if candidate.is_heard(&seen, strangers) {
                heard.answered = 1;
                break;
            }
        }
        heard
    }

    fn asking<'a>(
        &'a self,
        candidates: &'a [Candidate],
        terms: &'a Terms,
    ) -> Vec<BoxFuture<'a, (&'a Candidate, Seen)>> {
        candidates
            .iter()
            .map(|candidate| async move { (candidate, self.look_patiently_at(&candidate.url, terms).await) }.boxed())
            .collect()
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
