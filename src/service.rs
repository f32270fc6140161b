//! The use cases: what the command line, the pages and the schedule ask for.
//!
//! **Architecture Invariant:** the only place where engine and store meet. Nothing here knows leptos or axum.

mod accounts;
mod audit;
mod backups;
pub mod doctor;
mod drive;
mod ends;
mod error;
pub mod export;
mod health;
mod imports;
mod links;
mod metrics;
mod names;
mod others;
mod preview;
mod roll;
mod scheduled;
mod settings;
mod snapshot;
mod stop;
mod witness;

pub use accounts::{USER_NAME_MAX, check_password};
pub use error::{Result, ServiceError};
pub use imports::{ImportPhase, ImportState, List};
pub use links::{ImportReport, LinkEdit};
pub use preview::{FieldChange, ImportPreview, PreviewRow, told};

use crate::{
    clock::SharedClock,
    domain::{
        link::Link,
        progress::{Snapshot, Trigger},
        pulse::{Life, Pulses},
        run::{ItemState, Plan, Run},
        whitelist::{Entry, InForce},
    },
    engine::{
        guard::Allowed,
        probe::Probe,
        registry::Registry,
        run::{Ask, Engine},
    },
    store::{Settled, SharedStore, StoreError},
    supervisor::Supervisor,
};
use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{runtime::Handle, sync::oneshot, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What reaches out of this process.
#[derive(Clone, Debug, Default)]
pub struct Network {
    pub allowed: Allowed,
    /// Name servers; empty takes the system's own.
    pub dns: Vec<SocketAddr>,
    /// The threads that checks are made on; `None` takes those of whoever starts the service.
    pub threads: Option<Handle>,
    /// Visitors are let in meanwhile: open files are set aside for them.
    pub serves: bool,
}

/// Which links a run is over. Inactive links are never in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    All,
    Ids(Vec<i64>),
    Names(Vec<String>),
}

/// A run that was asked for.
pub struct Started {
    /// The run that does the work: a new one, or where all links are in another's hands, that one.
    pub run_id: i64,
    /// Runs that hold some of the links already.
    pub elsewhere: Vec<i64>,
    /// The links that they hold.
    pub held: Vec<i64>,
    /// Resolves when the new run is over; `None` where another run does the work.
    pub done: Option<oneshot::Receiver<Result<Settled>>>,
}

/// What came of a click on "re-check".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recheck {
    Run(i64),
    /// The link is exempt: nothing was fetched.
    Whitelisted,
    /// The link is not in the roll.
    Inactive,
}

/// Everything the use cases work with.
pub struct Service {
    store: SharedStore,
    engine: Engine,
    registry: Registry,
    probe: Probe,
    clock: SharedClock,
    serves: bool,
    /// Names this process in runs.
    owner: String,
    /// What was seen of the owners of the runs that go on.
    pulses: Mutex<Pulses>,
    begun: Instant,
    names: names::NamesCache,
    metrics: metrics::Metrics,
    imports: imports::Imports,
    health: health::Health,
    /// What goes on in the background.
    supervisor: Arc<Supervisor>,
    /// Cancelled once nothing more is to be started.
    stopping: CancellationToken,
    /// The runs that are going on.
    drives: TaskTracker,
}

impl Service {
    /// Puts the parts together and starts the engine with the stored limits.
    ///
    /// # Errors
    /// [`ServiceError`] where the settings cannot be read or TLS not be set up.
    pub async fn start(store: SharedStore, network: Network, clock: SharedClock) -> Result<Arc<Service>> {
        let probe = Probe::new(network.allowed, network.dns)?;
        let threads = network.threads.unwrap_or_else(Handle::current);
        Service::assemble(store, (probe.clone(), Arc::new(probe)), clock, &threads, network.serves).await
    }

