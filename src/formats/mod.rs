//! Lists of friends in and out of files, one file a format.
//!
//! Reading never gives up on a whole file for one bad row: every row is taken, or named with its line. It takes time
//! and memory in proportion to the file and no more, whatever the file holds: each reader walks over its text once,
//! and what it keeps is bounded by the constants below.

mod column;
mod csv;
mod decode;
mod found;
mod json;
mod lines;
mod node;
mod note;
mod opml;
mod records;
mod watch;
mod writer;
mod yaml;

pub use csv::table as csv_table;
pub use json::rfc3339;
pub use note::{NOTE_MAX, Note, Notes, Remark};
pub use watch::Watch;
pub use writer::Writer;

use crate::store::Draft;
use found::Found;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Rollcall's own, with everything
    Json,
    /// A table, with or without a header
    Csv,
    /// hexo, butterfly and anzhiyu: `link.yml`
    LinkYml,
    /// `{"friends": [[name, url, avatar], …]}`
    FriendJson,
    /// OPML 1 and 2
    Opml,
    /// check-flink: `{"link_list": […]}` (import only)
    LinkList,
}

/// A row that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub line: u32,
    pub draft: Draft,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub format: Format,
    pub rows: Vec<Row>,
    /// Rows that say again what an earlier one said.
    pub duplicates: Notes,
    /// Rows that were not understood.
    pub bad: Notes,
    /// Rows that were taken without something that was too long.
    pub shortened: Notes,
}

/// Why a file as a whole cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error("the file is empty; it should list at least one friend")]
    Empty,
    #[error("no known format; expected JSON, CSV, a link.yml or OPML (name one with --format)")]
    Unknown,
    #[error("line {line}: not valid {format}: {why}")]
    Broken { format: &'static str, line: u32, why: String },
    #[error("the file is larger than {} MB; split it", MAX_BYTES >> 20)]
    TooLarge,
    #[error("the file has more than {MAX_ROWS} rows; split it")]
    TooManyRows,
    #[error("the file unfolds to more than {} MB of texts, or to more keys and anchors than a list has; split it", MAX_TEXT >> 20)]
    Unfolds,
    #[error("reading the file took longer than {0} seconds; split it")]
    TooSlow(u64),
    #[error("the file cannot be read, which is a defect; please report it with the file")]
    Defect,
    #[error("reading the file was stopped; nothing was changed")]
    Stopped,
    #[error("no friend in the file; expected a list with a name and an address for each")]
    NoRows,
}

/// Larger files are refused, in bytes.
pub const MAX_BYTES: usize = 32 << 20;
/// Rows of a file, those that cannot be read with them, and items of one list in it. A hundred times the largest
/// blog directory that is known.
pub const MAX_ROWS: usize = 200_000;
/// Bytes of all rows' texts: a file may repeat one text in every row, by a group's name or an alias.
pub const MAX_TEXT: usize = 48 << 20;
/// Notes of a kind that are kept with their words.
pub const MAX_NOTES: usize = 1_000;

/// Reads a list of friends. The format is found by the content where it is not given.
///
/// # Errors
/// [`FormatError`] where nothing of the file can be used.
pub fn read(bytes: &[u8], format: Option<Format>) -> Result<Parsed, FormatError> {
    read_watched(bytes, format, &Watch::default())
}

/// As [`read`], told of on the way and stopped by `watch`.
///
/// # Errors
/// As [`read`], and [`FormatError::Stopped`].
pub fn read_watched(bytes: &[u8], format: Option<Format>, watch: &Watch) -> Result<Parsed, FormatError> {
    if bytes.len() > MAX_BYTES {
        return Err(FormatError::TooLarge);
    }
    let text = decode::text(bytes)?;
    watch.begin(text.len());
    if text.trim_start().is_empty() {
        return Err(FormatError::Empty);
    }
    let format = format.or_else(|| detect(&text)).ok_or(FormatError::Unknown)?;
    watch.at(0)?;
    let found = match format {
        Format::Json | Format::FriendJson | Format::LinkList => json::read(&text, watch)?,
        Format::LinkYml => yaml::read(&text, watch)?,
        Format::Opml => opml::read(&text, watch)?,
        Format::Csv => csv::read(&text, watch)?,
    };
    if found.is_empty() {
        return Err(FormatError::NoRows);
    }
    let Found { rows, duplicates, bad, shortened, .. } = found;
    Ok(Parsed { format, rows, duplicates, bad, shortened })
}

fn detect(text: &str) -> Option<Format> {
    let start = text.trim_start();
    if start.starts_with('<') {
        return is_opml(start).then_some(Format::Opml);
    }
    if start.starts_with(['{', '[']) {
        // Where it is broken it is told as such, with its line.
        return Some(match start.split_once('"') {
            Some((_, rest)) if rest.starts_with("friends\"") => Format::FriendJson,
            Some((_, rest)) if rest.starts_with("link_list\"") => Format::LinkList,
            _ => Format::Json,
        });
    }
    let first = start.lines().find(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'))?.trim();
    if first.starts_with("- ") || first == "-" || first == "---" || (first.ends_with(':') && !first.contains(',')) {
        return Some(Format::LinkYml);
    }
    csv::looks_like(text).then_some(Format::Csv)
}

/// Whether there is an `<opml` in any case.
fn is_opml(text: &str) -> bool {
    let tags = memchr::memchr_iter(b'<', text.as_bytes());
    tags.into_iter()
        .any(|at| text.as_bytes().get(at + 1..at + 5).is_some_and(|name| name.eq_ignore_ascii_case(b"opml")))
}
