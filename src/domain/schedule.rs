//! When runs are due.

use super::lang::Lang;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use std::str::FromStr;

/// The schedule that a new database has: four in the morning, every day.
pub const DEFAULT_CRON: &str = "0 4 * * *";

/// Why a schedule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("{0:?} is not a cron expression: write five fields, such as \"0 4 * * *\" for four in the morning ({1})")]
    Cron(String, String),
    #[error("{0:?} is not a time zone: write a name such as Asia/Shanghai or UTC")]
    Zone(String),
}

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: Tz,
}

impl Schedule {
    /// # Errors
    /// [`ScheduleError`] where the expression or the zone is not one.
    pub fn new(cron: &str, zone: &str) -> Result<Schedule, ScheduleError> {
        let parsed = Cron::from_str(cron.trim()).map_err(|e| ScheduleError::Cron(cron.to_owned(), e.to_string()))?;
        Ok(Schedule { cron: parsed, zone: parse_zone(zone)? })
    }

    /// The first time after `after` that a run is due; `None` where the expression never comes round again.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.zone);
        self.cron.find_next_occurrence(&local, false).ok().map(|next| next.with_timezone(&Utc))
    }
}

/// A cron expression in plain words, as far as it is a common one; others as they are.
pub fn in_words(cron: &str, lang: Lang) -> String {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else { return cron.to_owned() };
    let number = |text: &str| text.parse::<u32>().ok();
    let clock = number(hour).zip(number(minute)).map(|(h, m)| format!("{h:02}:{m:02}"));
    let every = |text: &str| text.strip_prefix("*/").and_then(number).filter(|n| *n > 1);
    match (minute, hour, day, month, weekday) {
        ("*", "*", "*", "*", "*") => lang.pick("每分钟".to_owned(), "every minute".to_owned()),
        (_, "*", "*", "*", "*") if every(minute).is_some() => {
            let n = every(minute).unwrap_or_default();
            lang.pick(format!("每 {n} 分钟"), format!("every {n} minutes"))
        }
        (_, "*", "*", "*", "*") if number(minute).is_some() => {
            let m = number(minute).unwrap_or_default();
            lang.pick(format!("每小时的第 {m} 分"), format!("every hour at minute {m}"))
        }
        (_, _, "*", "*", "*") if every(hour).is_some() && number(minute).is_some() => {
            let n = every(hour).unwrap_or_default();
            lang.pick(format!("每 {n} 小时"), format!("every {n} hours"))
        }
        _ => match (clock, day, month, weekday) {
            (Some(at), "*", "*", "*") => lang.pick(format!("每天 {at}"), format!("every day at {at}")),
            (Some(at), "*", "*", weekday) => match weekday_words(weekday, lang) {
                Some(days) => lang.pick(format!("每{days} {at}"), format!("every {days} at {at}")),
                None => cron.to_owned(),
            },
            (Some(at), day, "*", "*") => match number(day) {
                Some(day) => lang.pick(format!("每月 {day} 日 {at}"), format!("on day {day} of every month at {at}")),
                None => cron.to_owned(),
            },
            _ => cron.to_owned(),
        },
    }
}

fn weekday_words(text: &str, lang: Lang) -> Option<&'static str> {
    const ZH: [&str; 7] = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"];
    const EN: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    const SHORT: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    if matches!(text, "1-5" | "MON-FRI") {
        return Some(lang.pick("个工作日", "weekday"));
    }
    let at = match text.parse::<usize>() {
        Ok(number) => number % 7,
        Err(_) => SHORT.iter().position(|short| text.eq_ignore_ascii_case(short))?,
    };
    lang.pick(ZH, EN).get(at).copied().filter(|_| text != "8" && text != "9")
}

/// # Errors
/// [`ScheduleError::Zone`] where the name is no IANA time zone.
pub fn parse_zone(zone: &str) -> Result<Tz, ScheduleError> {
    Tz::from_str(zone.trim()).map_err(|_| ScheduleError::Zone(zone.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn four_in_the_morning_is_local() {
        let s = Schedule::new(DEFAULT_CRON, "Asia/Shanghai").unwrap();
        assert_eq!(s.next_after(at("2026-11-21T00:00:00Z")), Some(at("2026-11-21T20:00:00Z")));
        assert_eq!(s.next_after(at("2026-11-21T20:00:00Z")), Some(at("2026-11-22T20:00:00Z")));
    }

    #[test]
    fn common_expressions_have_words() {
        for (cron, zh, en) in [
            ("0 4 * * *", "每天 04:00", "every day at 04:00"),
            ("*/15 * * * *", "每 15 分钟", "every 15 minutes"),
            ("30 * * * *", "每小时的第 30 分", "every hour at minute 30"),
            ("0 */6 * * *", "每 6 小时", "every 6 hours"),
            ("5 8 * * 1", "每周一 08:05", "every Monday at 08:05"),
            ("5 8 * * sun", "每周日 08:05", "every Sunday at 08:05"),
            ("0 9 * * 1-5", "每个工作日 09:00", "every weekday at 09:00"),
            ("0 4 1 * *", "每月 1 日 04:00", "on day 1 of every month at 04:00"),
            ("0 4 1,15 * *", "0 4 1,15 * *", "0 4 1,15 * *"),
        ] {
            assert_eq!((in_words(cron, Lang::Zh).as_str(), in_words(cron, Lang::En).as_str()), (zh, en));
        }
    }

    #[test]
    fn bad_texts_are_named() {
        assert!(matches!(Schedule::new("every day", "UTC"), Err(ScheduleError::Cron(..))));
        assert!(matches!(Schedule::new("0 4 * * *", "Mars/Base"), Err(ScheduleError::Zone(..))));
    }
}
