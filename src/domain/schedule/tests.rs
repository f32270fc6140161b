use super::*;
use crate::domain::{
    class::Class,
    link::{About, LastCheck, LinkState},
};
use chrono::{Offset, TimeZone};

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
fn times_are_whole_seconds() {
    let s = Schedule::new(DEFAULT_CRON, "UTC").unwrap();
    assert_eq!(s.next_after(at("2026-11-21T03:59:59.9Z")), Some(at("2026-11-21T04:00:00Z")));
    assert_eq!(s.next_after(at("2026-11-21T04:00:00.5Z")), Some(at("2026-11-22T04:00:00Z")));
}

#[test]
fn common_expressions_have_words() {
    for (cron, zh, en) in [
        ("0 4 * * *", "每天 04:00", "every day at 04:00"),
        ("*/15 * * * *", "每 15 分钟", "every 15 minutes"),
        ("0 * * * *", "每小时整点", "every hour, on the hour"),
        ("30 * * * *", "每小时的第 30 分", "every hour at minute 30"),
        ("0 */6 * * *", "每 6 小时", "every 6 hours"),
        ("*/45 * * * *", "*/45 * * * *", "*/45 * * * *"),
        ("0 */5 * * *", "0 */5 * * *", "0 */5 * * *"),
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

#[test]
fn only_five_fields_that_come_are_taken() {
    for cron in ["0 0 4 * * *", "*/10 * * * * *", "0 0 4 * * * 2030", " 0  0 4 * * * "] {
        assert!(matches!(Schedule::new(cron, "UTC"), Err(ScheduleError::Fields { .. })), "{cron}");
        assert!(Schedule::stored(cron, "UTC").is_ok(), "one that is stored is followed: {cron}");
    }
    for cron in ["@reboot", "@midnight", "@", "@every 5m", "@daily x"] {
        assert!(matches!(Schedule::new(cron, "UTC"), Err(ScheduleError::Nickname(_))), "{cron}");
    }
    for cron in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "5 4 30,31 2 *", "0 0 31 FEB,APR *"] {
        let error = Schedule::new(cron, "Asia/Shanghai").unwrap_err();
        assert!(error.to_string().contains("never comes") && error.words(Lang::Zh).contains("永远不会"), "{cron}");
    }
    for cron in ["@daily", "@Hourly", "@weekly", "@monthly", "@yearly", "0 0 29 2 *", "0 0 29 2 +1", "0 0 L * *"] {
        assert!(Schedule::new(cron, "UTC").is_ok(), "{cron}");
    }
    for cron in ["*/99 * * * *", "0 */24 * * *", "5-10/60 * * * *", "0 4 */32 * *", "0 0 1 1/13 *", "1,*/70 4 * * *"] {
        assert!(matches!(Schedule::new(cron, "UTC"), Err(ScheduleError::Step { .. })), "{cron}");
    }
    for cron in ["", "* * * *", "1 2 3 4 5 6 7 8", "60 * * * *"] {
        let error = Schedule::new(cron, "UTC").unwrap_err();
        assert!(matches!(error, ScheduleError::Cron(..)), "{cron}");
        assert!(error.words(Lang::Zh).contains("五段"), "{cron}");
    }
}

#[test]
fn a_night_without_the_hour_runs_once() {
    // On 29 March 2026 Berlin's clocks go from 02:00 to 03:00.
    let s = Schedule::new("30 2 * * *", "Europe/Berlin").unwrap();
    let times = s.ahead(at("2026-03-27T12:00:00Z"), 3);
    assert_eq!(times[0], at("2026-03-28T01:30:00Z"));
    assert_eq!(times[1].date_naive(), at("2026-03-29T01:00:00Z").date_naive(), "not skipped: {times:?}");
    assert_eq!(times[2], at("2026-03-30T00:30:00Z"));
}

#[test]
fn a_night_with_the_hour_twice_runs_once() {
    // On 25 October 2026 they go from 03:00 back to 02:00.
    let s = Schedule::new("30 2 * * *", "Europe/Berlin").unwrap();
    let times = s.ahead(at("2026-10-23T12:00:00Z"), 3);
    assert_eq!(times, [at("2026-10-24T00:30:00Z"), at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z")]);
}

#[test]
fn every_so_many_minutes_goes_on_through_both_nights() {
    let s = Schedule::new("*/30 * * * *", "Europe/Berlin").unwrap();
    for night in ["2026-03-29T00:00:00Z", "2026-10-24T23:00:00Z"] {
        let times = s.ahead(at(night), 8);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(30)), "{times:?}");
    }
}

/// The times that are due from one local noon to another, as the clock shows them.
fn shown(cron: &str, zone: &str, from: &str, days: i64) -> Vec<String> {
    let schedule = Schedule::new(cron, zone).unwrap();
    let noon = at(&format!("{from}T12:00:00Z"));
    let offset = schedule.zone.offset_from_utc_datetime(&noon.naive_utc()).fix();
    let noon = noon - TimeDelta::seconds(offset.local_minus_utc().into());
    let due = std::iter::successors(schedule.next_after(noon), |at| schedule.next_after(*at));
    let due = due.take_while(|at| *at < noon + TimeDelta::days(days));
    due.map(|at| at.with_timezone(&schedule.zone).format("%d %H:%M").to_string()).collect()
}

#[test]
fn a_fixed_hour_runs_once_a_day_whatever_the_clocks_do() {
    for (cron, zone, from, expected) in [
        // Forward, with a time before, in and after the gap.
        ("30 1 * * *", "America/New_York", "2026-03-07", "08 01:30, 09 01:30"),
        ("30 2 * * *", "America/New_York", "2026-03-07", "08 03:00, 09 02:30"),
        ("0 3 * * *", "America/New_York", "2026-03-07", "08 03:00, 09 03:00"),
        ("30 1 * * *", "Europe/Berlin", "2026-03-28", "29 01:30, 30 01:30"),
        ("0 1 * * *", "Europe/London", "2026-03-28", "29 02:00, 30 01:00"),
        ("30 0 * * *", "Europe/London", "2026-03-28", "29 00:30, 30 00:30"),
        ("15,45 2 * * *", "Europe/Berlin", "2026-03-28", "29 03:00, 30 02:15, 30 02:45"),
        ("0 2 * * *", "Australia/Lord_Howe", "2026-10-03", "04 02:30, 05 02:00"),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03", "04 02:30, 05 02:15"),
        ("30 1 * * *", "Australia/Lord_Howe", "2026-10-03", "04 01:30, 05 01:30"),
        // At midnight.
        ("0 0 * * *", "Africa/Cairo", "2026-04-23", "24 01:00, 25 00:00"),
        ("30 0 * * *", "America/Santiago", "2026-09-05", "06 01:00, 07 00:30"),
        ("0 0 * * *", "America/Havana", "2026-03-07", "08 01:00, 09 00:00"),
        // Back.
        ("30 1 * * *", "America/New_York", "2026-10-31", "01 01:30, 02 01:30"),
        ("30 0 * * *", "America/Havana", "2026-10-31", "01 00:30, 02 00:30"),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04", "05 01:45, 06 01:45"),
        ("30 23 * * *", "America/Santiago", "2026-04-04", "04 23:30, 05 23:30"),
        (
            "0 */6 * * *",
            "Europe/Berlin",
            "2026-10-24",
            "24 18:00, 25 00:00, 25 06:00, 25 12:00, 25 18:00, 26 00:00, 26 06:00",
        ),
        // Apia went to the other side of the date line.
        ("0 4 * * *", "Pacific/Apia", "2011-12-28", "29 04:00, 31 04:00"),
    ] {
        assert_eq!(shown(cron, zone, from, 2).join(", "), expected, "{cron} {zone} {from}");
    }
}

#[test]
fn an_hourly_one_runs_once_an_hour_also_by_half_hours() {
    let gaps = |cron: &str, zone: &str, from: &str| {
        let schedule = Schedule::new(cron, zone).unwrap();
        let times = schedule.ahead(at(from), 12);
        times
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).num_minutes())
            .filter(|minutes| *minutes != 60)
            .collect::<Vec<_>>()
    };
    for (zone, night) in [
        ("America/New_York", "2026-03-08T04:00:00Z"),
        ("America/New_York", "2026-11-01T02:00:00Z"),
        ("Antarctica/Troll", "2026-03-28T22:00:00Z"),
        ("Pacific/Apia", "2011-12-30T06:00:00Z"),
    ] {
        for cron in ["0 * * * *", "45 * * * *", "@hourly", "7 0-23 * * *"] {
            assert!(gaps(cron, zone, night).is_empty(), "{cron} {zone} {night}");
        }
    }
    for night in ["2026-10-03T12:00:00Z", "2026-04-04T11:00:00Z"] {
        for cron in ["0 * * * *", "15 * * * *", "30 * * * *", "45 * * * *"] {
            assert_eq!(gaps(cron, "Australia/Lord_Howe", night), [90], "{cron} {night}");
        }
        let s = Schedule::new("*/30 * * * *", "Australia/Lord_Howe").unwrap();
        let times = s.ahead(at(night), 12);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(30)), "{times:?}");
    }
}

