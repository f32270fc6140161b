//! What an import would do, row by row, before anything is written.

use super::{Result, Service};
use crate::{
    domain::{
        address,
        link::{About, Link},
    },
    formats::{self, Format, Note},
    store::Draft,
};
use std::collections::HashMap;

/// What a file would do to the roll.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportPreview {
    pub format: Format,
    pub added: Vec<PreviewRow>,
    pub changed: Vec<PreviewRow>,
    pub unchanged: Vec<PreviewRow>,
    pub duplicates: Vec<Note>,
    pub bad: Vec<Note>,
}

/// One row that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviewRow {
    pub line: u32,
    pub name: String,
    pub url: String,
    pub changes: Vec<FieldChange>,
}

/// A field as it is and as it would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    pub field: &'static str,
    pub old: String,
    pub new: String,
}

impl Service {
    /// Says what importing these bytes would do. Nothing is written.
    ///
    /// # Errors
    /// [`super::ServiceError::Format`] where nothing of the file can be used.
    pub async fn preview_import(&self, bytes: &[u8], format: Option<Format>) -> Result<ImportPreview> {
        let parsed = formats::read(bytes, format)?;
        let held = self.store().links().await?;
        let key = |url: &str| address::parse(url).map(|url| address::key(&url)).unwrap_or_default();
        let by_key: HashMap<String, &Link> = held.iter().map(|link| (key(&link.about.url), link)).collect();
        let mut preview = ImportPreview {
            format: parsed.format,
            added: Vec::new(),
            changed: Vec::new(),
            unchanged: Vec::new(),
            duplicates: parsed.duplicates,
            bad: parsed.bad,
        };
        for row in parsed.rows {
            let draft = row.draft;
            let known = by_key.get(&key(&draft.url));
            let changes = known.map(|link| changes(&link.about, &draft)).unwrap_or_default();
            let place = match (known, changes.is_empty()) {
                (None, _) => &mut preview.added,
                (Some(_), true) => &mut preview.unchanged,
                (Some(_), false) => &mut preview.changed,
            };
            place.push(PreviewRow { line: row.line, name: draft.name, url: draft.url, changes });
        }
        Ok(preview)
    }
}

/// Where two descriptions of a link differ.
pub fn differences(old: (&About, bool), new: (&About, bool)) -> Vec<FieldChange> {
    let fields = |(about, active): (&About, bool)| {
        [
            ("name", about.name.clone()),
            ("url", about.url.clone()),
            ("group", about.group.clone()),
            ("logo", about.logo.clone()),
            ("description", about.description.clone()),
            ("feed", about.feed.clone()),
            ("backlink_page", about.backlink_page.clone()),
            ("email", about.email.clone()),
            ("note", about.note.clone()),
            ("active", active.to_string()),
            ("overrides", serde_json::to_string(&about.overrides).unwrap_or_default()),
        ]
    };
    let pairs = fields(old).into_iter().zip(fields(new)).filter(|((_, old), (_, new))| old != new);
    pairs.map(|((field, old), (_, new))| FieldChange { field, old, new }).collect()
}

/// Changes as a note tells them.
pub fn told(changes: &[FieldChange]) -> String {
    let one = |change: &FieldChange| format!("{}: {} → {}", change.field, change.old, change.new);
    changes.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The fields that a draft carries and that differ.
fn changes(about: &About, draft: &Draft) -> Vec<FieldChange> {
    let name = Some(draft.name.clone());
    let fields = [
        ("name", &about.name, &name),
        ("group", &about.group, &draft.group),
        ("logo", &about.logo, &draft.logo),
        ("description", &about.description, &draft.description),
        ("feed", &about.feed, &draft.feed),
        ("backlink_page", &about.backlink_page, &draft.backlink_page),
        ("email", &about.email, &draft.email),
        ("note", &about.note, &draft.note),
    ];
    let differing = fields.into_iter().filter_map(|(field, old, new)| {
        let new = new.as_ref().filter(|new| *new != old)?;
        Some(FieldChange { field, old: old.clone(), new: new.clone() })
    });
    differing.collect()
}
