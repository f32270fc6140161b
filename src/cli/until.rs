//! Until when something holds, as it is typed.

use super::Failure;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// Reads a time of RFC 3339, or a day, which stands for its beginning in UTC.
pub fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    time.or_else(|_| day()).map_err(|_| "write a day or a time, such as 2027-01-31 or 2027-01-31T08:00:00Z".to_owned())
}

/// # Errors
/// [`Failure::Usage`] where the time is over.
pub fn ahead(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Failure> {
    match until {
        Some(until) if until <= now => {
            Err(Failure::Usage(format!("--until {until} is over already; write a time that is yet to come")))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_beginning() {
        assert_eq!(parse("2027-01-31").unwrap(), parse("2027-01-31T08:00:00+08:00").unwrap());
        assert!(parse("tomorrow").unwrap_err().contains("2027-01-31"));
    }
}
