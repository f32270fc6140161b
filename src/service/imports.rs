//! Lists on their way in: read on a thread of its own, looked at, written; each under a name, apart from the request
//! that brought it.

use super::{ImportPreview, ImportReport, Result, Service, ServiceError};
use crate::{
    domain::audit::Deed,
    formats::{self, Format, FormatError, Parsed, Watch},
};
use bytes::Bytes;
use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, watch},
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Lists that are held at most, waiting or being read.
const MAX_JOBS: usize = 4;
/// Bytes of all lists that are held.
const MAX_HELD: usize = 2 * formats::MAX_BYTES;
/// A list that nobody decides on goes after this time.
const KEEP: Duration = Duration::from_secs(30 * 60);
/// Lists that are read at the same time.
const READERS: usize = 2;
/// A list that takes longer to read is given up. The largest takes a second or two.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// A list as it came.
#[derive(Clone, Debug)]
pub struct List {
    pub bytes: Bytes,
    /// Found by the content where it is not given.
    pub format: Option<Format>,
}

/// What is being done with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportPhase {
    Reading,
    Writing,
}

/// How it stands with a list.
#[derive(Clone, Debug)]
pub enum ImportState {
    Working(ImportPhase),
    /// It waits to be imported or dropped.
    Looked(Arc<ImportPreview>),
    Imported(Arc<ImportReport>),
    Failed(Arc<ServiceError>),
}

/// All lists, and the right to read one.
pub(super) struct Imports {
    jobs: Arc<Mutex<Vec<Job>>>,
    readers: Arc<Semaphore>,
}

impl Default for Imports {
    fn default() -> Imports {
        Imports { jobs: Arc::default(), readers: Arc::new(Semaphore::new(READERS)) }
    }
}

struct Job {
    token: String,
    list: List,
    watch: Arc<Watch>,
    state: watch::Sender<ImportState>,
    /// Cancelled when nobody can ask for the job any more.
    gone: CancellationToken,
}

impl Job {
    fn is_working(&self) -> bool {
        matches!(*self.state.borrow(), ImportState::Working(_))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.watch.stop();
        self.gone.cancel();
    }
}

impl Imports {
    fn jobs(&self) -> MutexGuard<'_, Vec<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops reading when whoever waits for it has gone.
struct StopOnDrop(Option<Arc<Watch>>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(watch) = &self.0 {
            watch.stop();
        }
    }
}

impl Service {
    /// Reads a list on a thread of its own. Dropping the future stops that.
    pub(super) async fn read_list(&self, list: List, progress: &Arc<Watch>) -> Result<Parsed> {
        // Never closed.
        let permit = self.imports.readers.clone().acquire_owned().await.ok();
        let mut stop = StopOnDrop(Some(progress.clone()));
        let progress = progress.clone();
        let reading = spawn_blocking(move || {
            let _permit = permit;
            formats::read_watched(&list.bytes, list.format, &progress)
        });
        match timeout(READ_LIMIT, reading).await {
            Ok(Ok(parsed)) => {
                stop.0 = None;
                Ok(parsed?)
            }
            Ok(Err(_)) => Err(FormatError::Defect.into()),
            Err(_) => Err(FormatError::TooSlow(READ_LIMIT.as_secs()).into()),
        }
    }

    /// Takes a list in under a name that nobody can guess, and begins to look at it.
    ///
    /// # Errors
    /// [`ServiceError::TooManyLists`] where as many as there is room for are being worked on.
    pub fn begin_preview(self: &Arc<Self>, token: &str, list: List) -> Result<()> {
        let watch = Arc::new(Watch::default());
        let gone = CancellationToken::new();
        let (state, _) = watch::channel(ImportState::Working(ImportPhase::Reading));
        {
            let mut jobs = self.imports.jobs();
            let fits = |jobs: &[Job]| {
                let held: usize = jobs.iter().map(|job| job.list.bytes.len()).sum();
                jobs.len() < MAX_JOBS && held + list.bytes.len() <= MAX_HELD
            };
            while !fits(&jobs) {
                let oldest = jobs.iter().position(|job| !job.is_working()).ok_or(ServiceError::TooManyLists)?;
                jobs.remove(oldest);
            }
            let (list, state, gone) = (list.clone(), state.clone(), gone.clone());
            jobs.push(Job { token: token.to_owned(), list, watch: watch.clone(), state, gone });
        }
        let service = self.clone();
        let watched = watch.clone();
        self.work(token, state, &watched, gone, async move {
            Ok(ImportState::Looked(Arc::new(service.preview_import(list, &watch).await?)))
        });
        Ok(())
    }

