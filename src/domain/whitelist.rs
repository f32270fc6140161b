//! Whitelist entries: which links are exempt from checking.

use super::address;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What an entry matches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The link's name, to the letter but for case and surrounding spaces.
    Name,
    /// The host of the link's address: `example.com` (and `www.`), or `*.example.com` for all below it.
    Host,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub id: i64,
    pub kind: Kind,
    pub pattern: String,
    pub enabled: bool,
    pub note: String,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why a host pattern is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host pattern: write example.com or *.example.com")]
pub struct PatternError(pub String);

impl Entry {
    /// A name or a host pattern that is exempt in one run.
    pub fn of_run(pattern: &str) -> Entry {
        Entry {
            id: 0,
            kind: guess_kind(pattern),
            pattern: pattern.to_owned(),
            enabled: true,
            note: String::new(),
            expires_at: None,
        }
    }

    /// Whether the entry is on and has not expired.
    pub fn in_force(&self, at: DateTime<Utc>) -> bool {
        self.enabled && self.expires_at.is_none_or(|end| at < end)
    }

    /// Whether the entry names this link, in force or not.
    pub fn names(&self, name: &str, url: &str) -> bool {
        self.pattern().names(name, || Place::of(url))
    }

    /// What the entry matches on, worked out once for many links.
    pub fn pattern(&self) -> Pattern {
        match self.kind {
            Kind::Name => Pattern::Name(folded(&self.pattern)),
            Kind::Host => Pattern::of_host(&self.pattern),
        }
    }
}

/// Where an address leads, as host patterns see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    host: String,
    port: Option<u16>,
}

impl Place {
    /// `None` where it is no address.
    pub fn of(url: &str) -> Option<Place> {
        let url = address::read(url).ok()?;
        Some(Place { host: address::bare_host(&url).to_owned(), port: address::odd_port(&url) })
    }
}

/// An entry's pattern, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// In lower case, without surrounding spaces.
    Name(String),
    Host {
        host: String,
        port: Option<u16>,
        /// All below the host, and not itself.
        below: bool,
    },
    /// No link is named.
    Nothing,
}

impl Pattern {
    fn of_host(pattern: &str) -> Pattern {
        let Ok(pattern) = normal_host(pattern) else { return Pattern::Nothing };
        let (below, pattern) = match pattern.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, pattern.as_str()),
        };
        let (host, port) = match pattern.rsplit_once(':') {
            // The colons of an IPv6 address stand within brackets.
            Some((host, port)) if host.ends_with(']') || !host.starts_with('[') => (host, port.parse().ok()),
            _ => (pattern, None),
        };
        Pattern::Host { host: host.to_owned(), port, below }
    }

    /// Whether a link of this name at this place is named; the place is asked for where it is needed only.
    pub fn names<P: std::borrow::Borrow<Place>>(&self, name: &str, place: impl FnOnce() -> Option<P>) -> bool {
        match self {
            Pattern::Name(own) => *own == folded(name),
            Pattern::Host { host, port, below } => place().is_some_and(|place| {
                let place = place.borrow();
                let there = if *below {
                    place.host.strip_suffix(host.as_str()).is_some_and(|rest| rest.ends_with('.'))
                } else {
                    place.host == *host
                };
                there && (port.is_none() || *port == place.port)
            }),
            Pattern::Nothing => false,
        }
    }
}

/// The entries in force at one time, taken apart once for many links.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    names: HashSet<String>,
    hosts: Vec<Pattern>,
}

impl InForce {
    pub fn of(entries: &[Entry], at: DateTime<Utc>) -> InForce {
        let mut in_force = InForce::default();
        for entry in entries.iter().filter(|entry| entry.in_force(at)) {
            match entry.pattern() {
                Pattern::Name(name) => drop(in_force.names.insert(name)),
                host => in_force.hosts.push(host),
            }
        }
        in_force
    }

    /// Whether one of the entries names the link.
    pub fn exempt(&self, name: &str, url: &str) -> bool {
        if !self.names.is_empty() && self.names.contains(&folded(name)) {
            return true;
        }
        if self.hosts.is_empty() {
            return false;
        }
        let place = Place::of(url);
        self.hosts.iter().any(|host| host.names(name, || place.as_ref()))
    }
}

/// Reads a pattern that may be a name or a host, as the command line takes it: what looks like a host is one.
pub fn guess_kind(pattern: &str) -> Kind {
    let pattern = pattern.trim();
    let bare = pattern.strip_prefix("*.").unwrap_or(pattern);
    let (host, _port) = bare.rsplit_once(':').unwrap_or((bare, ""));
    let top_level_name = |host: &str| host.rsplit('.').next().is_some_and(|top| top.chars().count() >= 2);
    let host_like = bare.contains('.')
        && !bare.contains(char::is_whitespace)
        && normal_host(pattern).is_ok()
        && (host.parse::<std::net::IpAddr>().is_ok() || top_level_name(host));
    if host_like { Kind::Host } else { Kind::Name }
}

