//! The corpus of pages: which link back, how, and which do not. tests/corpus/README.md says how to add one.

#[path = "support/pages.rs"]
mod pages;

use rollcall::{
    domain::{backlink::MySites, observation::Via},
    engine::page::{Appetite, PageFacts, PageReader, Want},
};
use std::sync::Arc;
use url::Url;

/// Pieces that a page comes in; wherever it is cut, the verdict is the same.
const PIECES: [usize; 4] = [1, 7, 1500, usize::MAX];

struct Page {
    name: String,
    verdict: String,
    body: Vec<u8>,
    content_type: Option<String>,
    at: Url,
    sites: Arc<MySites>,
}

fn corpus() -> Vec<Page> {
    pages::sections().iter().map(parse).collect()
}

fn parse(section: &pages::Section) -> Page {
    let pages::Section { file, head, body } = section;
    let mut parts = head.splitn(3, '|').map(str::trim);
    let (name, verdict, mut options) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap_or(""));
    let (mut charset, mut content_type, mut at, mut pad) = ("utf-8", None, "https://friend.test/links/", 0);
    let (mut sites, mut patterns) = (vec!["https://me.example.com".to_owned()], Vec::new());
    while !options.is_empty() {
        // The type is the last, and may hold what tells options apart.
        let (option, rest) = match options.strip_prefix("type ") {
            Some(kind) => {
                content_type = Some(kind.to_owned());
                break;
            }
            None => options.split_once(';').unwrap_or((options, "")),
        };
        match option.trim().split_once(' ').unwrap() {
            ("charset", value) => charset = value,
            ("at", value) => at = value,
            ("pad", value) => pad = value.parse().unwrap(),
            ("me", value) => sites = value.split(' ').map(str::to_owned).collect(),
            ("re", value) => (sites, patterns) = (Vec::new(), vec![value.to_owned()]),
            (other, _) => panic!("{file}: {name}: what is {other}?"),
        }
        options = rest.trim();
    }
    let text = format!("{}{}", "<p>今天 words</p>\n".repeat(pad * 1024 / 20), body.trim_end_matches('\n'));
    Page {
        name: format!("{file}: {name}"),
        verdict: verdict.to_owned(),
        body: encode(charset, &text),
        content_type,
        at: Url::parse(at).unwrap(),
        sites: Arc::new(MySites::new(&sites, &patterns).unwrap()),
    }
}

fn encode(charset: &str, text: &str) -> Vec<u8> {
    if charset == "utf-16le" {
        return "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    }
    let encoding = encoding_rs::Encoding::for_label(charset.as_bytes()).unwrap();
    let (bytes, _, lost) = encoding.encode(text);
    assert!(!lost, "{charset} cannot write {text}");
    bytes.into_owned()
}

fn read(page: &Page, piece: usize) -> PageFacts {
    let want = Want { sites: Some(page.sites.clone()), friend_pages: true, ..Want::default() };
    let mut reader = PageReader::new(page.at.clone(), page.content_type.as_deref(), want);
    for bytes in page.body.chunks(piece.min(page.body.len()).max(1)) {
        if reader.feed(bytes) == Appetite::Enough {
            break;
        }
    }
    reader.finish()
}

fn verdict(facts: &PageFacts) -> String {
    let Some(found) = &facts.found else {
        return if facts.script_only { "script_only" } else { "missing" }.to_owned();
    };
    let via = match found.via {
        Via::Direct => "direct",
        Via::Wrapper => "wrapper",
        Via::Pattern => "pattern",
    };
    format!("{via}{}", if found.hidden { " hidden" } else { "" })
}

#[test]
fn every_page_has_its_verdict_wherever_it_is_cut() {
    let pages = corpus();
    let mut wrong = Vec::new();
    for page in &pages {
        for piece in PIECES {
            let seen = verdict(&read(page, piece));
            if seen != page.verdict {
                wrong.push(format!("{}: {seen}, not {}, in pieces of {piece}", page.name, page.verdict));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} pages:\n{}", wrong.len(), pages.len(), wrong.join("\n"));
    assert!(pages.len() >= 120, "only {} pages", pages.len());
}

#[test]
fn names_are_unique() {
    let mut names: Vec<String> = corpus().into_iter().map(|page| page.name).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    println!("{count} pages");
}

/// `make fuzz` reads a million of these.
#[test]
fn mutated_pages_do_no_harm() {
    let seeds = pages::seeds();
    for seed in 0..5_000 {
        let page = pages::page(&seeds, seed);
        let start = std::time::Instant::now();
        let facts = pages::read(&page, seed);
        assert!(start.elapsed().as_secs() < 2, "seed {seed} took {:?}", start.elapsed());
        pages::assert_bounded(&facts, seed);
    }
}
