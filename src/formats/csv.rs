//! CSV, with a header or without.

use super::{Found, Lines, Note, field, finish, skip_blank};
use crate::{
    domain::{address, link::Link},
    store::Draft,
};
use csv::{ReaderBuilder, StringRecord, Trim, WriterBuilder};
use std::borrow::Cow;

const COLUMNS: [&str; 9] = ["name", "url", "group", "logo", "description", "feed", "backlink_page", "email", "note"];
const DELIMITERS: [u8; 3] = [b',', b'\t', b';'];

/// Whether the text reads as a table of friends: a header that names an address, or a row that holds one.
pub fn looks_like(text: &str) -> bool {
    records(text).take(20).any(|(_, record)| is_header(&record) || (record.len() > 1 && record.iter().any(is_address)))
}

pub fn read(text: &str) -> Found {
    let mut found = Found::default();
    let mut header: Option<StringRecord> = None;
    let mut first = true;
    for (line, record) in records(text) {
        if record.iter().all(str::is_empty) {
            continue;
        }
        if std::mem::take(&mut first) && is_header(&record) {
            header = Some(record);
            continue;
        }
        match &header {
            Some(header) => with_header(line, &record, header, &mut found),
            None => without_header(line, &record, &mut found),
        }
    }
    found
}

/// The records with the line each begins on. A field that opens a quote and never closes it would swallow the
/// rest of the file: such lines are read one by one, with their quotes as they are.
fn records(text: &str) -> impl Iterator<Item = (u32, StringRecord)> {
    let delimiter = delimiter(text);
    let balanced = text.matches('"').count().is_multiple_of(2);
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .quoting(balanced)
        .from_reader(text.as_bytes());
    let lines = Lines::of(text);
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    // Reading from memory, in valid UTF-8 and of any length, cannot fail.
    while let Ok(true) = reader.read_record(&mut record) {
        let offset = record.position().map_or(0, |at| usize::try_from(at.byte()).unwrap_or_default());
        let cells = record.iter().map(plain).collect();
        rows.push((lines.at(skip_blank(text, offset)), cells));
    }
    rows.into_iter()
}

/// The delimiter by which the first line is a header or a friend; tags may well hold the others.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let fits = |delimiter: &u8| {
        let cells = StringRecord::from_iter(first.split(char::from(*delimiter)).map(str::trim));
        cells.len() > 1 && (is_header(&cells) || cells.iter().any(is_address))
    };
    DELIMITERS.into_iter().find(fits).unwrap_or(b',')
}

/// Whether the record names columns, the address among them, and holds no address itself.
fn is_header(record: &StringRecord) -> bool {
    !record.iter().any(is_address) && record.iter().any(names_address)
}

/// Whether a column of this name holds the address.
fn names_address(name: &str) -> bool {
    let mut draft = Draft::default();
    if let Some(slot) = field(&mut draft, name) {
        slot.fill("x");
    }
    !draft.url.is_empty()
}

