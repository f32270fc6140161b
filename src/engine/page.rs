//! Reads a page as it arrives and stops at the first backlink.
//!
//! lol_html tokenises the stream with bounded memory; what it treats as raw text (scripts, iframes) cannot match.

use super::charset;
use crate::domain::{
    backlink::MySites,
    observation::{Via, clip},
};
use encoding_rs::{Decoder, Encoding};
use lol_html::{
    MemorySettings, OutputSink,
    html_content::{TextChunk, TextType},
    send::{DocumentContentHandlers, Element, ElementContentHandlers, HtmlRewriter, Settings},
};
use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use url::Url;

/// What to look for on a page.
#[derive(Clone, Default)]
pub struct Want {
    /// My sites, where the page is to link back.
    pub sites: Option<Arc<MySites>>,
    /// Note the pages that look like the friend's own links page.
    pub friend_pages: bool,
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
    /// Almost no text, but scripts: its content is made in the browser.
    pub script_only: bool,
    /// The parser gave up before the end.
    pub given_up: bool,
}

/// Whether more of the page is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appetite {
    More,
    Enough,
}

const REFRESH_MAX_SECONDS: f64 = 5.0;
const TITLE_MAX: usize = 300;
const NOSCRIPT_MAX: usize = 64 * 1024;
const PENDING_MAX: usize = 64 * 1024;
const PARSER_MEMORY: usize = 512 * 1024;
const FRIEND_PAGES_MAX: usize = 3;
const CHUNK: usize = 8 * 1024;
/// Less visible text than this, with a script, is a page built by scripts.
const SCRIPT_ONLY_TEXT: usize = 200;
const LINKS_PAGE_TEXTS: [&str; 5] = ["友链", "友情链接", "friends", "blogroll", "links"];
const LINKS_PAGE_PATHS: [&str; 10] =
    ["link", "links", "friend", "friends", "blogroll", "flink", "flinks", "friend-links", "友链", "友情链接"];

/// A page in the making.
pub struct PageReader {
    head: Vec<u8>,
    content_type: Option<String>,
    decoder: Option<Decoder>,
    rewriter: Option<HtmlRewriter<'static, Nowhere>>,
    state: Arc<Mutex<State>>,
    /// The decoded text, where patterns have to be searched for.
    text: Option<String>,
    buffer: String,
}

struct Nowhere;

impl OutputSink for Nowhere {
    fn handle_chunk(&mut self, _: &[u8]) {}
}

struct State {
    page: Url,
    base: Option<Url>,
    want: Want,
    facts: PageFacts,
    /// Relative addresses seen before a `<base>` could be ruled out.
    pending: Vec<(String, Option<String>, bool)>,
    pending_bytes: usize,
    templates: u32,
    hidden: u32,
    title: String,
    noscript: String,
    text_bytes: usize,
    scripts: u32,
    anchor: Option<String>,
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
            rewriter: Some(HtmlRewriter::new(settings(&state, true), Nowhere)),
            state,
            text,
            buffer: String::new(),
        }
    }

    /// Takes the next bytes of the body.
    pub fn feed(&mut self, bytes: &[u8]) -> Appetite {
        if self.decoder.is_some() {
            return self.decode(bytes, false);
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
            self.decode(&[], true);
        }
        if let Some(rewriter) = self.rewriter.take() {
            // Only the memory limit can fail here, and that was noted when it happened.
            let _ = rewriter.end();
        }
        let mut state = lock(&self.state);
        state.settle_pending();
        if let (None, Some(text), Some(sites)) = (&state.facts.found, &self.text, state.want.sites.clone()) {
            state.facts.found = sites.search(text).map(|hit| {
                let mut href = hit.to_owned();
                clip(&mut href, TITLE_MAX);
                Found { href, via: Via::Pattern, rel: None, hidden: false }
            });
        }
        let title = htmlize::unescape(state.title.as_str()).split_whitespace().collect::<Vec<_>>().join(" ");
        state.facts.title = Some(title).filter(|t| !t.is_empty());
        state.facts.script_only = state.scripts > 0 && state.text_bytes < SCRIPT_ONLY_TEXT;
        std::mem::take(&mut state.facts)
    }

    fn begin(&mut self, encoding: &'static Encoding, last: bool) -> Appetite {
        lock(&self.state).facts.charset = Some(encoding.name());
        self.decoder = Some(encoding.new_decoder_with_bom_removal());
        let head = std::mem::take(&mut self.head);
        self.decode(&head, last)
    }

    fn decode(&mut self, mut bytes: &[u8], last: bool) -> Appetite {
        let Some(mut decoder) = self.decoder.take() else { return Appetite::Enough };
        let mut appetite = Appetite::More;
        loop {
            self.buffer.clear();
            self.buffer.reserve(CHUNK);
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
        if let Some(rewriter) = &mut self.rewriter
            && rewriter.write(self.buffer.as_bytes()).is_err()
        {
            self.rewriter = None;
            lock(&self.state).facts.given_up = true;
        }
        let state = lock(&self.state);
        let done = state.facts.found.is_some() || state.facts.refresh.is_some();
        // Patterns want the whole text even where the parser gave up.
        if done || (state.facts.given_up && self.text.is_none()) { Appetite::Enough } else { Appetite::More }
    }
}

