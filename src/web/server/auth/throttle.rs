//! Wrong passwords slow down: by account and by address, each on its own.

use crate::clock::SharedClock;
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

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: DateTime<Utc>,
}

impl Failures {
    fn until(self) -> DateTime<Utc> {
        match self.count.checked_sub(FREE + 1) {
            None => self.last,
            Some(over) => self.last + TimeDelta::seconds(WAIT_MAX.min(1 << over.min(16))),
        }
    }
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
    pub fn take(&self, name: &str, place: IpAddr) -> Result<(), i64> {
        let now = self.clock.now();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|_, held| now - held.last < FORGOTTEN);
        let keys = keys(name, place);
        let left = keys.iter().filter_map(|key| failures.get(key)).map(|f| f.until() - now).max();
        match left.map_or(0, |left| (left.num_milliseconds().max(0) + 999) / 1000) {
            0 => {}
            wait => return Err(wait),
        }
        if failures.len() >= KEYS_MAX
            && let Some(oldest) = failures.iter().min_by_key(|(_, held)| held.last).map(|(key, _)| key.clone())
        {
            failures.remove(&oldest);
        }
        for key in keys {
            let held = failures.entry(key).or_insert(Failures { count: 0, last: now });
            *held = Failures { count: held.count + 1, last: now };
        }
        Ok(())
    }

    /// The last try was right: what came before it is forgotten.
    pub fn succeeded(&self, name: &str, place: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        keys(name, place).iter().for_each(|key| {
            failures.remove(key);
        });
    }
}

fn keys(name: &str, place: IpAddr) -> [String; 2] {
    // A household has a /64 of its own.
    let place = match place {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => v6.segments()[..4].iter().map(|s| format!("{s:x}")).collect::<Vec<_>>().join(":"),
    };
    [format!("account {}", name.to_lowercase()), format!("address {place}")]
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

    #[test]
    fn wrong_passwords_cost_more_and_more_time() {
        let clock = Arc::new(Hand(Mutex::new("2026-11-21T00:00:00Z".parse().unwrap())));
        let throttle = Throttle::new(clock.clone());
        let (here, there) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        for _ in 0..=FREE {
            assert_eq!(throttle.take("me", here), Ok(()));
        }
        assert_eq!(throttle.take("me", there), Err(1), "by account, wherever it comes from");
        assert_eq!(throttle.take("other", here), Err(1), "by address, whoever it is");
        assert_eq!(throttle.take("other", there), Ok(()));
        for wait in [1, 2, 4] {
            assert_eq!(throttle.take("me", here), Err(wait), "what is refused costs no more");
            *clock.0.lock().unwrap() += TimeDelta::seconds(wait);
            assert_eq!(throttle.take("me", here), Ok(()));
        }
        throttle.succeeded("me", here);
        assert_eq!(throttle.take("me", here), Ok(()));
    }
}
