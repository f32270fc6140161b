//! Sessions in the store, and how long they last.

use super::{ABSOLUTE_DAYS, Auth};
use crate::{
    clock::SharedClock,
    store::{SharedStore, StoreError},
};
use async_trait::async_trait;
use axum::{extract::Request, middleware::Next, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use tower_sessions::{
    Session, SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// When the session began, Unix milliseconds.
const BEGAN: &str = "began";
/// When it was last said to be in use, Unix milliseconds.
const USED: &str = "used";
/// Saying so costs a write: this often is enough.
const SAY_EVERY: TimeDelta = TimeDelta::hours(1);

/// tower-sessions' store, over ours.
#[derive(Clone)]
pub struct Sessions {
    store: SharedStore,
    clock: SharedClock,
}

impl Sessions {
    pub fn new(store: SharedStore, clock: SharedClock) -> Sessions {
        Sessions { store, clock }
    }

    async fn put(&self, record: &Record, new: bool) -> Result<bool> {
        let text = serde_json::to_string(record).map_err(|e| Error::Encode(e.to_string()))?;
        let ends = DateTime::from_timestamp(record.expiry_date.unix_timestamp(), 0).unwrap_or_default();
        self.store.put_session(&record.id.to_string(), &text, ends, new).await.map_err(at_fault)
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while !self.put(record, true).await? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.put(record, false).await.map(|_| ())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let text = self.store.session(&id.to_string(), self.clock.now()).await.map_err(at_fault)?;
        text.map(|text| serde_json::from_str(&text).map_err(|e| Error::Decode(e.to_string()))).transpose()
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.store.remove_session(&id.to_string()).await.map_err(at_fault)
    }
}

fn at_fault(error: StoreError) -> Error {
    Error::Backend(error.to_string())
}

/// Notes when a session began, at its log-in.
pub async fn begin(auth: &Auth, now: DateTime<Utc>) -> std::result::Result<(), tower_sessions::session::Error> {
    auth.session.insert(BEGAN, now.timestamp_millis()).await?;
    auth.session.insert(USED, now.timestamp_millis()).await
}

/// Ends sessions that are too old, and keeps those in use from ending. Runs inside the session layer.
pub async fn keep(clock: SharedClock, request: Request, next: Next) -> Response {
    if let Some(session) = request.extensions().get::<Session>().cloned()
        && let Err(error) = turn(&session, clock.now()).await
    {
        tracing::warn!(%error, "a session could not be read");
    }
    next.run(request).await
}

async fn turn(session: &Session, now: DateTime<Utc>) -> std::result::Result<(), tower_sessions::session::Error> {
    let Some(began) = session.get::<i64>(BEGAN).await? else { return Ok(()) };
    if now.timestamp_millis() - began > TimeDelta::days(ABSOLUTE_DAYS).num_milliseconds() {
        return session.flush().await;
    }
    let used = session.get::<i64>(USED).await?.unwrap_or_default();
    if now.timestamp_millis() - used > SAY_EVERY.num_milliseconds() {
        session.insert(USED, now.timestamp_millis()).await?;
    }
    Ok(())
}
