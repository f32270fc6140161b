//! Rows as they lie in the tables, and their way into domain types.

use crate::domain::{
    class::Class,
    link::{About, LastCheck, Link, LinkState},
    observation::{Observation, Standing},
    progress::{RunState, Trigger},
    run::{Details, Item, ItemState, Run, Transition},
    verdict::Change,
    whitelist::{Entry, Kind},
};
use crate::store::{Lately, Point, User};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::{Error, FromRow};

pub type Decoded<T> = std::result::Result<T, Error>;

/// Decodes every row, up to the first that cannot be.
pub fn decoded<R, T>(rows: Vec<R>, decode: fn(R) -> Decoded<T>) -> Decoded<Vec<T>> {
    rows.into_iter().map(decode).collect()
}

pub fn time(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

pub fn ms(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

/// Plain data as JSON text.
pub fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data")
}

/// A unit variant's serde name.
pub fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("only unit variants are stored as words"),
    }
}

pub fn parse<T: DeserializeOwned>(column: &str, text: &str) -> Decoded<T> {
    serde_json::from_str(text).map_err(|e| Error::ColumnDecode { index: column.to_owned(), source: Box::new(e) })
}

pub fn parse_word<T: DeserializeOwned>(column: &str, word: &str) -> Decoded<T> {
    T::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(word))
        .map_err(|e| Error::ColumnDecode { index: column.to_owned(), source: Box::new(e) })
}

fn small<T: TryFrom<i64> + Default>(number: i64) -> T {
    T::try_from(number).unwrap_or_default()
}

pub const LINK_COLUMNS: &str = "l.id, l.name, l.url, coalesce(g.name, '') AS group_name, l.logo, l.description, \
    l.feed, l.backlink_page, l.email, l.note, l.overrides, l.active, l.shown, l.reason, l.bad_streak, l.good_streak, \
    l.since, l.judged, l.manual, l.last_at, l.last_class, l.last_status, l.last_ms, l.last_final_url, l.recent, l.flags, l.good_title";

/// The same as one JSON array, in the order of [`LinkRow`]: for [`super::bulk::many`].
pub const LINK_ARRAY: &str = "json_array(l.id, l.name, l.url, coalesce(g.name, ''), l.logo, l.description, l.feed, \
    l.backlink_page, l.email, l.note, l.overrides, l.active, json_array(l.shown, l.reason, l.bad_streak, \
    l.good_streak, l.since, l.judged, l.manual), l.last_at, l.last_class, l.last_status, l.last_ms, \
    l.last_final_url, l.recent, l.flags, l.good_title)";

/// SQLite's 0 and 1.
fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    Ok(u8::deserialize(deserializer)? != 0)
}

#[derive(FromRow, Deserialize)]
pub struct LinkRow {
    id: i64,
    name: String,
    url: String,
    group_name: String,
    logo: String,
    description: String,
    feed: String,
    backlink_page: String,
    email: String,
    note: String,
    overrides: String,
    #[serde(deserialize_with = "flag")]
    active: bool,
    #[sqlx(flatten)]
    state: StateRow,
    last_at: Option<i64>,
    last_class: Option<String>,
    last_status: Option<i64>,
    last_ms: Option<i64>,
    last_final_url: Option<String>,
    recent: String,
    flags: String,
    good_title: Option<String>,
}

#[derive(FromRow, Deserialize)]
pub struct StateRow {
    #[serde(deserialize_with = "flag")]
    shown: bool,
    reason: Option<String>,
    bad_streak: i64,
    good_streak: i64,
    since: i64,
    judged: Option<i64>,
    manual: Option<String>,
}

impl StateRow {
    pub fn state(&self) -> Decoded<LinkState> {
        Ok(LinkState {
            shown: self.shown,
            reason: self.reason.as_deref().map(|text| parse("reason", text)).transpose()?,
            bad_streak: small(self.bad_streak),
            good_streak: small(self.good_streak),
            since: time(self.since),
            judged: self.judged.map(time),
            manual: self.manual.as_deref().map(|text| parse("manual", text)).transpose()?,
        })
    }
}