impl State {
    fn new(page: Url, want: Want) -> State {
        State {
            page,
            base: None,
            want,
            facts: PageFacts::default(),
            pending: Vec::new(),
            pending_bytes: 0,
            templates: 0,
            hidden: 0,
            title: String::new(),
            noscript: String::new(),
            text_bytes: 0,
            scripts: 0,
            anchor: None,
        }
    }

    fn base(&self) -> &Url {
        self.base.as_ref().unwrap_or(&self.page)
    }

    /// An `<a>` or `<area>` with an address.
    fn link(&mut self, href: &str, rel: Option<String>, hidden: bool) {
        if self.templates > 0 || self.facts.found.is_some() {
            return;
        }
        let href = htmlize::unescape_attribute(href.trim());
        self.note_friend_page(&href, None);
        self.anchor = Some(href.clone().into_owned());
        let hidden = hidden || self.hidden > 0;
        match Url::parse(&href) {
            Ok(target) => self.consider(&target, href, rel, hidden),
            // A later <base> may still give a relative address its meaning.
            Err(url::ParseError::RelativeUrlWithoutBase) if self.pending_bytes < PENDING_MAX => {
                self.pending_bytes += href.len() + 16;
                self.pending.push((href.into_owned(), rel, hidden));
            }
            Err(_) => {}
        }
    }

    fn consider(&mut self, target: &Url, href: Cow<'_, str>, rel: Option<String>, hidden: bool) {
        let via = self.want.sites.as_ref().and_then(|sites| sites.matches(target));
        if let Some(via) = via {
            let mut href = href.into_owned();
            clip(&mut href, 600);
            let rel = rel.map(|mut rel| {
                clip(&mut rel, 100);
                rel
            });
            self.facts.found = Some(Found { href, via, rel, hidden });
        }
    }

    fn settle_pending(&mut self) {
        for (href, rel, hidden) in std::mem::take(&mut self.pending) {
            if self.facts.found.is_some() {
                return;
            }
            if let Ok(target) = self.base().join(&href) {
                self.consider(&target, Cow::Owned(href), rel, hidden);
            }
        }
    }

    /// Keeps an address whose path or words say that it is the friend's links page.
    fn note_friend_page(&mut self, href: &str, words: Option<&str>) {
        if !self.want.friend_pages || self.facts.friend_pages.len() >= FRIEND_PAGES_MAX {
            return;
        }
        let Ok(target) = self.base().join(href) else { return };
        let same_site = target.host_str() == self.page.host_str() && target.path() != self.page.path();
        if !same_site || !matches!(target.scheme(), "http" | "https") {
            return;
        }
        let named = match words {
            Some(words) => LINKS_PAGE_TEXTS.iter().any(|name| words.to_lowercase().contains(name)),
            None => names_links_page(&target),
        };
        if named && !self.facts.friend_pages.contains(&target) {
            self.facts.friend_pages.push(target);
        }
    }

    fn text(&mut self, text: &str) {
        self.text_bytes += text.bytes().filter(|b| !b.is_ascii_whitespace()).count();
        if let Some(href) = self.anchor.take()
            && text.len() < 120
        {
            self.note_friend_page(&href, Some(text));
        }
    }

