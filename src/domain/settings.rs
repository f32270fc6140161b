//! The settings: every key with its default, range and help, and how it is read from text.

mod keys;
#[cfg(test)]
mod tests;

pub use keys::{Input, Key, Section, all as keys, parse_net, seconds};

use super::{address, backlink::MySites, class::Class, field, lang::Lang, policy::Policy, schedule};
use chrono::TimeDelta;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that a run goes by. A run keeps a copy, so that one resumed later goes by the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub my_sites: Vec<String>,
    pub my_site_patterns: Vec<String>,
    pub policy: Policy,
    pub witnesses: Vec<String>,
    pub limits: Limits,
    /// Look on the friend's own links page where the home page has no backlink.
    pub discovery: bool,
    pub user_agent: String,
    /// IANA name; empty takes the machine's own zone.
    pub timezone: String,
    /// Where the dashboard is reached from outside; empty where only directly.
    pub public_url: String,
    /// Pages load friends' pictures from their sites.
    #[serde(default)]
    pub avatars: bool,
    /// Days that single checks are kept.
    #[serde(default = "default_keep_days")]
    pub keep_days: u32,
    /// What concerns the program and no run; a run's copy goes without.
    #[serde(skip)]
    pub system: System,
}

/// How the program itself is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Scheduled runs start up to so much later, seconds.
    pub jitter_s: u32,
    /// Schedules leave links alone that have been dead for long.
    pub back_off: bool,
    /// When the database is backed up; empty never.
    pub backup_cron: String,
    /// How many backups are kept.
    pub backups_keep: u32,
    /// The proxy that checks go through; empty none.
    pub proxy: String,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// What /metrics asks of other machines; empty keeps them out.
    pub metrics_token: String,
    /// Connections to the dashboard at once; 0 goes by the limit of open files.
    pub max_connections: u32,
    /// Of these from one address that nobody is signed in on; 0 leaves it to the program.
    pub max_connections_per_address: u32,
}

impl Default for System {
    fn default() -> Self {
        System {
            jitter_s: 60,
            back_off: true,
            backup_cron: "30 3 * * *".to_owned(),
            backups_keep: 7,
            proxy: String::new(),
            trusted_proxies: Vec::new(),
            metrics_token: String::new(),
            max_connections: 0,
            max_connections_per_address: 0,
        }
    }
}

/// What stands for a secret where it is shown. Set to this, it stays as it is.
pub const SECRET_SHOWN: &str = "***";

/// Whether a setting's value opens something: pages, logs and notes never carry it. A proxy's address may hold a
/// password.
pub fn is_secret(key: &str) -> bool {
    matches!(key, "metrics_token" | "proxy")
}

/// How a setting's change is noted; secrets are not.
pub fn change_words(key: &str, old: &str, new: &str) -> String {
    let shown = |value: &str| match (key, value) {
        (_, "") => "–".to_owned(),
        (key, _) if is_secret(key) => SECRET_SHOWN.to_owned(),
        _ => value.replace('\n', " "),
    };
    format!("{key}: {} → {}", shown(old), shown(new))
}

impl System {
    pub fn jitter(&self) -> TimeDelta {
        TimeDelta::seconds(self.jitter_s.into())
    }
}

/// Design.md, Numbers.
fn default_keep_days() -> u32 {
    30
}

/// Numbers of design.md, Numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Checks at once.
    pub concurrency: u32,
    /// Checks at once of one host and port.
    pub per_host: u32,
    /// One attempt: name, connection, redirects and body together; milliseconds.
    pub timeout_ms: u32,
    /// Of this for name and connection; milliseconds.
    pub connect_timeout_ms: u32,
    /// Further attempts after a transient failure.
    pub retries: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            my_sites: Vec::new(),
            my_site_patterns: Vec::new(),
            policy: Policy::default(),
            witnesses: Vec::new(),
            limits: Limits::default(),
            discovery: true,
            user_agent: DEFAULT_USER_AGENT.to_owned(),
            timezone: String::new(),
            public_url: String::new(),
            avatars: false,
            keep_days: default_keep_days(),
            system: System::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { concurrency: 100, per_host: 2, timeout_ms: 5000, connect_timeout_ms: 3000, retries: 1 }
    }
}

/// Names the program and whoever runs it, as a polite crawler does. `{site}` becomes the owner's address.
pub const DEFAULT_USER_AGENT: &str =
    concat!("Mozilla/5.0 (compatible; Rollcall/", env!("CARGO_PKG_VERSION"), "; +{site})");

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("there is no setting {0:?}; `rollcall setting list` shows them all")]
    Unknown(String),
    #[error("{key} = {value:?}: {why}")]
    Value { key: String, value: String, why: Why },
}

