//! Sessions in the store, and how long they last.

use super::{ABSOLUTE_DAYS, Auth, place};
use crate::{
    clock::SharedClock,
    service::ServiceError,
    store::{SharedStore, StoreError},
    web::{
        api::fault::Fault,
        server::{AppState, document, faults, forms, once},
    },
};
use async_trait::async_trait;
use axum::{
    Json,
    body::HttpBody,
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_login::AuthUser;
use chrono::{DateTime, TimeDelta, Utc};
use std::net::IpAddr;
use tower_sessions::{
    Session, SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// When the session began, Unix milliseconds.
const BEGAN: &str = "began";
/// When it was last said to be in use, Unix milliseconds.
const USED: &str = "used";
/// What the browser calls itself, and from where it signed in.
const AGENT: &str = "agent";
const ADDRESS: &str = "address";
/// Names the session to its owner; unlike its id it opens nothing.
const HANDLE: &str = "handle";
/// Where axum-login keeps whose session it is.
const WHOSE: &str = "axum-login.data";
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
        // The id opens the session, so it is not kept with it.
        let kept = Record { id: Id(0), ..record.clone() };
        let text = serde_json::to_string(&kept).map_err(|e| Error::Encode(e.to_string()))?;
        let ends = DateTime::from_timestamp(record.expiry_date.unix_timestamp(), 0).unwrap_or_default();
        self.store.put_session(&kept_id(&record.id), &text, ends, new).await.map_err(at_fault)
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

    /// What is noted of a session that there is, its last use above all, is not worth the page that is waited for: a full
    /// disk does not keep anybody out who is in.
    async fn save(&self, record: &Record) -> Result<()> {
        if let Err(error) = self.put(record, false).await {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let text = self.store.session(&kept_id(id), self.clock.now()).await.map_err(at_fault)?;
        let record = |text: String| serde_json::from_str(&text).map_err(|e| Error::Decode(e.to_string()));
        Ok(text.map(record).transpose()?.map(|record| Record { id: *id, ..record }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.store.remove_session(&kept_id(id)).await.map_err(at_fault)
    }
}

/// What is kept of a session's id: whoever reads the database can sign in with none of them.
fn kept_id(id: &Id) -> String {
    once::digest(&id.to_string())
}

fn at_fault(error: StoreError) -> Error {
    Error::Backend(error.to_string())
}

/// Notes when a session began, at its log-in.
pub async fn begin(
    auth: &Auth,
    now: DateTime<Utc>,
    place: IpAddr,
) -> std::result::Result<(), tower_sessions::session::Error> {
    auth.session.insert(AGENT, place::agent()).await?;
    auth.session.insert(ADDRESS, place.to_string()).await?;
    auth.session.insert(HANDLE, once::token()).await?;
    auth.session.insert(BEGAN, now.timestamp_millis()).await?;
    auth.session.insert(USED, now.timestamp_millis()).await
}

/// A session, as its owner is told of it.
pub struct Held {
    /// Its id as it is kept.
    pub id: String,
    pub handle: String,
    pub agent: String,
    pub address: String,
    pub began: DateTime<Utc>,
    pub used: DateTime<Utc>,
    /// The one that asks.
    pub here: bool,
}

/// The sessions of whoever asks that are still good; none in a demo.
///
/// # Errors
/// Where the store is at fault.
pub async fn sessions_of(state: &AppState) -> std::result::Result<Vec<Held>, StoreError> {
    let Some(auth) = super::session() else { return Ok(Vec::new()) };
    let Some(user) = &auth.user else { return Ok(Vec::new()) };
    let mine = serde_json::json!({ "user_id": user.id, "auth_hash": user.session_auth_hash() });
    let here = auth.session.id().map(|id| kept_id(&id));
    let records = state.service.store().sessions(state.service.clock().now()).await?;
    let held = records.into_iter().filter_map(|(id, record)| {
        let record: Record = serde_json::from_str(&record).ok()?;
        (record.data.get(WHOSE) == Some(&mine)).then_some(())?;
        let text = |key| record.data.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let time = |key| record.data.get(key).and_then(|v| DateTime::from_timestamp_millis(v.as_i64()?));
        let began = time(BEGAN)?;
        Some(Held {
            here: here.as_deref() == Some(&id),
            handle: text(HANDLE),
            agent: text(AGENT),
            address: text(ADDRESS),
            began,
            used: time(USED).unwrap_or(began),
            id,
        })
    });
    Ok(held.collect())
}

/// A User-Agent in two words, as far as it is a common one.
pub fn browser(agent: &str) -> String {
    // The more particular first: most claim to be others as well.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "?".to_owned(),
    }
}

/// Ends sessions that are too old, and keeps those in use from ending. Runs inside the session layer.
pub async fn keep(clock: SharedClock, mut request: Request, next: Next) -> Response {
    if let Some(session) = request.extensions().get::<Session>().cloned() {
        let good = turn(&session, clock.now()).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a session could not be read");
            false
        });
        // Who it was has been looked up by now.
        if let Some(auth) = request.extensions_mut().get_mut::<Auth>().filter(|_| !good) {
            auth.user = None;
        }
    }
    next.run(request).await
}

/// Says why nobody could be signed in: the session layer, which this runs around, answers so with nothing at all where a
/// new session cannot be kept.
pub async fn tell_not_kept(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (posted, headers) = (request.method() == Method::POST, request.headers().clone());
    let answer = next.run(request).await;
    let says_nothing = answer.body().size_hint().exact() == Some(0);
    if answer.status() != StatusCode::INTERNAL_SERVER_ERROR || !says_nothing {
        return answer;
    }
    let lang = document::lang_of(&headers);
    let fault = match state.service.store().probe_write(super::WRITE_PATIENCE).await {
        Err(error) => faults::told(&ServiceError::from(error), lang),
        Ok(()) => {
            let words = lang.pick("服务器暂时无法完成请求，请重试", "The server could not do it just now; try again");
            Fault::Unavailable(words.to_owned())
        }
    };
    if posted && forms::wants_page(&headers) {
        return forms::refused(&state, &headers, fault.to_string());
    }
    (fault.status(), Json(fault)).into_response()
}

/// Whether the session is still good.
async fn turn(session: &Session, now: DateTime<Utc>) -> std::result::Result<bool, tower_sessions::session::Error> {
    let Some(began) = session.get::<i64>(BEGAN).await? else { return Ok(true) };
    if now.timestamp_millis() - began > TimeDelta::days(ABSOLUTE_DAYS).num_milliseconds() {
        session.flush().await?;
        return Ok(false);
    }
    let used = session.get::<i64>(USED).await?.unwrap_or_default();
    if now.timestamp_millis() - used > SAY_EVERY.num_milliseconds() {
        session.insert(USED, now.timestamp_millis()).await?;
    }
    Ok(true)
}