/// Every change of clocks of these years, by when it comes, with its zone; of those that look the same on the clock one.
fn changes(years: std::ops::Range<i32>) -> Vec<(DateTime<Utc>, chrono_tz::Tz)> {
    let new_year = |year| Utc.with_ymd_and_hms(year, 1, 1, 12, 0, 0).unwrap();
    let mut found = std::collections::HashMap::new();
    for zone in chrono_tz::TZ_VARIANTS {
        let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        let mut from = new_year(years.start);
        while from < new_year(years.end) {
            let next = from + TimeDelta::days(4);
            if offset(from) != offset(next) {
                let change = wall::first(from, next, |at| offset(at) != offset(from));
                let shown = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
                found.insert((shown(change - TimeDelta::seconds(1)), shown(change)), (change, zone));
            }
            from = next;
        }
    }
    assert!(found.len() > 500, "{}", found.len());
    found.into_values().collect()
}

#[test]
fn in_every_zone_a_daily_one_runs_once_on_each_day_that_there_is() {
    for (change, zone) in changes(2012..2030) {
        let date = |at: &DateTime<Utc>| at.with_timezone(&zone).date_naive();
        let quarters = (0..4 * 24 * 4).map(|n| change + TimeDelta::minutes(15 * (n - 4 * 24 * 2)));
        // Clocks that are put back at midnight show the day before once more. The first and the last are not whole.
        let dates: std::collections::BTreeSet<_> = quarters.map(|at| date(&at)).collect();
        for (hour, minute) in [(0, 0), (0, 30), (1, 0), (1, 45), (2, 0), (2, 30), (3, 15), (22, 30), (23, 0), (23, 45)]
        {
            let s = Schedule::new(&format!("{minute} {hour} * * *"), zone.name()).unwrap();
            let ran: Vec<_> = s.ahead(change - TimeDelta::days(3), 7).iter().map(date).collect();
            for day in dates.iter().skip(1).take(dates.len() - 2) {
                let runs = ran.iter().filter(|held| *held == day).count();
                assert_eq!(runs, 1, "{zone} {day} at {hour}:{minute}: {ran:?}");
            }
        }
    }
}

