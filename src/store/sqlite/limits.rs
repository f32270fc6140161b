//! How long the texts in the tables may be. Links' own fields have theirs from the domain; the schema holds the same
//! numbers (migrations/sqlite/0005_limits.sql), so that nothing gets past them by another way.

use super::super::{Result, StoreError};
use crate::domain::{
    field::{Field, NAME_MAX, TEXT_MAX, URL_MAX, cut, fits},
    link::About,
};

/// A host (253 characters: RFC 1035, 2.3.4) with `*.` and a port.
const PATTERN_MAX: usize = 261;
/// Characters of a setting's value, which may list a few hundred addresses; four bytes each at most.
const VALUE_MAX: usize = 16_384;

fn fields(about: &About) -> [(Field, &str); 9] {
    let About { name, url, group, logo, description, feed, backlink_page, email, note, .. } = about;
    [
        (Field::Name, name),
        (Field::Url, url),
        (Field::Group, group),
        (Field::Logo, logo),
        (Field::Description, description),
        (Field::Feed, feed),
        (Field::BacklinkPage, backlink_page),
        (Field::Email, email),
        (Field::Note, note),
    ]
}

/// Holds a link's fields to their limits. What is held already stays: it may be older than the limits.
pub fn about(about: &About, held: Option<&About>) -> Result<()> {
    let held = held.map(fields);
    for (at, (field, value)) in fields(about).into_iter().enumerate() {
        if held.is_none_or(|held| held[at].1 != value) {
            field.check(value)?;
        }
    }
    Ok(())
}

pub fn pattern(text: &str) -> Result<()> {
    within("pattern", text, PATTERN_MAX)
}

pub fn note(text: &str) -> Result<()> {
    within("note", text, TEXT_MAX)
}

pub fn setting(text: &str) -> Result<()> {
    within("value", text, VALUE_MAX)
}

pub fn cron(text: &str) -> Result<()> {
    within("schedule", text, TEXT_MAX / 4)
}

pub fn group(text: &str) -> Result<()> {
    Ok(Field::Group.check(text)?)
}

fn within(what: &'static str, text: &str, max: usize) -> Result<()> {
    if fits(text, max) { Ok(()) } else { Err(StoreError::TooLong { what, max }) }
}

/// An address that a friend's site gave, as much of it as is kept.
pub fn seen_url(text: &str) -> &str {
    cut(text, URL_MAX)
}

/// A title or another text of a friend's page, as much of it as is kept.
pub fn seen_text(text: &str) -> &str {
    cut(text, TEXT_MAX)
}

/// A name in a note, as much of it as is kept.
pub fn who(text: &str) -> &str {
    cut(text, NAME_MAX)
}