/// Brings a host pattern into its stored form: lower-case punycode, `*.` kept.
///
/// # Errors
/// [`PatternError`] where it is no host, or carries anything besides one.
pub fn normal_host(pattern: &str) -> Result<String, PatternError> {
    let wrong = || PatternError(pattern.to_owned());
    let text = pattern.trim();
    let (star, rest) = match text.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", text),
    };
    if rest.is_empty() || rest.contains(['*', '/', '?', '#', '@', ' ', '\\']) {
        return Err(wrong());
    }
    let url = address::read(&format!("http://{rest}/")).map_err(|_| wrong())?;
    let host = address::bare_host(&url);
    if host.is_empty() {
        return Err(wrong());
    }
    match address::odd_port(&url) {
        Some(port) => Ok(format!("{star}{host}:{port}")),
        None => Ok(format!("{star}{host}")),
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn entry(kind: Kind, pattern: &str) -> Entry {
        Entry { id: 1, kind, pattern: pattern.into(), enabled: true, note: String::new(), expires_at: None }
    }

    #[test]
    fn names_match_whole_and_without_case() {
        let e = entry(Kind::Name, " Alice ");
        assert!(e.names("alice", "https://a.test/"));
        assert!(!e.names("alice b", "https://a.test/"));
    }

    #[test]
    fn hosts_match_whole_labels_only() {
        let exact = entry(Kind::Host, "Example.com");
        assert!(exact.names("x", "https://www.example.com/a"));
        assert!(exact.names("x", "http://example.com:8080/"));
        assert!(!exact.names("x", "https://blog.example.com/"));
        assert!(!exact.names("x", "https://notexample.com/"));
        let below = entry(Kind::Host, "*.example.com");
        assert!(below.names("x", "https://blog.example.com/"));
        assert!(below.names("x", "https://a.b.example.com/"));
        assert!(!below.names("x", "https://example.com/"));
        assert!(!below.names("x", "https://notexample.com/"));
        assert!(!below.names("x", "https://example.com.evil.test/"));
        assert!(entry(Kind::Host, "例子.测试").names("x", "https://xn--fsqu00a.xn--0zwm56d/"));
    }

    #[test]
    fn a_host_pattern_with_a_port_wants_that_port() {
        let e = entry(Kind::Host, "127.0.0.1:8001");
        assert!(e.names("x", "http://127.0.0.1:8001/a"));
        assert!(!e.names("x", "http://127.0.0.1:8002/a"));
        assert!(entry(Kind::Host, "127.0.0.1").names("x", "http://127.0.0.1:8002/a"));
        let six = entry(Kind::Host, "[2001:db8::1]");
        assert!(six.names("x", "http://[2001:db8::1]/") && six.names("x", "http://[2001:db8:0::1]:8080/"));
        assert!(!six.names("x", "http://[2001:db8::2]/"));
        let with_port = entry(Kind::Host, "[2001:db8::1]:8080");
        assert!(with_port.names("x", "http://[2001:db8::1]:8080/") && !with_port.names("x", "http://[2001:db8::1]/"));
    }

    #[test]
    fn entries_end_and_switch_off() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let exempts = |entries: &[Entry], name, url, at| InForce::of(entries, at).exempt(name, url);
        let mut e = entry(Kind::Name, "a");
        e.expires_at = Some(now);
        assert!(exempts(std::slice::from_ref(&e), "a", "", now - TimeDelta::seconds(1)));
        assert!(!exempts(std::slice::from_ref(&e), "a", "", now));
        e.expires_at = None;
        e.enabled = false;
        assert!(!exempts(std::slice::from_ref(&e), "a", "", now));
    }

    #[test]
    fn the_kind_is_guessed_from_the_look() {
        for host in ["example.com", "*.example.com", "例子.测试", "127.0.0.1"] {
            assert_eq!(guess_kind(host), Kind::Host, "{host}");
        }
        for name in ["Alice", "阮一峰的网络日志", "Mr. Blog", "v1.", "a.b c"] {
            assert_eq!(guess_kind(name), Kind::Name, "{name}");
        }
    }

    #[test]
    fn bad_patterns_say_so() {
        for bad in ["", "*", "a*.com", "https://a.com", "a.com/b"] {
            assert!(normal_host(bad).is_err(), "{bad}");
        }
    }
}
