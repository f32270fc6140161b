//! Work in the background that does not die in silence: what panics or ends is begun again, and what stands still is
//! told.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

/// What has ended is begun again after this at first; each time it ends soon, after twice as long …
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// … up to this. What has gone on for so long starts over with the first wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Ends in a row after which a task counts as failing: one panic is no reason to call for help.
const FAILING: u32 = 3;
/// How often it is looked who stands still.
const LOOK: Duration = Duration::from_secs(5);

/// Everything that goes on in the background, by name.
#[derive(Default)]
pub struct Supervisor {
    tasks: Mutex<Vec<Arc<Task>>>,
}

struct Task {
    name: &'static str,
    /// One that has not told of itself for longer stands still.
    silent_after: Duration,
    last: Mutex<Instant>,
    restarts: AtomicU64,
    /// Ends in a row, none of them after a good while.
    ends: AtomicU32,
    /// If it has not ended anew by then, it has gone on for a good while since it was last begun.
    well_from: Mutex<Instant>,
}

impl Task {
    fn silence(&self) -> Duration {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn is_silent(&self) -> bool {
        self.silence() > self.silent_after
    }

    fn is_failing(&self) -> bool {
        let well_from = *self.well_from.lock().unwrap_or_else(PoisonError::into_inner);
        self.ends.load(Relaxed) >= FAILING && Instant::now() < well_from
    }
}

/// By this a task tells that it goes on.
#[derive(Clone)]
pub struct Liveness(Option<Arc<Task>>);

impl Liveness {
    /// For work that nobody watches over.
    pub fn unwatched() -> Liveness {
        Liveness(None)
    }

    /// Tells that the work has come round once more.
    pub fn note(&self) {
        if let Some(task) = &self.0 {
            *task.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
    }
}

/// How a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub name: &'static str,
    /// Since it last told of itself.
    pub silence: Duration,
    /// That is longer than it should be.
    pub is_silent: bool,
    /// How often it was begun again.
    pub restarts: u64,
    /// It has ended again and again, and has not gone on for a good while since.
    pub is_failing: bool,
}

impl Supervisor {
    /// Starts `work` and keeps it going until `shutdown`, which breaks it off. It is to [`Liveness::note`] more often than
    /// every `silent_after`. The handle resolves once the work is over.
    pub fn keep<W, F>(
        self: &Arc<Self>,
        name: &'static str,
        silent_after: Duration,
        shutdown: CancellationToken,
        work: W,
    ) -> JoinHandle<()>
    where
        W: Fn(Liveness) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let now = Instant::now();
        let (restarts, ends) = (AtomicU64::new(0), AtomicU32::new(0));
        let (last, well_from) = (Mutex::new(now), Mutex::new(now));
        let task = Arc::new(Task { name, silent_after, last, restarts, ends, well_from });
        self.tasks().push(task.clone());
        let supervisor = self.clone();
        tokio::spawn(async move {
            keep_going(&task, &shutdown, work).await;
            supervisor.tasks().retain(|held| !Arc::ptr_eq(held, &task));
        })
    }

