//! Who is signed in: setting up, signing in and out.

mod backend;
mod known;
mod place;
mod sessions;
mod throttle;

pub use backend::{Auth, Backend};
pub use place::of_request;
pub use sessions::{Held, Sessions, browser, keep, sessions_of, tell_not_kept};
pub use throttle::Throttle;

use super::{AppState, document, faults, once};
use crate::{
    domain::{audit::Deed, field},
    service::{ServiceError, USER_NAME_MAX},
    store::User,
    web::{
        api::{fault::Fault, gate::Caller},
        dto::{Done, Gate},
        words::Words,
    },
};
use axum::http::request::Parts;
use leptos::prelude::*;
use std::{net::IpAddr, time::Duration};
use throttle::{Attempt, Known};

/// A session that is not used for so long ends …
pub const IDLE_DAYS: i64 = 14;
/// … and each ends so long after its log-in.
pub const ABSOLUTE_DAYS: i64 = 90;

/// The name of whoever is signed in. A demo signs everybody in; it listens on loopback only.
pub fn signed_in(state: &AppState) -> Option<String> {
    if state.demo {
        return Some("demo".to_owned());
    }
    session()?.user.map(|user| user.name)
}

pub async fn gate(state: &AppState) -> Result<Gate, Fault> {
    if signed_in(state).is_some() {
        return Ok(Gate::Open);
    }
    let users = state.service.store().users().await?;
    Ok(if users.is_empty() { Gate::Setup } else { Gate::SignIn })
}

/// Makes the first account and signs it in.
pub async fn set_up(state: &AppState, token: &str, name: &str, password: &str, again: &str) -> Result<Done, Fault> {
    let words = Words::of(document::request_lang());
    // The token cannot be guessed: whoever has it does not wait for those who try.
    if !state.setup.is(token.trim()) {
        take_try(state, &known::attempt(state, "", None).await?)?;
        return Err(Fault::Refused(words.wrong_token.to_owned()));
    }
    if password != again {
        return Err(Fault::Refused(words.passwords_differ.to_owned()));
    }
    if !state.service.add_first_user(name, password).await? {
        return Err(Fault::Refused(words.set_up_already.to_owned()));
    }
    state.setup.spend();
    tracing::info!(name = %name.trim(), "the first account was made");
    state.service.note(name.trim(), Deed::AccountAdded, name.trim()).await;
    let user = backend::find(&state.service, &normal(name)).await?;
    let user = user.ok_or_else(|| Fault::Refused(words.wrong_password.to_owned()))?;
    let address = place::visitor(state).await;
    let mut session = session().ok_or(Fault::SignIn)?;
    enter(state, &mut session, user, address).await?;
    Ok(Done::quiet().then("/"))
}

/// Signs in, slowly where wrong passwords came before: by account and by address.
pub async fn sign_in(state: &AppState, name: &str, password: String, next: &str) -> Result<Done, Fault> {
    let words = Words::of(document::request_lang());
    let name = normal(name);
    let user = backend::find(&state.service, &name).await?;
    let attempt = known::attempt(state, &name, user.as_ref()).await?;
    take_try(state, &attempt)?;
    let mut session = session().ok_or(Fault::SignIn)?;
    let hash = user.as_ref().map(|user| user.password.clone());
    let fits = crate::service::check_password(password, hash).await?;
    let Some(user) = user.filter(|_| fits) else {
        let address = attempt.address;
        tracing::warn!(?name, %address, "a sign-in failed");
        state.service.note(&name, Deed::SignInFailed, address.to_string()).await;
        return Err(Fault::Refused(words.wrong_password.to_owned()));
    };
    state.throttle.succeeded(&attempt);
    enter(state, &mut session, user, attempt.address).await?;
    Ok(Done::quiet().then(document::safe_path(next)))
}

/// An account's name as it was typed, cut at its limit.
fn normal(name: &str) -> String {
    field::cut(name.trim(), USER_NAME_MAX).to_lowercase()
}

/// Makes a session an account's, under a new id: one that somebody else knows is worth nothing from then on.
async fn enter(state: &AppState, session: &mut Auth, user: User, address: IpAddr) -> Result<(), Fault> {
    let (id, name) = (user.id, user.name.clone());
    // First, since it is written at once: a full disk is told here, and not by a session that cannot be kept.
    known::remember(state, id, address).await?;
    session.login(&backend::Account::from(user)).await.map_err(broken)?;
    session.session.cycle_id().await.map_err(broken)?;
    sessions::begin(session, state.service.clock().now(), address).await.map_err(broken)?;
    let from = format!("{address} · {}", browser(&place::agent()));
    state.service.note(&name, Deed::SignedIn, from).await;
    Ok(())
}

/// Others may write for so long while somebody signs in or out.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

pub async fn sign_out(state: &AppState, everywhere: bool) -> Result<Done, Fault> {
    if let Some(mut session) = session() {
        // Says why, where nothing can be written: the session would go on.
        state.service.store().probe_write(WRITE_PATIENCE).await?;
        if let Some(user) = session.user.as_ref().filter(|_| everywhere) {
            state.service.store().end_sessions(user.id).await?;
        }
        if let Some(user) = &session.user {
            let deed = if everywhere { Deed::SessionEnded } else { Deed::SignedOut };
            state.service.note(&user.name, deed, if everywhere { "*" } else { "" }).await;
        }
        session.logout().await.map_err(broken)?;
    }
    Ok(Done::quiet().then("/login"))
}

pub async fn change_password(caller: &Caller, old: String, password: &str, again: &str) -> Result<Done, Fault> {
    let words = caller.words();
    let mut session = session().ok_or_else(|| Fault::Refused(words.demo_has_none.to_owned()))?;
    let user = session.user.clone().ok_or_else(|| Fault::Refused(words.demo_has_none.to_owned()))?;
    // Whoever is signed in does not wait for strangers' wrong passwords.
    let session_id = session_id().unwrap_or_default();
    let attempt = Attempt {
        name: normal(&user.name),
        epoch: None,
        address: place::visitor(&caller.state).await,
        known: Known::Device(session_id),
    };
    take_try(&caller.state, &attempt)?;
    if !crate::service::check_password(old, Some(user.password.clone())).await? {
        return Err(Fault::Refused(words.wrong_password.to_owned()));
    }
    caller.state.throttle.succeeded(&attempt);
    if password != again {
        return Err(Fault::Refused(words.passwords_differ.to_owned()));
    }
    caller.service.set_password(&user.name, password).await?;
    caller.note(Deed::PasswordSet, user.name).await;
    if let Some(fresh) = caller.service.store().user(user.id).await? {
        enter(&caller.state, &mut session, fresh, attempt.address).await?;
    }
    Ok(Done::said(words.said_password))
}

/// Refuses whoever was wrong too often lately.
fn take_try(state: &AppState, attempt: &Attempt) -> Result<(), Fault> {
    let refused = |wait| Fault::Refused(Words::of(document::request_lang()).wait_seconds(wait));
    state.throttle.take(attempt).map_err(refused)
}

fn session() -> Option<Auth> {
    use_context::<Parts>()?.extensions.get::<Auth>().cloned()
}

/// What names the session of this request; the same as long as it lasts.
pub fn session_id() -> Option<String> {
    Some(once::digest(&session()?.session.id()?.to_string()))
}

fn broken(error: impl std::fmt::Display) -> Fault {
    faults::told(&ServiceError::Password(error.to_string()), document::request_lang())
}
