//! JSON: our own list, friend.json, and check-flink's link_list.

use super::{
    FormatError, Found, Lines,
    node::{Node, Value, collect},
};
use crate::domain::{
    link::Link,
    whitelist::{self, Entry},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserializer;
use serde_json::{json, value::RawValue};

pub fn read(text: &str) -> Result<Found, FormatError> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|e| FormatError::Broken {
        format: "JSON",
        line: u32::try_from(e.line()).unwrap_or(u32::MAX),
        why: e.to_string(),
    })?;
    let mut found = Found::default();
    collect(&node(raw, text, &Lines::of(text)), &mut found);
    Ok(found)
}

/// Builds the tree. Raw values are slices of the text, so their place in it gives the line.
fn node(raw: &RawValue, text: &str, lines: &Lines) -> Node {
    let slice = raw.get();
    let line = lines.at(slice.as_ptr() as usize - text.as_ptr() as usize);
    let value = match slice.as_bytes().first() {
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(slice).unwrap_or_default();
            Value::List(items.into_iter().map(|item| node(item, text, lines)).collect())
        }
        Some(b'{') => {
            let entries = entries(slice);
            Value::Map(entries.into_iter().map(|(key, value)| (key, node(value, text, lines))).collect())
        }
        Some(b'"') => Value::Scalar(serde_json::from_str(slice).unwrap_or_default()),
        Some(b'n') | None => Value::Null,
        Some(_) => Value::Scalar(slice.to_owned()),
    };
    Node { line, value }
}

/// An object's members in their order.
fn entries(slice: &str) -> Vec<(String, &RawValue)> {
    struct InOrder;
    impl<'de> serde::de::Visitor<'de> for InOrder {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    serde_json::Deserializer::from_str(slice).deserialize_map(InOrder).unwrap_or_default()
}

/// Our own form. Design.md, Command line: `export --format json`.
pub fn write(links: &[Link], entries: &[Entry], at: DateTime<Utc>) -> String {
    let rows: Vec<_> = links
        .iter()
        .map(|link| {
            let about = &link.about;
            json!({
                "id": link.id,
                "name": about.name,
                "url": about.url,
                "group": about.group,
                "logo": about.logo,
                "description": about.description,
                "feed": about.feed,
                "backlink_page": about.backlink_page,
                "email": about.email,
                "note": about.note,
                "active": link.active,
                "shown": link.state.shown,
                "reason": link.state.reason,
                "whitelisted": whitelist::exempts(entries, &about.name, &about.url, at),
                "state": {
                    "bad_streak": link.state.bad_streak,
                    "good_streak": link.state.good_streak,
                    "since": rfc3339(link.state.since),
                },
                "last_check": link.last_check.as_ref().map(|last| json!({
                    "at": rfc3339(last.at),
                    "class": last.class,
                    "status": last.status,
                    "ms": last.ms,
                    "final_url": last.final_url,
                })),
            })
        })
        .collect();
    pretty(&rows)
}

pub fn write_friends(links: &[Link]) -> String {
    let friends: Vec<_> = links.iter().map(|l| [&l.about.name, &l.about.url, &l.about.logo]).collect();
    pretty(&json!({ "friends": friends }))
}

/// RFC 3339 in UTC.
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn pretty<T: serde::Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("plain data");
    text.push('\n');
    text
}
