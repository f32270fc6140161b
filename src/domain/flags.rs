//! Advisory flags: what an owner should look at although the check was good.

use super::{marks::Seen, observation::Flag};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::BTreeSet;
use url::Url;

/// A certificate with fewer days left is about to end.
pub const CERT_DAYS: i64 = 14;

/// What parking and for-sale pages load or say, ASCII letters of either case.
pub const PARKING_MARKS: &[&str] = &[
    "sedoparking.com",
    "parkingcrew.net",
    "parklogic.com",
    "img.sedoparking",
    "bodis.com",
    "d1lxhc4jvstzrp.cloudfront.net",
    "afternic.com/forsale",
    "hugedomains.com/domain_profile",
    "dan.com/buy-domain",
    "buydomain.godaddy",
    "godaddy.com/forsale",
    "sedo.com/search/details",
    "above.com/marketplace",
    "cashparking",
    "dynadot.com/market",
    "namebright.com/parking",
    "buy this domain",
    "this domain is for sale",
    "this domain may be for sale",
    "the domain name is for sale",
    "domain is parked",
    "parked domain",
    "domain parking",
    "此域名出售",
    "域名出售中",
    "域名正在出售",
    "本域名出售",
    "本域名可出售",
    "该域名可出售",
    "域名可转让",
    "域名转让中",
    "该域名已过期",
    "域名已到期",
    "购买此域名",
];

/// Where domains are sold: a link that ends there has been.
const MARKETS: &[&str] = &[
    "sedo.com",
    "dan.com",
    "afternic.com",
    "hugedomains.com",
    "bodis.com",
    "parkingcrew.net",
    "4.cn",
    "22.cn",
    "ename.com",
];

/// What the flags of one check go by.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The link's address, and where its redirects ended.
    pub url: &'a str,
    pub final_url: Option<&'a str>,
    pub title: Option<&'a str>,
    /// The link's title when it was last well.
    pub good_title: Option<&'a str>,
    pub marks: &'a Seen,
    /// The page has almost no words and links of its own.
    pub sparse: bool,
    /// The certificate's last day, YYYY-MM-DD.
    pub cert_end: Option<&'a str>,
    pub at: DateTime<Utc>,
}

/// The flags that a page earns.
pub fn of(facts: &Facts<'_>) -> Vec<Flag> {
    let moved = facts.final_url.is_some_and(|to| moved_host(facts.url, to));
    let checks = [
        (Flag::ParkedSuspected, parked(facts)),
        (Flag::MovedHost, moved),
        (Flag::TitleChanged, facts.title.zip(facts.good_title).is_some_and(|(now, then)| title_changed(then, now))),
        (Flag::CertExpiring, facts.cert_end.is_some_and(|end| expires_soon(end, facts.at))),
    ];
    checks.into_iter().filter_map(|(flag, raised)| raised.then_some(flag)).collect()
}

fn parked(facts: &Facts<'_>) -> bool {
    let at_market = |address: &str| registrable(address).is_some_and(|host| MARKETS.contains(&host.as_str()));
    let sold = facts.final_url.is_some_and(at_market) && !at_market(facts.url);
    let title = facts.title.unwrap_or_default().to_lowercase();
    let titled = PARKING_MARKS.iter().any(|mark| title.contains(mark));
    let said = facts.sparse && PARKING_MARKS.iter().any(|mark| facts.marks.has(mark));
    sold || titled || said
}

/// Whether two addresses lie in different registrable domains, by the public suffix list.
pub fn moved_host(from: &str, to: &str) -> bool {
    match (registrable(from), registrable(to)) {
        (Some(from), Some(to)) => from != to,
        _ => false,
    }
}

/// The registrable domain of an address's host; the host itself where it has none, such as an IP address.
pub fn registrable(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
    if !matches!(url.host(), Some(url::Host::Domain(_))) {
        return Some(host);
    }
    Some(psl::domain_str(&host).map_or_else(|| host.clone(), str::to_owned))
}

fn expires_soon(end: &str, at: DateTime<Utc>) -> bool {
    let Ok(day) = NaiveDate::parse_from_str(end, "%Y-%m-%d") else { return false };
    day < (at + TimeDelta::days(CERT_DAYS)).date_naive()
}