#[test]
fn in_every_zone_an_hourly_one_runs_every_hour() {
    for (change, zone) in changes(2012..2030) {
        let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
        let moved = (offset(change) - offset(change - TimeDelta::seconds(1))) / 60;
        for minute in [0, 20, 45] {
            let s = Schedule::new(&format!("{minute} * * * *"), zone.name()).unwrap();
            let times = s.ahead(change - TimeDelta::hours(4), 12);
            let gaps: Vec<i64> = times.windows(2).map(|pair| (pair[1] - pair[0]).num_minutes()).collect();
            let odd: Vec<i64> = gaps.iter().copied().filter(|gap| *gap != 60).collect();
            // By as much as the minute moves within the hour.
            let longest = if moved % 60 == 0 { 60 } else { 119 };
            let fits = odd.len() <= 1 && odd.iter().all(|gap| (60..=longest).contains(gap));
            assert!(fits, "{zone} {change} minute {minute}: {gaps:?}");
            let minute_of = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%M").to_string().parse() == Ok(minute);
            assert!(times.iter().all(minute_of), "{zone} {change}: {times:?}");
            assert_eq!(s.next_after(times[5] + TimeDelta::minutes(1)), Some(times[6]), "it depends on nothing else");
        }
    }
}

#[test]
fn a_zone_without_such_nights_is_even() {
    let s = Schedule::new(DEFAULT_CRON, "Asia/Shanghai").unwrap();
    let times = s.ahead(at("2026-03-01T00:00:00Z"), 300);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::days(1)));
}

