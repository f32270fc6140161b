//! JSON: our own list, friend.json, and check-flink's link_list.

use super::{
    FormatError, MAX_ROWS, Watch,
    found::Found,
    lines::Lines,
    node::{Entries, Kind, Node, collect},
};
use crate::domain::link::Link;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, json, value::RawValue};
use std::{borrow::Cow, fmt};

/// Reads the list without ever holding the whole tree: each value is a slice of the text, which is opened when the
/// walk comes to it. Opening scans what is inside once more, as often as the walk is deep at most.
pub fn read(text: &str, watch: &Watch) -> Result<Found, FormatError> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|e| FormatError::Broken {
        format: "JSON",
        line: u32::try_from(e.line()).unwrap_or(u32::MAX),
        why: e.to_string(),
    })?;
    let mut found = Found::default();
    collect(Piece { raw, lines: &Lines::of(text), text }, watch, &mut found)?;
    Ok(found)
}

/// A value and the text it is a part of.
#[derive(Clone, Copy)]
struct Piece<'t> {
    raw: &'t RawValue,
    text: &'t str,
    lines: &'t Lines<'t>,
}

impl<'t> Piece<'t> {
    fn inside(self, raw: &'t RawValue) -> Piece<'t> {
        Piece { raw, ..self }
    }
}

impl<'t> Node<'t> for Piece<'t> {
    fn kind(self) -> Kind {
        match self.raw.get().as_bytes().first() {
            Some(b'[') => Kind::List,
            Some(b'{') => Kind::Map,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Scalar,
        }
    }

    fn line(self) -> u32 {
        self.lines.at(self.offset())
    }

    fn offset(self) -> usize {
        self.raw.get().as_ptr() as usize - self.text.as_ptr() as usize
    }

    fn scalar(self) -> Cow<'t, str> {
        let slice = self.raw.get();
        if !slice.starts_with('"') {
            return slice.into();
        }
        serde_json::from_str::<Text<'t>>(slice).map(|text| text.0).unwrap_or_default()
    }

    fn items(self) -> Result<Vec<Self>, FormatError> {
        // The text is valid JSON, so that only a list that is too long fails.
        let items = serde_json::Deserializer::from_str(self.raw.get()).deserialize_seq(Items);
        let items = items.map_err(|_| FormatError::TooManyRows)?;
        Ok(items.into_iter().map(|raw| self.inside(raw)).collect())
    }

    fn entries(self) -> Result<Entries<'t, Self>, FormatError> {
        let entries = serde_json::Deserializer::from_str(self.raw.get()).deserialize_map(Members);
        let entries = entries.map_err(|_| FormatError::TooManyRows)?;
        Ok(entries.into_iter().map(|(key, raw)| (key.0, self.inside(raw))).collect())
    }
}

/// A list's items, [`MAX_ROWS`] at most.
struct Items;

impl<'t> Visitor<'t> for Items {
    type Value = Vec<&'t RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            if items.len() == MAX_ROWS {
                return Err(A::Error::custom("too many items"));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// An object's members in their order, [`MAX_ROWS`] at most.
struct Members;

impl<'t> Visitor<'t> for Members {
    type Value = Vec<(Text<'t>, &'t RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            if members.len() == MAX_ROWS {
                return Err(A::Error::custom("too many members"));
            }
            members.push(member);
        }
        Ok(members)
    }
}

/// A string, borrowed where it holds no escapes.
struct Text<'t>(Cow<'t, str>);

impl<'t> Deserialize<'t> for Text<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyText;
        impl<'t> Visitor<'t> for AnyText {
            type Value = Text<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Text<'t>, E> {
                Ok(Text(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'t>, E> {
                Ok(Text(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(AnyText)
    }
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
