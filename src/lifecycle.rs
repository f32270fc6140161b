//! Starting and stopping: open files, background work, signals.

use crate::{engine::dns, service::Service};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// Open files kept back for what has to work while links are checked: the database with its readers, the log, the
/// listener, a backup, two runtimes. A server with every reader open was seen to hold 27.
const RESERVE: u64 = 40;
/// Of what is left, a check in flight takes the larger of what a name lookup may hold and two addresses raced.
const FILES_PER_CHECK: u64 = if dns::LOOKUP_FILES > RACED { dns::LOOKUP_FILES } else { RACED };
const RACED: u64 = 2;
/// A server sets this part of its open files aside for those who visit it, within these bounds.
const CONNECTIONS_PART: u64 = 4;
const CONNECTIONS_MIN: u64 = 8;
const CONNECTIONS_MAX: u64 = 1024;
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

/// Connections that a server may hold at once: a quarter of the open files it may have, 8 to 1024.
pub fn connection_share() -> usize {
    usize::try_from(connections_of(soft_limit().unwrap_or(u64::MAX))).unwrap_or(usize::MAX)
}

/// Clips a concurrency to what the limit of open files allows, with a warning. `serves` where visitors are to be let
/// in meanwhile.
pub fn fit_open_files(concurrency: u32, serves: bool) -> u32 {
    let Some(soft) = soft_limit() else { return concurrency };
    let fits = checks_of(soft, serves);
    // Every run asks; the log is told when it changes.
    if fits < concurrency && TOLD.swap(fits, Relaxed) != fits {
        tracing::warn!(concurrency, fits, open_files = soft, "fewer checks at once: the limit of open files is low");
    }
    concurrency.min(fits)
}

/// What the log was told last of how many checks fit.
static TOLD: AtomicU32 = AtomicU32::new(u32::MAX);

fn soft_limit() -> Option<u64> {
    rlimit::Resource::NOFILE.get().ok().map(|(soft, _)| soft)
}

fn connections_of(soft: u64) -> u64 {
    (soft / CONNECTIONS_PART).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
}

/// Checks at once that so many open files have room for; one is made however few they are.
fn checks_of(soft: u64, serves: bool) -> u32 {
    let aside = RESERVE + if serves { connections_of(soft) } else { 0 };
    u32::try_from((soft.saturating_sub(aside) / FILES_PER_CHECK).max(1)).unwrap_or(u32::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_shared_out_and_one_check_is_always_made() {
        assert_eq!([16, 64, 128, 1024, 1 << 20].map(connections_of), [8, 16, 32, 256, 1024]);
        assert_eq!([16, 64, 128, 256, 1024].map(|soft| checks_of(soft, false)), [1, 3, 11, 27, 123]);
        assert_eq!([16, 64, 128, 256, 1024].map(|soft| checks_of(soft, true)), [1, 1, 7, 19, 91]);
        for soft in 64..5000 {
            let taken = RESERVE + connections_of(soft) + u64::from(checks_of(soft, true)) * FILES_PER_CHECK;
            assert!(taken <= soft.max(RESERVE + connections_of(soft) + FILES_PER_CHECK), "{soft}: {taken}");
        }
    }
}
