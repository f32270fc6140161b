//! The records of a table, one after the other, each in the same memory.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

/// Cells of a record that are kept.
pub const MAX_COLUMNS: usize = 1_000;
/// Bytes of a cell that are kept: more than any field holds, so that a cell that is too long is still told as such.
const CELL_BYTES: usize = 16 << 10;

/// Reads a text record by record, keeping one of them, and of that no more than is of use.
pub struct Records<'t> {
    text: &'t str,
    reader: Reader,
    at: usize,
}

/// One record.
#[derive(Default)]
pub struct Record {
    /// Where it begins, or the blank lines before it.
    pub offset: usize,
    /// It has more than [`MAX_COLUMNS`] cells.
    pub too_wide: bool,
    text: String,
    ends: Vec<usize>,
}

impl Record {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell without the white space around it.
    pub fn cell(&self, at: usize) -> &str {
        let end = self.ends.get(at).copied().unwrap_or(self.text.len());
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.text.get(start..end).unwrap_or_default().trim()
    }

    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|at| self.cell(at))
    }

    pub fn is_blank(&self) -> bool {
        self.cells().all(str::is_empty)
    }
}

impl<'t> Records<'t> {
    /// With `quoting` off, quotation marks are characters like others.
    pub fn of(text: &'t str, delimiter: u8, quoting: bool) -> Records<'t> {
        Records { text, reader: ReaderBuilder::new().delimiter(delimiter).quoting(quoting).build(), at: 0 }
    }

    /// Reads the next record into `record`; `false` at the end.
    pub fn read(&mut self, record: &mut Record) -> bool {
        let mut bytes = std::mem::take(&mut record.text).into_bytes();
        bytes.clear();
        record.ends.clear();
        record.too_wide = false;
        record.offset = self.at;
        let mut piece = [0; 4096];
        let mut start = 0;
        let more = loop {
            let (result, taken, given) = self.reader.read_field(&self.text.as_bytes()[self.at..], &mut piece);
            self.at += taken;
            if !record.too_wide {
                keep(&mut bytes, start, &piece[..given]);
            }
            match result {
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::End => break false,
                ReadFieldResult::Field { record_end } => {
                    if record.ends.len() == MAX_COLUMNS {
                        record.too_wide = true;
                        bytes.truncate(start);
                    } else {
                        whole_characters(&mut bytes, start);
                        start = bytes.len();
                        record.ends.push(start);
                    }
                    if record_end {
                        break true;
                    }
                }
            }
        };
        record.text = String::from_utf8(bytes).unwrap_or_default();
        more
    }
}

/// Adds to the cell that begins at `start` what there is room for. White space at its beginning takes none.
fn keep(bytes: &mut Vec<u8>, start: usize, piece: &[u8]) {
    let room = CELL_BYTES.saturating_sub(bytes.len() - start);
    bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    if bytes.len() - start == CELL_BYTES && bytes[start..].iter().all(u8::is_ascii_whitespace) {
        bytes.truncate(start);
    }
}

/// Takes off what is left of a character that was cut in two.
fn whole_characters(bytes: &mut Vec<u8>, start: usize) {
    if bytes.len() - start == CELL_BYTES
        && let Err(error) = std::str::from_utf8(&bytes[start..])
    {
        bytes.truncate(start + error.valid_up_to());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Vec<String>> {
        let mut records = Records::of(text, b',', true);
        let mut record = Record::default();
        let mut all = Vec::new();
        while records.read(&mut record) {
            all.push(record.cells().map(str::to_owned).collect());
        }
        all
    }

    #[test]
    fn records_are_as_the_standard_has_them() {
        assert_eq!(all("a, b \r\n\"c,\"\"d\n\",e"), [vec!["a", "b"], vec!["c,\"d", "e"]]);
        assert_eq!(all("\n\na\n\n"), [["a"]]);
        assert!(all("").is_empty());
    }

    #[test]
    fn what_is_too_long_or_too_wide_is_bounded() {
        let long = all(&format!("a,{},b\n", "友".repeat(CELL_BYTES)));
        assert_eq!((long[0][1].len(), long[0][2].as_str()), (CELL_BYTES / 3 * 3, "b"));
        assert_eq!(all(&format!("{}a", " ".repeat(3 * CELL_BYTES)))[0], ["a"]);
        let mut record = Record::default();
        assert!(Records::of(&",".repeat(5000), b',', true).read(&mut record));
        assert_eq!((record.len(), record.too_wide), (MAX_COLUMNS, true));
    }
}
