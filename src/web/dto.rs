//! What pages are made of: plain data, put together on the server. No usize, no times in need of formatting.

mod links;
mod runs;
mod system;

pub use links::*;
pub use runs::*;
pub use system::*;

use serde::{Deserialize, Serialize};

/// A time, as machines and as people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// RFC 3339 in UTC.
    pub iso: String,
    /// In the owner's time zone and the page's language.
    pub text: String,
}

/// What an action came to, as the page tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// A sentence in the page's language; empty where the page shows it by itself.
    pub said: String,
    /// How to take it back.
    pub undo: Option<Undo>,
    /// The page to go to; `None` stays.
    pub goto: Option<String>,
}

impl Done {
    pub fn said(words: impl Into<String>) -> Done {
        Done { said: words.into(), ..Done::default() }
    }

    pub fn quiet() -> Done {
        Done::default()
    }

    pub fn then(mut self, goto: impl Into<String>) -> Done {
        self.goto = Some(goto.into());
        self
    }

    pub fn or_undo(mut self, action: &str, fields: Vec<(&str, String)>) -> Done {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.undo = Some(Undo { action: action.to_owned(), fields });
        self
    }
}

/// The form that takes an action back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

/// Which page of how many, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pages {
    pub page: u32,
    pub pages: u32,
    /// Rows on all pages together.
    pub total: u32,
    pub size: u32,
}

impl Pages {
    /// The page nearest to the one asked for that there is.
    pub fn of(wanted: u32, total: u32, size: u32) -> Pages {
        let pages = total.div_ceil(size.max(1)).max(1);
        Pages { page: wanted.clamp(1, pages), pages, total, size }
    }

    pub fn offset(self) -> u32 {
        (self.page - 1) * self.size
    }
}
