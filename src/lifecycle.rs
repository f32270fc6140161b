//! Starting and stopping: open files, threads, signals.

use crate::engine::dns;
use std::{
    io,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

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
/// Threads besides those of a runtime: each connection of the database has one, name look-ups and files use others.
const OTHER_THREADS: usize = 8;
/// What was said last is written within this time where a second signal ends the process.
const LAST_WORDS: Duration = Duration::from_millis(200);

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
pub fn check_threads() -> io::Result<Runtime> {
    let stand_back = || {
        // On Linux a thread's own; elsewhere it may be refused, or the whole process's, and is left.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(NICE);
    };
    Builder::new_multi_thread().thread_name("checks").on_thread_start(stand_back).enable_all().build()
}

/// Tries whether the threads that so many runtimes want can be had, all at once: a runtime that does not get them ends
/// in a panic, or waits for ever.
///
/// # Errors
/// Where they cannot.
pub fn try_threads(runtimes: usize) -> io::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Arc::new(Barrier::new(cores * runtimes + OTHER_THREADS + 1));
    let mut tried = Vec::new();
    for _ in 0..cores * runtimes + OTHER_THREADS {
        let all = begun.clone();
        // Those that wait when one cannot be had end with the process, which follows.
        tried.push(std::thread::Builder::new().spawn(move || _ = all.wait())?);
    }
    begun.wait();
    tried.into_iter().for_each(|one| drop(one.join()));
    Ok(())
}

/// Signals that would end the process where it writes: past the limit of a file's size, and to a reader that has gone.
/// The write fails instead, and whoever makes it says so. To be called within a runtime.
pub fn outlive_writes() {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [rustix::process::Signal::XFSZ, rustix::process::Signal::PIPE] {
        // Once it was asked for, it is never again left to the system.
        if let Err(error) = signal(SignalKind::from_raw(kind.as_raw())) {
            tracing::warn!(%error, signal = kind.as_raw(), "a signal may end the process");
        }
    }
}

/// Resolves at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once.
pub async fn stop_signal() {
    StopSignals::listen().first().await;
}

/// The signals that ask for an end, listened to from the moment it is made: none that comes before it is asked for is
/// lost, or ends the process as the system would.
pub struct StopSignals {
    listening: Vec<tokio::signal::unix::Signal>,
}

impl StopSignals {
    /// To be called within a runtime.
    pub fn listen() -> StopSignals {
        use tokio::signal::unix::{SignalKind, signal};
        let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
        // Whoever started it by nohup wants it to go on when the terminal closes.
        if !ignores_hangup() {
            kinds.push(SignalKind::hangup());
        }
        // Where one cannot be listened to the system ends the process by it, as ever.
        StopSignals { listening: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    /// Resolves at the first one; a second one ends the process at once.
    pub async fn first(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            crate::stderr::flush(LAST_WORDS);
            std::process::exit(130);
        });
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let came = self.listening.iter_mut().any(|one| one.poll_recv(context).is_ready());
            if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

/// Whether SIGHUP was set to be ignored, as nohup does, before anybody asked for it here.
fn ignores_hangup() -> bool {
    static IGNORED: std::sync::LazyLock<bool> = std::sync::LazyLock::new(|| {
        // proc(5): a bit for each signal, the first one for signal 1, which is SIGHUP. Elsewhere it cannot be told
        // without unsafe code, and it is taken.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
    });
    *IGNORED
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
