//! A run from its first fetch to its end: reports in, batches to the store, news to the watchers.

mod doubts;
mod heart;
mod outcomes;

use super::{Result, Service, ServiceError, witness::Candidate};
use crate::{
    domain::{
        backlink::MySites,
        guard::Heard,
        lang::Lang,
        link::{Link, LinkState},
        observation::Observation,
        own_failure::OwnFailure,
        progress::{Event, Snapshot},
        run::{Item, Plan, Run},
        settings::Settings,
    },
    engine::{
        check::{Course, Terms},
        run::{Report, Running},
    },
    store::{Ending, Settled, StoreError},
};
use doubts::Doubts;
use heart::Heart;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// Links handed over first, so that they are being asked while thousands more are queued.
const AT_FIRST: usize = 1000;
/// Reports taken together; the outcomes among them are written in one transaction.
const BATCH: usize = 2048;
/// Outcomes are written so often at most, unless there is a batch of them or no more come.
const WRITE_EVERY: Duration = Duration::from_millis(50);

/// A run in this process's hands.
struct Drive {
    service: Arc<Service>,
    run_id: i64,
    plan: Plan,
    terms: Arc<Terms>,
    /// What the pending verdicts need of each link.
    known: HashMap<i64, Known>,
    doubts: Doubts,
    /// Checks that could not be made for a fault of our own.
    failed: BTreeMap<OwnFailure, u32>,
    resumed: bool,
    cancel: CancellationToken,
    heart: Heart,
    started: Instant,
    begun_ms: i64,
}

/// A run in the registry. It leaves with this, also where the drive breaks: then it is another's to go on with.
struct Entered {
    service: Arc<Service>,
    run_id: i64,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.service.registry.leave(self.run_id);
    }
}

/// A link of the run, as far as it matters here.
struct Known {
    name: String,
    url: String,
    state: LinkState,
}

impl From<Link> for Known {
    fn from(link: Link) -> Known {
        Known { name: link.about.name, url: link.about.url, state: link.state }
    }
}

