//! Backlink rules: whether an address on a friend's page leads to one of my sites.

use super::{
    address::{self, AddressError},
    lang::Lang,
    observation::Via,
    pattern::{PATTERNS_MAX, Pattern, PatternError, Search},
};
use aho_corasick::AhoCorasick;
use base64::{
    Engine as _, alphabet, engine::general_purpose::GeneralPurpose, engine::general_purpose::GeneralPurposeConfig,
};
use percent_encoding::percent_decode_str;
use std::sync::LazyLock;
use url::Url;

/// Why a my-site rule cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SiteError {
    #[error("my site: {0}")]
    Address(#[from] AddressError),
    #[error("{pattern:?} is not a usable regular expression: {why}")]
    Pattern { pattern: String, why: PatternError },
    #[error("{0} patterns are too many; write at most {PATTERNS_MAX}")]
    TooMany(usize),
}

impl SiteError {
    /// What is wrong and what to do, in Chinese.
    pub fn in_chinese(&self) -> String {
        match self {
            SiteError::Address(error) => format!("本站地址无效：{}", error.words(Lang::Zh)),
            SiteError::Pattern { pattern, why } => format!("本站正则“{pattern}”无效：{}", why.in_chinese()),
            SiteError::TooMany(count) => format!("本站正则有 {count} 条，最多 {PATTERNS_MAX} 条"),
        }
    }
}

/// The owner's sites, ready to match.
#[derive(Clone, Debug, Default)]
pub struct MySites {
    sites: Vec<MySite>,
    patterns: Vec<Pattern>,
}

/// One of the owner's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MySite {
    host: String,
    port: Option<u16>,
    /// Decoded, lower-case, without a trailing slash; empty where the whole site is meant.
    path: String,
}

/// Characters of a pattern that an error quotes.
const EXCERPT: usize = 60;
/// How deep wrappers within wrappers are followed.
const WRAPPER_DEPTH: u8 = 2;
/// Parameters of an address that are looked into.
const WRAPPER_PARAMETERS: usize = 12;
/// Longer addresses are not searched for wrapped ones.
const WRAPPER_MAX_BYTES: usize = 4096;

impl MySites {
    /// # Errors
    /// [`SiteError`] for the first address or regular expression that is none.
    pub fn new(sites: &[String], patterns: &[String]) -> Result<MySites, SiteError> {
        let sites = sites.iter().map(|s| MySite::parse(s)).collect::<Result<_, _>>()?;
        if patterns.len() > PATTERNS_MAX {
            return Err(SiteError::TooMany(patterns.len()));
        }
        let compile = |pattern: &String| {
            Pattern::new(pattern).map_err(|why| SiteError::Pattern { pattern: excerpt(pattern), why })
        };
        Ok(MySites { sites, patterns: patterns.iter().map(compile).collect::<Result<_, _>>()? })
    }

    /// As [`MySites::new`], with patterns as they are stored: one that an earlier version took is never dropped.
    ///
    /// # Errors
    /// [`SiteError`] where a site is no address.
    pub fn stored(sites: &[String], patterns: &[String]) -> Result<MySites, SiteError> {
        let sites = sites.iter().map(|s| MySite::parse(s)).collect::<Result<_, _>>()?;
        Ok(MySites { sites, patterns: patterns.iter().map(|pattern| Pattern::stored(pattern)).collect() })
    }

    /// Whether any my-site exists: only then is a backlink required.
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty() && self.patterns.is_empty()
    }

    /// Whether there are patterns, so that the page's text has to be kept.
    pub fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// Whether an address on a page leads to me, and how.
    pub fn matches(&self, target: &Url) -> Option<Via> {
        if self.is_mine(target) {
            return Some(Via::Direct);
        }
        self.is_wrapped(target, WRAPPER_DEPTH).then_some(Via::Wrapper)
    }

    /// Whether an address lies on the host of a my-site.
    pub fn has_host(&self, target: &Url) -> bool {
        self.sites.iter().any(|site| site.host == address::bare_host(target))
    }

    /// The first piece of text that a pattern matches. Where none does and one gave up, nothing is known.
    pub fn search<'t>(&self, text: &'t str) -> Search<'t> {
        let mut outcome = Search::Nothing;
        for pattern in &self.patterns {
            match pattern.search(text) {
                found @ Search::Found(_) => return found,
                Search::GaveUp => outcome = Search::GaveUp,
                Search::Nothing => {}
            }
        }
        outcome
    }

    fn is_mine(&self, target: &Url) -> bool {
        matches!(target.scheme(), "http" | "https") && self.sites.iter().any(|site| site.covers(target))
    }

    fn is_wrapped(&self, target: &Url, depth: u8) -> bool {
        let text = target.as_str();
        if depth == 0 || !matches!(target.scheme(), "http" | "https") || text.len() > WRAPPER_MAX_BYTES {
            return false;
        }
        // Past the scheme, which has one of the marks itself.
        if !may_wrap(&text[target.scheme().len() + 3..]) {
            return false;
        }
        wrapped_addresses(target).iter().any(|inner| self.is_mine(inner) || self.is_wrapped(inner, depth - 1))
    }
}

