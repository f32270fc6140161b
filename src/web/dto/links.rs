//! Links, as pages show them.

use super::{Pages, Stamp};
use crate::domain::{
    class::Class,
    observation::{Flag, Observation, Standing},
    reason::Reason,
    run::Cause,
    verdict::Change,
};
use serde::{Deserialize, Serialize};

/// How the roll stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub links: u32,
    pub shown: u32,
    pub hidden: u32,
    pub review: u32,
    pub whitelisted: u32,
}

/// One link in the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkRow {
    pub id: i64,
    pub name: String,
    /// As the owner wrote it.
    pub url: String,
    /// Safe to follow; empty where it is not.
    pub href: String,
    /// The avatar's address, where the owner lets pages load them.
    pub logo: String,
    pub group: String,
    pub active: bool,
    pub shown: bool,
    pub whitelisted: bool,
    pub manual: bool,
    pub reason: Option<Reason>,
    pub class: Option<Class>,
    pub status: Option<u16>,
    pub ms: Option<u32>,
    pub checked: Option<Stamp>,
    pub recent: Vec<Standing>,
    pub flags: Vec<Flag>,
    /// What a stored verdict will change once its run takes effect.
    pub pending: Change,
}

/// The query string of /links.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinksQuery {
    pub q: String,
    /// shown, hidden, review, unchecked, inactive.
    pub status: String,
    /// A group's name; `-` for links without one.
    pub group: String,
    /// yes or no.
    pub whitelist: String,
    /// A class's code.
    pub reason: String,
    /// state, name, group, latency, checked or since; `-` before it turns it round.
    pub sort: String,
    pub page: u32,
    pub size: u32,
}

impl LinksQuery {
    /// The keys with what they hold, empty ones left out.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let number = |n: u32| if n == 0 { String::new() } else { n.to_string() };
        let all = [
            ("q", self.q.clone()),
            ("status", self.status.clone()),
            ("group", self.group.clone()),
            ("whitelist", self.whitelist.clone()),
            ("reason", self.reason.clone()),
            ("sort", self.sort.clone()),
            ("size", number(self.size)),
            ("page", number(self.page)),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Whether anything narrows the table.
    pub fn narrows(&self) -> bool {
        [&self.q, &self.status, &self.group, &self.whitelist, &self.reason].iter().any(|value| !value.is_empty())
    }
}

/// The table of links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinksPage {
    pub query: LinksQuery,
    pub rows: Vec<LinkRow>,
    pub pages: Pages,
    pub groups: Vec<(String, u32)>,
    /// Links in the whole roll.
    pub links: u32,
}

/// What the owner says of a link, as the form holds it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkForm {
    /// 0 for a new one.
    pub id: i64,
    pub name: String,
    pub url: String,
    pub group: String,
    pub logo: String,
    pub description: String,
    pub feed: String,
    pub backlink_page: String,
    pub email: String,
    pub note: String,
    pub active: bool,
    pub backlink_off: bool,
    /// Seconds; empty goes by the setting.
    pub timeout: String,
    /// Statuses besides 200, with spaces between.
    pub accept: String,
    pub groups: Vec<String>,
}

/// Everything about one link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkPage {
    pub row: LinkRow,
    pub form: LinkForm,
    pub since: Stamp,
    pub bad_streak: u32,
    pub good_streak: u32,
    pub manual: Option<ManualNote>,
    pub last: Option<CheckNote>,
    pub checks: Vec<CheckNote>,
    pub changes: Vec<ChangeNote>,
    pub span: Span,
    pub line: Line,
}

/// The owner's own verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualNote {
    pub shown: bool,
    pub set_by: String,
    pub set_at: Stamp,
    pub until: Option<Stamp>,
}

/// One check with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckNote {
    pub run_id: i64,
    pub at: Stamp,
    pub seen: Observation,
}

/// A change of what is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeNote {
    pub link_id: i64,
    pub name: String,
    pub run_id: Option<i64>,
    pub at: Stamp,
    pub shown: bool,
    pub reason: Option<Reason>,
    pub cause: Cause,
}

/// How far back the latency line goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    Day,
    Week,
    #[default]
    Month,
    Year,
}

impl Span {
    pub const ALL: [Span; 4] = [Span::Day, Span::Week, Span::Month, Span::Year];

    pub fn code(self) -> &'static str {
        match self {
            Span::Day => "day",
            Span::Week => "week",
            Span::Month => "month",
            Span::Year => "year",
        }
    }

    pub fn of_code(code: &str) -> Span {
        Span::ALL.into_iter().find(|span| span.code() == code).unwrap_or_default()
    }

    pub fn days(self) -> i64 {
        match self {
            Span::Day => 1,
            Span::Week => 7,
            Span::Month => 30,
            Span::Year => 365,
        }
    }
}

/// Latency over time, ready to draw: `x` runs from 0 to 1000, times are in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub points: Vec<(u32, u32)>,
    /// From where to where the site was down.
    pub down: Vec<(u32, u32)>,
    pub max_ms: u32,
    pub median_ms: u32,
    pub checks: u32,
    pub bad: u32,
    pub from: Stamp,
    pub to: Stamp,
}

/// One link of the review queue, and where in the queue it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReviewPage {
    /// One link a page.
    pub pages: Pages,
    pub why: Vec<Why>,
    /// `None` where there is nothing to review.
    pub link: Option<LinkPage>,
}

/// Why a link is in the review queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The newest check could not tell.
    Unverifiable,
    /// It was hidden lately.
    Hidden,
    Flag(Flag),
}