    fn refresh(&mut self, content: &str) {
        if self.templates > 0 || self.facts.refresh.is_some() {
            return;
        }
        let content = htmlize::unescape_attribute(content);
        let Some(target) = parse_refresh(&content).and_then(|to| self.base().join(to).ok()) else { return };
        let mut here = self.page.clone();
        here.set_fragment(None);
        // A page that reloads itself goes nowhere.
        if target != here && target != self.page {
            self.facts.refresh = Some(target);
        }
    }
}

fn names_links_page(target: &Url) -> bool {
    let path = percent_encoding::percent_decode_str(target.path()).decode_utf8_lossy().to_lowercase();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let stem = last.split('.').next().unwrap_or_default();
    LINKS_PAGE_PATHS.contains(&stem)
}

/// Reads `5; url=/next`: where to, if soon.
fn parse_refresh(content: &str) -> Option<&str> {
    let (seconds, rest) = content.split_once([';', ','])?;
    let seconds: f64 = seconds.trim().parse().ok()?;
    if !(0.0..=REFRESH_MAX_SECONDS).contains(&seconds) {
        return None;
    }
    let rest = rest.trim_start();
    let after = match rest.get(..3) {
        Some(url) if url.eq_ignore_ascii_case("url") => rest[3..].trim_start().strip_prefix('=')?,
        _ => rest,
    };
    Some(after.trim().trim_matches(['"', '\'']).trim()).filter(|to| !to.is_empty())
}

/// The handlers. `outermost` is off for the content of a noscript, which is parsed again.
fn settings(state: &Arc<Mutex<State>>, outermost: bool) -> Settings<'static, 'static> {
    let memory = MemorySettings::new().with_max_allowed_memory_usage(PARSER_MEMORY);
    let mut settings = Settings::new_send()
        .with_strict(false)
        .with_memory_settings(memory)
        .append_element_content_handler(on("a[href], area[href]", state, |state, el| {
            let href = el.get_attribute("href").unwrap_or_default();
            let hidden = el.has_attribute("hidden") || hides(el);
            lock(state).link(&href, el.get_attribute("rel"), hidden);
        }))
        .append_element_content_handler(on("template", state, |state, el| within(state, el, |s| &mut s.templates)))
        .append_element_content_handler(on("[hidden]", state, |state, el| within(state, el, |s| &mut s.hidden)))
        .append_element_content_handler(on("[style]", state, |state, el| {
            if hides(el) {
                within(state, el, |s| &mut s.hidden);
            }
        }));
    if outermost {
        settings = settings
            .append_element_content_handler(on("base[href]", state, |state, el| {
                let mut state = lock(state);
                if state.base.is_none() {
                    let href = el.get_attribute("href").unwrap_or_default();
                    state.base = state.page.join(htmlize::unescape_attribute(href.trim()).as_ref()).ok();
                }
            }))
            .append_element_content_handler(on("meta[http-equiv]", state, |state, el| {
                let kind = el.get_attribute("http-equiv").unwrap_or_default();
                if kind.trim().eq_ignore_ascii_case("refresh") {
                    lock(state).refresh(&el.get_attribute("content").unwrap_or_default());
                }
            }))
            .append_element_content_handler(on("script", state, |state, _| lock(state).scripts += 1))
            .append_document_content_handler(DocumentContentHandlers::default().text(text_handler(state)))
            .append_element_content_handler(in_text("title", state, |state, chunk| {
                let mut state = lock(state);
                if state.title.len() < TITLE_MAX {
                    state.title.push_str(chunk.as_str());
                    clip(&mut state.title, TITLE_MAX);
                }
            }))
            .append_element_content_handler(in_text("noscript", state, |state, chunk| {
                let mut held = lock(state);
                if held.noscript.len() < NOSCRIPT_MAX {
                    held.noscript.push_str(chunk.as_str());
                }
                if chunk.last_in_text_node() {
                    let content = std::mem::take(&mut held.noscript);
                    drop(held);
                    parse_again(state, &content);
                }
            }));
    }
    settings
}

type Handlers = (Cow<'static, lol_html::Selector>, ElementContentHandlers<'static>);