/// The beginning of a pattern, for an error to name it by.
fn excerpt(pattern: &str) -> String {
    let mut short: String = pattern.chars().take(EXCERPT).collect();
    if short.len() < pattern.len() {
        short.push('…');
    }
    short
}

impl MySite {
    fn parse(text: &str) -> Result<MySite, AddressError> {
        let url = address::parse(text)?;
        Ok(MySite { host: address::bare_host(&url).to_owned(), port: address::odd_port(&url), path: plain_path(&url) })
    }

    fn covers(&self, target: &Url) -> bool {
        if address::bare_host(target) != self.host || address::odd_port(target) != self.port {
            return false;
        }
        let Some(rest) = plain_path(target).strip_prefix(&self.path).map(str::to_owned) else {
            return false;
        };
        rest.is_empty() || rest.starts_with('/')
    }
}

/// The path decoded, in lower case, without trailing slashes.
fn plain_path(url: &Url) -> String {
    let decoded = percent_decode_str(url.path()).decode_utf8_lossy().to_lowercase();
    decoded.trim_end_matches('/').to_owned()
}

/// Whether an address may have another in it: a quick look before the close one.
pub fn may_wrap(text: &str) -> bool {
    static MARKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        // "http", "HTTP", "Http" and "//" in base64; something encoded; or plain.
        let marks = ["http", "aHR0", "SFRU", "SHR0", "Ly8", "Ly9", "%", "//"];
        AhoCorasick::builder().ascii_case_insensitive(true).build(marks).expect("a few short texts")
    });
    MARKS.is_match(text)
}

/// Every absolute http address that a redirect wrapper's query or path names, plain, percent-encoded or base64.
fn wrapped_addresses(target: &Url) -> Vec<Url> {
    let mut found = Vec::new();
    for (key, value) in target.query_pairs().take(WRAPPER_PARAMETERS) {
        found.extend(hidden_address(&value));
        // `/go?https://…` and `/go?aHR0cHM6…` have no key to speak of.
        found.extend(hidden_address(&key));
    }
    if let Some(query) = target.query() {
        found.extend(hidden_address(&percent_decode_str(query).decode_utf8_lossy()));
    }
    let path = percent_decode_str(target.path()).decode_utf8_lossy().into_owned();
    if let Some(start) = find_address_start(&path) {
        let mut text = with_two_slashes(&path[start..]);
        if let Some(query) = target.query() {
            text.push('?');
            text.push_str(query);
        }
        found.extend(absolute(&text));
    }
    found.extend(path.split('/').take(WRAPPER_PARAMETERS).filter_map(hidden_address));
    if let Some(fragment) = target.fragment() {
        found.extend(hidden_address(&percent_decode_str(fragment).decode_utf8_lossy()));
    }
    found
}

/// The address that a text is, after one more percent- or base64-decoding where needed.
fn hidden_address(text: &str) -> Option<Url> {
    if let Some(url) = absolute(text) {
        return Some(url);
    }
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    if let Some(url) = absolute(&decoded) {
        return Some(url);
    }
    absolute(&from_base64(&decoded)?)
}

/// A text that is an absolute or protocol-relative http address.
fn absolute(text: &str) -> Option<Url> {
    let text = text.trim();
    let whole = if text.starts_with("//") { format!("https:{text}") } else { text.to_owned() };
    let lower = whole.get(..8)?.to_ascii_lowercase();
    if !(lower.starts_with("http://") || lower.starts_with("https://")) {
        return None;
    }
    address::read(&whole).ok()
}

/// An address whose double slash a server may have folded into one.
fn with_two_slashes(text: &str) -> String {
    match text.split_once(":/") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.trim_start_matches('/')),
        None => text.to_owned(),
    }
}

fn find_address_start(path: &str) -> Option<usize> {
    let lower = path.to_ascii_lowercase();
    // Servers often fold the double slash, so one is enough.
    ["https:/", "http:/"].iter().filter_map(|scheme| lower.find(scheme)).min().filter(|at| *at > 0)
}

