//! The icons and colours of a status, for pages and for the browser part.

use crate::domain::observation::Standing;

/// The look of a status; each has an icon of its own, so that colour is never alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Good,
    Bad,
    Unsure,
    Exempt,
    Busy,
    Idle,
}

impl Look {
    pub fn class(self) -> &'static str {
        match self {
            Look::Good => "status good",
            Look::Bad => "status bad",
            Look::Unsure => "status unsure",
            Look::Exempt => "status exempt",
            Look::Busy => "status busy",
            Look::Idle => "status idle",
        }
    }

    pub fn icon(self) -> &'static str {
        match self {
            Look::Good => "M3.5 8.5l3 3 6-7",
            Look::Bad => "M4 4l8 8M12 4l-8 8",
            Look::Unsure => "M5.6 6a2.4 2.4 0 1 1 3.4 2.2c-.7.4-1 .8-1 1.6M8 12.4v.1",
            Look::Exempt => "M8 2.5l4.5 1.7v3.6c0 2.8-1.9 4.8-4.5 5.7-2.6-.9-4.5-2.9-4.5-5.7V4.2z",
            Look::Busy => "M8 2.5a5.5 5.5 0 1 1-5.5 5.5",
            Look::Idle => "M4 8h8",
        }
    }

    pub fn of(standing: Standing) -> Look {
        match standing {
            Standing::Good => Look::Good,
            Standing::Bad => Look::Bad,
            Standing::Unverifiable => Look::Unsure,
            Standing::Exempt => Look::Exempt,
        }
    }
}