fn on(
    selector: &'static str,
    state: &Arc<Mutex<State>>,
    act: impl Fn(&Arc<Mutex<State>>, &mut Element<'_, '_>) + Send + 'static,
) -> Handlers {
    let state = state.clone();
    let handler = move |el: &mut Element<'_, '_>| {
        act(&state, el);
        Ok(())
    };
    (Cow::Owned(selector.parse().expect("a fixed selector")), ElementContentHandlers::default().element(handler))
}

fn in_text(
    selector: &'static str,
    state: &Arc<Mutex<State>>,
    act: impl Fn(&Arc<Mutex<State>>, &TextChunk<'_>) + Send + 'static,
) -> Handlers {
    let state = state.clone();
    let handler = move |chunk: &mut TextChunk<'_>| {
        act(&state, chunk);
        Ok(())
    };
    (Cow::Owned(selector.parse().expect("a fixed selector")), ElementContentHandlers::default().text(handler))
}

fn text_handler(state: &Arc<Mutex<State>>) -> impl FnMut(&mut TextChunk<'_>) -> lol_html::HandlerResult + use<> {
    let state = state.clone();
    move |chunk| {
        if chunk.text_type() == TextType::Data && !chunk.as_str().is_empty() {
            lock(&state).text(chunk.as_str());
        }
        Ok(())
    }
}

/// Counts an element as open until its end tag; one that is never closed stays open to the end of the page.
fn within(state: &Arc<Mutex<State>>, el: &mut Element<'_, '_>, depth: fn(&mut State) -> &mut u32) {
    if !el.can_have_content() {
        return;
    }
    *depth(&mut lock(state)) += 1;
    let state = state.clone();
    // Fails only for elements without content, which were turned away above.
    let _ = el.on_end_tag(Box::new(move |_| {
        let mut state = lock(&state);
        let open = depth(&mut state);
        *open = open.saturating_sub(1);
        Ok(())
    }));
}

/// Whether the element's own style hides it.
fn hides(el: &Element<'_, '_>) -> bool {
    let Some(style) = el.get_attribute("style") else { return false };
    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    style.contains("display:none") || style.contains("visibility:hidden")
}

