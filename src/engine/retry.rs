//! Whether and when to ask again: a pure rule. Design.md, Numbers.

use crate::domain::class::Class;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// The longest Retry-After that is waited for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// How long to wait before the next attempt; `None` where there is to be none.
///
/// `attempt` counts from 1; `jitter` is drawn from 0..1 and spreads the wait from half to one and a half.
pub fn wait(
    class: Class,
    status: Option<u16>,
    retry_after: Option<Duration>,
    attempt: u32,
    retries: u32,
    jitter: f64,
) -> Option<Duration> {
    if attempt > retries {
        return None;
    }
    if let Some(asked) = retry_after {
        let may_pass = class == Class::RateLimited || class.is_transient(status);
        return (may_pass && asked <= RETRY_AFTER_MAX).then_some(asked);
    }
    let again = class.is_transient(status) && !matches!(class, Class::Timeout | Class::ConnectTimeout);
    again.then(|| {
        let doubled = BACKOFF_FIRST.saturating_mul(1 << (attempt - 1).min(10));
        doubled.min(BACKOFF_MAX).mul_f64(0.5 + jitter.clamp(0.0, 1.0))
    })
}

/// Reads a Retry-After header: seconds, or a date (RFC 9110, 10.2.3).
pub fn parse_retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    Some((parse_date(value)? - now).to_std().unwrap_or(Duration::ZERO))
}

/// Reads a date as HTTP writes it (RFC 9110, 5.6.7).
pub fn parse_date(value: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc2822(value.trim()).ok()?.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_asked_again_and_never_a_timeout() {
        let first = |class, status| wait(class, status, None, 1, 1, 0.5);
        assert_eq!(first(Class::ConnectionReset, None), Some(Duration::from_millis(500)));
        assert!(first(Class::HttpStatus, Some(503)).is_some());
        for (class, status) in [
            (Class::Timeout, None),
            (Class::ConnectTimeout, None),
            (Class::HttpStatus, Some(404)),
            (Class::TlsExpired, None),
            (Class::BacklinkMissing, Some(200)),
            (Class::RateLimited, Some(429)),
        ] {
            assert_eq!(first(class, status), None, "{class}");
        }
        assert_eq!(wait(Class::ConnectionReset, None, None, 2, 1, 0.5), None, "retries are spent");
        assert_eq!(wait(Class::ConnectionReset, None, None, 1, 0, 0.5), None);
    }

    #[test]
    fn waits_double_and_end_at_ten_seconds() {
        let at = |attempt| wait(Class::Unreachable, None, None, attempt, 100, 0.5).unwrap();
        assert_eq!([at(1), at(2), at(3)].map(|d| d.as_millis()), [500, 1000, 2000]);
        assert_eq!(at(90), BACKOFF_MAX);
    }

    #[test]
    fn retry_after_is_honoured_up_to_ten_seconds() {
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        assert_eq!(parse_retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sat, 21 Nov 2026 00:00:03 GMT", now), Some(Duration::from_secs(3)));
        assert_eq!(parse_retry_after("soon", now), None);
        let asked = |seconds| wait(Class::RateLimited, Some(429), Some(Duration::from_secs(seconds)), 1, 1, 0.0);
        assert_eq!(asked(10), Some(Duration::from_secs(10)));
        assert_eq!(asked(11), None);
        assert_eq!(wait(Class::HttpStatus, Some(404), Some(Duration::ZERO), 1, 1, 0.0), None);
    }
}