    /// As [`Service::start`], with attempts made by `ask` on `threads`.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub async fn start_with(
        store: SharedStore,
        probe: Probe,
        ask: Arc<dyn Ask>,
        clock: SharedClock,
        threads: &Handle,
    ) -> Result<Arc<Service>> {
        Service::assemble(store, (probe, ask), clock, threads, false).await
    }

    async fn assemble(
        store: SharedStore,
        (probe, ask): (Probe, Arc<dyn Ask>),
        clock: SharedClock,
        threads: &Handle,
        serves: bool,
    ) -> Result<Arc<Service>> {
        let settings = settings::read(&store).await?;
        settings::use_proxy(&probe, &settings);
        let limits = settings.limits;
        let rng = fastrand::Rng::new();
        let owner = format!("{}-{:016x}", std::process::id(), rng.clone().u64(..));
        let concurrency = crate::lifecycle::fit_open_files(limits.concurrency, serves);
        let engine = Engine::start(ask, clock.clone(), rng, (concurrency, limits.per_host), threads);
        let (registry, names) = (Registry::default(), names::NamesCache::default());
        let (metrics, imports) = (metrics::Metrics::default(), imports::Imports::default());
        let (stopping, drives) = (CancellationToken::new(), TaskTracker::new());
        Ok(Arc::new(Service {
            store,
            engine,
            registry,
            probe,
            clock,
            serves,
            owner,
            pulses: Mutex::default(),
            begun: Instant::now(),
            names,
            metrics,
            imports,
            health: health::Health::default(),
            supervisor: Arc::default(),
            stopping,
            drives,
        }))
    }

    pub fn store(&self) -> &SharedStore {
        &self.store
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    pub fn supervisor(&self) -> &Arc<Supervisor> {
        &self.supervisor
    }

    /// Whether a run is, or was last, in this process's hands.
    pub fn is_own(&self, run: &Run) -> bool {
        run.owner == self.owner
    }

    /// Starts a run and returns at once. Links that another run holds are left to it.
    ///
    /// # Errors
    /// [`ServiceError::UnknownName`], or where settings or store are at fault.
    pub async fn start_run(self: &Arc<Self>, trigger: Trigger, pick: Pick, plan: Plan) -> Result<Started> {
        if self.stopping.is_cancelled() {
            return Err(ServiceError::Stopping);
        }
        plan.settings.sites()?;
        self.use_settings(&plan.settings);
        let ids = self.picked(&pick).await?;
        let begin = self.store.begin_run(trigger, &plan, &self.owner, &ids, self.clock.now());
        let (begun, links) = tokio::join!(begin, self.store.links());
        let begun = begun?;
        let Some(run_id) = begun.run_id else {
            let run_id = begun.elsewhere.first().copied().unwrap_or_default();
            return Ok(Started { run_id, elsewhere: begun.elsewhere, held: ids, done: None });
        };
        let claimed: HashSet<i64> = begun.claimed.into_iter().collect();
        let held = ids.into_iter().filter(|id| !begun.elsewhere.is_empty() && !claimed.contains(id)).collect();
        // Where they cannot be read the run is left to be gone on with, like one whose process is gone.
        let links: Vec<Link> = links?.into_iter().filter(|link| claimed.contains(&link.id)).collect();
        let total = u32::try_from(links.len()).unwrap_or(u32::MAX);
        let snapshot = Snapshot::new(run_id, trigger, total, self.clock.now().timestamp_millis());
        let done = self.spawn_drive(snapshot, plan, links, None);
        Ok(Started { run_id, elsewhere: begun.elsewhere, held, done: Some(done) })
    }

    /// Checks one link now, ahead of all that is queued.
    ///
    /// # Errors
    /// Where there is no such link, or the store is at fault.
    pub async fn recheck(self: &Arc<Self>, link_id: i64) -> Result<Recheck> {
        let link = self.store.link(link_id).await?;
        let link = link.ok_or(StoreError::NoSuch { what: "link", id: link_id })?;
        if !link.active {
            return Ok(Recheck::Inactive);
        }
        if self.in_force(&[]).await?.exempt(&link.about.name, &link.about.url) {
            return Ok(Recheck::Whitelisted);
        }
        let plan = self.plan().await?;
        let started = self.start_run(Trigger::Click, Pick::Ids(vec![link_id]), plan).await?;
        Ok(Recheck::Run(started.run_id))
    }

    /// Adds links to a run of this process while it goes on; says how many were free to join.
    ///
    /// # Errors
    /// [`ServiceError::NotRunning`], or where the store is at fault.
    pub async fn add_to_run(self: &Arc<Self>, run_id: i64, pick: Pick) -> Result<usize> {
        if !self.registry.is_mine(run_id) {
            return Err(ServiceError::NotRunning(run_id));
        }
        let run = self.store.run(run_id).await?.ok_or(ServiceError::NoRun(run_id))?;
        let ids = self.picked(&pick).await?;
        let joined = self.store.add_items(run_id, &self.owner, &ids).await?;
        self.join(&run, &joined).await?;
        Ok(joined.len())
    }

    /// Cancels a run, here or in another process: what was finished stays, the rest is marked cancelled.
    ///
    /// # Errors
    /// [`ServiceError::NotRunning`], or where the store is at fault.
    pub async fn cancel_run(&self, run_id: i64) -> Result<()> {
        if self.registry.cancel(run_id) || self.store.ask_cancel(run_id).await? {
            return Ok(());
        }
        match self.store.run(run_id).await? {
            Some(_) => Err(ServiceError::NotRunning(run_id)),
            None => Err(ServiceError::NoRun(run_id)),
        }
    }

    /// Applies a held run.
    ///
    /// # Errors
    /// Where it is not held, or the store is at fault.
    pub async fn apply(&self, run_id: i64) -> Result<Settled> {
        Ok(self.store.apply_held(run_id, self.clock.now()).await?)
    }

    /// Turns a held run down.
    ///
    /// # Errors
    /// Where it is not held, or the store is at fault.
    pub async fn discard(&self, run_id: i64) -> Result<()> {
        Ok(self.store.discard_held(run_id).await?)
    }

    /// Takes over every run whose process has gone silent, and goes on with it. Only `serve` does this. One that cannot
    /// be gone on with is left, and tried again once it has been silent for long enough anew; the others do not wait.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn adopt_stale(self: &Arc<Self>) -> Result<Vec<i64>> {
        let mut adopted = Vec::new();
        if self.stopping.is_cancelled() {
            return Ok(adopted);
        }
        let silent = self.silent_runs(self.store.running().await?);
        for run in self.still_silent(silent).await? {
            let run_id = run.id;
            match self.adopt(run).await {
                Ok(true) => adopted.push(run_id),
                Ok(false) => {}
                Err(error) => tracing::warn!(run = run_id, %error, "a run left unfinished could not be gone on with"),
            }
        }
        Ok(adopted)
    }

    /// Whether the run was there to be taken over, and is gone on with.
    async fn adopt(self: &Arc<Self>, run: Run) -> Result<bool> {
        if self.registry.is_mine(run.id) || !self.store.adopt(&run, &self.owner).await? {
            return Ok(false);
        }
        tracing::info!(run = run.id, "going on with a run that was left unfinished");
        self.resume(run).await?;
        Ok(true)
    }

    /// Those of the runs that go on whose process is gone, as far as this one has looked at them for long enough.
    fn silent_runs(&self, running: Vec<Run>) -> Vec<Run> {
        let mut pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.keep(&running);
        let now = self.begun.elapsed();
        running.into_iter().filter(|run| pulses.look(run, now) == Life::Silent).collect()
    }

    async fn resume(self: &Arc<Self>, run: Run) -> Result<()> {
        let items = self.store.items(run.id).await?;
        let snapshot = snapshot::snapshot_of(&run, &items, self.clock.now());
        let pending: HashSet<i64> =
            items.iter().filter(|item| item.state == ItemState::Pending).map(|item| item.link_id).collect();
        let links = self.store.links().await?.into_iter().filter(|link| pending.contains(&link.id)).collect();
        self.spawn_drive(snapshot, run.plan, links, Some(&items));
        Ok(())
    }

    async fn picked(&self, pick: &Pick) -> Result<Vec<i64>> {
        let links = self.store.roster().await?;
        if let Pick::Names(names) = pick {
            let known = |name: &&String| links.iter().any(|(_, of, _)| of == *name);
            if let Some(unknown) = names.iter().find(|name| !known(name)) {
                return Err(ServiceError::UnknownName(unknown.clone()));
            }
        }
        let ids: HashSet<i64> = if let Pick::Ids(ids) = pick { ids.iter().copied().collect() } else { HashSet::new() };
        let wanted = |id: i64, name: &String| match pick {
            Pick::All => true,
            Pick::Ids(_) => ids.contains(&id),
            Pick::Names(names) => names.contains(name),
        };
        let picked = links.iter().filter(|(id, name, active)| *active && wanted(*id, name));
        Ok(picked.map(|(id, ..)| *id).collect())
    }

    /// What is exempt now, for ever or, by these names and host patterns, in one run.
    async fn in_force(&self, patterns: &[String]) -> Result<InForce> {
        let mut entries = self.store.whitelist().await?;
        entries.extend(patterns.iter().map(|pattern| Entry::of_run(pattern)));
        Ok(InForce::of(&entries, self.clock.now()))
    }
}
