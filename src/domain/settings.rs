//! The settings: every key with its default, range and help, and how it is read from text.

#[cfg(test)]
mod tests;

use super::{
    backlink::MySites,
    class::Class,
    policy::{Policy, Preset},
    schedule,
};
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
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { concurrency: 100, per_host: 2, timeout_ms: 5000, connect_timeout_ms: 3000, retries: 1 }
    }
}

/// Names the program, as a polite crawler does.
pub const DEFAULT_USER_AGENT: &str =
    concat!("Mozilla/5.0 (compatible; Rollcall/", env!("CARGO_PKG_VERSION"), "; friend-link checker)");

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("there is no setting {0:?}; `rollcall setting list` shows them all")]
    Unknown(String),
    #[error("{key} = {value:?}: {why}")]
    Value { key: String, value: String, why: String },
}

/// One key of the settings.
pub struct Key {
    pub name: &'static str,
    pub help: &'static str,
    get: fn(&Settings) -> String,
    set: fn(&mut Settings, &str) -> Result<(), String>,
}

/// The prefix of the keys that set [`Policy::hide_after`] class by class.
const HIDE_AFTER: &str = "hide_after.";

/// Every key but the `hide_after.CLASS` ones.
pub const KEYS: &[Key] = &[
    Key {
        name: "my_sites",
        help: "your own addresses that a friend's page should link to, separated by spaces or commas",
        get: |s| s.my_sites.join(" "),
        set: |s, v| {
            let sites = list(v);
            MySites::new(&sites, &[]).map_err(|e| e.to_string())?;
            s.my_sites = sites;
            Ok(())
        },
    },
    Key {
        name: "my_site_patterns",
        help: "regular expressions searched for in a page's text, one a line; each counts as a backlink",
        get: |s| s.my_site_patterns.join("\n"),
        set: |s, v| {
            let patterns: Vec<String> = v.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
            MySites::new(&[], &patterns).map_err(|e| e.to_string())?;
            s.my_site_patterns = patterns;
            Ok(())
        },
    },
    Key {
        name: "policy",
        help: "strict (one bad check hides) or patient (two or three in a row)",
        get: |s| match s.policy.preset {
            Preset::Strict => "strict".into(),
            Preset::Patient => "patient".into(),
        },
        set: |s, v| {
            s.policy.preset = match v {
                "strict" => Preset::Strict,
                "patient" => Preset::Patient,
                _ => return Err("write strict or patient".into()),
            };
            Ok(())
        },
    },
    Key {
        name: "restore_after",
        help: "good checks in a row that bring a hidden link back, 1-100; empty goes by the policy",
        get: |s| s.policy.restore_after.map(|n| n.to_string()).unwrap_or_default(),
        set: |s, v| {
            s.policy.restore_after = if v.is_empty() { None } else { Some(whole(v, 1, 100)?) };
            Ok(())
        },
    },
    Key {
        name: "guard_min",
        help: "hold a run that would hide at least this many links, 0-100000; 0 turns the guard off",
        get: |s| s.policy.guard.min.to_string(),
        set: |s, v| {
            s.policy.guard.min = whole(v, 0, 100_000)?;
            Ok(())
        },
    },
    Key {
        name: "guard_share",
        help: "... and more than this share of the shown ones it checked, 0-1",
        get: |s| s.policy.guard.share.to_string(),
        set: |s, v| match v.parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => {
                s.policy.guard.share = share;
                Ok(())
            }
            _ => Err("write a number from 0 to 1, such as 0.5".into()),
        },
    },
    Key {
        name: "witnesses",
        help: "addresses that always answer; where all of them fail the run is held. None by default",
        get: |s| s.witnesses.join(" "),
        set: |s, v| {
            let urls = list(v);
            for url in &urls {
                super::address::parse(url).map_err(|e| e.to_string())?;
            }
            s.witnesses = urls;
            Ok(())
        },
    },
    Key {
        name: "concurrency",
        help: "checks at once, 1-1000",
        get: |s| s.limits.concurrency.to_string(),
        set: |s, v| {
            s.limits.concurrency = whole(v, 1, 1000)?;
            Ok(())
        },
    },
    Key {
        name: "per_host",
        help: "checks at once of one host and port, 1-1000",
        get: |s| s.limits.per_host.to_string(),
        set: |s, v| {
            s.limits.per_host = whole(v, 1, 1000)?;
            Ok(())
        },
    },
    Key {
        name: "timeout",
        help: "seconds for one attempt: name, connection, redirects and body together, 0.1-300",
        get: |s| (f64::from(s.limits.timeout_ms) / 1000.0).to_string(),
        set: |s, v| {
            s.limits.timeout_ms = seconds(v)?;
            Ok(())
        },
    },
    Key {
        name: "connect_timeout",
        help: "of these for name and connection, seconds, 0.1-300",
        get: |s| (f64::from(s.limits.connect_timeout_ms) / 1000.0).to_string(),
        set: |s, v| {
            s.limits.connect_timeout_ms = seconds(v)?;
            Ok(())
        },
    },
    Key {
        name: "retries",
        help: "further attempts after a failure that may pass, 0-100",
        get: |s| s.limits.retries.to_string(),
        set: |s, v| {
            s.limits.retries = whole(v, 0, 100)?;
            Ok(())
        },
    },
    Key {
        name: "discovery",
        help: "on or off: look on the friend's own links page where the home page has no backlink",
        get: |s| {
            if s.discovery { "on".into() } else { "off".into() }
        },
        set: |s, v| {
            s.discovery = switch(v)?;
            Ok(())
        },
    },
    Key {
        name: "user_agent",
        help: "how checks introduce themselves",
        get: |s| s.user_agent.clone(),
        set: |s, v| {
            if v.is_empty() || v.len() > 300 || !v.bytes().all(|b| (0x20..0x7f).contains(&b)) {
                return Err("write 1 to 300 plain ASCII characters".into());
            }
            s.user_agent = v.to_owned();
            Ok(())
        },
    },
    Key {
        name: "timezone",
        help: "the schedule's time zone, such as Asia/Shanghai; empty takes this machine's own",
        get: |s| s.timezone.clone(),
        set: |s, v| {
            if !v.is_empty() {
                schedule::parse_zone(v).map_err(|e| e.to_string())?;
            }
            s.timezone = v.to_owned();
            Ok(())
        },
    },
    Key {
        name: "public_url",
        help: "where the dashboard is reached from outside, such as https://roll.example.com; empty where only directly",
        get: |s| s.public_url.clone(),
        set: |s, v| {
            s.public_url = if v.is_empty() {
                String::new()
            } else {
                super::address::parse(v).map_err(|e| e.to_string())?.origin().ascii_serialization()
            };
            Ok(())
        },
    },
];

