//! Random pages: the corpus's own, cut, doubled, spliced and sprinkled with what parsers stumble over.
#![allow(dead_code, reason = "every user takes a part of it")]

use rollcall::{
    domain::backlink::MySites,
    engine::page::{Appetite, PageFacts, PageReader, Want},
};
use std::sync::{Arc, LazyLock};
use url::Url;

/// What pages are sprinkled with.
const DICTIONARY: [&str; 32] = [
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "--!>",
    "<![CDATA[",
    "]]>",
    "<a href=",
    "<a href='https://me.example.com/'>",
    "</a>",
    "<base href=",
    "<template>",
    "</template>",
    "<noscript>",
    "</noscript>",
    "<script>",
    "</script>",
    "<title>",
    "<style>",
    "<iframe>",
    "<meta charset=",
    "<meta http-equiv=refresh content='0;url=",
    "\"",
    "'",
    "=",
    "&",
    "&#x",
    "\0",
    "<svg>",
    "<plaintext>",
];
const TYPES: [Option<&str>; 6] = [
    None,
    Some("text/html"),
    Some("text/html; charset=gbk"),
    Some("text/html; charset=utf-16"),
    Some("application/json"),
    Some("application/xhtml+xml"),
];
/// Pages grow no longer than this by doubling, bytes.
const LONGEST: usize = 64 * 1024;

static SITES: LazyLock<Arc<MySites>> = LazyLock::new(|| {
    Arc::new(MySites::new(&["https://me.example.com".to_owned()], &["me-by-pattern".to_owned()]).unwrap())
});

/// A page that this seed always gives.
pub fn page(seeds: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut page = seeds[rng.usize(..seeds.len())].clone();
    for _ in 0..rng.usize(0..12) {
        let (a, b) = (rng.usize(..=page.len()), rng.usize(..=page.len()));
        let (from, to) = (a.min(b), a.max(b));
        match rng.u8(0..7) {
            0 => drop(page.drain(from..to)),
            1 if page.len() < LONGEST => {
                let piece = page[from..to].repeat(rng.usize(1..20));
                page.splice(to..to, piece);
            }
            2 => {
                let other = &seeds[rng.usize(..seeds.len())];
                let piece = other[rng.usize(..=other.len())..].to_vec();
                page.splice(from..to, piece);
            }
            3 => page.truncate(to),
            4 => page.iter_mut().take(to).skip(from).for_each(|byte| *byte ^= 1 << rng.u8(0..8)),
            5 => {
                page.splice(from..from, (0..rng.usize(0..40)).map(|_| rng.u8(..)));
            }
            _ => {
                let word = DICTIONARY[rng.usize(..DICTIONARY.len())].as_bytes();
                page.splice(from..from, word.repeat(rng.usize(1..4)));
            }
        }
    }
    page
}

/// Reads a page as a check does, in pieces that the seed gives.
pub fn read(page: &[u8], seed: u64) -> PageFacts {
    let mut rng = fastrand::Rng::with_seed(seed);
    let want = Want { sites: rng.bool().then(|| SITES.clone()), friend_pages: rng.bool(), marks: rng.bool() };
    let at = Url::parse("https://friend.test/links/").unwrap();
    let mut reader = PageReader::new(at, TYPES[rng.usize(..TYPES.len())], want);
    let piece = rng.usize(1..4096);
    for bytes in page.chunks(piece) {
        if reader.feed(bytes) == Appetite::Enough {
            break;
        }
    }
    reader.finish()
}

/// What is kept of a page is bounded, whatever it was.
pub fn assert_bounded(facts: &PageFacts, seed: u64) {
    assert!(facts.title.as_ref().is_none_or(|title| title.len() <= 1200), "seed {seed}");
    assert!(facts.excerpt.as_ref().is_none_or(|text| text.chars().count() <= 300), "seed {seed}");
    assert!(facts.found.as_ref().is_none_or(|found| found.href.len() <= 600), "seed {seed}");
    assert!(facts.friend_pages.len() <= 3, "seed {seed}");
}

/// A page of the corpus as it is written down.
pub struct Section {
    /// Its file, without the ending.
    pub file: String,
    /// Name, verdict and options.
    pub head: String,
    pub body: String,
}

/// Every page of the corpus.
pub fn sections() -> Vec<Section> {
    let files = std::fs::read_dir("tests/corpus").unwrap().map(|file| file.unwrap().path());
    let mut texts: Vec<_> = files.filter(|file| file.extension().is_some_and(|kind| kind == "txt")).collect();
    texts.sort();
    let of_file = |path: &std::path::PathBuf| -> Vec<Section> {
        let file = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let section = |page: &str| {
            let (head, body) = page.split_once('\n').unwrap();
            Section { file: file.clone(), head: head.to_owned(), body: body.to_owned() }
        };
        // What stands before the first head is nothing.
        text.split("=== ").skip(1).map(section).collect()
    };
    texts.iter().flat_map(of_file).collect()
}

/// The corpus's pages, as seeds.
pub fn seeds() -> Vec<Vec<u8>> {
    sections().into_iter().map(|section| section.body.into_bytes()).collect()
}