    /// Begins to import the list that was looked at under a name, for someone; `false` where there is none. One that
    /// is being imported already goes on.
    pub fn begin_import(self: &Arc<Self>, token: &str, who: &str) -> bool {
        let watch = Arc::new(Watch::default());
        let (list, state, gone) = {
            let mut jobs = self.imports.jobs();
            let Some(job) = jobs.iter_mut().find(|job| job.token == token) else { return false };
            match &*job.state.borrow() {
                ImportState::Looked(_) => {}
                ImportState::Working(_) => return true,
                ImportState::Imported(_) | ImportState::Failed(_) => return false,
            }
            job.watch = watch.clone();
            job.state.send_replace(ImportState::Working(ImportPhase::Reading));
            (job.list.clone(), job.state.clone(), job.gone.clone())
        };
        let (service, who, phase) = (self.clone(), who.to_owned(), state.clone());
        let watched = watch.clone();
        self.work(token, state, &watched, gone, async move {
            let parsed = service.read_list(list, &watch).await?;
            phase.send_replace(ImportState::Working(ImportPhase::Writing));
            let report = service.write_list(parsed, false, &watch).await?;
            service.note(&who, Deed::Imported, format!("+{} ~{}", report.added, report.updated)).await;
            Ok(ImportState::Imported(Arc::new(report)))
        });
        true
    }

    /// Does the work of a job, and lets the job go after a while.
    fn work(
        self: &Arc<Self>,
        token: &str,
        state: watch::Sender<ImportState>,
        watch: &Arc<Watch>,
        gone: CancellationToken,
        work: impl Future<Output = Result<ImportState>> + Send + 'static,
    ) {
        let (token, watch) = (token.to_owned(), watch.clone());
        let (stopping, jobs) = (self.stopping.clone(), self.imports.jobs.clone());
        tokio::spawn(async move {
            // Who cancels asks the reader and writer to stop (`Watch::stop`). The work itself is not dropped: it might be
            // at the very moment at which the database makes it last.
            let mut work = pin!(work);
            let outcome = tokio::select! {
                outcome = &mut work => outcome,
                () = stopping.cancelled() => {
                    watch.stop();
                    work.await
                }
            };
            let outcome = outcome.unwrap_or_else(|error| ImportState::Failed(Arc::new(error)));
            let done = !matches!(outcome, ImportState::Looked(_));
            state.send_replace(outcome);
            let lock = || jobs.lock().unwrap_or_else(PoisonError::into_inner);
            if done && let Some(job) = lock().iter_mut().find(|job| job.token == token) {
                job.list.bytes = Bytes::new();
            }
            tokio::select! {
                () = sleep(KEEP) => lock().retain(|job| job.token != token || job.is_working()),
                () = gone.cancelled() => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    /// How it stands with a list, and how far the work is: bytes that were read or links that were written,
    /// and how many there are in all.
    pub fn import_state(&self, token: &str) -> Option<(ImportState, (usize, usize))> {
        let jobs = self.imports.jobs();
        let job = jobs.iter().find(|job| job.token == token)?;
        let state = job.state.borrow().clone();
        Some((state, job.watch.progress()))
    }

    /// As [`Service::import_state`], once the work on it is over, or after `limit`.
    pub async fn wait_for_import(&self, token: &str, limit: Duration) -> Option<ImportState> {
        let mut state = {
            let jobs = self.imports.jobs();
            jobs.iter().find(|job| job.token == token)?.state.subscribe()
        };
        // Where it is not over by then, it is told as it is.
        let _ = timeout(limit, state.wait_for(|state| !matches!(state, ImportState::Working(_)))).await;
        Some(self.import_state(token)?.0)
    }

    /// Stops the work on a list, waits for it to stop, or for `limit`, and says how it stands then: what was written by
    /// that time stays written. `None` where there is no such list.
    pub async fn stop_import(&self, token: &str, limit: Duration) -> Option<ImportState> {
        {
            let jobs = self.imports.jobs();
            jobs.iter().find(|job| job.token == token)?.watch.stop();
        }
        self.wait_for_import(token, limit).await
    }

    /// Lets a list go, and stops the work on it; `false` where there is none.
    pub fn drop_import(&self, token: &str) -> bool {
        let mut jobs = self.imports.jobs();
        let before = jobs.len();
        jobs.retain(|job| job.token != token);
        jobs.len() < before
    }
}
