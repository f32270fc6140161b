//! Reads a page as it arrives and stops at the first backlink.
//!
//! lol_html tokenises the stream with bounded memory; what it treats as raw text (scripts, iframes) cannot match.

mod handlers;
mod json;
mod state;
#[cfg(test)]
mod tests;

use super::charset;
use crate::domain::{
    backlink::MySites,
    marks,
    observation::{Via, clip},
    pattern::Search,
};
use encoding_rs::{Decoder, Encoding};
use handlers::Reading;
use json::Strings;
use lol_html::{OutputSink, send::HtmlRewriter};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use url::Url;

/// What to look for on a page.
#[derive(Clone, Default)]
pub struct Want {
    /// My sites, where the page is to link back.
    pub sites: Option<Arc<MySites>>,
    /// Note the pages that look like the friend's own links page.
    pub friend_pages: bool,
    /// Look for the marks of walls however much there is on the page.
    pub marks: bool,
}

/// A backlink that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub href: String,
    pub via: Via,
    pub rel: Option<String>,
    pub hidden: bool,
}

/// What a page showed.
#[derive(Clone, Debug, Default)]
pub struct PageFacts {
    pub found: Option<Found>,
    pub title: Option<String>,
    pub charset: Option<&'static str>,
    /// Where a meta refresh of at most 5 s leads.
    pub refresh: Option<Url>,
    pub friend_pages: Vec<Url>,
    /// Almost no text and no link, but scripts: its content is made in the browser. Like what follows not asked where
    /// the backlink was found.
    pub script_only: bool,
    /// Almost no words and links of its own, as walls and parking pages are.
    pub sparse: bool,
    /// What walls and parking pages are told by.
    pub marks: marks::Seen,
    /// The first words on the page.
    pub excerpt: Option<String>,
    /// The parser gave up before the end.
    pub given_up: bool,
}

/// Whether more of the page is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appetite {
    More,
    Enough,
}

const TITLE_MAX: usize = 300;
/// How much of a page's beginning is kept until its end, for a closer look.
const SAMPLE: usize = 64 * 1024;
const QUICK: Reading = Reading { outermost: true, hiding: false };
/// Decoded at a time, bytes.
const CHUNK: usize = 16 * 1024;
const CHUNK_MIN: usize = 256;
/// Fewer bytes than this wait for more.
const PIECE: usize = 1024;
/// Less visible text than this, with a script, is a page built by scripts.
const SCRIPT_ONLY_TEXT: usize = 200;
/// A page of more tags is given up: each costs time, and pages of people have fewer in 2 MiB.
const MAX_TAGS: usize = 100_000;
/// A link costs as much time as so many tags more.
const LINK_TAGS: usize = 3;
/// Words that stand later than this do not count.
const WORDS_WITHIN: usize = 512 * 1024;
/// A page of less visible text than this, bytes, and fewer links is sparse.
const SPARSE_TEXT: usize = 3000;
const SPARSE_LINKS: u32 = 12;
/// Characters of a page's text that are kept. Issue 4, Evidence.
const EXCERPT_CHARS: usize = 300;

/// A page in the making.
pub struct PageReader {
    /// What came and was not decoded yet: the beginning, until its charset is known, and later small pieces.
    head: Vec<u8>,
    content_type: Option<String>,
    decoder: Option<Decoder>,
    parser: Parser,
    state: Arc<Mutex<State>>,
    /// The page's beginning.
    sample: String,
    /// The decoded text, where patterns have to be searched for.
    text: Option<String>,
    buffer: String,
    /// Tags so far, both ends counted.
    tags: usize,
    /// Decoded bytes so far.
    read: usize,
}

/// What becomes of the decoded text.
enum Parser {
    Html {
        tags: Box<HtmlRewriter<'static, Nowhere>>,
        words: Words,
    },
    /// JSON is searched for addresses.
    Json(Strings),
    /// It gave up.
    None,
}

