//! What the pages are made of, from the service.

use super::AppState;
use crate::{
    config,
    domain::{
        address,
        link::Link,
        progress::RunState,
        run::Run,
        schedule::{Schedule, parse_zone},
        whitelist::{self, Entry},
    },
    engine::registry::{Line, Registry},
    formats::rfc3339,
    service::{Result, Service},
    web::dto::{LinkRow, Overview, RunRow, Stamp, Totals},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::{Stream, StreamExt, stream};
use leptos::prelude::ServerFnError;
use std::{collections::VecDeque, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Links on one page.
const PAGE: u32 = 100;
/// An empty line now and then keeps proxies from closing a quiet stream, and finds out that a browser has gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The first page, page `page` of its table, counted from 1.
pub async fn overview(service: &Service, page: u32) -> Result<Overview> {
    let store = service.store();
    service.mirror().await?;
    let settings = service.settings().await?;
    let zone_name = config::timezone(&settings);
    let zone = parse_zone(&zone_name).unwrap_or(Tz::UTC);
    let totals = store.totals().await?;
    let pages = totals.links.div_ceil(PAGE).max(1);
    let page = page.clamp(1, pages);
    let links = store.page((page - 1) * PAGE, PAGE).await?;
    let entries = store.whitelist().await?;
    let now = service.clock().now();
    let last_run = store.runs(10).await?.into_iter().find(|run| run.state != RunState::Running);
    let due = store
        .schedules()
        .await?
        .into_iter()
        .filter_map(|row| Schedule::new(&row.cron, &zone_name).ok().and_then(|schedule| schedule.next_after(now)));
    Ok(Overview {
        totals: Totals { links: totals.links, shown: totals.shown, hidden: totals.hidden, review: totals.review },
        rows: links.into_iter().map(|link| link_row(link, &entries, now, zone)).collect(),
        page,
        pages,
        live: service.registry().snapshots(),
        last_run: last_run.map(|run| run_row(run, zone)),
        next_run: due.min().map(|at| stamp(at, zone)),
        has_sites: settings.sites().is_ok_and(|sites| !sites.is_empty()),
    })
}

fn link_row(link: Link, entries: &[Entry], now: DateTime<Utc>, zone: Tz) -> LinkRow {
    let about = link.about;
    LinkRow {
        id: link.id,
        whitelisted: whitelist::exempts(entries, &about.name, &about.url, now),
        href: address::safe_href(&about.url),
        name: about.name,
        url: about.url,
        group: about.group,
        active: link.active,
        shown: link.state.shown,
        reason: link.state.reason,
        class: link.last_check.as_ref().map(|last| last.class),
        status: link.last_check.as_ref().and_then(|last| last.status),
        ms: link.last_check.as_ref().map(|last| last.ms),
        checked: link.last_check.map(|last| stamp(last.at, zone)),
    }
}

fn run_row(run: Run, zone: Tz) -> RunRow {
    RunRow {
        id: run.id,
        trigger: run.trigger,
        state: run.state,
        hold: run.hold,
        counts: run.counts,
        started: stamp(run.started_at, zone),
        ms: run.ms,
    }
}

fn stamp(at: DateTime<Utc>, zone: Tz) -> Stamp {
    Stamp { iso: rfc3339(at), text: at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string() }
}

/// The stream behind a page: snapshots first, then news until the server stops.
pub fn watch(state: &AppState) -> impl Stream<Item = std::result::Result<Line, ServerFnError>> + use<> {
    let registry = state.service.registry().clone();
    let (first, news) = registry.watch();
    let watcher = Watcher { registry, news, queued: first.into() };
    let shutdown = state.shutdown.clone();
    stream::unfold(watcher, |mut watcher| async move { watcher.next().await.map(|line| (Ok(line), watcher)) })
        .take_until(async move { shutdown.cancelled().await })
        .fuse()
}

struct Watcher {
    registry: Registry,
    news: Receiver<Line>,
    queued: VecDeque<Line>,
}

impl Watcher {
    async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.queued.pop_front() {
                return Some(line);
            }
            match tokio::time::timeout(KEEP_ALIVE, self.news.recv()).await {
                Err(_) => return Some(Line::from_static(b"\n")),
                Ok(Ok(line)) => return Some(line),
                Ok(Err(RecvError::Closed)) => return None,
                // Too slow: begin again with how things stand now.
                Ok(Err(RecvError::Lagged(_))) => {
                    let (first, news) = self.registry.watch();
                    self.queued = first.into();
                    self.news = news;
                }
            }
        }
    }
}
