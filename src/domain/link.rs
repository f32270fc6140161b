//! A friend link and what the rules remember of it.

use super::{
    observation::{Flag, Standing},
    reason::Reason,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One friend, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub id: i64,
    #[serde(flatten)]
    pub about: About,
    /// In the roll at all; inactive links are never touched.
    pub active: bool,
    pub state: LinkState,
    pub last_check: Option<LastCheck>,
    /// How the newest checks ended, oldest first, at most [`RECENT_CHECKS`].
    pub recent: Vec<Standing>,
    /// What the newest check advises the owner to look at.
    #[serde(default)]
    pub flags: Vec<Flag>,
    /// The title when the link was last well.
    #[serde(default)]
    pub good_title: Option<String>,
}

/// Checks that a link's strip shows.
pub const RECENT_CHECKS: usize = 30;

/// What the owner says of a friend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub name: String,
    pub url: String,
    pub group: String,
    pub logo: String,
    pub description: String,
    pub feed: String,
    /// The page that carries the backlink, where it is not the site's own address.
    pub backlink_page: String,
    pub email: String,
    pub note: String,
    #[serde(default)]
    pub overrides: Overrides,
}

/// Where one link differs from the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// No backlink is asked of this friend.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backlink_off: bool,
    /// Time limit of one attempt, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Statuses that count as well as 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<u16>,
}

/// What the rules know and change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkState {
    pub shown: bool,
    pub reason: Option<Reason>,
    /// Bad checks in a row, of any class.
    pub bad_streak: u32,
    /// Good checks in a row.
    pub good_streak: u32,
    /// Since when `shown` is as it is.
    pub since: DateTime<Utc>,
    /// When the newest judged observation was made, so that none is judged twice.
    pub judged: Option<DateTime<Utc>>,
    pub manual: Option<Manual>,
}

/// A verdict of the owner's, which outranks the rules while it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manual {
    pub shown: bool,
    /// `None` holds until lifted.
    pub until: Option<DateTime<Utc>>,
    pub set_at: DateTime<Utc>,
    pub set_by: String,
}

impl Manual {
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

impl LinkState {
    /// A new link is shown.
    pub fn new(at: DateTime<Utc>) -> LinkState {
        LinkState { shown: true, reason: None, bad_streak: 0, good_streak: 0, since: at, judged: None, manual: None }
    }
}

/// The newest check, for tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastCheck {
    pub at: DateTime<Utc>,
    pub class: super::class::Class,
    pub status: Option<u16>,
    pub ms: u32,
    pub final_url: Option<String>,
}
