//! What `serve` does besides answering: schedules, backups, left-over runs, runs of other processes, ends of what the
//! owner has set, and what is out of date.

use crate::{notify::Notifier, scheduler, service::Service, supervisor::Liveness};
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinHandle,
    time::{Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// How often runs of other processes are looked at, and what has ended.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How often it is looked whether the owners of runs go on.
const LOOK_FOR_SILENT: Duration = Duration::from_millis(500);
/// How often what is out of date goes.
const SWEEP: Duration = Duration::from_secs(3600);
/// Whoever has not come round for so long stands still. A database that another program holds costs half of it.
pub const SILENT: Duration = Duration::from_secs(90);
/// Each schedule may have to wait for the database.
const SILENT_SCHEDULES: Duration = Duration::from_secs(300);
/// A backup of a large database takes its time, and so does what a sweep has to do after a change of settings.
const SILENT_BACKUP: Duration = Duration::from_secs(3600);
const SILENT_SWEEP: Duration = Duration::from_secs(3 * 3600);

/// Starts all of it, each on a task of its own that is begun again where it ends, until `shutdown`. The handles resolve
/// when it is over.
pub fn start(service: &Arc<Service>, notifier: &Notifier, shutdown: &CancellationToken) -> Vec<JoinHandle<()>> {
    let supervisor = service.supervisor();
    let s = || service.clone();
    let mut kept = vec![
        supervisor.keep(
            "schedules",
            SILENT_SCHEDULES,
            shutdown.clone(),
            with(s(), |service, liveness| scheduler::serve(service, fastrand::Rng::new(), liveness)),
        ),
        supervisor.keep("backups", SILENT_BACKUP, shutdown.clone(), with(s(), scheduler::keep_backups)),
        supervisor.keep("adoption", SILENT, shutdown.clone(), with(s(), adopt)),
        supervisor.keep("mirror", SILENT, shutdown.clone(), with(s(), mirror)),
        supervisor.keep("ends", SILENT, shutdown.clone(), with(s(), end)),
        supervisor.keep("sweep", SILENT_SWEEP, shutdown.clone(), with(s(), sweep)),
    ];
    let watching = supervisor.clone();
    kept.push(supervisor.keep("watch", SILENT, shutdown.clone(), move |liveness| {
        let watching = watching.clone();
        async move { watching.watch(liveness).await }
    }));
    if let Some(every) = notifier.watchdog() {
        let (notifier, watched) = (notifier.clone(), supervisor.clone());
        kept.push(supervisor.keep("watchdog", SILENT, shutdown.clone(), move |liveness| {
            let (notifier, watched) = (notifier.clone(), watched.clone());
            async move {
                let mut tick = ticks(every);
                loop {
                    tick.tick().await;
                    liveness.note();
                    // Where something stands still, systemd hears nothing, and starts the service anew.
                    if !watched.reports().iter().any(|report| report.is_silent) {
                        notifier.send("WATCHDOG=1");
                    }
                }
            }
        }));
    }
    kept
}

/// Work over a service, as often as it is begun.
fn with<F>(service: Arc<Service>, work: impl Fn(Arc<Service>, Liveness) -> F) -> impl Fn(Liveness) -> F {
    move |liveness| work(service.clone(), liveness)
}

/// Ticks that are not made up for where one comes late.
fn ticks(every: Duration) -> Interval {
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

async fn adopt(service: Arc<Service>, liveness: Liveness) {
    let (mut tick, mut trouble) = (ticks(LOOK_FOR_SILENT), Trouble::default());
    loop {
        tick.tick().await;
        liveness.note();
        trouble.tell(service.adopt_stale().await, "looking for left-over runs");
    }
}

async fn mirror(service: Arc<Service>, liveness: Liveness) {
    let (mut tick, mut trouble) = (ticks(LOOK_AROUND), Trouble::default());
    loop {
        tick.tick().await;
        liveness.note();
        if service.registry().is_watched() {
            trouble.tell(service.mirror().await, "following the runs of other processes");
        }
    }
}

async fn end(service: Arc<Service>, liveness: Liveness) {
    let (mut tick, mut trouble) = (ticks(LOOK_AROUND), Trouble::default());
    loop {
        tick.tick().await;
        liveness.note();
        trouble.tell(service.end_what_is_over(true).await, "ending verdicts and whitelist entries whose time is over");
    }
}

async fn sweep(service: Arc<Service>, liveness: Liveness) {
    let mut tick = ticks(SWEEP);
    loop {
        tick.tick().await;
        liveness.note();
        if let Err(error) = service.sweep().await {
            tracing::warn!(%error, "what is out of date could not be swept out");
        }
    }
}

/// What goes wrong every second is told when it begins, when it changes, and when it is over.
#[derive(Default)]
struct Trouble(Option<String>);

impl Trouble {
    fn tell<T, E: std::fmt::Display>(&mut self, outcome: Result<T, E>, doing: &str) {
        let now = outcome.err().map(|error| error.to_string());
        match (&self.0, &now) {
            (held, Some(error)) if held.as_ref() != Some(error) => tracing::warn!(%error, "{doing} fails"),
            (Some(_), None) => tracing::info!("{doing} works again"),
            _ => {}
        }
        self.0 = now;
    }
}
