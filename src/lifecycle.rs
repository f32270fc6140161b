//! Starting and stopping: open files, background work, signals.

use crate::service::Service;
use std::{sync::Arc, time::Duration};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// Open files that are not a check's: database, listeners, browsers, name servers.
const OTHER_FILES: u64 = 64;
/// Open files that one check may take at most: two addresses raced, and a name lookup.
const FILES_PER_CHECK: u64 = 2;
/// How far check threads stand back: half the weight of the others', by sched(7).
#[cfg(target_os = "linux")]
const NICE: i32 = 3;
/// How often runs of other processes are looked at.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How often what is out of date goes.
const SWEEP: Duration = Duration::from_secs(3600);

/// Raises the soft limit of open files to the hard one. Called once at start.
pub fn raise_open_files() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// Clips a concurrency to what the limit of open files allows, with a warning.
pub fn fit_open_files(concurrency: u32) -> u32 {
    let Ok((soft, _)) = rlimit::Resource::NOFILE.get() else { return concurrency };
    let fits = u32::try_from((soft.saturating_sub(OTHER_FILES) / FILES_PER_CHECK).max(1)).unwrap_or(u32::MAX);
    if fits < concurrency {
        tracing::warn!(concurrency, fits, open_files = soft, "fewer checks at once: the limit of open files is low");
    }
    concurrency.min(fits)
}

/// The share of the open files that incoming connections may take: a quarter of the soft limit, 8 to 1024.
pub fn connection_share() -> usize {
    let soft = rlimit::Resource::NOFILE.get().map_or(1024, |(soft, _)| soft);
    usize::try_from(soft / 4).unwrap_or(usize::MAX).clamp(8, 1024)
}

/// Threads that checks are made on, apart from those that answer browsers: whatever pages cost to read, the dashboard
/// gets its turn. They stand back where the processor is short.
///
/// # Errors
/// Where threads cannot be had.
pub fn check_threads() -> std::io::Result<Runtime> {
    let stand_back = || {
        // On Linux a thread's own; elsewhere it may be refused, or the whole process's, and is left.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(NICE);
    };
    Builder::new_multi_thread().thread_name("checks").on_thread_start(stand_back).enable_all().build()
}

/// Everything that `serve` does besides answering: schedule, adopting left-over runs, following others' runs.
pub async fn background(service: Arc<Service>, shutdown: CancellationToken) {
    let schedule = crate::scheduler::serve(service.clone(), fastrand::Rng::new());
    let sweep = async {
        let mut tick = tokio::time::interval(SWEEP);
        loop {
            tick.tick().await;
            if let Err(error) = service.sweep().await {
                tracing::warn!(%error, "what is out of date could not be swept out");
            }
        }
    };
    let look_around = async {
        let mut tick = tokio::time::interval(LOOK_AROUND);
        let (mut adopting, mut mirroring) = (Trouble::default(), Trouble::default());
        loop {
            tick.tick().await;
            adopting.tell(service.adopt_stale().await, "looking for left-over runs");
            if service.registry().is_watched() {
                mirroring.tell(service.mirror().await, "following the runs of other processes");
            }
        }
    };
    tokio::select! {
        () = schedule => {}
        () = look_around => {}
        () = sweep => {}
        () = shutdown.cancelled() => {}
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

/// Resolves at the first SIGINT or SIGTERM; a second one ends the process at once.
pub async fn stop_signal() {
    one_signal().await;
    tokio::spawn(async {
        one_signal().await;
        std::process::exit(130);
    });
}

#[cfg(unix)]
async fn one_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn one_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