impl LinkRow {
    pub fn link(self) -> Decoded<Link> {
        let last_check = match (self.last_at, &self.last_class) {
            (Some(at), Some(class)) => Some(LastCheck {
                at: time(at),
                class: parse_word("last_class", class)?,
                status: self.last_status.map(small),
                ms: self.last_ms.map(small).unwrap_or_default(),
                final_url: self.last_final_url,
            }),
            _ => None,
        };
        Ok(Link {
            id: self.id,
            state: self.state.state()?,
            about: About {
                name: self.name,
                url: self.url,
                group: self.group_name,
                logo: self.logo,
                description: self.description,
                feed: self.feed,
                backlink_page: self.backlink_page,
                email: self.email,
                note: self.note,
                overrides: parse("overrides", &self.overrides)?,
            },
            active: self.active,
            last_check,
            recent: self.recent.chars().filter_map(Standing::of_letter).collect(),
            flags: parse("flags", &self.flags)?,
            good_title: self.good_title,
        })
    }
}

pub const SEEN_COLUMNS: &str =
    "i.at, i.class, i.inconclusive, i.status, i.ms, i.attempts, e.final_url, e.details AS evidence, i.change";
/// Where [`SEEN_COLUMNS`] finds `e`.
pub const SEEN_JOIN: &str = "LEFT JOIN evidence e ON e.link_id = i.link_id AND e.run_id = i.run_id";

/// A link of a run with the link's state and what was seen, without what only pages want, as one JSON array in the
/// order of [`DoneRow`]: for [`super::bulk::many`].
pub const DONE_ARRAY: &str = "json_array(i.link_id, l.name, l.url, l.active AND l.deleted_at IS NULL, \
    i.moved OR (i.class <> 'whitelisted' AND coalesce(l.last_run, i.run_id) <> i.run_id), \
    json_array(l.shown, l.reason, l.bad_streak, l.good_streak, l.since, l.judged, l.manual), \
    json_array(i.at, i.class, i.inconclusive, i.status, i.ms, i.attempts, NULL, NULL, i.change))";

#[derive(Deserialize)]
pub struct DoneRow {
    pub link_id: i64,
    pub name: String,
    pub url: String,
    #[serde(deserialize_with = "flag")]
    pub active: bool,
    /// A newer check, or another address of the link, stands against what was seen.
    #[serde(deserialize_with = "flag")]
    pub overtaken: bool,
    pub state: StateRow,
    pub seen: SeenRow,
}

#[derive(FromRow, Deserialize)]
pub struct SeenRow {
    at: Option<i64>,
    class: Option<String>,
    #[serde(deserialize_with = "flag")]
    inconclusive: bool,
    status: Option<i64>,
    ms: Option<i64>,
    attempts: Option<i64>,
    final_url: Option<String>,
    evidence: Option<String>,
    change: Option<String>,
}

impl SeenRow {
    pub fn change(&self) -> Decoded<Change> {
        Ok(self.change.as_deref().map(|word| parse_word("change", word)).transpose()?.unwrap_or_default())
    }

    pub fn seen(self) -> Decoded<Option<Observation>> {
        let (Some(at), Some(class)) = (self.at, &self.class) else { return Ok(None) };
        let details: Details =
            self.evidence.as_deref().map(|text| parse("evidence", text)).transpose()?.unwrap_or_default();
        let class: Class = parse_word("class", class)?;
        Ok(Some(Observation {
            at: time(at),
            class,
            inconclusive: self.inconclusive,
            status: self.status.map(small),
            final_url: self.final_url,
            ms: self.ms.map(small).unwrap_or_default(),
            attempts: self.attempts.map(small).unwrap_or_default(),
            backlink: details.backlink,
            flags: details.flags,
            evidence: details.evidence,
        }))
    }
}

/// One check of a link, with its run.
#[derive(FromRow)]
pub struct CheckRow {
    run_id: i64,
    #[sqlx(flatten)]
    seen: SeenRow,
}

impl CheckRow {
    pub fn check(self) -> Decoded<Option<(i64, Observation)>> {
        Ok(self.seen.seen()?.map(|seen| (self.run_id, seen)))
    }
}

#[derive(FromRow)]
pub struct PointRow {
    at: i64,
    class: String,
    inconclusive: bool,
    ms: Option<i64>,
}

