//! What comes from the machine and the environment rather than from the database.

use crate::domain::{lang::Lang, settings::Settings};

/// The database that is used where none is named.
pub const DEFAULT_DATABASE: &str = "sqlite:data/rollcall.db";
/// Where `serve` listens where nothing else is said.
pub const DEFAULT_ADDR: &str = "127.0.0.1:3000";

/// The schedule's time zone: the setting, else the machine's own, else UTC.
pub fn timezone(settings: &Settings) -> String {
    if settings.timezone.is_empty() {
        iana_time_zone::get_timezone().unwrap_or_else(|_| "UTC".to_owned())
    } else {
        settings.timezone.clone()
    }
}

/// The language of the environment: LC_ALL, then LANG, else English.
pub fn language() -> Lang {
    let named = ["LC_ALL", "LANG"].into_iter().filter_map(|key| std::env::var(key).ok()).find(|v| !v.is_empty());
    named.and_then(|tag| Lang::of_tag(&tag)).unwrap_or_default()
}