impl SettingError {
    /// What is wrong and what to write instead, in a language, under the name that the settings page has for the key.
    pub fn words(&self, lang: Lang) -> String {
        match self {
            SettingError::Unknown(key) => lang.pick(format!("没有设置项 {key}"), self.to_string()),
            SettingError::Value { key, why, .. } => {
                let known = keys::all().find(|known| known.name == key);
                let label = known.map_or(key.as_str(), |known| lang.pick(known.label.0, known.label.1));
                lang.pick(format!("{label}：{}", why.zh), format!("{label}: {}", why.en))
            }
        }
    }
}

/// Why a value cannot be, in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    pub zh: String,
    pub en: String,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.en)
    }
}

/// Characters of a wrong value that an error repeats.
const VALUE_TOLD: usize = 60;
/// The prefix of the keys that set [`Policy::hide_after`] class by class.
pub const HIDE_AFTER: &str = "hide_after.";

impl Settings {
    /// The User-Agent of every request, `{site}` filled in: the first of my sites, or where the dashboard is reached,
    /// or the project's own address.
    pub fn agent(&self) -> String {
        let own = self.my_sites.iter().chain([&self.public_url]).find_map(|site| address::parse(site).ok());
        let site = own.map_or_else(|| env!("CARGO_PKG_HOMEPAGE").to_owned(), |url| url.to_string());
        self.user_agent.replace("{site}", &site)
    }

    /// Builds the settings from stored texts. Keys that are unknown or no longer valid are left at their
    /// defaults and returned, so that an older program can still start.
    pub fn from_stored<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Settings, Vec<SettingError>) {
        let mut settings = Settings::default();
        let wrong = rows.into_iter().filter_map(|(key, value)| settings.set_stored(key, value).err()).collect();
        (settings, wrong)
    }

    /// Sets one key from what is stored. What an earlier version took and this one does not goes on as far as it can:
    /// falling back to a default would hide friends who are found by a pattern, or make copies at other times.
    fn set_stored(&mut self, key: &str, value: &str) -> Result<(), SettingError> {
        let outcome = self.set(key, value);
        match key {
            "my_site_patterns" if outcome.is_err() => self.my_site_patterns = keys::lines(value),
            "backup_cron" if schedule::Schedule::stored(value, "UTC").is_ok() => {
                value.trim().clone_into(&mut self.system.backup_cron);
                return Ok(());
            }
            _ => {}
        }
        outcome
    }

    /// Sets one key from text.
    ///
    /// # Errors
    /// [`SettingError`] where there is no such key or the value is out of its range; nothing is changed then.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), SettingError> {
        let value = value.trim();
        let outcome = if let Some(class) = key.strip_prefix(HIDE_AFTER) {
            let class = Class::from_code(class).filter(|c| c.can_hide());
            let class = class.ok_or_else(|| SettingError::Unknown(key.to_owned()))?;
            set_hide_after(&mut self.policy.hide_after, class, value)
        } else {
            let found = keys::all().find(|k| k.name == key);
            (found.ok_or_else(|| SettingError::Unknown(key.to_owned()))?.set)(self, value)
        };
        let told = || field::cut(value, VALUE_TOLD).to_owned();
        outcome.map_err(|why| SettingError::Value { key: key.to_owned(), value: told(), why })
    }

    /// One key's value as text.
    ///
    /// # Errors
    /// [`SettingError::Unknown`] where there is no such key.
    pub fn get(&self, key: &str) -> Result<String, SettingError> {
        self.list()
            .into_iter()
            .find(|(name, ..)| name == key)
            .map(|(_, value, _)| value)
            .ok_or_else(|| SettingError::Unknown(key.to_owned()))
    }

    /// Every key with its value and help.
    pub fn list(&self) -> Vec<(String, String, String)> {
        let own = keys::all().map(|k| (k.name.to_owned(), (k.get)(self), k.help.1.to_owned()));
        let by_class = Class::ALL.into_iter().filter(|c| c.can_hide()).map(|class| {
            let value = self.policy.hide_after.get(&class).map(u32::to_string).unwrap_or_default();
            let help =
                format!("bad checks in a row that hide, the newest being {class}, 1-100; empty goes by the policy");
            (format!("{HIDE_AFTER}{class}"), value, help)
        });
        own.chain(by_class).collect()
    }

    /// The owner's sites, ready to match.
    ///
    /// # Errors
    /// [`super::backlink::SiteError`] where one of them is not usable.
    pub fn sites(&self) -> Result<MySites, super::backlink::SiteError> {
        MySites::stored(&self.my_sites, &self.my_site_patterns)
    }
}

fn set_hide_after(held: &mut BTreeMap<Class, u32>, class: Class, value: &str) -> Result<(), Why> {
    if value.is_empty() {
        held.remove(&class);
    } else {
        held.insert(class, keys::whole(value, 1, 100)?);
    }
    Ok(())
}
