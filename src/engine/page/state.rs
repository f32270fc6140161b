//! What has been seen of a page so far, and what each piece adds.

use super::{Found, PageFacts, SPARSE_TEXT, Want};
use crate::domain::{address, backlink, observation::clip};
use std::borrow::Cow;
use url::Url;

/// Noscripts of one page, bytes.
const NOSCRIPT_MAX: usize = 512 * 1024;
/// Ends whatever one noscript left open, so that it does not swallow the next.
const BETWEEN: &str = "\"'>--></template>";
const REFRESH_MAX_SECONDS: f64 = 5.0;
const PENDING_MAX: usize = 64 * 1024;
/// Enough for 300 characters, some of them entities.
const WORDS_MAX: usize = 1600;
/// Links among which the friend's links page is looked for.
const FRIEND_LINKS_MAX: u32 = 2000;
const FRIEND_PAGES_MAX: usize = 3;
const LINKS_PAGE_TEXTS: [&str; 5] = ["友链", "友情链接", "friends", "blogroll", "links"];
const LINKS_PAGE_PATHS: [&str; 10] =
    ["link", "links", "friend", "friends", "blogroll", "flink", "flinks", "friend-links", "友链", "友情链接"];

pub struct State {
    pub page: Url,
    pub base: Option<Url>,
    pub want: Want,
    pub facts: PageFacts,
    /// Relative addresses seen before a `<base>` could be ruled out.
    pub pending: Vec<(String, Option<String>, bool)>,
    pub pending_bytes: usize,
    pub templates: u32,
    /// Templates that the words stand in.
    pub unread: u32,
    pub hidden: u32,
    pub title: String,
    /// What stood in noscripts, and in those of hidden elements.
    noscripts: [String; 2],
    pub text_bytes: usize,
    /// The page's first words, spaces folded.
    pub words: String,
    /// Scripts of their own file, or elements that such scripts fill.
    pub scripted: bool,
    pub links: u32,
    /// A page of the friend's own, whose link's words are still to come.
    anchor: Option<Url>,
}

impl State {
    pub fn new(page: Url, want: Want) -> State {
        State {
            page,
            base: None,
            want,
            facts: PageFacts::default(),
            pending: Vec::new(),
            pending_bytes: 0,
            templates: 0,
            unread: 0,
            hidden: 0,
            title: String::new(),
            noscripts: Default::default(),
            text_bytes: 0,
            words: String::new(),
            scripted: false,
            links: 0,
            anchor: None,
        }
    }

    fn base(&self) -> &Url {
        self.base.as_ref().unwrap_or(&self.page)
    }

    /// An `<a>` or `<area>` with an address.
    ///
    /// `more` gives its rel and whether it hides itself, which is asked for when it is mine, or `at_once`.
    pub fn link(&mut self, href: &str, more: impl FnOnce() -> (Option<String>, bool), at_once: bool) {
        if self.templates > 0 || self.facts.found.is_some() {
            return;
        }
        self.links += 1;
        let href = htmlize::unescape_attribute(href.trim());
        match absolute(&href) {
            Some(target) => {
                self.note_friend_page(&target);
                self.consider(&target, href, more);
            }
            // A later <base> may still give a relative address its meaning.
            None => {
                if self.wants_friend_pages()
                    && self.links <= FRIEND_LINKS_MAX
                    && let Ok(target) = address::join(self.base(), &href)
                {
                    self.note_friend_page(&target);
                }
                if self.pending_bytes < PENDING_MAX {
                    self.pending_bytes += href.len() + 16;
                    let (rel, hides) = if at_once { more() } else { (None, false) };
                    self.pending.push((href.into_owned(), rel, hides || self.hidden > 0));
                }
            }
        }
    }

    /// An `<a>` or `<area>` that leads nowhere: its words are not those of the link before it.
    pub fn no_link(&mut self) {
        self.anchor = None;
    }

    fn consider(&mut self, target: &Url, href: Cow<'_, str>, more: impl FnOnce() -> (Option<String>, bool)) {
        let via = self.want.sites.as_ref().and_then(|sites| sites.matches(target));
        if let Some(via) = via {
            let (rel, hides) = more();
            let hidden = hides || self.hidden > 0;
            let mut href = href.into_owned();
            clip(&mut href, 600);
            let rel = rel.map(|mut rel| {
                clip(&mut rel, 100);
                rel
            });
            self.facts.found = Some(Found { href, via, rel, hidden });
        }
    }

