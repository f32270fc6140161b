//! Which line of a text an offset lies on.

use memchr::memchr_iter;

/// Bytes between two places whose line is remembered: a table of every line would outgrow the text it is about.
const STEP: usize = 512;

/// A text, and the line on which each of its steps begins.
pub struct Lines<'t> {
    text: &'t str,
    before: Vec<u32>,
}

impl<'t> Lines<'t> {
    pub fn of(text: &'t str) -> Lines<'t> {
        let mut line = 1;
        let before = text.as_bytes().chunks(STEP).map(|step| {
            let begins = line;
            line += breaks(step);
            begins
        });
        Lines { text, before: before.collect() }
    }

    /// The line, counted from 1, that a byte offset lies on.
    pub fn at(&self, offset: usize) -> u32 {
        let offset = offset.min(self.text.len());
        let step = offset / STEP;
        let Some(before) = self.before.get(step) else { return self.last() };
        before + breaks(&self.text.as_bytes()[step * STEP..offset])
    }

    /// The line of the first offset from `at` on that is not white space. Takes as long as the white space is, so it
    /// is asked once for a piece of text.
    pub fn after_blank(&self, at: usize) -> u32 {
        let rest = self.text.get(at..).unwrap_or_default();
        self.at(at + (rest.len() - rest.trim_start().len()))
    }

    fn last(&self) -> u32 {
        let step = self.before.len().saturating_sub(1);
        self.before.last().map_or(1, |before| before + breaks(&self.text.as_bytes()[step * STEP..]))
    }
}

/// A text is at most [`super::MAX_BYTES`] long, and not much longer decoded: its lines fit.
fn breaks(bytes: &[u8]) -> u32 {
    u32::try_from(memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_has_the_line_that_counting_gives() {
        for text in [String::new(), "\n".repeat(2000), "ab\n友\n\n".repeat(400), "x".repeat(2 * STEP)] {
            let lines = Lines::of(&text);
            for at in 0..=text.len() {
                let counted = 1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
                assert_eq!(lines.at(at) as usize, counted, "{at}");
            }
        }
    }
}
