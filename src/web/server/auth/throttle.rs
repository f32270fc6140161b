//! Wrong passwords slow down: by account and by address, each on its own.

use crate::{clock::SharedClock, web::server::connections::block_of};
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// Wrong ones that cost nothing.
const FREE: u32 = 4;
/// The longest wait, seconds; from one second it doubles with each wrong one.
const WAIT_MAX: i64 = 300;
/// Forgotten after so long without a wrong one.
const FORGOTTEN: TimeDelta = TimeDelta::hours(1);
/// Keys remembered at most; beyond that the oldest go.
const KEYS_MAX: usize = 10_000;

/// Counts wrong passwords.
#[derive(Clone)]
pub struct Throttle {
    clock: SharedClock,
    failures: Arc<Mutex<HashMap<String, Failures>>>,
}

struct Failures {
    count: u32,
    last: DateTime<Utc>,
    /// The account that was tried last, and its epoch then.
    account: (String, Option<i64>),
}

impl Failures {
    fn until(&self) -> DateTime<Utc> {
        match self.count.checked_sub(FREE + 1) {
            None => self.last,
            Some(over) => self.last + TimeDelta::seconds(WAIT_MAX.min(1 << over.min(16))),
        }
    }
}

/// Somebody who wants to sign in.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The account's name as it was typed, cut at its limit.
    pub name: String,
    /// The account's epoch, where there is such an account. It goes up with a new password, which lifts the waits.
    pub epoch: Option<i64>,
    pub address: IpAddr,
    pub known: Known,
}

/// Whether this account has signed in like this before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Waits as all strangers do: by account and by address.
    No,
    /// From this address: strangers' wrong passwords for the account do not count.
    Address,
    /// On this device, named so: only what was wrong on it counts.
    Device(String),
}

impl Throttle {
    pub fn new(clock: SharedClock) -> Throttle {
        Throttle { clock, failures: Arc::default() }
    }

    /// Takes a try, which counts as a wrong one until [`Throttle::succeeded`] says otherwise: many at the same time get
    /// no further than one after another.
    ///
    /// # Errors
    /// Whole seconds to wait, where it is too early for another.
    pub fn take(&self, attempt: &Attempt) -> Result<(), i64> {
        let now = self.clock.now();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|_, held| now - held.last < FORGOTTEN);
        let keys = attempt.keys();
        for key in &keys {
            // A password that was set since lifts what was wrong before.
            let lifted = |held: &Failures| held.account.0 == attempt.name && held.account.1 != attempt.epoch;
            if failures.get(key).is_some_and(lifted) {
                failures.remove(key);
            }
        }
        let left = keys.iter().filter_map(|key| failures.get(key)).map(|f| f.until() - now).max();
        match left.map_or(0, |left| (left.num_milliseconds().max(0) + 999) / 1000) {
            0 => {}
            wait => return Err(wait),
        }
        for key in keys {
            make_room(&mut failures, &key);
            let count = failures.get(&key).map_or(0, |held| held.count) + 1;
            failures.insert(key, Failures { count, last: now, account: (attempt.name.clone(), attempt.epoch) });
        }
        Ok(())
    }

    /// The last try was right: what came before it is forgotten.
    pub fn succeeded(&self, attempt: &Attempt) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        attempt.keys().iter().for_each(|key| {
            failures.remove(key);
        });
    }
}

fn make_room(failures: &mut HashMap<String, Failures>, key: &str) {
    if failures.len() >= KEYS_MAX
        && !failures.contains_key(key)
        && let Some(oldest) = failures.iter().min_by_key(|(_, held)| held.last).map(|(key, _)| key.clone())
    {
        failures.remove(&oldest);
    }
}

impl Attempt {
    /// What is counted.
    fn keys(&self) -> Vec<String> {
        let address = format!("address {}", block_of(self.address));
        match &self.known {
            Known::No => vec![format!("account {}", self.name), address],
            Known::Address => vec![address],
            Known::Device(device) => vec![format!("device {device}")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use async_trait::async_trait;
    use std::{net::Ipv4Addr, time::Duration};

    struct Hand(Mutex<DateTime<Utc>>);

    #[async_trait]
    impl Clock for Hand {
        fn now(&self) -> DateTime<Utc> {
            *self.0.lock().unwrap()
        }

        async fn sleep_until(&self, _: DateTime<Utc>, _: Duration) {}
    }

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn of(name: &str, address: IpAddr) -> Attempt {
        Attempt { name: name.to_owned(), epoch: Some(0), address, known: Known::No }
    }

    fn throttle() -> (Arc<Hand>, Throttle) {
        let clock = Arc::new(Hand(Mutex::new("2026-11-21T00:00:00Z".parse().unwrap())));
        (clock.clone(), Throttle::new(clock))
    }

    #[test]
    fn wrong_passwords_cost_more_and_more_time() {
        let (clock, throttle) = throttle();
        for _ in 0..=FREE {
            assert_eq!(throttle.take(&of("me", HERE)), Ok(()));
        }
        assert_eq!(throttle.take(&of("me", THERE)), Err(1), "by account, wherever it comes from");
        assert_eq!(throttle.take(&of("other", HERE)), Err(1), "by address, whoever it is");
        assert_eq!(throttle.take(&of("other", THERE)), Ok(()));
        for wait in [1, 2, 4] {
            assert_eq!(throttle.take(&of("me", HERE)), Err(wait), "what is refused costs no more");
            *clock.0.lock().unwrap() += TimeDelta::seconds(wait);
            assert_eq!(throttle.take(&of("me", HERE)), Ok(()));
        }
        throttle.succeeded(&of("me", HERE));
        assert_eq!(throttle.take(&of("me", HERE)), Ok(()));
    }

    fn locked_out(throttle: &Throttle, name: &str, address: IpAddr) {
        while throttle.take(&of(name, address)).is_ok() {}
    }

    #[test]
    fn strangers_do_not_keep_the_owner_out() {
        let (_, throttle) = throttle();
        locked_out(&throttle, "me", HERE);
        let known = |address, known| Attempt { known, ..of("me", address) };
        assert!(throttle.take(&of("me", THERE)).is_err());
        assert_eq!(throttle.take(&known(THERE, Known::Address)), Ok(()), "the owner's address");
        assert!(throttle.take(&known(HERE, Known::Address)).is_err(), "an address has its own");
        let mine = known(HERE, Known::Device("mine".to_owned()));
        assert_eq!(throttle.take(&mine), Ok(()), "the owner's device, even from there");
        while throttle.take(&mine).is_ok() {}
        assert!(throttle.take(&mine).is_err(), "a device has its own as well");
    }

    #[test]
    fn a_new_password_lifts_the_waits() {
        let (_, throttle) = throttle();
        locked_out(&throttle, "me", HERE);
        let fresh = Attempt { epoch: Some(1), ..of("me", HERE) };
        assert_eq!(throttle.take(&fresh), Ok(()), "of the account and of the address that tried it");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (clock, throttle) = throttle();
        for n in 0..KEYS_MAX + 50 {
            *clock.0.lock().unwrap() += TimeDelta::milliseconds(1);
            let address = IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(n).unwrap()));
            assert_eq!(throttle.take(&of(&n.to_string(), address)), Ok(()));
        }
        assert!(throttle.failures.lock().unwrap().len() <= KEYS_MAX);
    }
}