/// How far the page's words are taken in. Where the backlink is found nobody asks for them.
enum Words {
    /// They are all in the sample still.
    Unread,
    Reading(Box<HtmlRewriter<'static, Nowhere>>),
    Enough,
}

struct Nowhere;

impl OutputSink for Nowhere {
    fn handle_chunk(&mut self, _: &[u8]) {}
}

impl PageReader {
    /// Starts on the page at `page`, whose header names `content_type`.
    pub fn new(page: Url, content_type: Option<&str>, want: Want) -> PageReader {
        let text = want.sites.as_ref().filter(|s| s.has_patterns()).map(|_| String::new());
        let state = Arc::new(Mutex::new(State::new(page, want)));
        PageReader {
            head: Vec::new(),
            content_type: content_type.map(str::to_owned),
            decoder: None,
            parser: Parser::None,
            state,
            sample: String::new(),
            text,
            buffer: String::new(),
            tags: 0,
            read: 0,
        }
    }

    /// Takes the next bytes of the body.
    pub fn feed(&mut self, bytes: &[u8]) -> Appetite {
        if self.decoder.is_some() {
            return self.collect(bytes);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() < charset::META_WINDOW {
            return Appetite::More;
        }
        let encoding = match charset::declared(&self.head, self.content_type.as_deref()) {
            Some(encoding) => encoding,
            // Plain ASCII so far reads the same in any of them, and addresses are plain ASCII.
            None if self.head.is_ascii() => encoding_rs::UTF_8,
            None if self.head.len() < charset::GUESS_WINDOW => return Appetite::More,
            None => charset::guessed(&self.head, false),
        };
        self.begin(encoding, false)
    }

    /// Ends the page: what was read so far is all there is.
    pub fn finish(mut self) -> PageFacts {
        if self.decoder.is_none() {
            let declared = charset::declared(&self.head, self.content_type.as_deref());
            self.begin(declared.unwrap_or_else(|| charset::guessed(&self.head, true)), true);
        } else {
            let rest = std::mem::take(&mut self.head);
            self.decode(&rest, true);
        }
        let parser = std::mem::replace(&mut self.parser, Parser::None);
        let words = match parser {
            Parser::Html { tags, words } => {
                // Only the limits can fail here, and that was noted when it happened.
                let _ = tags.end();
                Some(words)
            }
            Parser::Json(_) | Parser::None => None,
        };
        handlers::parse_noscripts(&self.state, false);
        let mut state = lock(&self.state);
        let settled = state.facts.found.is_none();
        state.settle_pending();
        let hasty = state.facts.found.as_ref().is_some_and(|found| !found.hidden);
        if hasty
            && (settled || handlers::may_hide(&self.sample))
            && let Some(closer) =
                handlers::found_closely(State::new(state.page.clone(), state.want.clone()), &self.sample)
        {
            state.facts.found = Some(closer);
        }
        if let (None, Some(text), Some(sites)) = (&state.facts.found, &self.text, state.want.sites.clone()) {
            match sites.search(text) {
                Search::Found(hit) => {
                    let mut href = hit.to_owned();
                    clip(&mut href, TITLE_MAX);
                    state.facts.found = Some(Found { href, via: Via::Pattern, rel: None, hidden: false });
                }
                // It may well be there.
                Search::GaveUp => state.facts.given_up = true,
                Search::Nothing => {}
            }
        }
        let title = htmlize::unescape(state.title.as_str()).split_whitespace().collect::<Vec<_>>().join(" ");
        state.facts.title = Some(title).filter(|t| !t.is_empty());
        let found = state.facts.found.is_some();
        drop(state);
        if !found {
            take_in_words(&self.state, &self.sample, words);
        }
        std::mem::take(&mut lock(&self.state).facts)
    }

    fn begin(&mut self, encoding: &'static Encoding, last: bool) -> Appetite {
        lock(&self.state).facts.charset = Some(encoding.name());
        self.decoder = Some(encoding.new_decoder_with_bom_removal());
        let head = std::mem::take(&mut self.head);
        self.parser = if json::is_json(self.content_type.as_deref(), &head) {
            Parser::Json(Strings::default())
        } else {
            let tags = Box::new(HtmlRewriter::new(handlers::settings(&self.state, QUICK), Nowhere));
            Parser::Html { tags, words: Words::Unread }
        };
        self.decode(&head, last)
    }

    /// Decodes pieces once there are enough of them together: one byte at a time costs as much as a kilobyte.
    fn collect(&mut self, bytes: &[u8]) -> Appetite {
        if self.head.is_empty() && bytes.len() >= PIECE {
            return self.decode(bytes, false);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() < PIECE {
            return Appetite::More;
        }
        let together = std::mem::take(&mut self.head);
        self.decode(&together, false)
    }

    fn decode(&mut self, mut bytes: &[u8], last: bool) -> Appetite {
        let Some(mut decoder) = self.decoder.take() else { return Appetite::Enough };
        let mut appetite = Appetite::More;
        loop {
            self.buffer.clear();
            let needed = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(CHUNK);
            self.buffer.reserve(needed.clamp(CHUNK_MIN, CHUNK));
            let (result, read, _) = decoder.decode_to_string(bytes, &mut self.buffer, last);
            bytes = &bytes[read..];
            appetite = if self.parse() == Appetite::Enough { Appetite::Enough } else { appetite };
            if result == encoding_rs::CoderResult::InputEmpty {
                break;
            }
        }
        self.decoder = Some(decoder);
        appetite
    }

    /// Gives the decoded piece to the parser.
    fn parse(&mut self) -> Appetite {
        if let Some(text) = &mut self.text {
            text.push_str(&self.buffer);
        }
        // Once something lies beyond the sample, all that follows does.
        let room = if self.read == self.sample.len() { SAMPLE - self.sample.len() } else { 0 };
        self.read += self.buffer.len();
        let (sampled, beyond) = self.buffer.split_at(self.buffer.floor_char_boundary(room));
        self.sample.push_str(sampled);
        match &mut self.parser {
            Parser::Html { tags, words } => {
                self.tags += memchr::memchr_iter(b'<', self.buffer.as_bytes()).count();
                if !beyond.is_empty() {
                    words.read_on(&self.state, &self.sample, beyond);
                }
                if self.read > WORDS_WITHIN {
                    *words = Words::Enough;
                }
                let links = lock(&self.state).links as usize;
                if self.tags + links * LINK_TAGS > MAX_TAGS || tags.write(self.buffer.as_bytes()).is_err() {
                    self.parser = Parser::None;
                    lock(&self.state).facts.given_up = true;
                }
            }
            Parser::Json(strings) => {
                let mut state = lock(&self.state);
                strings.feed(&self.buffer, |text| state.json_string(text));
            }
            Parser::None => {}
        }
        let state = lock(&self.state);
        let done = state.facts.found.is_some() || state.facts.refresh.is_some();
        // Patterns want the whole text even where the parser gave up.
        if done || (state.facts.given_up && self.text.is_none()) { Appetite::Enough } else { Appetite::More }
    }
}

impl Words {
    /// Takes in what comes after the sample, and first the sample.
    fn read_on(&mut self, state: &Arc<Mutex<State>>, sample: &str, beyond: &str) {
        let begun = matches!(self, Words::Unread);
        if begun {
            *self = Words::Reading(Box::new(HtmlRewriter::new(handlers::words(state), Nowhere)));
        }
        if let Words::Reading(reader) = self {
            let sampled = if begun { reader.write(sample.as_bytes()) } else { Ok(()) };
            if sampled.and_then(|()| reader.write(beyond.as_bytes())).is_err() {
                *self = Words::Enough;
            }
        }
    }

    /// Takes in what is left.
    fn end(mut self, state: &Arc<Mutex<State>>, sample: &str) {
        if matches!(self, Words::Unread) {
            self.read_on(state, sample, "");
        }
        if let Words::Reading(reader) = self {
            // It ends early where there are enough.
            let _ = reader.end();
        }
    }
}

/// What is told by the words of a page, asked only where the backlink was not found on it. No words, no HTML.
fn take_in_words(state: &Arc<Mutex<State>>, sample: &str, words: Option<Words>) {
    let is_html = words.is_some();
    if let Some(words) = words {
        words.end(state, sample);
    }
    let mut state = lock(state);
    state.facts.script_only = state.scripted && state.links == 0 && state.text_bytes < SCRIPT_ONLY_TEXT;
    state.facts.sparse = is_html && state.text_bytes < SPARSE_TEXT && state.links < SPARSE_LINKS;
    if state.facts.sparse || state.want.marks {
        state.facts.marks = marks::Seen::on(&sample[..sample.floor_char_boundary(marks::WINDOW)]);
    }
    let words = htmlize::unescape(state.words.as_str());
    let excerpt: String = words.trim().chars().take(EXCERPT_CHARS).collect();
    state.facts.excerpt = Some(excerpt).filter(|text| !text.is_empty());
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