/// Whether a title has changed beyond recognition: no word of the old one is left, and hardly a pair of letters.
pub fn title_changed(then: &str, now: &str) -> bool {
    if plain(then).is_empty() || plain(now).is_empty() || titles_share_a_word(then, now) {
        return false;
    }
    likeness(&plain(then), &plain(now)) < SAME_TITLE
}

/// Whether two titles are the same, or have a word of three letters or more in common.
pub fn titles_share_a_word(then: &str, now: &str) -> bool {
    let (then, now) = (plain(then), plain(now));
    let words = |text: &str| -> BTreeSet<String> {
        text.split(' ').filter(|word| word.chars().count() > 2).map(str::to_owned).collect()
    };
    then == now || !words(&then).is_disjoint(&words(&now))
}

/// Below this share of common letter pairs two titles have nothing to do with each other.
const SAME_TITLE: f64 = 0.2;

/// Letters and digits in lower case, everything else as single spaces.
fn plain(title: &str) -> String {
    let spaced: String =
        title.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).flat_map(char::to_lowercase).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The Sørensen-Dice coefficient over pairs of letters, 0–1.
fn likeness(a: &str, b: &str) -> f64 {
    let pairs = |text: &str| -> BTreeSet<(char, char)> {
        let letters: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
        letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let (a, b) = (pairs(a), pairs(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let common = u32::try_from(a.intersection(&b).count()).unwrap_or(u32::MAX);
    let all = u32::try_from(a.len() + b.len()).unwrap_or(u32::MAX);
    2.0 * f64::from(common) / f64::from(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_drift_but_strangers_are_noticed() {
        for (then, now) in [
            ("张三的博客", "张三的小站 - 关于"),
            ("Paper Lanterns", "Paper Lanterns | New post"),
            ("Hello World Blog", "Rust notes - hello world blog"),
            ("半亩方塘", "半亩方塘｜二〇二六"),
            ("", "anything"),
            ("anything", ""),
        ] {
            assert!(!title_changed(then, now), "{then} / {now}");
        }
        for (then, now) in [
            ("张三的博客", "澳门新葡京官方网站"),
            ("Paper Lanterns", "Buy cheap casino chips"),
            ("夜航船", "example.com is for sale"),
        ] {
            assert!(title_changed(then, now), "{then} / {now}");
        }
    }

    #[test]
    fn another_registrable_domain_is_another_owner() {
        assert!(!moved_host("https://example.com/", "https://www.example.com/a"));
        assert!(!moved_host("https://blog.example.co.uk/", "https://example.co.uk/"));
        assert!(moved_host("https://a.github.io/", "https://b.github.io/"));
        assert!(moved_host("https://example.com/", "https://example.net/"));
        assert!(!moved_host("http://127.0.0.1:81/", "http://127.0.0.1:82/"));
        assert!(moved_host("http://127.0.0.1/", "http://127.0.0.2/"));
    }

    #[test]
    fn certificates_end_in_less_than_fourteen_days() {
        let at = "2026-11-21T12:00:00Z".parse().unwrap();
        assert!(expires_soon("2026-12-04", at));
        assert!(!expires_soon("2026-12-05", at));
        assert!(!expires_soon("soon", at));
    }

    #[test]
    fn parking_wants_a_sparse_page_or_a_title_or_a_market() {
        let seen = Seen::on("<p>Buy This Domain</p>");
        let facts = Facts {
            url: "https://friend.test/",
            final_url: None,
            title: None,
            good_title: None,
            marks: &seen,
            sparse: true,
            cert_end: None,
            at: "2026-11-21T12:00:00Z".parse().unwrap(),
        };
        assert_eq!(of(&facts), [Flag::ParkedSuspected]);
        assert_eq!(of(&Facts { sparse: false, ..facts }), [], "an article about it");
        let titled = Facts { sparse: false, title: Some("friend.test - This domain is for sale!"), ..facts };
        assert_eq!(of(&titled), [Flag::ParkedSuspected]);
        let sold = Facts { sparse: false, final_url: Some("https://www.hugedomains.com/x"), ..facts };
        assert_eq!(of(&sold), [Flag::ParkedSuspected, Flag::MovedHost]);
    }
}