/// Base64 of either alphabet, padded or not.
fn from_base64(text: &str) -> Option<String> {
    const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
    if text.len() < 12 {
        return None;
    }
    // A plus sign comes out of a query as a space.
    let standard: String = text
        .trim()
        .chars()
        .map(|c| match c {
            '-' | ' ' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    String::from_utf8(STANDARD.decode(standard).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(site: &str, page: &str, href: &str) -> Option<Via> {
        let sites = MySites::new(&[site.to_owned()], &[]).unwrap();
        sites.matches(&Url::parse(page).unwrap().join(href).ok()?)
    }

    const ME: &str = "https://me.example.com";
    const PAGE: &str = "https://friend.test/links/";

    #[test]
    fn spelling_does_not_matter() {
        for href in [
            "https://me.example.com",
            "http://me.example.com/",
            "HTTP://ME.Example.Com:80/#top",
            "https://www.me.example.com/about?x=1",
            "//me.example.com",
            "https://me.example.com:443",
            "https://me.example.com./",
            "https://me%2Eexample.com/",
        ] {
            assert_eq!(via(ME, PAGE, href), Some(Via::Direct), "{href}");
        }
    }

    #[test]
    fn neighbours_are_not_me() {
        for href in [
            "https://notme.example.com/",
            "https://me.example.com.evil.test/",
            "https://example.com/",
            "https://blog.me.example.com/",
            "https://me.example.com:8080/",
            "https://evil.test/me.example.com",
            "https://me.example.com@evil.test/",
            "mailto:x@me.example.com",
            "/me.example.com",
            "javascript:location='https://me.example.com'",
        ] {
            assert_eq!(via(ME, PAGE, href), None, "{href}");
        }
    }

    #[test]
    fn a_path_in_the_site_is_wanted() {
        let site = "https://pages.test/~me/blog/";
        assert_eq!(via(site, PAGE, "http://pages.test/~me/blog"), Some(Via::Direct));
        assert_eq!(via(site, PAGE, "http://pages.test/%7EMe/Blog/post/1"), Some(Via::Direct));
        assert_eq!(via(site, PAGE, "http://pages.test/~me/blogs"), None);
        assert_eq!(via(site, PAGE, "http://pages.test/~you/blog"), None);
    }

    #[test]
    fn idn_and_punycode_are_one() {
        assert_eq!(via("https://例子.测试", PAGE, "https://xn--fsqu00a.xn--0zwm56d/"), Some(Via::Direct));
        assert_eq!(via("xn--fsqu00a.xn--0zwm56d", PAGE, "https://例子.测试/友链"), Some(Via::Direct));
    }

    #[test]
    fn wrappers_count_and_say_so() {
        for href in [
            "/go?url=https://me.example.com/",
            "/go?url=https%3A%2F%2Fme.example.com",
            "/go?target=https%253A%252F%252Fme.example.com",
            "/go/aHR0cHM6Ly9tZS5leGFtcGxlLmNvbS8=",
            "/goto/aHR0cHM6Ly9tZS5leGFtcGxlLmNvbQ",
            "/go.html?u=aHR0cHM6Ly9tZS5leGFtcGxlLmNvbS8",
            "https://link.test/?target=//me.example.com",
            "/jump/https://me.example.com/a",
            "/jump/https%3A%2F%2Fme.example.com",
            "/go?https://me.example.com/",
            "/a?next=%2Fgo%3Furl%3Dx&u=https://b.test/go?url%3Dhttps%253A%252F%252Fme.example.com",
        ] {
            assert_eq!(via(ME, PAGE, href), Some(Via::Wrapper), "{href}");
        }
        for href in ["/go?url=https://notme.example.com/", "/go?url=me", "/share?text=see+https", "/go/aHR0cHM6"] {
            assert_eq!(via(ME, PAGE, href), None, "{href}");
        }
    }

    #[test]
    fn patterns_search_text_and_bad_ones_are_named() {
        let sites = MySites::new(&[], &[r"me\.example\.(com|org)".to_owned()]).unwrap();
        assert_eq!(sites.search("see me.example.org here"), Search::Found("me.example.org"));
        assert_eq!(sites.search("see you.example.org here"), Search::Nothing);
        assert!(MySites::new(&[], &vec!["a".to_owned(); 21]).unwrap_err().to_string().contains("at most 20"));
        assert!(MySites::new(&[], &["(".to_owned()]).unwrap_err().to_string().contains("regular expression"));
        assert!(MySites::new(&["nonsense".to_owned()], &[]).is_err());
    }
}
