//! Lists of friends in and out of files, one file a format.
//!
//! Reading never gives up on a whole file for one bad row: every row is taken, or named with its line.

mod csv;
mod json;
mod node;
mod opml;
mod writer;
mod yaml;

pub use csv::table as csv_table;
pub use json::rfc3339;
pub use writer::Writer;

use crate::{domain::address, engine::charset, store::Draft};
use std::collections::HashMap;

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

/// A row that was not, or that says again what an earlier one said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub line: u32,
    pub why: String,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub format: Format,
    pub rows: Vec<Row>,
    pub duplicates: Vec<Note>,
    pub bad: Vec<Note>,
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
    #[error("the file is larger than {} MB", MAX_BYTES >> 20)]
    TooLarge,
    #[error("no friend in the file; expected a list with a name and an address for each")]
    NoRows,
}

/// Larger files are refused.
pub const MAX_BYTES: usize = 32 << 20;

/// What a format's reader found, before duplicates are told.
#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    bad: Vec<Note>,
}

/// Reads a list of friends. The format is found by the content where it is not given.
///
/// # Errors
/// [`FormatError`] where nothing of the file can be used.
pub fn read(bytes: &[u8], format: Option<Format>) -> Result<Parsed, FormatError> {
    if bytes.len() > MAX_BYTES {
        return Err(FormatError::TooLarge);
    }
    let encoding = charset::declared(bytes, None).unwrap_or_else(|| charset::guessed(bytes, true));
    let (text, ..) = encoding.decode(bytes);
    if text.trim().is_empty() {
        return Err(FormatError::Empty);
    }
    let format = match format.or_else(|| detect(&text)) {
        Some(format) => format,
        None => return Err(FormatError::Unknown),
    };
    let found = match format {
        Format::Json | Format::FriendJson | Format::LinkList => json::read(&text)?,
        Format::LinkYml => yaml::read(&text)?,
        Format::Opml => opml::read(&text),
        Format::Csv => csv::read(&text),
    };
    if found.rows.is_empty() && found.bad.is_empty() {
        return Err(FormatError::NoRows);
    }
    let (rows, duplicates) = tell_duplicates(found.rows);
    Ok(Parsed { format, rows, duplicates, bad: found.bad })
}

fn detect(text: &str) -> Option<Format> {
    let start = text.trim_start();
    if start.starts_with('<') {
        return Some(Format::Opml).filter(|_| start.to_ascii_lowercase().contains("<opml"));
    }
    if start.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return Some(match start.split_once('"') {
            Some((_, rest)) if rest.starts_with("friends\"") => Format::FriendJson,
            Some((_, rest)) if rest.starts_with("link_list\"") => Format::LinkList,
            _ => Format::Json,
        });
    }
    if start.starts_with(['{', '[']) {
        // Broken JSON should be told as such, with its line.
        return Some(Format::Json);
    }
    let first = start.lines().find(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'))?.trim();
    if first.starts_with("- ") || first == "-" || first == "---" || (first.ends_with(':') && !first.contains(',')) {
        return Some(Format::LinkYml);
    }
    csv::looks_like(text).then_some(Format::Csv)
}

fn tell_duplicates(rows: Vec<Row>) -> (Vec<Row>, Vec<Note>) {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut kept = Vec::with_capacity(rows.len());
    let mut duplicates = Vec::new();
    for row in rows {
        let key = address::parse(&row.draft.url).map(|url| address::key(&url)).unwrap_or_default();
        match seen.get(&key) {
            Some(first) => duplicates
                .push(Note { line: row.line, why: format!("{} stands on line {first} already", row.draft.url) }),
            None => {
                seen.insert(key, row.line);
                kept.push(row);
            }
        }
    }
    (kept, duplicates)
}