/// A noscript's content counts, although the parser saw it as text.
fn parse_again(state: &Arc<Mutex<State>>, content: &str) {
    let mut rewriter = HtmlRewriter::new(settings(state, false), Nowhere);
    if rewriter.write(content.as_bytes()).is_ok() {
        let _ = rewriter.end();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(html: &[u8], content_type: Option<&str>) -> PageFacts {
        let sites = MySites::new(&["https://me.example.com".to_owned()], &[]).unwrap();
        let want = Want { sites: Some(Arc::new(sites)), friend_pages: true };
        let mut reader = PageReader::new(Url::parse("https://friend.test/blog/").unwrap(), content_type, want);
        for chunk in html.chunks(7) {
            if reader.feed(chunk) == Appetite::Enough {
                break;
            }
        }
        reader.finish()
    }

    fn found(html: &str) -> Option<Found> {
        read(html.as_bytes(), None).found
    }

    #[test]
    fn links_count_however_they_are_written() {
        for html in [
            "<a href='https://me.example.com'>me</a>",
            "<A HREF=https://me.example.com/>me</A>",
            "<a rel='nofollow' href=\"https&#58;&#x2F;&sol;me.example.com\">x</a>",
            "<map><area href=//www.me.example.com></map>",
            "<base href='https://me.example.com/x/'><a href='/y'>x</a>",
            "<a href='/y'>x</a><base href='https://me.example.com/x/'>",
            "<noscript><a href='https://me.example.com'>x</a></noscript>",
            "<table><a href='https://me.example.com'>",
            "<a href=' https://me.example.com/ '>x</a>",
            "<template></template><a href='https://me.example.com'>x</a>",
        ] {
            assert!(found(html).is_some(), "{html}");
        }
    }

    #[test]
    fn what_is_no_link_does_not_count() {
        for html in [
            "https://me.example.com",
            "<!-- <a href='https://me.example.com'>x</a> -->",
            "<script>'<a href=\"https://me.example.com\">'</script>",
            "<template><a href='https://me.example.com'>x</a></template>",
            "<iframe><a href='https://me.example.com'>x</a></iframe>",
            "<iframe src='https://me.example.com'></iframe>",
            "<textarea><a href='https://me.example.com'>x</a></textarea>",
            "<title><a href='https://me.example.com'>x</a></title>",
            "<link href='https://me.example.com'><img src='https://me.example.com'>",
            "<a data-href='https://me.example.com'>x</a>",
            "<a href='https://notme.example.com'>x</a>",
            "<base href='https://other.test/'><base href='https://me.example.com/'><a href='/y'>x</a>",
        ] {
            assert_eq!(found(html), None, "{html}");
        }
    }

    #[test]
    fn evidence_tells_rel_and_hiding() {
        let hit =
            found("<div style='display: none'><a rel='friend' href='https://me.example.com'>x</a></div>").unwrap();
        assert_eq!((hit.hidden, hit.rel.as_deref()), (true, Some("friend")));
        assert!(!found("<p hidden>x</p><a href='https://me.example.com'>x</a>").unwrap().hidden);
        assert_eq!(found("<a href='/go?url=https%3A%2F%2Fme.example.com'>x</a>").unwrap().via, Via::Wrapper);
    }

    #[test]
    fn charsets_are_told_and_titles_decoded() {
        let html = "<html><head><meta charset='gb2312'><title>我的 &amp; 博客</title></head>";
        let (gbk, ..) = encoding_rs::GBK.encode(html);
        let facts = read(&gbk, None);
        assert_eq!((facts.charset, facts.title.as_deref()), (Some("GBK"), Some("我的 & 博客")));
        let bytes: Vec<u8> =
            "\u{feff}<a href='https://me.example.com'>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(read(&bytes, None).found.is_some());
    }

    #[test]
    fn refreshes_of_at_most_five_seconds_are_hops() {
        let to = |html: &str| read(html.as_bytes(), None).refresh.map(String::from);
        assert_eq!(to("<meta http-equiv=refresh content='0;url=/new'>").as_deref(), Some("https://friend.test/new"));
        assert_eq!(
            to("<META HTTP-EQUIV=Refresh CONTENT=\"5; URL='https://x.test/'\">").as_deref(),
            Some("https://x.test/")
        );
        for still in [
            "<meta http-equiv=refresh content='6;url=/new'>",
            "<meta http-equiv=refresh content=0>",
            "<meta http-equiv=refresh content='0;url=/blog/'>",
        ] {
            assert_eq!(to(still), None, "{still}");
        }
    }

    #[test]
    fn friend_pages_are_noted_by_path_or_words() {
        let html = "<a href='/links.html'>x</a><a href='/p/3'>友情链接</a><a href='https://else.test/links'>x</a><a href=/about>About</a>";
        let pages: Vec<String> = read(html.as_bytes(), None).friend_pages.into_iter().map(String::from).collect();
        assert_eq!(pages, ["https://friend.test/links.html", "https://friend.test/p/3"]);
    }

    #[test]
    fn a_page_of_scripts_is_told_from_a_page_of_text() {
        assert!(read(b"<div id=root></div><script src=/app.js></script>", None).script_only);
        let text = format!("<script>1</script><p>{}</p>", "words ".repeat(60));
        assert!(!read(text.as_bytes(), None).script_only);
        assert!(!read(b"<p>nothing here</p>", None).script_only);
    }

    #[test]
    fn hostile_pages_cost_little() {
        let pages = [
            "<div>".repeat(50_000),
            format!("<a {}>", "b ".repeat(100_000)),
            format!("<a href={}", "x".repeat(2 << 20)),
            "<a href=/go?u=http>".repeat(20_000),
            "<template>".repeat(100_000),
        ];
        for html in pages {
            let start = std::time::Instant::now();
            let mut reader = PageReader::new(
                Url::parse("https://friend.test/").unwrap(),
                None,
                Want {
                    sites: Some(Arc::new(MySites::new(&["https://me.example.com".into()], &[]).unwrap())),
                    friend_pages: true,
                },
            );
            for chunk in html.as_bytes().chunks(16 * 1024) {
                if reader.feed(chunk) == Appetite::Enough {
                    break;
                }
            }
            assert!(reader.finish().found.is_none());
            // Generous for a debug build; benches/ hold the real bound.
            assert!(start.elapsed().as_secs() < 10, "{} took {:?}", &html[..20], start.elapsed());
        }
    }
}
