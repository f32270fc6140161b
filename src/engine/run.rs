//! The loop that makes checks: bounded at once, retries without a place held, each one apart from all others.
//!
//! One dispatcher serves every run of the process, so that the limits hold for all of them together.

use super::{
    check::{Course, Next},
    hosts::{HostKey, Hosts},
    pace::{self, Pace},
    probe::{Probe, Request, Seen},
    shortage,
};
use crate::{
    clock::SharedClock,
    domain::{address, class::Class, observation::Observation, own_failure::OwnFailure},
};
use futures::future::BoxFuture;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

/// Makes one attempt. [`Probe`] is the real one; tests wrap it to break it.
pub trait Ask: Send + Sync + 'static {
    fn ask(&self, request: Request, clock: SharedClock) -> BoxFuture<'static, Seen>;
}

impl Ask for Probe {
    fn ask(&self, request: Request, clock: SharedClock) -> BoxFuture<'static, Seen> {
        let probe = self.clone();
        Box::pin(async move { probe.ask(&request, clock.now()).await })
    }
}

/// What the dispatcher says of a run's links.
#[derive(Debug)]
pub enum Report {
    Started {
        link_id: i64,
    },
    Ended {
        link_id: i64,
        seen: Box<Observation>,
    },
    /// The check could not be made, or broke, on a fault of our own; nothing was seen of the site.
    Broken {
        link_id: i64,
        own: OwnFailure,
    },
}

/// A handle to the dispatcher. It ends when the last handle is dropped.
#[derive(Clone)]
pub struct Engine {
    commands: mpsc::UnboundedSender<Command>,
}

/// A run in the dispatcher's hands. The reports end when all its links have, or it was cancelled.
pub struct Running {
    pub reports: mpsc::UnboundedReceiver<Report>,
    /// Cancelled at its end: no more reports come than there are.
    pub over: CancellationToken,
}

enum Command {
    Begin {
        run: i64,
        courses: Vec<Course>,
        urgent: bool,
        cancel: CancellationToken,
        reports: mpsc::UnboundedSender<Report>,
        over: DropGuard,
    },
    Add {
        run: i64,
        courses: Vec<Course>,
    },
    Cancel {
        run: i64,
    },
    WindDown {
        run: i64,
    },
    Limits {
        concurrency: u32,
        per_host: u32,
    },
}

impl Engine {
    /// Starts the dispatcher and all that it starts on `threads`. `rng` spreads the waits between attempts; `limits` are
    /// checks at once, and at once of one host.
    pub fn start(
        ask: Arc<dyn Ask>,
        clock: SharedClock,
        rng: fastrand::Rng,
        (concurrency, per_host): (u32, u32),
        threads: &Handle,
    ) -> Engine {
        let (commands, inbox) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher {
            ask,
            clock,
            rng,
            pace: Pace::new(concurrency as usize),
            hosts: Hosts::new(per_host),
            runs: HashMap::new(),
            tasks: JoinSet::new(),
            flying: HashMap::new(),
            resting: BTreeMap::new(),
            rested: 0,
        };
        threads.spawn(dispatcher.serve(inbox));
        Engine { commands }
    }

    /// Begins a run. Urgent ones, such as a click on one link, go before what is queued.
    pub fn begin(&self, run: i64, courses: Vec<Course>, urgent: bool, cancel: CancellationToken) -> Running {
        let (reports, inbox) = mpsc::unbounded_channel();
        let over = CancellationToken::new();
        let guard = over.clone().drop_guard();
        // Where the dispatcher is gone the reports end at once, which says the same.
        let _ = self.commands.send(Command::Begin { run, courses, urgent, cancel, reports, over: guard });
        Running { reports: inbox, over }
    }

    /// Adds links to a run. Those that come after its end are dropped; the run's owner looks for them in the store.
    pub fn add(&self, run: i64, courses: Vec<Course>) {
        let _ = self.commands.send(Command::Add { run, courses });
    }

    /// Ends a run now: what is queued is dropped, what is in flight is broken off.
    pub fn cancel(&self, run: i64) {
        let _ = self.commands.send(Command::Cancel { run });
    }

