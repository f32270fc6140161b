//! What an import would do, row by row, before anything is written.

use super::{List, Result, Service};
use crate::{
    domain::{
        address,
        link::{About, Link},
    },
    formats::{Format, FormatError, Notes, Parsed, Watch},
    store::Draft,
};
use std::{collections::HashMap, sync::Arc};
use tokio::task::spawn_blocking;

/// Rows of a kind that a preview lists.
pub const LISTED: usize = 200;

/// What a file would do to the roll.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportPreview {
    pub format: Format,
    pub added: Rows,
    pub changed: Rows,
    pub unchanged: usize,
    pub duplicates: Notes,
    pub bad: Notes,
    pub shortened: Notes,
}

/// Rows of one kind: the first [`LISTED`], and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    pub listed: Vec<PreviewRow>,
    pub count: usize,
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
    /// Says what importing a list would do. Nothing is written. Dropping the future stops
    /// the reading; comparing, which is short, goes on to its end.
    ///
    /// # Errors
    /// [`super::ServiceError::Format`] where nothing of the file can be used.
    pub async fn preview_import(&self, list: List, progress: &Arc<Watch>) -> Result<ImportPreview> {
        let parsed = self.read_list(list, progress).await?;
        let held = self.store().links().await?;
        // A long list compares as slowly as it reads.
        spawn_blocking(move || compared(parsed, &held)).await.map_err(|_| FormatError::Defect.into())
    }
}

fn compared(parsed: Parsed, held: &[Link]) -> ImportPreview {
    let key = |url: &str| address::parse(url).map(|url| address::key(&url)).unwrap_or_default();
    let by_key: HashMap<String, &Link> = held.iter().map(|link| (key(&link.about.url), link)).collect();
    let mut preview = ImportPreview {
        format: parsed.format,
        added: Rows::default(),
        changed: Rows::default(),
        unchanged: 0,
        duplicates: parsed.duplicates,
        bad: parsed.bad,
        shortened: parsed.shortened,
    };
    for row in parsed.rows {
        let draft = row.draft;
        let known = by_key.get(&key(&draft.url));
        let changes = known.map(|link| changes(&link.about, &draft)).unwrap_or_default();
        let rows = match (known, changes.is_empty()) {
            (None, _) => &mut preview.added,
            (Some(_), false) => &mut preview.changed,
            (Some(_), true) => {
                preview.unchanged += 1;
                continue;
            }
        };
        rows.count += 1;
        if rows.listed.len() < LISTED {
            rows.listed.push(PreviewRow { line: row.line, name: draft.name, url: draft.url, changes });
        }
    }
    preview
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
