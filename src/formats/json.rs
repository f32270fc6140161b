//! JSON: our own list, friend.json, and check-flink's link_list.

use super::{
    FormatError, Found, Lines,
    node::{self, Node, collect},
};
use crate::domain::link::Link;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserializer;
use serde_json::{Value, json, value::RawValue};

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
            node::Value::List(items.into_iter().map(|item| node(item, text, lines)).collect())
        }
        Some(b'{') => {
            let entries = entries(slice);
            node::Value::Map(entries.into_iter().map(|(key, value)| (key, node(value, text, lines))).collect())
        }
        Some(b'"') => node::Value::Scalar(serde_json::from_str(slice).unwrap_or_default()),
        Some(b'n') | None => node::Value::Null,
        Some(_) => node::Value::Scalar(slice.to_owned()),
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

/// A list that is written one element after another, spread out over lines as serde_json does it.
pub struct List {
    /// The key that it stands under; empty for a bare list.
    key: &'static str,
    empty: bool,
}

impl List {
    pub fn begin(key: &'static str, text: &mut Vec<u8>) -> List {
        let opening = if key.is_empty() { "[".to_owned() } else { format!("{{\n  \"{key}\": [") };
        text.extend_from_slice(opening.as_bytes());
        List { key, empty: true }
    }

    pub fn push(&mut self, element: &Value, text: &mut Vec<u8>) {
        let indent = if self.key.is_empty() { "\n  " } else { "\n    " };
        let element = serde_json::to_string_pretty(element).expect("plain data");
        let comma = if self.empty { "" } else { "," };
        self.empty = false;
        // Line breaks inside of texts are written as \n: what breaks is the layout.
        text.extend_from_slice(format!("{comma}{indent}{}", element.replace('\n', indent)).as_bytes());
    }

    pub fn end(&self, text: &mut Vec<u8>) {
        let closing = match (self.key.is_empty(), self.empty) {
            (true, true) => "]\n",
            (true, false) => "\n]\n",
            (false, true) => "]\n}\n",
            (false, false) => "\n  ]\n}\n",
        };
        text.extend_from_slice(closing.as_bytes());
    }
}

/// A link in our own form. Design.md, Command line: `export --format json`.
pub fn own(link: &Link, exempt: bool) -> Value {
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
        "whitelisted": exempt,
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
}

/// A link as friend.json has it.
pub fn friend(link: &Link) -> Value {
    json!([link.about.name, link.about.url, link.about.logo])
}

/// RFC 3339 in UTC.
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