impl Settings {
    /// Builds the settings from stored texts. Keys that are unknown or no longer valid are left at their
    /// defaults and returned, so that an older program can still start.
    pub fn from_stored<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Settings, Vec<SettingError>) {
        let mut settings = Settings::default();
        let wrong = rows.into_iter().filter_map(|(key, value)| settings.set(key, value).err()).collect();
        (settings, wrong)
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
            let found = KEYS.iter().find(|k| k.name == key);
            (found.ok_or_else(|| SettingError::Unknown(key.to_owned()))?.set)(self, value)
        };
        outcome.map_err(|why| SettingError::Value { key: key.to_owned(), value: value.to_owned(), why })
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
        let own = KEYS.iter().map(|k| (k.name.to_owned(), (k.get)(self), k.help.to_owned()));
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
        MySites::new(&self.my_sites, &self.my_site_patterns)
    }
}

fn set_hide_after(held: &mut BTreeMap<Class, u32>, class: Class, value: &str) -> Result<(), String> {
    if value.is_empty() {
        held.remove(&class);
    } else {
        held.insert(class, whole(value, 1, 100)?);
    }
    Ok(())
}

fn list(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | ';'))
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect()
}

fn whole(text: &str, min: u32, max: u32) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|n| (min..=max).contains(n))
        .ok_or_else(|| format!("write a whole number from {min} to {max}"))
}

/// Seconds, with a fraction, as milliseconds.
///
/// # Errors
/// Words that name the range where it is no number from 0.1 to 300.
pub fn seconds(text: &str) -> Result<u32, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.1..=300.0).contains(&s) => Ok((s * 1000.0).round() as u32),
        _ => Err("write seconds from 0.1 to 300".into()),
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err("write on or off".into()),
    }
}
