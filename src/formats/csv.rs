//! CSV, with a header or without.

use super::{
    FormatError, Watch,
    column::Column,
    found::Found,
    lines::Lines,
    note::{Remark, quoted},
    records::{MAX_COLUMNS, Record, Records},
};
use crate::{
    domain::{address, field::Field, link::Link},
    store::Draft,
};
use csv::WriterBuilder;
use std::borrow::Cow;

const COLUMNS: [&str; 9] = ["name", "url", "group", "logo", "description", "feed", "backlink_page", "email", "note"];
const DELIMITERS: [u8; 3] = [b',', b'\t', b';'];
const ADDRESS: Column = Column::Field(Field::Url);
/// Records by which a table is told.
const TELLING: usize = 20;

/// Whether the text reads as a table of friends: a header that names an address, or a row that holds one.
pub fn looks_like(text: &str) -> bool {
    let mut records = records(text);
    let mut record = Record::default();
    (0..TELLING).any(|_| {
        records.read(&mut record) && (is_header(record.cells()) || (record.len() > 1 && record.cells().any(is_address)))
    })
}

pub fn read(text: &str, watch: &Watch) -> Result<Found, FormatError> {
    let mut found = Found::default();
    let lines = Lines::of(text);
    let mut records = records(text);
    let mut record = Record::default();
    let mut header: Option<Header> = None;
    let mut first = true;
    while records.read(&mut record) {
        watch.at(record.offset)?;
        if record.is_blank() {
            continue;
        }
        if std::mem::take(&mut first) && is_header(record.cells()) {
            header = Some(Header::of(&record));
            continue;
        }
        // Not a blank record's: its white space would be walked over again and again.
        let line = lines.after_blank(record.offset);
        if record.too_wide {
            found.refuse(line, || Remark::TooWide { most: MAX_COLUMNS })?;
            continue;
        }
        match &header {
            Some(header) => with_header(line, &record, header, &mut found)?,
            None => without_header(line, &record, &mut found)?,
        }
    }
    Ok(found)
}

/// A quotation mark that is never closed would swallow the rest of the file: where they do not come in pairs they are
/// read as they are.
fn records(text: &str) -> Records<'_> {
    let balanced = memchr::memchr_iter(b'"', text.as_bytes()).count().is_multiple_of(2);
    Records::of(text, delimiter(text), balanced)
}

/// The delimiter by which the first line is a header or a friend; tags may well hold the others.
fn delimiter(text: &str) -> u8 {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let fits = |delimiter: &u8| {
        let cells = || first.split(char::from(*delimiter)).map(str::trim).take(MAX_COLUMNS);
        cells().nth(1).is_some() && (is_header(cells()) || cells().any(is_address))
    };
    DELIMITERS.into_iter().find(fits).unwrap_or(b',')
}

/// Whether the cells name columns, the address among them, and hold no address themselves.
fn is_header<'c>(cells: impl Iterator<Item = &'c str>) -> bool {
    let mut named = false;
    for cell in cells {
        if is_address(cell) {
            return false;
        }
        named = named || Column::named(cell) == Some(ADDRESS);
    }
    named
}

fn is_address(cell: &str) -> bool {
    let begins = |scheme: &str| cell.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

/// What the columns hold, found out once.
struct Header {
    columns: Vec<Option<Column>>,
    address: Option<usize>,
}

impl Header {
    fn of(record: &Record) -> Header {
        let columns: Vec<_> = record.cells().map(Column::named).collect();
        let address = columns.iter().position(|column| *column == Some(ADDRESS));
        Header { columns, address }
    }
}

fn with_header(line: u32, record: &Record, header: &Header, found: &mut Found) -> Result<(), FormatError> {
    let cells = rejoined(record, header);
    let mut draft = Draft::default();
    for (column, cell) in header.columns.iter().zip(&cells) {
        if let Some(column) = column {
            column.fill(&mut draft, &plain(cell));
        }
    }
    if draft.url.is_empty() {
        return found.refuse(line, || Remark::NoAddress(quoted(&draft.name)));
    }
    found.take(line, draft)
}

/// An unquoted comma in a name makes a row too long: what stands before the address belongs together.
fn rejoined<'r>(record: &'r Record, header: &Header) -> Vec<Cow<'r, str>> {
    let mut cells: Vec<Cow<'_, str>> = record.cells().map(Cow::Borrowed).collect();
    let Some(wanted) = header.address.filter(|wanted| *wanted > 0 && cells.len() > header.columns.len()) else {
        return cells;
    };
    let Some(actual) = cells.iter().position(|cell| is_address(cell)).filter(|actual| *actual > wanted) else {
        return cells;
    };
    let name = cells[wanted - 1..actual].join(", ");
    cells.splice(wanted - 1..actual, [Cow::Owned(name)]);
    cells
}