fn is_address(cell: &str) -> bool {
    let lower = cell.trim().to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

fn with_header(line: u32, record: &StringRecord, header: &StringRecord, found: &mut Found) {
    let record = rejoined(record, header);
    let mut draft = Draft::default();
    for (name, cell) in header.iter().zip(record.iter()) {
        if let Some(slot) = field(&mut draft, name) {
            slot.fill(cell);
        }
    }
    if draft.url.is_empty() {
        let why = format!("{:?} has no address", draft.name);
        found.bad.push(Note { line, why });
        return;
    }
    finish(line, draft, found);
}

/// An unquoted comma in a name makes a row too long: what stands before the address belongs together.
fn rejoined(record: &StringRecord, header: &StringRecord) -> Vec<String> {
    let mut cells: Vec<String> = record.iter().map(str::to_owned).collect();
    let url_column = header.iter().position(names_address);
    let Some(wanted) = url_column else { return cells };
    let Some(actual) = cells.iter().position(|cell| is_address(cell)) else { return cells };
    if cells.len() > header.len() && actual > wanted && wanted > 0 {
        let extra: Vec<String> = cells.splice(wanted - 1..actual, std::iter::once(String::new())).collect();
        cells[wanted - 1] = extra.join(", ");
    }
    cells
}

/// Without a header: the first address is the site's, the words before it its name, the words after it say more.
fn without_header(line: u32, record: &StringRecord, found: &mut Found) {
    let Some(at) =
        record.iter().position(is_address).or_else(|| record.iter().skip(1).position(looks_bare).map(|at| at + 1))
    else {
        let row: String = record.iter().collect::<Vec<_>>().join(", ").chars().take(80).collect();
        found.bad.push(Note { line, why: format!("{row:?} has no address") });
        return;
    };
    let name = record.iter().take(at).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(", ");
    let mut draft = Draft { name, url: record[at].to_owned(), ..Draft::default() };
    for cell in record.iter().skip(at + 1).filter(|cell| !cell.is_empty()) {
        let slot = match (is_address(cell), draft.feed.is_none() && looks_like_feed(cell)) {
            (true, true) => &mut draft.feed,
            (true, false) => &mut draft.logo,
            (false, _) if draft.name.is_empty() => {
                cell.clone_into(&mut draft.name);
                continue;
            }
            (false, _) => &mut draft.description,
        };
        if slot.is_none() {
            *slot = Some(cell.to_owned());
        }
    }
    finish(line, draft, found);
}

/// `example.com` without a scheme.
fn looks_bare(cell: &str) -> bool {
    cell.contains('.') && !cell.contains(char::is_whitespace) && !cell.contains('@') && address::parse(cell).is_ok()
}

fn looks_like_feed(cell: &str) -> bool {
    let lower = cell.to_ascii_lowercase();
    ["feed", "rss", "atom", ".xml"].iter().any(|mark| lower.contains(mark))
}

pub fn write_header(text: &mut Vec<u8>) {
    write_rows(text, [COLUMNS]);
}

pub fn write(links: &[Link], text: &mut Vec<u8>) {
    let rows = links.iter().map(|link| {
        let a = &link.about;
        [&a.name, &a.url, &a.group, &a.logo, &a.description, &a.feed, &a.backlink_page, &a.email, &a.note]
    });
    write_rows(text, rows);
}

/// A table with a header, safe to open in a spreadsheet.
pub fn table<const N: usize, T: AsRef<str>>(header: [&str; N], rows: impl IntoIterator<Item = [T; N]>) -> String {
    let mut text = Vec::new();
    write_rows(&mut text, [header]);
    write_rows(&mut text, rows);
    String::from_utf8(text).expect("written as UTF-8")
}

fn write_rows<const N: usize, T: AsRef<str>>(text: &mut Vec<u8>, rows: impl IntoIterator<Item = [T; N]>) {
    let mut writer = WriterBuilder::new().from_writer(text);
    for row in rows {
        writer
            .write_record(row.each_ref().map(|cell| harmless(cell.as_ref()).into_owned()))
            .expect("writing to memory");
    }
    writer.flush().expect("writing to memory");
}

/// What spreadsheets take for the beginning of a formula: OWASP, CSV Injection.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(FORMULA)
}

/// A cell that no spreadsheet calculates: an apostrophe before it makes it text. [`plain`] takes it off again.
fn harmless(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { format!("'{cell}").into() } else { cell.into() }
}

/// A cell without the apostrophe that [`harmless`] put before it.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text_and_come_back_as_they_were() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "'=1", "''=1", "=cmd|' /C calc'!A0"] {
            assert!(harmless(cell).starts_with('\''), "{cell}");
            assert_eq!(plain(&harmless(cell)), cell);
        }
        for cell in ["", "a", "'a", "友链 = 朋友", "https://a.example/?a=b", "'"] {
            assert_eq!((harmless(cell).as_ref(), plain(cell)), (cell, cell));
        }
    }
}
