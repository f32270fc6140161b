//! How many bad checks hide a link, and how many good ones bring it back.

use super::class::Class;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The two presets of design.md.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// One bad check hides, one good check restores.
    #[default]
    Strict,
    /// Two bad checks of a definite class or three of a transient one hide; two good ones restore.
    Patient,
}

/// A preset with the owner's own numbers over it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    pub preset: Preset,
    /// Bad checks in a row that hide, where they differ from the preset, by the newest check's class; 1–100.
    #[serde(default)]
    pub hide_after: BTreeMap<Class, u32>,
    /// Good checks in a row that restore, where it differs from the preset; 1–100.
    #[serde(default)]
    pub restore_after: Option<u32>,
    #[serde(default)]
    pub guard: GuardPolicy,
}

/// When a run is held back instead of applied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardPolicy {
    /// A run is held where it would hide at least this many links …; 0 turns the guard off.
    pub min: u32,
    /// … and more than this share of the shown ones it checked; 0–1.
    pub share: f64,
}

impl Default for GuardPolicy {
    fn default() -> Self {
        GuardPolicy { min: 10, share: 0.5 }
    }
}

impl Policy {
    pub fn of(preset: Preset) -> Policy {
        Policy { preset, ..Policy::default() }
    }

    /// Bad checks in a row that hide a link whose newest one ended so.
    pub fn hide_after(&self, class: Class, status: Option<u16>) -> u32 {
        let preset = match self.preset {
            Preset::Strict => 1,
            Preset::Patient if class.is_transient(status) => 3,
            Preset::Patient => 2,
        };
        self.hide_after.get(&class).copied().unwrap_or(preset).max(1)
    }

    /// Good checks in a row that bring a hidden link back.
    pub fn restore_after(&self) -> u32 {
        let preset = match self.preset {
            Preset::Strict => 1,
            Preset::Patient => 2,
        };
        self.restore_after.unwrap_or(preset).max(1)
    }
}
