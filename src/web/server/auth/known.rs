//! Devices and addresses that an account has signed in with before. Strangers who keep guessing its password slow each
//! other down, and not these.

use super::{
    place,
    throttle::{Attempt, Known},
};
use crate::{
    store::{StoreError, User},
    web::server::{AppState, connections::block_of, document, once},
};
use chrono::TimeDelta;
use std::net::IpAddr;

/// Keeps the device's name in the browser. It opens nothing.
const COOKIE: &str = "device";
/// A device is remembered for so long after its last log-in: browsers keep no cookie for longer.
const REMEMBERED: TimeDelta = TimeDelta::days(400);
/// Characters of a device's name.
const DEVICE_LENGTH: usize = 32;

/// The attempt of whoever sent this request to sign in to an account.
///
/// # Errors
/// Where the store is at fault.
pub async fn attempt(state: &AppState, name: &str, user: Option<&User>) -> Result<Attempt, StoreError> {
    let address = place::visitor(state).await;
    let known = match user {
        Some(user) => known(state, user, address).await?,
        None => Known::No,
    };
    Ok(Attempt { name: name.to_owned(), epoch: user.map(|user| user.epoch), address, known })
}

async fn known(state: &AppState, user: &User, address: IpAddr) -> Result<Known, StoreError> {
    let since = state.service.clock().now() - REMEMBERED;
    let store = state.service.store();
    if let Some(device) = this_device() {
        let mark = mark_of_device(&device);
        if store.knows_sign_in(user.id, &mark, since).await? {
            return Ok(Known::Device(mark));
        }
    }
    let known = store.knows_sign_in(user.id, &mark_of_address(address), since).await?;
    Ok(if known { Known::Address } else { Known::No })
}

/// Remembers the device and the address of a log-in.
///
/// # Errors
/// Where the store is at fault.
pub async fn remember(state: &AppState, user_id: i64, address: IpAddr) -> Result<(), StoreError> {
    let (now, store) = (state.service.clock().now(), state.service.store());
    let since = now - REMEMBERED;
    // A name that is not known yet may have been put there by somebody who knows it.
    let device = match this_device() {
        Some(device) if store.knows_sign_in(user_id, &mark_of_device(&device), since).await? => device,
        _ => once::token(),
    };
    let marks = [mark_of_device(&device), mark_of_address(address)];
    store.remember_sign_in(user_id, &marks, now, since).await?;
    let seconds = REMEMBERED.num_seconds();
    document::set_cookie(&format!("{COOKIE}={device}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"));
    Ok(())
}

fn this_device() -> Option<String> {
    let named = |name: &String| name.len() == DEVICE_LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    document::cookie(COOKIE).filter(named)
}

fn mark_of_device(device: &str) -> String {
    once::digest(&format!("device {device}"))
}

fn mark_of_address(address: IpAddr) -> String {
    once::digest(&format!("address {}", block_of(address)))
}