    /// Lets a run end with what is in flight: nothing of it is started any more.
    pub fn wind_down(&self, run: i64) {
        let _ = self.commands.send(Command::WindDown { run });
    }

    /// Changes the limits for what is started from now on.
    pub fn set_limits(&self, concurrency: u32, per_host: u32) {
        let _ = self.commands.send(Command::Limits { concurrency, per_host });
    }
}

struct Job {
    run: i64,
    course: Course,
    /// How often, and how long in all, it has waited for a shortage of our own to pass.
    waits: u32,
    waited: Duration,
}

impl Job {
    fn new(run: i64, course: Course) -> Job {
        Job { run, course, waits: 0, waited: Duration::ZERO }
    }
}

/// A job whose attempt is under way in a task.
struct Flying {
    job: Job,
    host: HostKey,
    since: Instant,
}

struct RunEntry {
    reports: mpsc::UnboundedSender<Report>,
    _over: DropGuard,
    left: usize,
    urgent: bool,
    cancel: CancellationToken,
    /// What is in flight is its last.
    winding_down: bool,
}

/// `None` where the run was cancelled meanwhile.
type TaskEnd = Option<Seen>;

struct Dispatcher {
    ask: Arc<dyn Ask>,
    clock: SharedClock,
    rng: fastrand::Rng,
    pace: Pace,
    hosts: Hosts<Job>,
    runs: HashMap<i64, RunEntry>,
    tasks: JoinSet<TaskEnd>,
    flying: HashMap<Id, Flying>,
    /// Jobs that wait for their next attempt, by time; the second part keeps keys apart.
    resting: BTreeMap<(Instant, u64), Job>,
    rested: u64,
}