    /// Looks at the relative addresses, once no `<base>` can come any more.
    pub fn settle_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let Some(sites) = self.want.sites.clone() else { return };
        let at_home = sites.has_host(self.base());
        for (href, rel, hidden) in pending {
            if self.facts.found.is_some() {
                return;
            }
            // Most lead to the friend's own pages, and need no closer look.
            let leaves = (href.starts_with(['/', '\\']) && href[1..].starts_with(['/', '\\']))
                || href.contains(['\t', '\n', '\r']);
            if (at_home || leaves || backlink::may_wrap(&href))
                && let Ok(target) = address::join(self.base(), &href)
            {
                self.consider(&target, Cow::Owned(href), || (rel, hidden));
            }
        }
    }

    fn wants_friend_pages(&self) -> bool {
        self.want.friend_pages && self.facts.friend_pages.len() < FRIEND_PAGES_MAX
    }

    /// Keeps an address whose path says that it is the friend's links page; another of the friend's own waits for its
    /// words.
    fn note_friend_page(&mut self, target: &Url) {
        self.anchor = None;
        if !self.wants_friend_pages() || !matches!(target.scheme(), "http" | "https") {
            return;
        }
        if target.host_str() != self.page.host_str() || target.path() == self.page.path() {
            return;
        }
        if names_links_page(target) {
            self.keep_friend_page(target.clone());
        } else {
            self.anchor = Some(target.clone());
        }
    }

    fn keep_friend_page(&mut self, target: Url) {
        if !self.facts.friend_pages.contains(&target) {
            self.facts.friend_pages.push(target);
        }
    }

    /// Keeps a noscript's content for later.
    pub fn noscript(&mut self, text: &str, last: bool) {
        if self.templates > 0 {
            return;
        }
        let held = &mut self.noscripts[usize::from(self.hidden > 0)];
        if held.len() < NOSCRIPT_MAX {
            held.push_str(text);
            if last {
                held.push_str(BETWEEN);
            }
        }
    }

    pub fn take_noscripts(&mut self) -> (String, String) {
        let [shown, hidden] = std::mem::take(&mut self.noscripts);
        (shown, hidden)
    }

    /// A string of a JSON answer.
    pub fn json_string(&mut self, text: &str) {
        let text = text.trim();
        let lower = text.get(..8).unwrap_or_default().to_ascii_lowercase();
        if self.facts.found.is_some() || !(lower.starts_with("http") || lower.starts_with("//")) {
            return;
        }
        let target = if text.starts_with("//") { address::join(&self.page, text) } else { address::read(text) };
        if let Ok(target) = target {
            self.links += 1;
            self.consider(&target, Cow::Borrowed(text), || (None, false));
        }
    }

    /// The page's own words.
    pub fn text(&mut self, text: &str) {
        if self.unread > 0 {
            return;
        }
        if self.words.len() < WORDS_MAX {
            for word in text.split_whitespace() {
                if !self.words.is_empty() {
                    self.words.push(' ');
                }
                self.words.push_str(&word[..word.floor_char_boundary(WORDS_MAX)]);
            }
        }
        self.text_bytes += text.bytes().filter(|b| !b.is_ascii_whitespace()).count();
    }

    /// Whether more words would tell nothing new.
    pub fn has_words(&self) -> bool {
        self.text_bytes >= SPARSE_TEXT && self.words.len() >= WORDS_MAX
    }

    /// The first words of a link.
    pub fn link_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let Some(target) = self.anchor.take().filter(|_| text.len() < 120) else { return };
        let lower = text.to_lowercase();
        if LINKS_PAGE_TEXTS.iter().any(|name| lower.contains(name)) {
            self.keep_friend_page(target);
        }
    }

    pub fn refresh(&mut self, content: &str) {
        if self.templates > 0 || self.facts.refresh.is_some() {
            return;
        }
        let content = htmlize::unescape_attribute(content);
        let Some(target) = parse_refresh(&content).and_then(|to| address::join(self.base(), to).ok()) else { return };
        let mut here = self.page.clone();
        here.set_fragment(None);
        // A page that reloads itself goes nowhere.
        if target != here && target != self.page {
            self.facts.refresh = Some(target);
        }
    }
}

/// An address that needs no base: `https:me` is relative where the page's own scheme is https.
fn absolute(href: &str) -> Option<Url> {
    let url = address::read(href).ok()?;
    let after = href.get(url.scheme().len() + 1..).unwrap_or_default();
    let web = matches!(url.scheme(), "http" | "https");
    (!web || after.starts_with(['/', '\\'])).then_some(url)
}

fn names_links_page(target: &Url) -> bool {
    let last = target.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let stem = last.split('.').next().unwrap_or_default();
    let stem = percent_encoding::percent_decode_str(stem).decode_utf8_lossy();
    LINKS_PAGE_PATHS.iter().any(|name| name.eq_ignore_ascii_case(&stem))
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