#[test]
fn jitter_keeps_to_a_tenth_of_the_way() {
    let due = at("2026-11-21T04:00:00Z");
    let most = |next: Option<&str>| jitter(TimeDelta::seconds(60), due, next.map(at)).num_seconds();
    assert_eq!(most(Some("2026-11-22T04:00:00Z")), 60);
    assert_eq!(most(Some("2026-11-21T04:01:00Z")), 6);
    assert_eq!(most(None), 60);
}

fn dead_since(hidden: &str, checked: &str) -> Link {
    let state = LinkState { shown: false, ..LinkState::new(at(hidden)) };
    let last = LastCheck { at: at(checked), class: Class::Timeout, status: None, ms: 1, final_url: None };
    Link {
        id: 1,
        about: About::default(),
        active: true,
        state,
        last_check: Some(last),
        recent: Vec::new(),
        flags: Vec::new(),
        good_title: None,
    }
}

#[test]
fn the_long_dead_are_left_alone_for_days() {
    let hidden = "2026-01-01T04:00:00Z";
    for (now, checked_days_ago, worth) in [
        ("2026-01-09T04:00:00Z", 1, true),
        ("2026-01-11T04:00:00Z", 4, false),
        ("2026-01-11T04:00:00Z", 5, true),
        ("2026-01-30T04:00:00Z", 4, false),
        ("2026-01-31T04:00:00Z", 9, false),
        ("2026-01-31T04:00:00Z", 10, true),
        ("2026-03-02T04:00:00Z", 14, false),
        ("2026-03-02T04:00:00Z", 15, true),
    ] {
        let now = at(now);
        // The last one began late; that is no reason to lose a day.
        let checked = now - TimeDelta::days(checked_days_ago) + TimeDelta::minutes(3);
        let link = dead_since(hidden, &checked.to_rfc3339());
        assert_eq!(is_worth_a_check(&link, now), worth, "{now}, checked {checked_days_ago} days ago");
    }
    let mut shown = dead_since(hidden, "2026-03-01T04:00:00Z");
    shown.state.shown = true;
    assert!(is_worth_a_check(&shown, at("2026-03-01T05:00:00Z")), "only the hidden are left alone");
    assert!(
        is_worth_a_check(&dead_since(hidden, "2027-03-01T04:00:00Z"), at("2026-03-01T05:00:00Z")),
        "clock set back"
    );
    let unseen = Link { last_check: None, ..dead_since(hidden, hidden) };
    assert!(is_worth_a_check(&unseen, at("2026-03-01T05:00:00Z")));
}

#[test]
fn scopes_read_back_as_they_are_written() {
    for scope in [Scope::All, Scope::Hidden, Scope::Group("同行 a:b".to_owned())] {
        assert_eq!(Scope::parse(&scope.to_string()), Some(scope));
    }
    assert_eq!(Scope::parse("some"), None);
}
