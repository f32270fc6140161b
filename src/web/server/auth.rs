//! Who is signed in: setting up, signing in and out.

mod backend;
mod place;
mod sessions;
mod throttle;

pub use backend::{Auth, Backend};
pub use place::of_request;
pub use sessions::{Held, Sessions, browser, keep, sessions_of};
pub use throttle::Throttle;

use super::{AppState, document, faults};
use crate::{
    domain::audit::Deed,
    service::ServiceError,
    web::{
        api::{fault::Fault, gate::Caller},
        dto::{Done, Gate},
        words::words_of,
    },
};
use axum::http::request::Parts;
use axum_login::AuthSession;
use backend::Credentials;
use leptos::prelude::*;
use std::net::IpAddr;

/// A session that is not used for so long ends …
pub const IDLE_DAYS: i64 = 14;
/// … and each ends so long after its log-in.
pub const ABSOLUTE_DAYS: i64 = 90;

/// Characters of a name that failed to sign in that are noted.
const NAME_MAX: usize = 64;

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
    let words = words_of(document::request_lang());
    let place = place::visitor(state).await;
    take_try(state, "", place)?;
    if !state.setup.is(token.trim()) {
        return Err(Fault::Refused(words.wrong_token.to_owned()));
    }
    state.throttle.succeeded("", place);
    if password != again {
        return Err(Fault::Refused(words.passwords_differ.to_owned()));
    }
    if !state.service.add_first_user(name, password).await? {
        return Err(Fault::Refused(words.set_up_already.to_owned()));
    }
    state.setup.spend();
    tracing::info!(name = %name.trim(), "the first account was made");
    state.service.note(name.trim(), Deed::AccountAdded, name.trim()).await;
    sign_in(state, name, password.to_owned(), "/").await
}

/// Signs in, slowly where wrong passwords came before: by account and by address.
pub async fn sign_in(state: &AppState, name: &str, password: String, next: &str) -> Result<Done, Fault> {
    let words = words_of(document::request_lang());
    let (name, place) = (name.trim().to_lowercase(), place::visitor(state).await);
    take_try(state, &name, place)?;
    let mut session = session().ok_or(Fault::SignIn)?;
    let credentials = Credentials { name: name.clone(), password };
    let Some(user) = session.authenticate(credentials).await.map_err(broken)? else {
        tracing::warn!(?name, %place, "a sign-in failed");
        let who: String = name.chars().take(NAME_MAX).collect();
        state.service.note(&who, Deed::SignInFailed, place.to_string()).await;
        return Err(Fault::Refused(words.wrong_password.to_owned()));
    };
    state.throttle.succeeded(&name, place);
    // Gives the session a new id as well.
    session.login(&user).await.map_err(broken)?;
    sessions::begin(&session, state.service.clock().now(), place).await.map_err(broken)?;
    let from = format!("{place} · {}", browser(&place::agent()));
    state.service.note(&user.name, Deed::SignedIn, from).await;
    Ok(Done::quiet().then(document::safe_path(next)))
}

pub async fn sign_out(state: &AppState, everywhere: bool) -> Result<Done, Fault> {
    if let Some(mut session) = session() {
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
    let place = place::visitor(&caller.state).await;
    take_try(&caller.state, &user.name, place)?;
    if !crate::service::check_password(old, Some(user.password.clone())).await? {
        return Err(Fault::Refused(words.wrong_password.to_owned()));
    }
    caller.state.throttle.succeeded(&user.name, place);
    if password != again {
        return Err(Fault::Refused(words.passwords_differ.to_owned()));
    }
    caller.service.set_password(&user.name, password).await?;
    let fresh = caller.service.store().user(user.id).await?;
    if let Some(fresh) = fresh {
        session.login(&backend::Account::from(fresh)).await.map_err(broken)?;
        sessions::begin(&session, caller.service.clock().now(), place).await.map_err(broken)?;
    }
    caller.note(Deed::PasswordSet, user.name).await;
    Ok(Done::said(words.said_password))
}

/// Refuses whoever was wrong too often lately.
fn take_try(state: &AppState, name: &str, place: IpAddr) -> Result<(), Fault> {
    let refused = |wait| Fault::Refused(words_of(document::request_lang()).wait_seconds(wait));
    state.throttle.take(name, place).map_err(refused)
}

fn session() -> Option<Auth> {
    use_context::<Parts>()?.extensions.get::<AuthSession<Backend>>().cloned()
}

fn broken(error: impl std::fmt::Display) -> Fault {
    faults::told(&ServiceError::Password(error.to_string()), document::request_lang())
}
