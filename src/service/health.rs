//! Whether a server is well: it can read and write its database, and what goes on in the background goes on.

use super::Service;
use crate::store::{Result as Stored, StoreError};
use std::{future::Future, time::Duration};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

/// Whoever asks more often is told what the last one was told.
const ANSWER_HOLDS: Duration = Duration::from_secs(1);
/// How often it is tried at most whether the database can be written: that costs the disk a write.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// The database answers a probe within this time, or is busy.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Others may write for so long before a probe of writing gives way.
const BUSY: Duration = Duration::from_secs(1);
/// Others may hold it for so long; import of a large list does.
const BUSY_MAX: Duration = Duration::from_secs(30);

/// What is known of it.
#[derive(Default)]
pub(super) struct Health(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The last answer, and when it was given.
    answer: Option<(Instant, Result<(), String>)>,
    read: Probed,
    write: Probed,
    /// When it was last written.
    written: Option<Instant>,
}

/// What came of probes of one kind.
#[derive(Default)]
struct Probed {
    busy_since: Option<Instant>,
}

impl Probed {
    /// What is wrong by this probe and those before it.
    async fn by(&mut self, probe: impl Future<Output = Stored<()>>) -> Result<(), String> {
        let error = match timeout(PATIENCE, probe).await {
            Ok(Ok(())) => {
                self.busy_since = None;
                return Ok(());
            }
            Ok(Err(StoreError::Locked)) => "it is locked by another program".to_owned(),
            Err(_) => "it does not answer".to_owned(),
            Ok(Err(error)) => {
                self.busy_since = None;
                return Err(plain(&error));
            }
        };
        let since = *self.busy_since.get_or_insert_with(Instant::now);
        if since.elapsed() < BUSY_MAX { Ok(()) } else { Err(error) }
    }
}

/// An error without the names of files: anybody may ask.
fn plain(error: &StoreError) -> String {
    match error {
        StoreError::CannotOpen(_) => "it cannot be opened".to_owned(),
        StoreError::NotADatabase(_) => "it is no database any more".to_owned(),
        StoreError::Full => "the disk is full".to_owned(),
        StoreError::ReadOnly => "it, or its folder, is read-only".to_owned(),
        StoreError::Database(error) => {
            let words = error.to_string();
            words.strip_prefix("error returned from database: ").unwrap_or(&words).to_owned()
        }
        other => other.to_string(),
    }
}

impl Service {
    /// Whether all is well, or in one line what is not. It names no file and no secret.
    ///
    /// # Errors
    /// What is not well.
    pub async fn health(&self) -> Result<(), String> {
        let mut known = self.health.0.lock().await;
        if let Some((at, answer)) = &known.answer
            && at.elapsed() < ANSWER_HOLDS
        {
            return answer.clone();
        }
        let answer = self.look(&mut known).await;
        let before = known.answer.replace((Instant::now(), answer.clone())).map(|(_, before)| before);
        match (&before, &answer) {
            (Some(Err(before)), Err(why)) if before == why => {}
            (_, Err(why)) => tracing::error!(%why, "not well"),
            (Some(Err(_)), Ok(())) => tracing::info!("well again"),
            _ => {}
        }
        answer
    }

    async fn look(&self, known: &mut Known) -> Result<(), String> {
        self.background_goes_on()?;
        known.read.by(self.store.ping()).await.map_err(|why| format!("the database cannot be read: {why}"))?;
        if known.written.is_none_or(|at| at.elapsed() >= WRITE_EVERY) {
            let written = known.write.by(self.store.probe_write(BUSY)).await;
            written.map_err(|why| format!("the database cannot be written: {why}"))?;
            // One that was busy is tried again the next time.
            known.written = known.write.busy_since.is_none().then(Instant::now);
        }
        Ok(())
    }

    /// # Errors
    /// Who stands still, or ends again and again.
    fn background_goes_on(&self) -> Result<(), String> {
        for report in self.supervisor.reports() {
            let (name, seconds) = (report.name, report.silence.as_secs());
            if report.is_silent {
                return Err(format!("{name} in the background has stood still for {seconds} s"));
            }
            if report.is_failing {
                return Err(format!("{name} in the background ends again and again; the log says why"));
            }
        }
        Ok(())
    }
}
