//! What a run adds up to.

use super::{observation::Standing, verdict::Change};
use serde::{Deserialize, Serialize};

/// The counts of a run. Always: `active_num = ok + bad + unverifiable` and
/// `total = active_num + whitelisted + cancelled + failed + pending`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub total: u32,
    /// Active links that were checked.
    pub active_num: u32,
    pub ok: u32,
    pub bad: u32,
    pub unverifiable: u32,
    pub whitelisted: u32,
    pub cancelled: u32,
    /// Checks that could not be made, or broke, on a fault of our own; their links stay as they were.
    pub failed: u32,
    /// Shown links that go, or in a held run would go.
    pub to_not_show: u32,
    /// Hidden links that come back, or in a held run would.
    pub to_show: u32,
    /// Links that the run left as they were when it took effect, since a newer check or another address had overtaken
    /// what it saw.
    #[serde(default)]
    pub overtaken: u32,
}

impl Counts {
    pub fn of_total(total: u32) -> Counts {
        Counts { total, ..Counts::default() }
    }

    /// Adds one check that was made, or passed over for the whitelist.
    pub fn add(&mut self, standing: Standing, change: Change) {
        match standing {
            Standing::Good => self.ok += 1,
            Standing::Bad => self.bad += 1,
            Standing::Unverifiable => self.unverifiable += 1,
            Standing::Exempt => self.whitelisted += 1,
        }
        if standing != Standing::Exempt {
            self.active_num += 1;
        }
        match change {
            Change::Hide => self.to_not_show += 1,
            Change::Show => self.to_show += 1,
            Change::None => {}
        }
    }

    /// Links whose check has ended, one way or another.
    pub fn finished(&self) -> u32 {
        self.active_num + self.whitelisted + self.cancelled + self.failed
    }

    /// Links still to be checked.
    pub fn pending(&self) -> u32 {
        self.total.saturating_sub(self.finished())
    }
}