impl Dispatcher {
    async fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Command>) {
        loop {
            self.launch();
            let wake = self.resting.keys().next().map(|(at, _)| *at);
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(command) => self.obey(command),
                    None => return,
                },
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                () = async { tokio::time::sleep_until(wake.expect("guarded")).await }, if wake.is_some() => self.wake(),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Begin { run, courses, urgent, cancel, reports, over } => {
                let entry = RunEntry { reports, _over: over, left: courses.len(), urgent, cancel, winding_down: false };
                self.runs.insert(run, entry);
                self.enqueue(run, courses, urgent);
                self.close_if_over(run);
            }
            Command::Add { run, courses } => {
                let Some(entry) = self.runs.get_mut(&run) else { return };
                entry.left += courses.len();
                let urgent = entry.urgent;
                self.enqueue(run, courses, urgent);
            }
            Command::Cancel { run } => {
                if let Some(entry) = self.runs.get(&run) {
                    entry.cancel.cancel();
                }
                self.drop_queued(run);
            }
            Command::WindDown { run } => {
                if let Some(entry) = self.runs.get_mut(&run) {
                    entry.winding_down = true;
                }
                self.drop_queued(run);
            }
            Command::Limits { concurrency, per_host } => {
                self.pace.set_limit(concurrency as usize);
                self.hosts.set_per_host(per_host);
            }
        }
    }

    fn drop_queued(&mut self, run: i64) {
        let mut dropped = self.hosts.remove(|job| job.run == run);
        let before = self.resting.len();
        self.resting.retain(|_, job| job.run != run);
        dropped += before - self.resting.len();
        self.forget(run, dropped);
    }

    fn enqueue(&mut self, run: i64, courses: Vec<Course>, urgent: bool) {
        for course in courses {
            self.hosts.push(host_key(course.address()), Job::new(run, course), urgent);
        }
    }

    /// Starts what fits.
    fn launch(&mut self) {
        while self.tasks.len() < self.pace.at_once() {
            let Some((host, job)) = self.hosts.take() else { return };
            let Some(entry) = self.runs.get(&job.run) else {
                self.hosts.release(&host);
                continue;
            };
            let link_id = job.course.link_id;
            if job.course.is_fresh() && job.waits == 0 {
                let _ = entry.reports.send(Report::Started { link_id });
            }
            let asking = self.ask.ask(job.course.request(), self.clock.clone());
            let cancel = entry.cancel.clone();
            let task = self.tasks.spawn(async move { cancel.run_until_cancelled(asking).await });
            self.flying.insert(task.id(), Flying { job, host, since: Instant::now() });
        }
    }

    fn ended(&mut self, ended: Result<(Id, TaskEnd), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(Flying { job, host, since }) = self.flying.remove(&id) else { return };
        self.hosts.release(&host);
        match ended {
            Ok((_, Some(seen))) => match (seen.own, self.covered_up(&seen, since)) {
                (Some(own), _) => self.short(job, own),
                (None, Some(own)) => self.hold_off(job, own),
                (None, None) => {
                    self.pace.through();
                    self.attempted(job, seen);
                }
            },
            Ok((_, None)) => self.forget(job.run, 1),
            Err(error) => {
                let (run, link) = (job.run, job.course.link_id);
                tracing::error!(run, link, %error, "a check broke");
                match error.try_into_panic().map(|payload| shortage::of_panic(&*payload)) {
                    Ok(own @ OwnFailure::Threads) => self.short(job, own),
                    Ok(own) => self.report(run, Report::Broken { link_id: link, own }),
                    Err(_) => self.report(run, Report::Broken { link_id: link, own: OwnFailure::Broken }),
                }
            }
        }
    }

    /// A shortage that was met while an attempt went on which came to nothing: it may have been the attempt's own, and
    /// be covered up by what came after.
    fn covered_up(&self, seen: &Seen, since: Instant) -> Option<OwnFailure> {
        let unheard = matches!(
            seen.class,
            Class::DnsFailure | Class::ConnectRefused | Class::Unreachable | Class::ConnectTimeout
        );
        self.pace.short_since(since).filter(|_| unheard)
    }

    /// An attempt met a shortage: the job waits until that has passed, and fewer run at once.
    fn short(&mut self, job: Job, own: OwnFailure) {
        if own != OwnFailure::Broken {
            self.pace.short(own, Instant::now());
        }
        self.hold_off(job, own);
    }

    /// The attempt does not count: the job is asked again later, or given up.
    fn hold_off(&mut self, mut job: Job, own: OwnFailure) {
        if self.runs.get(&job.run).is_none_or(|entry| entry.winding_down) {
            return self.forget(job.run, 1);
        }
        match pace::wait(job.waits, job.waited, self.rng.f64()) {
            Some(wait) => {
                job.waits += 1;
                job.waited += wait;
                self.rest(job, wait);
            }
            None => self.report(job.run, Report::Broken { link_id: job.course.link_id, own }),
        }
    }

    fn attempted(&mut self, mut job: Job, seen: Seen) {
        let (run, link_id) = (job.run, job.course.link_id);
        match job.course.take(seen, self.clock.now(), self.rng.f64()) {
            Next::Done(seen) => self.report(run, Report::Ended { link_id, seen }),
            Next::Ask(_) if self.runs.get(&run).is_none_or(|entry| entry.winding_down) => self.forget(run, 1),
            Next::Ask(wait) if wait.is_zero() => self.hosts.push(host_key(job.course.address()), job, true),
            Next::Ask(wait) => self.rest(job, wait),
        }
    }

    fn rest(&mut self, job: Job, wait: Duration) {
        self.rested += 1;
        self.resting.insert((Instant::now() + wait, self.rested), job);
    }

    /// Queues what has waited long enough.
    fn wake(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.resting.first_entry().filter(|entry| entry.key().0 <= now) {
            let job = entry.remove();
            self.hosts.push(host_key(job.course.address()), job, true);
        }
    }

    fn report(&mut self, run: i64, report: Report) {
        if let Some(entry) = self.runs.get(&run) {
            let _ = entry.reports.send(report);
        }
        self.forget(run, 1);
    }

    fn forget(&mut self, run: i64, links: usize) {
        if let Some(entry) = self.runs.get_mut(&run) {
            entry.left = entry.left.saturating_sub(links);
        }
        self.close_if_over(run);
    }

    fn close_if_over(&mut self, run: i64) {
        if self.runs.get(&run).is_some_and(|entry| entry.left == 0) {
            self.runs.remove(&run);
        }
    }
}

/// Host and port as the per-host limit counts them.
fn host_key(url: &str) -> HostKey {
    let Ok(url) = Url::parse(url) else { return HostKey::new() };
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", address::bare_host(&url))
}
