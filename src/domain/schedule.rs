//! When runs are due.

mod wall;

use super::{lang::Lang, link::Link};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use std::str::FromStr;

/// The schedule that a new database has: four in the morning, every day.
pub const DEFAULT_CRON: &str = "0 4 * * *";

/// Names that stand for five fields.
const NICKNAMES: [&str; 6] = ["@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually"];

/// Why a schedule cannot be used. Each says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error(
        "{cron:?} has {fields} fields: write five, minute, hour, day of month, month and day of week, such as \"0 4 * * *\" for four in the morning; seconds and years are not taken"
    )]
    Fields { cron: String, fields: usize },
    #[error("{0:?} is not a schedule: write five fields, such as \"0 4 * * *\" for four in the morning, or one of {names}", names = NICKNAMES.join(", "))]
    Nickname(String),
    #[error("{0:?} never comes: none of its months has such a day; write one that does, such as \"0 4 28 2 *\"")]
    Never(String),
    #[error(
        "{cron:?}: the step {step} is longer than its field, which has {most}; write a step of at most {most}, such as \"*/15 * * * *\""
    )]
    Step { cron: String, step: String, most: u32 },
    #[error("{0:?} is not a cron expression: write five fields, such as \"0 4 * * *\" for four in the morning ({1})")]
    Cron(String, String),
    #[error("{0:?} is not a time zone: write a name such as Asia/Shanghai or UTC")]
    Zone(String),
}

impl ScheduleError {
    /// What is wrong and what to write instead, in a language.
    pub fn words(&self, lang: Lang) -> String {
        let zh = match self {
            ScheduleError::Fields { cron, fields } => format!(
                "“{cron}”有 {fields} 段，请填写五段：分、时、日、月、星期，如 0 4 * * *（每天凌晨四点）；不支持秒与年份"
            ),
            ScheduleError::Nickname(cron) => {
                format!("无法识别“{cron}”，请填写五段，如 0 4 * * *，或使用 {} 之一", NICKNAMES.join("、"))
            }
            ScheduleError::Never(cron) => {
                format!("“{cron}”永远不会触发：所写的月份没有这一天，请改为如 0 4 28 2 *")
            }
            ScheduleError::Step { cron, step, most } => {
                format!("“{cron}”的步长 {step} 超出该段的范围，请填写不超过 {most} 的步长，如 */15 * * * *")
            }
            ScheduleError::Cron(cron, why) => {
                format!("“{cron}”不是有效的 cron 表达式（{why}），请填写五段，如 0 4 * * *（每天凌晨四点）")
            }
            ScheduleError::Zone(zone) => format!("没有时区“{zone}”，请填写如 Asia/Shanghai 的名称"),
        };
        lang.pick(zh, self.to_string())
    }
}

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: Tz,
    /// It is over every hour of the day. The module `wall` says what that means when clocks are changed.
    any_hour: bool,
}

impl Schedule {
    /// A schedule that is being set.
    ///
    /// # Errors
    /// [`ScheduleError`] where the expression has not five fields, never comes, or like the zone is none.
    pub fn new(cron: &str, zone: &str) -> Result<Schedule, ScheduleError> {
        let trimmed = cron.trim();
        let fields = trimmed.split_whitespace().count();
        if trimmed.starts_with('@') {
            if !NICKNAMES.iter().any(|name| name.eq_ignore_ascii_case(trimmed)) {
                return Err(ScheduleError::Nickname(trimmed.to_owned()));
            }
        } else if fields == 6 || fields == 7 {
            return Err(ScheduleError::Fields { cron: trimmed.to_owned(), fields });
        }
        let schedule = Schedule::stored(trimmed, zone)?;
        if let Some((step, most)) = long_step(trimmed) {
            return Err(ScheduleError::Step { cron: trimmed.to_owned(), step: step.to_owned(), most });
        }
        // From the first day of 2000: the year has a 29 February, and every weekday falls on one within the 40 years
        // after, so that all that ever comes has come before the search gives up.
        let comes = schedule.next_in(&Utc, DateTime::UNIX_EPOCH + TimeDelta::days(10_957));
        if comes.is_none() {
            return Err(ScheduleError::Never(trimmed.to_owned()));
        }
        Ok(schedule)
    }

    /// A schedule as it is stored. What an older version took, seconds or years, is followed as it was.
    ///
    /// # Errors
    /// [`ScheduleError`] where the expression or the zone is not one.
    pub fn stored(cron: &str, zone: &str) -> Result<Schedule, ScheduleError> {
        let cron = cron.trim();
        let parsed = Cron::from_str(cron).map_err(|e| ScheduleError::Cron(cron.to_owned(), e.to_string()))?;
        Ok(Schedule { cron: parsed, zone: parse_zone(zone)?, any_hour: is_any_hour(cron) })
    }

