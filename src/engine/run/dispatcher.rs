//! The loop that makes checks: bounded at once, retries without a place held, each one apart from all others.
//!
//! One dispatcher serves every run of the process, so that the limits hold for all of them together.

use super::{Ask, Command, Report};
use crate::{
    clock::SharedClock,
    domain::{address, class::Class, own_failure::OwnFailure},
    engine::{
        check::{Course, Next},
        hosts::{HostKey, Hosts},
        pace::{self, Pace},
        pauses::{self, Pauses},
        probe::Seen,
        shortage,
    },
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

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

/// What the dispatcher waits for.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
enum Happened {
    Told(Command),
    Ended(Result<(Id, TaskEnd), JoinError>),
    /// A job has rested for long enough.
    Woke,
    Turned,
}

pub struct Dispatcher {
    ask: Arc<dyn Ask>,
    clock: SharedClock,
    rng: fastrand::Rng,
    pace: Pace,
    pauses: Pauses,
    hosts: Hosts<Job>,
    runs: HashMap<i64, RunEntry>,
    tasks: JoinSet<TaskEnd>,
    flying: HashMap<Id, Flying>,
    /// Jobs that wait for their next attempt, by time; the second part keeps keys apart.
    resting: BTreeMap<(Instant, u64), Job>,
    rested: u64,
}

impl Dispatcher {
    /// `limits` are checks at once, and at once of one host.
    pub fn new(
        ask: Arc<dyn Ask>,
        clock: SharedClock,
        rng: fastrand::Rng,
        (concurrency, per_host): (u32, u32),
    ) -> Dispatcher {
        Dispatcher {
            ask,
            rng,
            pauses: Pauses::new(Instant::now(), clock.now()),
            clock,
            pace: Pace::new(concurrency as usize),
            hosts: Hosts::new(per_host),
            runs: HashMap::new(),
            tasks: JoinSet::new(),
            flying: HashMap::new(),
            resting: BTreeMap::new(),
            rested: 0,
        }
    }

    /// Serves until the last handle is dropped.
    pub async fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Command>) {
        loop {
            self.launch();
            let wake = self.resting.keys().next().map(|(at, _)| *at);
            let waits = !self.tasks.is_empty();
            let turn = Instant::now() + pauses::TURN;
            let happened = tokio::select! {
                command = inbox.recv() => match command {
                    Some(command) => Happened::Told(command),
                    None => return,
                },
                Some(ended) = self.tasks.join_next_with_id() => Happened::Ended(ended),
                () = async { tokio::time::sleep_until(wake.expect("guarded")).await }, if wake.is_some() => Happened::Woke,
                () = tokio::time::sleep_until(turn), if waits => Happened::Turned,
            };
            let (now, wall) = (Instant::now(), self.clock.now());
            if waits {
                // Before all else: what ended across a pause is told by it.
                self.pauses.turn(now, wall);
            } else {
                self.pauses.rested(now, wall);
            }
            match happened {
                Happened::Told(command) => self.obey(command),
                Happened::Ended(ended) => self.ended(ended),
                Happened::Woke => self.wake(),
                Happened::Turned => {}
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
                    self.attempted(job, seen, since);
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

    /// What may have been at fault on our side while an attempt went on which came to nothing: a pause, or a shortage
    /// that was met meanwhile, and may have been the attempt's own and be covered up by what came after.
    fn covered_up(&self, seen: &Seen, since: Instant) -> Option<OwnFailure> {
        if seen.is_unanswered() && self.pauses.since(since) {
            return Some(OwnFailure::Paused);
        }
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

    fn attempted(&mut self, mut job: Job, seen: Seen, asked: Instant) {
        let (run, link_id) = (job.run, job.course.link_id);
        match job.course.take(seen, self.clock.now(), self.rng.f64()) {
            Next::Done { seen, unanswered } => {
                let ended = Instant::now();
                self.report(run, Report::Ended { link_id, seen, unanswered, asked, ended });
            }
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