impl Service {
    /// Runs the checks of a run that is written already, in a task of its own. `taken_over` are the items of one that
    /// another process began.
    pub(super) fn spawn_drive(
        self: &Arc<Self>,
        snapshot: Snapshot,
        plan: Plan,
        links: Vec<Link>,
        taken_over: Option<&[Item]>,
    ) -> oneshot::Receiver<Result<Settled>> {
        let (tell, done) = oneshot::channel();
        let service = self.clone();
        let cancel = CancellationToken::new();
        // A clock that was set back since has no say in how long it took.
        let begun_ms = (self.clock.now().timestamp_millis() - snapshot.started_ms).max(0);
        let run_id = snapshot.run_id;
        let resumed = taken_over.is_some();
        let mut doubts = Doubts::default();
        doubts.take_over(taken_over.unwrap_or_default());
        tracing::info!(run = run_id, trigger = ?snapshot.trigger, links = links.len(), resumed, "run begins");
        self.registry.enter(snapshot, cancel.clone());
        let entered = Entered { service: self.clone(), run_id };
        self.drives.spawn(async move {
            let outcome = match terms(&plan) {
                Ok(terms) => {
                    let drive = Drive {
                        service: service.clone(),
                        run_id,
                        plan,
                        terms,
                        known: HashMap::new(),
                        doubts,
                        failed: BTreeMap::new(),
                        resumed,
                        heart: Heart::start(&service, run_id, cancel.clone()),
                        cancel,
                        started: Instant::now(),
                        begun_ms,
                    };
                    drive.run(links).await
                }
                Err(error) => Err(error),
            };
            match &outcome {
                Err(ServiceError::Stopping) => tracing::info!(run = run_id, "a run is left to be gone on with"),
                Err(ServiceError::Store(StoreError::NotOwner(_))) => {
                    tracing::warn!(run = run_id, "another process has taken the run over");
                }
                Err(error) => tracing::error!(run = run_id, %error, "a run stopped; it is left to be gone on with"),
                Ok(_) => {}
            }
            drop(entered);
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
        let courses = links.map(|link| course(&link, &terms)).collect();
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

fn course(link: &Link, terms: &Arc<Terms>) -> Course {
    Course::new(link.id, &link.about, terms.clone()).after(link.good_title.clone())
}

impl Drive {
    async fn run(mut self, mut links: Vec<Link>) -> Result<Settled> {
        loop {
            // Links that joined too late for the engine are found here and checked in a further round.
            while !links.is_empty() && !self.cancel.is_cancelled() {
                let courses = self.sort_out(links).await?;
                self.round(courses).await?;
                links = self.left_over().await?;
            }
            if self.doubts.is_empty() || self.cancel.is_cancelled() {
                return self.end().await;
            }
            self.look_again().await?;
            links = self.left_over().await?;
        }
    }

    /// Makes checks, and takes in what comes of them.
    async fn round(&mut self, mut courses: Vec<Course>) -> Result<()> {
        let urgent = courses.len() <= 2;
        let rest = courses.split_off(courses.len().min(AT_FIRST));
        let engine = self.service.engine.clone();
        let Running { mut reports, over } = engine.begin(self.run_id, courses, urgent, self.cancel.clone());
        engine.add(self.run_id, rest);
        let mut batch = Vec::with_capacity(BATCH);
        let mut next_write = Instant::now();
        let (cancel, stopping, lost) = (self.cancel.clone(), self.service.stopping.clone(), self.heart.lost.clone());
        let (mut asked_to_end, mut winding_down) = (false, false);
        loop {
            tokio::select! {
                taken = reports.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        return self.still_on();
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
                        engine.cancel(self.run_id);
                        return Err(error);
                    }
                }
                () = lost.cancelled() => {
                    engine.cancel(self.run_id);
                    return Err(StoreError::NotOwner(self.run_id).into());
                }
                () = stopping.cancelled(), if !winding_down => {
                    winding_down = true;
                    engine.wind_down(self.run_id);
                }
                () = cancel.cancelled(), if !asked_to_end => {
                    asked_to_end = true;
                    engine.cancel(self.run_id);
                }
            }
        }
    }

    /// Whether the run is to go on here.
    fn still_on(&self) -> Result<()> {
        if self.heart.lost.is_cancelled() {
            return Err(StoreError::NotOwner(self.run_id).into());
        }
        Ok(())
    }

    /// Writes the exempt links down, and makes courses of the others.
    async fn sort_out(&mut self, links: Vec<Link>) -> Result<Vec<Course>> {
        let now = self.service.clock.now();
        let in_force = self.service.in_force(&self.plan.whitelist).await?;
        let mut courses = Vec::with_capacity(links.len());
        let mut exempt = Vec::new();
        for link in links {
            if in_force.exempt(&link.about.name, &link.about.url) {
                let (seen, ended) = (Box::new(Observation::whitelisted(now)), Instant::now());
                exempt.push(Report::Ended { link_id: link.id, seen, unanswered: false, asked: ended, ended });
            } else {
                courses.push(course(&link, &self.terms));
            }
            self.known.insert(link.id, link.into());
        }
        self.take(exempt).await?;
        Ok(courses)
    }

    /// The run's links that are still to be checked, but for those that are in doubt.
    async fn left_over(&self) -> Result<Vec<Link>> {
        if self.cancel.is_cancelled() {
            return Ok(Vec::new());
        }
        let mut pending: HashSet<i64> = self.service.store.unfinished(self.run_id).await?.into_iter().collect();
        for id in self.doubts.ids() {
            pending.remove(&id);
        }
        if pending.is_empty() && (self.doubts.is_empty() || !self.service.stopping.is_cancelled()) {
            return Ok(Vec::new());
        }
        let links = self.service.store.links().await?;
        let left: Vec<Link> = links.into_iter().filter(|link| pending.contains(&link.id)).collect();
        // What is in doubt is left to whoever goes on with the run as well.
        if self.service.stopping.is_cancelled() && !(left.is_empty() && self.doubts.is_empty()) {
            return Err(ServiceError::Stopping);
        }
        Ok(left)
    }

    /// Asks the owner's witnesses whether our own network is well; and where anybody on the way could have given the
    /// answers that would hide links, or the few that were checked would all go, those that were well as well.
    async fn ask_others(&self) -> Result<(Heard, Heard)> {
        let witnesses = self.witnesses();
        let asked = async |candidates: &[Candidate]| match self.doubts.others_heard {
            _ if candidates.is_empty() => Heard::default(),
            Some(heard) => Heard { asked: 1, answered: heard.into() },
            None => self.service.ask_any(candidates, &self.terms, &self.doubts.strangers).await,
        };
        let others = match self.doubts.wants_others() {
            true => self.until_left(asked(&self.candidates().await?)).await?,
            false => Heard::default(),
        };
        let of_witnesses = match (witnesses.is_empty(), others.answered > 0) {
            (false, false) => self.until_left(asked(&witnesses)).await?,
            // Who was heard as itself speaks for them.
            (false, true) => others,
            (true, _) => Heard::default(),
        };
        Ok((of_witnesses, others))
    }

    fn witnesses(&self) -> Vec<Candidate> {
        self.plan.settings.witnesses.iter().cloned().map(Candidate::new).collect()
    }

    /// Those that are likely to answer if our own network is well: the owner's witnesses and what answered just now, or
    /// else other links of the roll that were well when last checked.
    async fn candidates(&self) -> Result<Vec<Candidate>> {
        let mut candidates = self.witnesses();
        candidates.extend(self.doubts.lately());
        if candidates.is_empty() {
            let neighbours = self.service.neighbours(&self.plan.whitelist, |id| self.known.contains_key(&id));
            candidates.extend(neighbours.await?);
        }
        Ok(candidates)
    }

    async fn end(mut self) -> Result<Settled> {
        let (witnesses, others) = self.ask_others().await?;
        // The store judges by its own.
        self.known = HashMap::new();
        let service = &self.service;
        let cancelled = self.cancel.is_cancelled();
        let elapsed_ms = self.begun_ms + i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let ending = Ending { cancelled, elapsed_ms, witnesses, others };
        let settled = service.store.settle(self.run_id, &service.owner, ending, service.clock.now()).await?;
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
