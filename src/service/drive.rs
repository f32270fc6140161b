//! A run from its first fetch to its end: reports in, batches to the store, news to the watchers.

use super::{Result, Service, ServiceError};
use crate::{
    domain::{
        backlink::MySites,
        class::Class,
        guard,
        lang::Lang,
        link::{Link, LinkState},
        observation::{Observation, Standing},
        own_failure::OwnFailure,
        progress::{Event, InFlight, Outcome, Snapshot},
        run::{ItemState, Plan, Run},
        settings::Settings,
        verdict::judge,
        whitelist::{self, Entry, InForce},
    },
    engine::{
        check::{Course, Terms},
        registry::TICK,
        run::{Report, Running},
    },
    store::{Ending, Record, Settled},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// Links handed over first, so that they are being asked while thousands more are queued.
const AT_FIRST: usize = 1000;
/// Reports taken together; the outcomes among them are written in one transaction.
const BATCH: usize = 2048;
/// Outcomes are written so often at most, unless there is a batch of them or no more come.
const WRITE_EVERY: Duration = Duration::from_millis(50);
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A store that fails is asked again so often, a second apart, before the run is left for later.
const STORE_TRIES: u32 = 3;

/// A run in this process's hands.
struct Drive {
    service: Arc<Service>,
    run_id: i64,
    plan: Plan,
    terms: Arc<Terms>,
    /// What the pending verdicts need of each link.
    known: HashMap<i64, (String, LinkState)>,
    /// Checks made, and those of them that may as well have met our own network down.
    checked: u32,
    silent: u32,
    /// Those that could not be made for a fault of our own: neither silent nor answered.
    failed: BTreeMap<OwnFailure, u32>,
    resumed: bool,
    cancel: CancellationToken,
    started: Instant,
    begun_ms: i64,
}

impl Service {
    /// Runs the checks of a run that is written already, in a task of its own.
    pub(super) fn spawn_drive(
        self: &Arc<Self>,
        snapshot: Snapshot,
        plan: Plan,
        links: Vec<Link>,
        resumed: bool,
    ) -> oneshot::Receiver<Result<Settled>> {
        let (tell, done) = oneshot::channel();
        let service = self.clone();
        let cancel = CancellationToken::new();
        let begun_ms = self.clock.now().timestamp_millis() - snapshot.started_ms;
        let run_id = snapshot.run_id;
        tracing::info!(run = run_id, trigger = ?snapshot.trigger, links = links.len(), resumed, "run begins");
        self.registry.enter(snapshot, cancel.clone());
        self.drives.spawn(async move {
            let outcome = match terms(&plan) {
                Ok(terms) => {
                    let started = Instant::now();
                    let known = HashMap::new();
                    let drive = Drive {
                        service: service.clone(),
                        run_id,
                        plan,
                        terms,
                        known,
                        checked: 0,
                        silent: 0,
                        failed: BTreeMap::new(),
                        resumed,
                        cancel,
                        started,
                        begun_ms,
                    };
                    drive.run(links).await
                }
                Err(error) => Err(error),
            };
            match &outcome {
                Err(ServiceError::Stopping) => tracing::info!(run = run_id, "a run is left to be gone on with"),
                Err(error) => tracing::error!(run = run_id, %error, "a run stopped; it is left to be gone on with"),
                Ok(_) => {}
            }
            service.registry.leave(run_id);
            // Whoever started the run may be gone; it went on all the same.
            let _ = tell.send(outcome);
        });
        done
    }

    /// Hands links that have joined a run to the engine.
    pub(super) async fn join(&self, run: &Run, joined: &[i64]) -> Result<()> {
        let terms = terms(&run.plan)?;
        let wanted: HashSet<i64> = joined.iter().copied().collect();
        let links = self.store.links().await?.into_iter().filter(|link| wanted.contains(&link.id));
        let course = |link: Link| Course::new(link.id, &link.about, terms.clone()).after(link.good_title);
        let courses = links.map(course).collect();
        self.registry.publish(run.id, Event::Added { links: u32::try_from(joined.len()).unwrap_or(u32::MAX) });
        self.engine.add(run.id, courses);
        Ok(())
    }
}

fn terms(plan: &Plan) -> Result<Arc<Terms>> {
    Ok(Arc::new(terms_of(&plan.settings, plan.settings.sites()?)))
}

/// What checks go by under these settings, looking for these sites.
pub(super) fn terms_of(settings: &Settings, sites: MySites) -> Terms {
    Terms {
        sites: Arc::new(sites),
        discovery: settings.discovery,
        limits: settings.limits.clone(),
        user_agent: settings.agent().into(),
    }
}

impl Drive {
    async fn run(mut self, mut links: Vec<Link>) -> Result<Settled> {
        // Links that joined too late for the engine are found here and checked in a further round.
        while !links.is_empty() && !self.cancel.is_cancelled() {
            self.round(links).await?;
            links = self.left_over().await?;
            if self.service.stopping.is_cancelled() && !links.is_empty() {
                return Err(ServiceError::Stopping);
            }
        }
        self.end().await
    }

    async fn round(&mut self, links: Vec<Link>) -> Result<()> {
        let mut courses = self.sort_out(links).await?;
        let urgent = courses.len() <= 2;
        let rest = courses.split_off(courses.len().min(AT_FIRST));
        let engine = self.service.engine.clone();
        let Running { mut reports, over } = engine.begin(self.run_id, courses, urgent, self.cancel.clone());
        engine.add(self.run_id, rest);
        let mut batch = Vec::with_capacity(BATCH);
        let mut heart = interval(HEARTBEAT);
        heart.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_write = Instant::now();
        let (cancel, stopping) = (self.cancel.clone(), self.service.stopping.clone());
        let (mut asked_to_end, mut winding_down) = (false, false);
        loop {
            tokio::select! {
                taken = reports.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        return Ok(());
                    }
                    // Many outcomes at a time: each transaction waits for the disk.
                    if taken < BATCH {
                        let _ = timeout_at(next_write, over.cancelled()).await;
                        while batch.len() < BATCH && let Ok(report) = reports.try_recv() {
                            batch.push(report);
                        }
                    }
                    next_write = Instant::now() + WRITE_EVERY;
                    let taken = std::mem::take(&mut batch);
                    if let Err(error) = self.take(taken).await {
                        self.service.engine.cancel(self.run_id);
                        return Err(error);
                    }
                }
                _ = heart.tick() => self.beat().await,
                _ = tick.tick() => self.service.registry.tick(self.run_id, |snapshot| self.service.age(snapshot)),
                () = stopping.cancelled(), if !winding_down => {
                    winding_down = true;
                    engine.wind_down(self.run_id);
                }
                () = cancel.cancelled(), if !asked_to_end => {
                    asked_to_end = true;
                    self.service.engine.cancel(self.run_id);
                }
            }
        }
    }

    /// Writes the exempt links down, and makes courses of the others.
    async fn sort_out(&mut self, links: Vec<Link>) -> Result<Vec<Course>> {
        let now = self.service.clock.now();
        let mut entries = self.service.store.whitelist().await?;
        entries.extend(self.plan.whitelist.iter().map(|pattern| Entry {
            id: 0,
            kind: whitelist::guess_kind(pattern),
            pattern: pattern.clone(),
            enabled: true,
            note: String::new(),
            expires_at: None,
        }));
        let in_force = InForce::of(&entries, now);
        let mut courses = Vec::with_capacity(links.len());
        let mut exempt = Vec::new();
        for link in links {
            if in_force.exempt(&link.about.name, &link.about.url) {
                let seen = Box::new(Observation::whitelisted(now));
                exempt.push(Report::Ended { link_id: link.id, seen });
            } else {
                courses.push(Course::new(link.id, &link.about, self.terms.clone()).after(link.good_title));
            }
            self.known.insert(link.id, (link.about.name, link.state));
        }
        self.take(exempt).await?;
        Ok(courses)
    }

    /// Stores a batch, then tells the watchers: what they hear of is never lost.
    async fn take(&mut self, reports: Vec<Report>) -> Result<()> {
        let mut records = Vec::with_capacity(reports.len());
        let mut events = Vec::with_capacity(reports.len());
        for report in reports {
            self.log(&report);
            match report {
                Report::Started { link_id } => {
                    let name = self.name(link_id).await;
                    events.push(Event::Checking(InFlight { link_id, name }));
                }
                Report::Ended { link_id, seen } => {
                    let (record, event) = self.judged(link_id, *seen).await;
                    records.push(record);
                    events.extend(event);
                }
                Report::Broken { link_id, own } => {
                    *self.failed.entry(own).or_default() += 1;
                    records.push(Record::unseen(link_id, ItemState::Failed, Some(own)));
                    events.push(Event::Failed { link_id, name: self.name(link_id).await, failure: own });
                }
            }
        }
        self.write(&records).await?;
        events.into_iter().for_each(|event| self.service.registry.publish(self.run_id, event));
        Ok(())
    }

    fn log(&self, report: &Report) {
        let run = self.run_id;
        match report {
            Report::Started { link_id } => tracing::debug!(run, link = link_id, "check begins"),
            Report::Ended { link_id, seen } => {
                let (class, status, ms) = (seen.class.code(), seen.status, seen.ms);
                tracing::debug!(run, link = link_id, class, status, ms, attempts = seen.attempts, "check ended");
                self.service.metrics.checked(seen.class, seen.ms);
            }
            Report::Broken { link_id, own } => {
                tracing::debug!(run, link = link_id, failure = own.code(), "check failed")
            }
        }
    }

    async fn write(&self, records: &[Record]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        for _ in 1..STORE_TRIES {
            match self.service.store.record(self.run_id, records).await {
                Ok(()) => {
                    self.service.metrics.wrote(start.elapsed());
                    return Ok(());
                }
                Err(error) => tracing::warn!(run = self.run_id, %error, "outcomes could not be stored; trying again"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(self.service.store.record(self.run_id, records).await?)
    }

    /// The pending verdict on what was seen.
    async fn judged(&mut self, link_id: i64, seen: Observation) -> (Record, Option<Event>) {
        // The first process had leave to ask there and this one has not: that says nothing about the site.
        let not_mine_to_ask = self.resumed
            && self.plan.widened
            && !self.service.probe.is_widened()
            && seen.class == Class::BlockedByPolicy;
        if not_mine_to_ask {
            return (Record::unseen(link_id, ItemState::Cancelled, None), None);
        }
        self.checked += u32::from(seen.standing() != Standing::Exempt);
        self.silent += u32::from(guard::is_silent(seen.class));
        let name = self.name(link_id).await;
        let verdict =
            self.known.get(&link_id).map(|(_, state)| judge(state, &seen, &self.plan.settings.policy, seen.at));
        let (change, reason) = verdict.map(|v| (v.change, v.next.reason)).unwrap_or_default();
        let event = Event::Checked(Outcome::of(link_id, name, &seen, (change, reason)));
        (Record::done(link_id, seen, change), Some(event))
    }

    /// A link's name; one that has joined the run is looked up once.
    async fn name(&mut self, link_id: i64) -> String {
        if !self.known.contains_key(&link_id)
            && let Ok(Some(link)) = self.service.store.link(link_id).await
        {
            self.known.insert(link_id, (link.about.name, link.state));
        }
        self.known.get(&link_id).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    async fn beat(&self) {
        let service = &self.service;
        match service.store.beat(self.run_id, &service.owner, service.clock.now()).await {
            Ok(beat) if !beat.mine => {
                tracing::warn!(run = self.run_id, "another process has taken the run over");
                service.engine.cancel(self.run_id);
            }
            Ok(beat) if beat.cancel => self.cancel.cancel(),
            Ok(_) => {}
            Err(error) => tracing::warn!(run = self.run_id, %error, "heartbeat failed"),
        }
    }

    /// The run's links that are still to be checked.
    async fn left_over(&self) -> Result<Vec<Link>> {
        if self.cancel.is_cancelled() {
            return Ok(Vec::new());
        }
        let pending: HashSet<i64> = self.service.store.unfinished(self.run_id).await?.into_iter().collect();
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        let mine = self.service.store.beat(self.run_id, &self.service.owner, self.service.clock.now()).await?.mine;
        let links = self.service.store.links().await?;
        Ok(links.into_iter().filter(|link| mine && pending.contains(&link.id)).collect())
    }

    /// Asks the owner's witnesses whether our own network is up; where there are none and nothing in this run showed
    /// any sign of life, other links of the roll.
    async fn ask_witnesses(&self) -> Result<(u32, u32)> {
        let mut witnesses = self.plan.settings.witnesses.clone();
        if witnesses.is_empty() && self.checked > 0 && self.silent == self.checked {
            witnesses = self.service.neighbours(|id| self.known.contains_key(&id)).await?;
        }
        Ok(self.service.ask_all(&witnesses, &self.terms).await)
    }

    async fn end(mut self) -> Result<Settled> {
        let (witnesses, witnesses_answered) = self.ask_witnesses().await?;
        // The store judges by its own.
        self.known = HashMap::new();
        let service = &self.service;
        let cancelled = self.cancel.is_cancelled();
        let elapsed_ms = self.begun_ms + i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let ending = Ending { cancelled, elapsed_ms, witnesses, witnesses_answered };
        let settled = service.store.settle(self.run_id, ending, service.clock.now()).await?;
        let Settled { state, hold, counts } = settled;
        service.metrics.run_ended(state);
        service.registry.publish(self.run_id, Event::Finished { state, hold, counts, elapsed_ms });
        tracing::info!(
            run = self.run_id,
            state = state.code(),
            checked = counts.active_num,
            hide = counts.to_not_show,
            show = counts.to_show,
            ms = elapsed_ms,
            "run ended"
        );
        for (own, links) in &self.failed {
            tracing::warn!(run = self.run_id, links, failure = own.code(), "{}", own.notice(*links, Lang::En));
        }
        Ok(settled)
    }
}
