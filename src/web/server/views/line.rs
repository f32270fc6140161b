//! Latency over time, as points to draw.

use super::Times;
use crate::{domain::observation::Standing, store::Point, web::dto::Line};
use chrono::{DateTime, Utc};

/// The drawing's width, in units of its own.
const WIDTH: i64 = 1000;
/// Points at most; more than the line has pixels help nobody.
const POINTS: usize = 240;

/// Puts checks into at most 240 points: of each stretch the slowest good check. Stretches that begin with a
/// bad check and last until the next good one are down.
pub fn draw(checks: &[Point], from: DateTime<Utc>, to: DateTime<Utc>, times: Times) -> Line {
    let whole = (to - from).num_milliseconds().max(1);
    let x = |at: DateTime<Utc>| {
        u32::try_from(((at - from).num_milliseconds() * WIDTH / whole).clamp(0, WIDTH)).unwrap_or_default()
    };
    let good: Vec<&Point> = checks.iter().filter(|check| check.standing == Standing::Good).collect();
    let stretch = good.len().div_ceil(POINTS).max(1);
    let points: Vec<(u32, u32)> = good
        .chunks(stretch)
        .filter_map(|chunk| chunk.iter().max_by_key(|check| check.ms))
        .map(|check| (x(check.at), check.ms))
        .collect();
    let mut sorted: Vec<u32> = good.iter().map(|check| check.ms).collect();
    sorted.sort_unstable();
    Line {
        max_ms: points.iter().map(|(_, ms)| *ms).max().unwrap_or_default(),
        median_ms: sorted.get(sorted.len() / 2).copied().unwrap_or_default(),
        points,
        down: down(checks, to).into_iter().map(|(start, end)| (x(start), x(end))).collect(),
        checks: u32::try_from(checks.len()).unwrap_or(u32::MAX),
        bad: u32::try_from(checks.iter().filter(|c| c.standing == Standing::Bad).count()).unwrap_or(u32::MAX),
        from: times.stamp(from),
        to: times.stamp(to),
    }
}

fn down(checks: &[Point], to: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut periods = Vec::new();
    let mut since = None;
    for check in checks {
        match (check.standing, since) {
            (Standing::Bad, None) => since = Some(check.at),
            (Standing::Good, Some(start)) => {
                periods.push((start, check.at));
                since = None;
            }
            _ => {}
        }
    }
    periods.extend(since.map(|start| (start, to)));
    periods
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lang::Lang;
    use chrono::TimeDelta;
    use chrono_tz::Tz;

    #[test]
    fn down_lasts_from_the_first_bad_check_to_the_next_good_one() {
        let from: DateTime<Utc> = "2026-11-21T00:00:00Z".parse().unwrap();
        let check = |hour: i64, standing| Point { at: from + TimeDelta::hours(hour), standing, ms: 100 };
        use Standing::{Bad, Good, Unverifiable};
        let checks =
            [check(1, Good), check(2, Bad), check(3, Unverifiable), check(4, Bad), check(5, Good), check(9, Bad)];
        let line = draw(&checks, from, from + TimeDelta::hours(10), Times { zone: Tz::UTC, lang: Lang::En });
        assert_eq!(line.down, [(200, 500), (900, 1000)]);
        assert_eq!(line.points, [(100, 100), (500, 100)]);
        assert_eq!((line.checks, line.bad, line.median_ms), (6, 3, 100));
    }

    #[test]
    fn many_checks_become_few_points_and_peaks_stay() {
        let from: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let checks: Vec<Point> = (0..8760)
            .map(|hour| Point {
                at: from + TimeDelta::hours(hour),
                standing: Standing::Good,
                ms: if hour == 4000 { 4999 } else { 80 },
            })
            .collect();
        let line = draw(&checks, from, from + TimeDelta::days(365), Times { zone: Tz::UTC, lang: Lang::En });
        assert!(line.points.len() <= POINTS);
        assert_eq!(line.max_ms, 4999);
        assert!(line.down.is_empty());
    }
}
