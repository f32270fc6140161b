//! Whitelist, import, settings and accounts, as pages show them.

use super::{Pages, Stamp};
use crate::domain::{observation::Observation, whitelist::Kind};
use serde::{Deserialize, Serialize};

/// The whitelist, with what each entry matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhitelistPage {
    pub entries: Vec<EntryRow>,
    /// The form, empty or of the entry being changed.
    pub form: EntryForm,
    /// What the form's entry would match, where it was asked.
    pub preview: Option<EntryPreview>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryRow {
    pub id: i64,
    pub kind: Kind,
    pub pattern: String,
    pub enabled: bool,
    pub note: String,
    pub expires: Option<Stamp>,
    pub expired: bool,
    pub matches: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EntryForm {
    /// `name`, `host`, or empty to go by the look.
    pub kind: String,
    pub pattern: String,
    pub note: String,
    /// A day, as `<input type=date>` has it; the entry ends at its end.
    pub expires: String,
    pub enabled: bool,
    /// The entry is there already.
    pub known: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPreview {
    pub matches: u32,
    /// The first few: id, name, address.
    pub some: Vec<(i64, String, String)>,
    /// Links among them that it would bring back.
    pub hidden: u32,
}

/// What a list that was pasted or dropped would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPage {
    /// A list that is being worked on.
    pub progress: Option<ImportProgress>,
    /// What a list that was looked at would do.
    pub preview: Option<Preview>,
    /// A list that is in: links added, and changed.
    pub imported: Option<(u32, u32)>,
    /// Why a list could not be read or written.
    pub failure: Option<String>,
    pub links: u32,
}

/// How far the work on a list has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProgress {
    pub token: String,
    /// It is read already, and being written.
    pub writing: bool,
    /// Thousandths of the text that were read.
    pub permille: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Names the list that waits on the server.
    pub token: String,
    pub format: String,
    pub added: Vec<PreviewRow>,
    pub changed: Vec<PreviewRow>,
    pub unchanged: u32,
    /// Line and why.
    pub duplicates: Vec<(u32, String)>,
    pub bad: Vec<(u32, String)>,
    /// Rows that are taken without what was too long in them.
    pub shortened: Vec<(u32, String)>,
    /// Rows added, changed, unchanged or twice, and bad, in all; the lists above end sooner.
    pub counts: [u32; 4],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRow {
    pub line: u32,
    pub name: String,
    pub url: String,
    /// Field, as it is, as it would be.
    pub changes: Vec<(String, String, String)>,
}

/// A page of who did what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    pub rows: Vec<AuditRow>,
    pub pages: Pages,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    pub at: Stamp,
    pub who: String,
    /// In words.
    pub deed: String,
    pub about: String,
}

/// A place where the account is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionNote {
    /// Names it; it is not the secret that its cookie holds.
    pub handle: String,
    pub agent: String,
    pub address: String,
    pub began: Stamp,
    pub used: Stamp,
    /// The one that asks.
    pub here: bool,
}

/// Every setting, and what goes with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingsPage {
    pub fields: Vec<SettingField>,
    pub schedules: Vec<ScheduleNote>,
    /// Groups that a schedule can be over.
    pub groups: Vec<String>,
    pub timezone: String,
    pub user: String,
    pub sessions: Vec<SessionNote>,
    pub trial: Option<Trial>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingField {
    pub key: String,
    pub value: String,
    pub default: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleNote {
    pub id: i64,
    pub cron: String,
    /// `all`, `hidden` or `group:NAME`.
    pub scope: String,
    /// In plain words.
    pub words: String,
    pub next: Vec<Stamp>,
}

/// What "test on this page" saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    pub url: String,
    pub sites: String,
    pub seen: Option<Observation>,
    pub error: String,
}

/// Who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gate {
    /// No account yet: the first visit makes it.
    Setup,
    /// There is one; sign in.
    SignIn,
    /// Signed in.
    Open,
}

/// The look the owner chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    pub fn code(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub fn of_code(code: &str) -> Theme {
        Theme::ALL.into_iter().find(|theme| theme.code() == code).unwrap_or_default()
    }
}