/// Without a header: the first address is the site's, the words before it its name, the words after it say more.
fn without_header(line: u32, record: &Record, found: &mut Found) -> Result<(), FormatError> {
    let bare = || record.cells().skip(1).position(looks_bare).map(|at| at + 1);
    let Some(at) = record.cells().position(is_address).or_else(bare) else {
        let row = || record.cells().collect::<Vec<_>>().join(", ");
        return found.refuse(line, || Remark::NoAddress(quoted(&row())));
    };
    let name: Vec<_> = record.cells().take(at).filter(|cell| !cell.is_empty()).map(plain).collect();
    let mut draft = Draft::default();
    Column::Field(Field::Name).fill(&mut draft, &name.join(", "));
    ADDRESS.fill(&mut draft, record.cell(at));
    for cell in record.cells().skip(at + 1).map(plain) {
        let field = match (is_address(&cell), draft.feed.is_none() && looks_like_feed(&cell)) {
            (true, true) => Field::Feed,
            (true, false) => Field::Logo,
            (false, _) if draft.name.is_empty() => Field::Name,
            (false, _) => Field::Description,
        };
        Column::Field(field).fill(&mut draft, &cell);
    }
    found.take(line, draft)
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
/// What ends a cell or row for some reader: semicolon and tab are separators in many countries' spreadsheets, which
/// honour quotation marks at the beginning of a cell only and so see what we quoted as several cells.
const BREAKS: [char; 4] = [';', '\t', '\n', '\r'];

/// Whether what begins here is calculated, once what some reader drops is gone: apostrophes, quotation marks, spaces and
/// what takes no room.
fn is_formula(cell: &str) -> bool {
    let dropped = |c: char| matches!(c, '\'' | '"') || c.is_whitespace() || c.is_control() || takes_no_room(c);
    cell.trim_start_matches(|c| dropped(c) && !BREAKS.contains(&c)).starts_with(FORMULA)
}

/// Characters that take no room: Unicode's Default_Ignorable_Code_Point, and interlinear annotation.
const fn takes_no_room(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A cell that no spreadsheet calculates, whichever separator it splits at: an apostrophe before a formula makes it
/// text. [`plain`] takes it off again.
fn harmless(cell: &str) -> Cow<'_, str> {
    by_part(cell, |part| is_formula(part).then(|| format!("'{part}")))
}

/// A cell without the apostrophes that [`harmless`] put in.
fn plain(cell: &str) -> Cow<'_, str> {
    by_part(cell, |part| part.strip_prefix('\'').filter(|rest| is_formula(rest)).map(str::to_owned))
}

/// A cell with its parts changed. A part ends with the character that a reader may split at, which for a part that is
/// nothing else is what it begins with.
fn by_part(cell: &str, change: impl Fn(&str) -> Option<String>) -> Cow<'_, str> {
    let parts = || cell.split_inclusive(BREAKS);
    if !parts().any(|part| change(part).is_some()) {
        return cell.into();
    }
    parts().map(|part| change(part).map_or(Cow::Borrowed(part), Cow::Owned)).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text_and_come_back_as_they_were() {
        for cell in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "＝1",
            "'=1",
            "''=1",
            "\u{feff}=1",
            "\0=1",
            "\u{200b}@a",
            "\u{34f}\u{3164}=1",
            "=cmd|' /C calc'!A0",
        ] {
            assert!(harmless(cell).starts_with('\''), "{cell}");
            assert_eq!(plain(&harmless(cell)), cell);
        }
        for cell in ["", "a", "'a", "友链 = 朋友", "https://a.example/?a=b", "'", "a; b", "a, -b"] {
            assert_eq!((harmless(cell).as_ref(), plain(cell).as_ref()), (cell, cell));
        }
    }

    /// Whatever the cells hold and whichever separator the reader goes by.
    #[test]
    fn no_reader_finds_a_formula_and_ours_finds_what_was_written() {
        let letters: Vec<char> = "aé;,\t\n\r'\"=+-@＝ |;=\0\u{feff}".chars().collect();
        let mut rng = fastrand::Rng::with_seed(11);
        let mut text = || (0..rng.usize(0..9)).map(|_| letters[rng.usize(..letters.len())]).collect::<String>();
        for _ in 0..4_000 {
            let cells = [text(), text(), text()];
            let table = table(["a", "b", "c"], [cells.clone(), cells.clone()]);
            for delimiter in DELIMITERS {
                let mut reader =
                    csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(table.as_bytes());
                for cell in
                    reader.records().flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
                {
                    let begins = cell.trim_start_matches([' ', '"', '\0', '\u{feff}']).chars().next();
                    assert!(begins.is_none_or(|c| !FORMULA.contains(&c)), "{cell:?} at {delimiter} of {table:?}");
                }
            }
            let mut reader = csv::Reader::from_reader(table.as_bytes());
            for record in reader.records() {
                let back: Vec<_> = record.unwrap().iter().map(|cell| plain(cell).into_owned()).collect();
                assert_eq!(back, cells, "{table:?}");
            }
        }
    }
}
