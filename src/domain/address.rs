//! Web addresses: what counts as one, and which two are the same.

use super::lang::Lang;
use url::{ParseError, Url};

/// Why a text is not an address that can be a friend's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address is empty")]
    Empty,
    #[error("{0:?} is not a web address (expected something like https://example.com/)")]
    NotAnAddress(String),
    #[error("{0:?} is not http or https")]
    Scheme(String),
    #[error("{0:?} names no host")]
    NoHost(String),
    #[error("{0:?} carries a user name or password; remove it")]
    UserInfo(String),
}

impl AddressError {
    /// What is wrong and what to write instead, in a language.
    pub fn words(&self, lang: Lang) -> String {
        let zh = match self {
            AddressError::Empty => "网址是空的，请填写完整网址，如 https://example.com/".to_owned(),
            AddressError::NotAnAddress(text) => format!("“{text}”不是网址，请填写完整网址，如 https://example.com/"),
            AddressError::Scheme(text) => format!("“{text}”不是 http 或 https 网址"),
            AddressError::NoHost(text) => format!("“{text}”没有域名"),
            AddressError::UserInfo(text) => format!("“{text}”含用户名或密码，请去掉"),
        };
        lang.pick(zh, self.to_string())
    }
}

/// Characters of a label of a host, and of the whole of it: RFC 1035, 2.3.4, has as many bytes, and in punycode each
/// character takes one at least.
const LABEL_MAX: usize = 63;
const HOST_MAX: usize = 253;

/// Reads an address as browsers do. One whose host no name server can know is refused before it is read: bringing a label
/// into punycode takes time in the square of its length, a second for what fits into one redirect.
///
/// # Errors
/// As [`Url::parse`].
pub fn read(text: &str) -> Result<Url, ParseError> {
    if has_long_host(text) { Err(ParseError::IdnaError) } else { Url::parse(text) }
}

/// As [`read`], seen from a page.
///
/// # Errors
/// As [`Url::join`].
pub fn join(base: &Url, text: &str) -> Result<Url, ParseError> {
    if has_long_host(text) { Err(ParseError::IdnaError) } else { base.join(text) }
}

fn has_long_host(text: &str) -> bool {
    // Browsers see none of these, wherever they stand.
    if text.contains(['\t', '\n', '\r']) {
        return has_long_host(&text.replace(['\t', '\n', '\r'], ""));
    }
    authority(text).is_some_and(|authority| {
        let host = authority.rsplit('@').next().unwrap_or_default();
        let mut labels = host.split(['.', '。', '．', '｡', ':']);
        characters(host) > HOST_MAX || labels.any(|label| characters(label) > LABEL_MAX)
    })
}

/// The characters of a part of a host, those that are percent-encoded taken for a third of one: they are bytes, three to
/// most letters that are encoded.
fn characters(text: &str) -> usize {
    let encoded = text.matches('%').count();
    text.chars().count().saturating_sub(3 * encoded) + encoded.div_ceil(3)
}

/// What stands between an address's slashes, where it has a host at all.
fn authority(text: &str) -> Option<&str> {
    /// With these a host follows however many slashes there are.
    const SPECIAL: [&str; 6] = ["http", "https", "ftp", "ws", "wss", "file"];
    let text = text.trim_start_matches(|c: char| c <= ' ');
    let is_scheme = |scheme: &str| scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let (scheme, rest) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).unwrap_or(("", text));
    let from = rest.trim_start_matches(['/', '\\']);
    let is_special = SPECIAL.iter().any(|special| scheme.eq_ignore_ascii_case(special));
    (is_special || rest.len() - from.len() >= 2).then(|| from.split(['/', '\\', '?', '#']).next()).flatten()
}

