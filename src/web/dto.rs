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

/// What a page has to say of the form that was sent before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flash {
    /// The form it is about, by its field `form`.
    pub form: String,
    pub outcome: Option<Result<Done, String>>,
    /// What was typed, where it was refused.
    pub fields: Vec<(String, String)>,
}

impl Flash {
    /// Why the form was refused, if it was this one.
    pub fn error(&self, form: &str) -> Option<String> {
        let refused = self.outcome.as_ref()?.as_ref().err()?;
        (self.form == form).then(|| refused.clone())
    }

    /// What was typed into a field of the form that was refused.
    pub fn typed(&self, form: &str, name: &str) -> Option<String> {
        self.error(form)?;
        self.fields.iter().find(|(held, _)| held == name).map(|(_, value)| value.clone())
    }

    /// An error that no form on the page shows beside itself.
    pub fn stray(&self) -> Option<String> {
        if self.form.is_empty() { self.outcome.as_ref()?.as_ref().err().cloned() } else { None }
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
