//! Every key of the settings: its words, its range, and how it is read from text.

mod checks;
mod system;
mod verdicts;

use super::{Settings, Why};
pub use system::parse_net;

/// Where a key stands on the settings page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Sites,
    Policy,
    Guard,
    Engine,
    Schedule,
    Access,
    Dashboard,
}

/// How a key's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Text,
    /// Several, one a line.
    Lines,
    /// A number between bounds; empty is allowed where the flag says so.
    Number {
        min: &'static str,
        max: &'static str,
        step: &'static str,
        may_be_empty: bool,
    },
    OnOff,
    /// One of these codes.
    Choice(&'static [&'static str]),
}

const fn whole_number(min: &'static str, max: &'static str) -> Input {
    Input::Number { min, max, step: "1", may_be_empty: false }
}

const SECONDS: Input = Input::Number { min: "0.1", max: "300", step: "0.1", may_be_empty: false };

/// One key. Words are in Chinese and English.
pub struct Key {
    pub name: &'static str,
    pub section: Section,
    pub label: (&'static str, &'static str),
    pub help: (&'static str, &'static str),
    pub input: Input,
    pub(super) get: fn(&Settings) -> String,
    pub(super) set: fn(&mut Settings, &str) -> Result<(), Why>,
}

/// Every key but the `hide_after.CLASS` ones, in the order of the settings page.
pub fn all() -> impl Iterator<Item = &'static Key> {
    verdicts::KEYS.iter().chain(checks::KEYS).chain(system::KEYS)
}

fn both(zh: &str, en: &str) -> Why {
    Why { zh: zh.to_owned(), en: en.to_owned() }
}

fn list(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | ';'))
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect()
}

/// One a line.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A whole number from `min` to `max`.
pub(super) fn whole(text: &str, min: u32, max: u32) -> Result<u32, Why> {
    text.parse().ok().filter(|n| (min..=max).contains(n)).ok_or_else(|| {
        both(&format!("请填写 {min} 到 {max} 的整数"), &format!("write a whole number from {min} to {max}"))
    })
}

/// Seconds, with a fraction, as milliseconds.
///
/// # Errors
/// Words that name the range where it is no number from 0.1 to 300.
pub fn seconds(text: &str) -> Result<u32, Why> {
    match text.parse::<f64>() {
        Ok(s) if (0.1..=300.0).contains(&s) => Ok((s * 1000.0).round() as u32),
        _ => Err(both("请填写 0.1 到 300 秒", "write seconds from 0.1 to 300")),
    }
}

fn on_off(on: bool) -> String {
    if on { "on".into() } else { "off".into() }
}

fn switch(text: &str) -> Result<bool, Why> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(both("请填写 on 或 off", "write on or off")),
    }
}