    /// Tells the log who stands still and who goes on again, until it is dropped.
    pub async fn watch(&self, liveness: Liveness) {
        let mut still: Vec<&'static str> = Vec::new();
        loop {
            liveness.note();
            for Report { name, silence, is_silent, .. } in self.reports() {
                let known = still.contains(&name);
                if is_silent && !known {
                    tracing::error!(task = name, seconds = silence.as_secs(), "work in the background stands still");
                    still.push(name);
                } else if !is_silent && known {
                    tracing::info!(task = name, "work in the background goes on again");
                    still.retain(|held| *held != name);
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How each task is, in the order in which they were started.
    pub fn reports(&self) -> Vec<Report> {
        let report = |task: &Arc<Task>| Report {
            name: task.name,
            silence: task.silence(),
            is_silent: task.is_silent(),
            restarts: task.restarts.load(Relaxed),
            is_failing: task.is_failing(),
        };
        self.tasks().iter().map(report).collect()
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<Arc<Task>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn keep_going<W, F>(task: &Arc<Task>, shutdown: &CancellationToken, work: W)
where
    W: Fn(Liveness) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut wait = FIRST_WAIT;
    loop {
        let begun = Instant::now();
        // On a task of its own, which catches a panic.
        let mut working = tokio::spawn(work(Liveness(Some(task.clone()))));
        let ended = tokio::select! {
            ended = &mut working => ended,
            () = shutdown.cancelled() => {
                working.abort();
                // Broken off, or over by itself: it is no longer going on.
                let _ = working.await;
                return;
            }
        };
        if begun.elapsed() >= LONGEST_WAIT {
            wait = FIRST_WAIT;
            task.ends.store(0, Relaxed);
        }
        task.ends.fetch_add(1, Relaxed);
        *task.well_from.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + wait + LONGEST_WAIT;
        let how = if ended.is_err_and(|error| error.is_panic()) { "has panicked" } else { "has ended" };
        let (name, seconds) = (task.name, wait.as_secs());
        tracing::error!(task = name, seconds, "work in the background {how}; it is begun again after this time");
        if shutdown.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
        task.restarts.fetch_add(1, Relaxed);
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A task that counts how often it was begun, and then does this.
    fn counted<F: Future<Output = ()> + Send + 'static>(
        supervisor: &Arc<Supervisor>,
        shutdown: &CancellationToken,
        work: impl Fn(Liveness, u64) -> F + Send + 'static,
    ) -> (Arc<AtomicU64>, JoinHandle<()>) {
        let begun = Arc::new(AtomicU64::new(0));
        let counts = begun.clone();
        let kept = supervisor
            .keep("work", MINUTE, shutdown.clone(), move |liveness| work(liveness, counts.fetch_add(1, Relaxed)));
        (begun, kept)
    }

    #[tokio::test(start_paused = true)]
    async fn what_panics_or_ends_is_begun_again_later_each_time() {
        let (supervisor, shutdown) = (Arc::new(Supervisor::default()), CancellationToken::new());
        let (begun, kept) = counted(&supervisor, &shutdown, |_, nth| async move {
            assert!(nth % 2 == 0, "a panic, as planned");
        });
        // Half a second off the beat. Begun at 0, 1, 3, 7, 15, 31, 63 s, and every minute from then on.
        tokio::time::sleep(Duration::from_millis(500)).await;
        for (seconds, times) in
            [(0, 1), (1, 2), (1, 2), (1, 3), (3, 3), (1, 4), (8, 5), (16, 6), (32, 7), (59, 7), (1, 8)]
        {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            assert_eq!(begun.load(Relaxed), times, "after {seconds} more");
        }
        let report = supervisor.reports()[0];
        assert!(report.restarts == 7 && report.is_failing, "{report:?}");
        shutdown.cancel();
        kept.await.unwrap();
        assert!(supervisor.reports().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_gone_on_for_long_after_failing_is_well_again() {
        let (supervisor, shutdown) = (Arc::new(Supervisor::default()), CancellationToken::new());
        // Panics at 0, 1 and 3 s, and goes on from 7 s on.
        let (begun, _kept) = counted(&supervisor, &shutdown, |_, nth| async move {
            assert!(nth >= 3, "a panic, as planned");
            pending().await
        });
        for (seconds, failing) in [(2, false), (2, true), (4, true), (58, true), (2, false), (3600, false)] {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            assert_eq!(supervisor.reports()[0].is_failing, failing, "after {seconds} more");
        }
        assert_eq!(begun.load(Relaxed), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_gone_on_for_long_is_begun_again_at_once() {
        let (supervisor, shutdown) = (Arc::new(Supervisor::default()), CancellationToken::new());
        let (begun, _kept) = counted(&supervisor, &shutdown, |_, _| tokio::time::sleep(MINUTE * 10));
        tokio::time::sleep(Duration::from_secs(6 * 602)).await;
        let report = supervisor.reports()[0];
        assert_eq!((begun.load(Relaxed), report.restarts, report.is_failing), (7, 6, false));
    }

    #[tokio::test(start_paused = true)]
    async fn what_stands_still_is_noticed_and_what_beats_is_not() {
        let (supervisor, shutdown) = (Arc::new(Supervisor::default()), CancellationToken::new());
        let _still = supervisor.keep("still", MINUTE, shutdown.clone(), |_| pending());
        let _beats = supervisor.keep("beats", MINUTE, shutdown.clone(), |liveness| async move {
            loop {
                liveness.note();
                tokio::time::sleep(MINUTE / 2).await;
            }
        });
        let silent = || supervisor.reports().iter().filter(|one| one.is_silent).map(|one| one.name).collect::<Vec<_>>();
        tokio::time::sleep(MINUTE).await;
        assert!(silent().is_empty());
        tokio::time::sleep(MINUTE).await;
        assert_eq!(silent(), ["still"]);
        let age = supervisor.reports()[0].silence;
        assert!(age >= MINUTE * 2 && age < MINUTE * 3, "{age:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_breaks_off_what_would_go_on_for_ever() {
        let (supervisor, shutdown) = (Arc::new(Supervisor::default()), CancellationToken::new());
        let (begun, kept) = counted(&supervisor, &shutdown, |_, _| pending());
        tokio::time::sleep(MINUTE).await;
        shutdown.cancel();
        kept.await.unwrap();
        assert_eq!(begun.load(Relaxed), 1);
    }
}