/// Parses a friend's address. A bare `example.com/blog` is taken as https.
///
/// # Errors
/// [`AddressError`] where it is no http or https address with a host and without user name.
pub fn parse(text: &str) -> Result<Url, AddressError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    let shown = || text.chars().take(120).collect::<String>();
    let whole = if let Some(rest) = text.strip_prefix("//") {
        format!("https://{rest}")
    } else if has_scheme(text) {
        text.to_owned()
    } else if text.split(['/', '?', '#']).next().is_some_and(|host| host.contains('.') && !host.contains(' ')) {
        format!("https://{text}")
    } else {
        return Err(AddressError::NotAnAddress(shown()));
    };
    let url = read(&whole).map_err(|_| AddressError::NotAnAddress(shown()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(AddressError::Scheme(shown()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::UserInfo(shown()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(AddressError::NoHost(shown()));
    }
    Ok(url)
}

/// Whether the text begins with a scheme; `example.com:8080` does not.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let named = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let port_follows =
        rest.split(['/', '?', '#']).next().is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    named && !(port_follows && (scheme.contains('.') || scheme.eq_ignore_ascii_case("localhost")))
}

/// The host in lower-case punycode without a leading `www.` and a trailing dot.
pub fn bare_host(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.strip_prefix("www.") {
        Some(rest) if rest.contains('.') => rest,
        _ => host,
    }
}

/// The port, unless it is a default one: with the scheme ignored, 80 and 443 are the same place.
pub fn odd_port(url: &Url) -> Option<u16> {
    url.port().filter(|port| !matches!(port, 80 | 443))
}

/// The key by which duplicates are found: host without `www.`, port unless default, path without trailing
/// slash, and query. Scheme and fragment do not count. Design.md: "Normalised URL".
pub fn key(url: &Url) -> String {
    let mut key = bare_host(url).to_owned();
    if let Some(port) = odd_port(url) {
        key.push_str(&format!(":{port}"));
    }
    key.push_str(url.path().trim_end_matches('/'));
    if let Some(query) = url.query().filter(|query| !query.is_empty()) {
        key.push('?');
        key.push_str(query);
    }
    key
}

/// The address itself if it is safe to put into an `href`, empty otherwise.
pub fn safe_href(text: &str) -> String {
    parse(text).map(String::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        key(&parse(a).unwrap()) == key(&parse(b).unwrap())
    }

    #[test]
    fn a_host_that_no_name_server_knows_is_not_read() {
        let label = "友".repeat(64);
        let base = Url::parse("https://a.test/links").unwrap();
        for text in [
            format!("https://{label}.test/"),
            format!("HTTPS:{label}.test"),
            format!("  https:\\\\me@b.test@{label}:80/x"),
            format!("ht\ntps://b.{}\t{label}。test", "x"),
            format!("https://{}.test/", "%E5%8F%8B".repeat(64)),
            format!("https://%61{}.test/", "友".repeat(63)),
            format!("https://{}test/", format!("{}.", "友".repeat(60)).repeat(5)),
            format!("https://xn--{}.test/", "a".repeat(64)),
        ] {
            assert!(read(&text).is_err() && join(&base, &text).is_err(), "{text}");
        }
        for relative in [format!("//{label}.test/"), format!("/\\{label}"), format!("\n/\t/{label}")] {
            assert!(join(&base, &relative).is_err(), "{relative}");
        }
        for fine in [
            format!("https://{}.test/{label}{label}", "x".repeat(63)),
            format!("https://b.test?{label}"),
            format!("https://{label}@b.test/#{label}"),
            format!("https://{}.test/", "%E5%8F%8B".repeat(20)),
            "https://[2001:db8::1]:8080/".to_owned(),
            format!("data:text/plain,{label}{label}"),
        ] {
            assert_eq!(read(&fine).ok(), Url::parse(&fine).ok(), "{fine}");
        }
        for relative in [format!("/{label}"), label.clone(), format!("?{label}"), format!("./{label}:{label}")] {
            assert_eq!(join(&base, &relative).ok(), base.join(&relative).ok(), "{relative}");
        }
    }

    #[test]
    fn spellings_of_one_place_share_a_key() {
        for other in [
            "http://example.com",
            "https://www.example.com/",
            "HTTPS://EXAMPLE.com:443/#top",
            "http://example.com:80",
            "example.com",
            "//example.com",
            "https://example.com./",
        ] {
            assert!(same("https://example.com/", other), "{other}");
        }
        assert!(same("https://例子.测试/博客/", "http://xn--fsqu00a.xn--0zwm56d/%E5%8D%9A%E5%AE%A2"));
        for other in
            ["https://example.com/a", "https://example.com:8080/", "https://example.com/?p=1", "https://wwwexample.com"]
        {
            assert!(!same("https://example.com/", other), "{other}");
        }
    }

    #[test]
    fn other_schemes_and_odd_texts_are_refused() {
        for text in [
            "",
            "  ",
            "ftp://example.com",
            "mailto:me@example.com",
            "javascript:alert(1)",
            "hello",
            "http://",
            "https://u:p@example.com/",
            "#",
            "/about",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_is_not_a_scheme() {
        assert_eq!(parse("example.com:8080/x").unwrap().as_str(), "https://example.com:8080/x");
        assert!(parse("localhost:3000").is_err());
    }
}
