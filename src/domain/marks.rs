//! Looks for all the texts that walls and parking pages are told by, in one pass.

use super::{flags, walls};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::{collections::BTreeSet, sync::LazyLock};

/// How much of a page's beginning is searched, bytes.
pub const WINDOW: usize = 32 * 1024;

static MARKS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let walls = walls::TELLS.iter().flat_map(|tell| tell.marks.iter().copied());
    let all: BTreeSet<&'static str> = walls.chain(flags::PARKING_MARKS.iter().copied()).collect();
    all.into_iter().collect()
});

static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let builder = AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).clone();
    builder.build(&*MARKS).expect("a few hundred short fixed texts")
});

/// The marks that a page has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeSet<&'static str>);

impl Seen {
    /// Searches a page's beginning.
    pub fn on(page: &str) -> Seen {
        Seen(FINDER.find_overlapping_iter(page).map(|found| MARKS[found.pattern().as_usize()]).collect())
    }

    /// Whether a mark of the tables is there.
    pub fn has(&self, mark: &str) -> bool {
        self.0.contains(mark)
    }
}