/// Checks what every row needs: an address, and a name or the host in its stead.
fn finish(line: u32, mut draft: Draft, found: &mut Found) {
    let url = match address::parse(&draft.url) {
        Ok(url) => url,
        Err(error) => {
            let of = if draft.name.is_empty() { String::new() } else { format!("{}: ", draft.name) };
            found.bad.push(Note { line, why: format!("{of}{error}") });
            return;
        }
    };
    // What the browser would make of it, where the file was lax; otherwise as the owner wrote it.
    if !draft.url.contains("://") {
        draft.url = url.to_string();
    }
    draft.url = draft.url.trim().to_owned();
    if draft.name.trim().is_empty() {
        draft.name = address::bare_host(&url).to_owned();
    }
    draft.name = draft.name.split_whitespace().collect::<Vec<_>>().join(" ");
    for field in [
        &mut draft.group,
        &mut draft.logo,
        &mut draft.description,
        &mut draft.feed,
        &mut draft.backlink_page,
        &mut draft.email,
        &mut draft.note,
    ] {
        *field = field.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    }
    found.rows.push(Row { line, draft });
}

/// The field of a draft that a column or key of this name fills.
fn field<'d>(draft: &'d mut Draft, name: &str) -> Option<Slot<'d>> {
    let name = name.trim().to_lowercase().replace([' ', '-'], "_");
    Some(match name.as_str() {
        "name" | "title" | "text" | "introduction" | "site_name" | "blog" | "名称" | "名字" | "博客" | "网站名称"
        | "标题" => Slot::Text(&mut draft.name),
        "url" | "link" | "href" | "address" | "site" | "website" | "html_url" | "htmlurl" | "homepage" | "链接"
        | "网址" | "地址" | "网站地址" => Slot::Text(&mut draft.url),
        "group" | "class_name" | "category" | "分组" | "分类" => Slot::Option(&mut draft.group),
        "logo" | "avatar" | "icon" | "image" | "favicon" | "头像" | "图标" => Slot::Option(&mut draft.logo),
        "description" | "descr" | "desc" | "intro" | "summary" | "描述" | "简介" => {
            Slot::Option(&mut draft.description)
        }
        "feed" | "rss" | "atom" | "rss_feed" | "feed_url" | "xml_url" | "xmlurl" | "订阅" => {
            Slot::Option(&mut draft.feed)
        }
        "backlink_page" | "linkpage" | "link_page" | "friends_page" | "友链页" => {
            Slot::Option(&mut draft.backlink_page)
        }
        "email" | "mail" | "e_mail" | "邮箱" => Slot::Option(&mut draft.email),
        "note" | "remark" | "备注" => Slot::Option(&mut draft.note),
        "tags" | "tag" | "标签" => Slot::Tags(&mut draft.group, &mut draft.note),
        "active" => Slot::Switch(&mut draft.active),
        _ => return None,
    })
}

/// Where a value goes.
enum Slot<'d> {
    Text(&'d mut String),
    Option(&'d mut Option<String>),
    /// The first tag is the group; several are kept in the note.
    Tags(&'d mut Option<String>, &'d mut Option<String>),
    Switch(&'d mut Option<bool>),
}

impl Slot<'_> {
    /// Fills the slot, unless an earlier name of the same field did.
    fn fill(self, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        match self {
            Slot::Text(text) if text.is_empty() => value.clone_into(text),
            Slot::Option(option) if option.is_none() => *option = Some(value.to_owned()),
            Slot::Switch(switch) => *switch = value.parse().ok(),
            Slot::Tags(group, note) => {
                let tags: Vec<&str> = value.split([';', '；']).map(str::trim).filter(|t| !t.is_empty()).collect();
                if group.is_none() {
                    *group = tags.first().map(|t| (*t).to_owned());
                }
                if tags.len() > 1 && note.is_none() {
                    *note = Some(format!("tags: {}", tags.join("; ")));
                }
            }
            Slot::Text(_) | Slot::Option(_) => {}
        }
    }
}

/// The line, counted from 1, that a byte offset lies on.
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Lines {
        let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Lines { starts: std::iter::once(0).chain(breaks).collect() }
    }

    fn at(&self, offset: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }
}

/// The first offset from `at` on that is not white space.
fn skip_blank(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + (rest.len() - rest.trim_start().len())
}