    /// A time as the zone's clocks show it.
    pub fn local(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// The next times, at most so many.
    pub fn ahead(&self, after: DateTime<Utc>, times: usize) -> Vec<DateTime<Utc>> {
        std::iter::successors(self.next_after(after), |at| self.next_after(*at)).take(times).collect()
    }
}

/// Whether an expression is over every hour of the day, however that is written.
fn is_any_hour(cron: &str) -> bool {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    // Before day, month and weekday; an older version took seconds, which come first, and years, which come last.
    let at = if fields.len() < 6 { 1 } else { 2 };
    let Some(hours) = fields.get(at) else { return cron.eq_ignore_ascii_case("@hourly") };
    let Ok(hours) = Cron::from_str(&format!("0 {hours} * * *")) else { return false };
    let day = DateTime::UNIX_EPOCH;
    (0..24).all(|hour| hours.is_time_matching(&(day + TimeDelta::hours(hour))).unwrap_or(false))
}

/// A step that is longer than its field, and how long it may be. Cron takes such a step and never gets to make it: every 99
/// minutes would be every hour.
fn long_step(cron: &str) -> Option<(&str, u32)> {
    /// Minutes of an hour, hours of a day, days of a month, months of a year, days of a week.
    const LONGEST: [u32; 5] = [59, 23, 31, 12, 7];
    let fields = cron.split_whitespace().zip(LONGEST);
    let mut steps = fields.flat_map(|(field, longest)| {
        let items = field.split(',').filter_map(|item| item.split_once('/'));
        items.map(move |(_, step)| (step, longest))
    });
    steps.find(|(step, longest)| step.parse::<u32>().map_or(true, |step| step > *longest))
}

/// Which links a schedule is over. Inactive ones are never in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    #[default]
    All,
    /// Those that are not shown.
    Hidden,
    /// One group, by name.
    Group(String),
}

impl Scope {
    /// Reads `all`, `hidden` or `group:NAME`.
    pub fn parse(text: &str) -> Option<Scope> {
        match text.trim() {
            "all" => Some(Scope::All),
            "hidden" => Some(Scope::Hidden),
            other => other.strip_prefix("group:").map(|name| Scope::Group(name.trim().to_owned())),
        }
    }

    pub fn has(&self, link: &Link) -> bool {
        match self {
            Scope::All => true,
            Scope::Hidden => !link.state.shown,
            Scope::Group(name) => link.about.group == *name,
        }
    }

    pub fn in_words(&self, lang: Lang) -> String {
        match self {
            Scope::All => lang.pick("全部友链", "all links").to_owned(),
            Scope::Hidden => lang.pick("仅已隐藏的友链", "hidden links only").to_owned(),
            Scope::Group(name) => lang.pick(format!("分组“{name}”"), format!("group {name:?}")),
        }
    }
}

/// As [`Scope::parse`] reads it.
impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scope::All => f.write_str("all"),
            Scope::Hidden => f.write_str("hidden"),
            Scope::Group(name) => write!(f, "group:{name}"),
        }
    }
}

/// Links hidden for so many days are checked by schedules only every so many days.
const LONG_DEAD: [(i64, i64); 3] = [(60, 15), (30, 10), (10, 5)];
/// A check that began a little earlier in the day counts for the whole day.
const SLACK: TimeDelta = TimeDelta::hours(12);

/// Whether a schedule checks a link again, or leaves it alone for now because it has been dead for long.
pub fn is_worth_a_check(link: &Link, now: DateTime<Utc>) -> bool {
    let Some(last) = link.last_check.as_ref().filter(|_| !link.state.shown) else { return true };
    let hidden_days = (now - link.state.since).num_days();
    let every = LONG_DEAD.iter().find(|(after, _)| hidden_days >= *after).map_or(0, |(_, every)| *every);
    // A check that is yet to come was noted by a clock that has been set back.
    last.at > now || now - last.at + SLACK >= TimeDelta::days(every)
}

/// How late a run may start at most, so that not every Rollcall asks at the full minute: the setting, or a tenth of
/// the time between two runs where that is less.
pub fn jitter(setting: TimeDelta, due: DateTime<Utc>, next: Option<DateTime<Utc>>) -> TimeDelta {
    next.map_or(setting, |next| setting.min((next - due) / 10))
}

/// A cron expression in plain words, as far as it is a common one; others as they are.
pub fn in_words(cron: &str, lang: Lang) -> String {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else { return cron.to_owned() };
    let number = |text: &str| text.parse::<u32>().ok();
    let clock = number(hour).zip(number(minute)).map(|(h, m)| format!("{h:02}:{m:02}"));
    // Steps begin anew with each hour and day: only those that divide it are the same all the way.
    let every =
        |text: &str, of: u32| text.strip_prefix("*/").and_then(number).filter(|n| *n > 1 && of.is_multiple_of(*n));
    match (minute, hour, day, month, weekday) {
        ("*", "*", "*", "*", "*") => lang.pick("每分钟".to_owned(), "every minute".to_owned()),
        (_, "*", "*", "*", "*") if every(minute, 60).is_some() => {
            let n = every(minute, 60).unwrap_or_default();
            lang.pick(format!("每 {n} 分钟"), format!("every {n} minutes"))
        }
        (_, "*", "*", "*", "*") if number(minute).is_some() => match number(minute).unwrap_or_default() {
            0 => lang.pick("每小时整点".to_owned(), "every hour, on the hour".to_owned()),
            m => lang.pick(format!("每小时的第 {m} 分"), format!("every hour at minute {m}")),
        },
        (_, _, "*", "*", "*") if every(hour, 24).is_some() && number(minute).is_some() => {
            let n = every(hour, 24).unwrap_or_default();
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
mod tests;