impl PointRow {
    pub fn point(self) -> Decoded<Point> {
        let standing = Standing::of(parse_word("class", &self.class)?, self.inconclusive);
        Ok(Point { at: time(self.at), standing, ms: self.ms.map(small).unwrap_or_default() })
    }
}

#[derive(FromRow)]
pub struct UserRow {
    id: i64,
    name: String,
    password: String,
    epoch: i64,
}

impl UserRow {
    pub fn user(self) -> User {
        User { id: self.id, name: self.name, password: self.password, epoch: self.epoch }
    }
}

#[derive(FromRow)]
pub struct LatelyRow {
    name: String,
    #[sqlx(flatten)]
    change: TransitionRow,
}

impl LatelyRow {
    pub fn lately(self) -> Decoded<Lately> {
        Ok(Lately { name: self.name, change: self.change.transition()? })
    }
}

/// The columns of an [`ItemRow`], from `i`, `l` and [`SEEN_JOIN`].
pub fn item_columns() -> String {
    format!("i.link_id, l.name, l.url, i.state, i.failure, l.shown, l.reason, {SEEN_COLUMNS}")
}

#[derive(FromRow)]
pub struct ItemRow {
    pub link_id: i64,
    name: String,
    url: String,
    state: String,
    failure: Option<String>,
    shown: bool,
    reason: Option<String>,
    #[sqlx(flatten)]
    seen: SeenRow,
}

impl ItemRow {
    pub fn item(self) -> Decoded<Item> {
        let state: ItemState = parse_word("state", &self.state)?;
        Ok(Item {
            link_id: self.link_id,
            name: self.name,
            url: self.url,
            state,
            change: self.seen.change()?,
            seen: self.seen.seen()?,
            failure: self.failure.as_deref().map(|word| parse_word("failure", word)).transpose()?,
            shown: self.shown,
            reason: self.reason.as_deref().map(|text| parse("reason", text)).transpose()?,
        })
    }
}

pub const RUN_COLUMNS: &str = "id, started_by, state, hold, started_at, finished_at, owner, beat, plan, counts, ms";

#[derive(FromRow)]
pub struct RunRow {
    id: i64,
    started_by: String,
    state: String,
    hold: Option<String>,
    started_at: i64,
    finished_at: Option<i64>,
    owner: String,
    beat: i64,
    plan: String,
    counts: String,
    ms: i64,
}

impl RunRow {
    pub fn run(self) -> Decoded<Run> {
        let trigger: Trigger = parse_word("started_by", &self.started_by)?;
        let state: RunState = parse_word("state", &self.state)?;
        Ok(Run {
            id: self.id,
            trigger,
            state,
            hold: self.hold.as_deref().map(|word| parse_word("hold", word)).transpose()?,
            started_at: time(self.started_at),
            finished_at: self.finished_at.map(time),
            owner: self.owner,
            beat: self.beat,
            plan: parse("plan", &self.plan)?,
            counts: parse("counts", &self.counts)?,
            ms: self.ms,
        })
    }
}

#[derive(FromRow)]
pub struct EntryRow {
    id: i64,
    kind: String,
    pattern: String,
    enabled: bool,
    note: String,
    expires_at: Option<i64>,
}

impl EntryRow {
    pub fn entry(self) -> Decoded<Entry> {
        let kind: Kind = parse_word("kind", &self.kind)?;
        let expires_at = self.expires_at.map(time);
        Ok(Entry { id: self.id, kind, pattern: self.pattern, enabled: self.enabled, note: self.note, expires_at })
    }
}

#[derive(FromRow)]
pub struct TransitionRow {
    link_id: i64,
    run_id: Option<i64>,
    at: i64,
    shown: bool,
    reason: Option<String>,
    cause: String,
}

impl TransitionRow {
    pub fn transition(self) -> Decoded<Transition> {
        Ok(Transition {
            link_id: self.link_id,
            run_id: self.run_id,
            at: time(self.at),
            shown: self.shown,
            reason: self.reason.as_deref().map(|text| parse("reason", text)).transpose()?,
            cause: parse_word("cause", &self.cause)?,
        })
    }
}
