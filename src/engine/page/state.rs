//! What has been seen of a page so far, and what each piece adds.

use super::{Found, PageFacts, Want};
use crate::domain::observation::clip;
use std::borrow::Cow;
use url::Url;

const REFRESH_MAX_SECONDS: f64 = 5.0;
const PENDING_MAX: usize = 64 * 1024;
/// Enough for 300 characters, some of them entities.
const WORDS_MAX: usize = 1600;
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
    pub hidden: u32,
    pub title: String,
    pub noscript: String,
    pub text_bytes: usize,
    /// The page's first words, spaces folded.
    pub words: String,
    /// Scripts of their own file, or elements that such scripts fill.
    pub scripted: bool,
    pub links: u32,
    pub anchor: Option<String>,
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
            hidden: 0,
            title: String::new(),
            noscript: String::new(),
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
    pub fn link(&mut self, href: &str, rel: Option<String>, hidden: bool) {
        if self.templates > 0 || self.facts.found.is_some() {
            return;
        }
        self.links += 1;
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

    pub fn settle_pending(&mut self) {
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

    /// A string of a JSON answer.
    pub fn json_string(&mut self, text: &str) {
        let text = text.trim();
        let lower = text.get(..8).unwrap_or_default().to_ascii_lowercase();
        if self.facts.found.is_some() || !(lower.starts_with("http") || lower.starts_with("//")) {
            return;
        }
        let target = if text.starts_with("//") { self.page.join(text) } else { Url::parse(text) };
        if let Ok(target) = target {
            self.links += 1;
            self.consider(&target, Cow::Borrowed(text), None, false);
        }
    }

    pub fn text(&mut self, text: &str) {
        if self.words.len() < WORDS_MAX && self.templates == 0 {
            for word in text.split_whitespace() {
                if !self.words.is_empty() {
                    self.words.push(' ');
                }
                self.words.push_str(&word[..word.floor_char_boundary(WORDS_MAX)]);
            }
        }
        self.text_bytes += text.bytes().filter(|b| !b.is_ascii_whitespace()).count();
        if let Some(href) = self.anchor.take()
            && text.len() < 120
        {
            self.note_friend_page(&href, Some(text));
        }
    }

    pub fn refresh(&mut self, content: &str) {
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
