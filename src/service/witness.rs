//! Whether our own network is up: sites that are asked because they are likely to answer.

use super::{Result, Service};
use crate::{
    domain::{class::Class, link::Link},
    engine::{
        check::Terms,
        page::Want,
        probe::{Request, Seen},
    },
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use std::time::Duration;

/// Links of the roll that are asked where no witness is set.
const NEIGHBOURS: usize = 3;
/// Witnesses asked at once: they come on top of the checks, out of the same open files.
const AT_ONCE: usize = 4;

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

    /// Asks for pages; says how many were asked for and how many gave any HTTP answer. One that could not be asked for
    /// want of something on our side is no witness.
    pub(super) async fn ask_all(&self, urls: &[String], terms: &Terms) -> (u32, u32) {
        let asking: Vec<BoxFuture<'_, Seen>> = urls.iter().map(|url| self.look_at(url, terms).boxed()).collect();
        let seen: Vec<Seen> = stream::iter(asking).buffer_unordered(AT_ONCE).collect().await;
        let asked: Vec<Seen> = seen.into_iter().filter(|seen| seen.own.is_none()).collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (count(asked.len()), count(asked.iter().filter(|seen| seen.status.is_some()).count()))
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
