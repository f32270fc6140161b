//! How a link stands: icon, word and colour.

use super::look::Look;
use crate::{
    domain::{
        class::Class,
        observation::{Flag, Standing},
        reason::{Params, Reason, flag_words},
        verdict::Change,
    },
    web::{
        dto::{ItemRow, LinkRow},
        words::Words,
    },
};
use leptos::prelude::*;

impl Look {
    /// Of a link as it stands.
    pub fn of_link(row: &LinkRow) -> Look {
        match (row.active, row.whitelisted, row.shown) {
            (false, ..) => Look::Idle,
            (_, true, _) => Look::Exempt,
            (.., false) => Look::Bad,
            _ => match row.recent.last() {
                None => Look::Idle,
                Some(Standing::Unverifiable) => Look::Unsure,
                Some(_) => Look::Good,
            },
        }
    }
}

/// A link's status in a word or two.
pub fn word_of_link(words: &Words, row: &LinkRow) -> String {
    let standing = match (row.active, row.whitelisted, row.shown) {
        (false, ..) => words.inactive,
        (_, true, _) => words.whitelisted,
        (.., true) => words.shown,
        (.., false) => words.hidden,
    };
    match row.pending {
        Change::Hide if row.shown => format!("{standing} · {}", words.will_hide),
        Change::Show if !row.shown => format!("{standing} · {}", words.will_show),
        _ if row.manual => format!("{standing} · {}", words.manual),
        _ => standing.to_owned(),
    }
}

/// Why a link stands so: the reason it is hidden for, or what the newest check saw.
pub fn why_of_link(words: &Words, row: &LinkRow) -> String {
    if let Some(reason) = &row.reason {
        return reason.words(words.lang);
    }
    match row.class {
        None if row.active && !row.whitelisted => words.unchecked.to_owned(),
        None | Some(Class::Ok | Class::Whitelisted) => flags_in_words(words, &row.flags),
        Some(class) => in_words(words, class, row.status),
    }
}

/// Flags, one after the other.
pub fn flags_in_words(words: &Words, flags: &[Flag]) -> String {
    flags.iter().map(|flag| flag_words(*flag, words.lang)).collect::<Vec<_>>().join(" · ")
}

/// Why an item of a run ended so.
pub fn why_of_item(words: &Words, item: &ItemRow) -> String {
    if let Some(own) = item.failure {
        return own.words(words.lang).to_owned();
    }
    item.class.filter(|class| *class != Class::Ok).map(|class| in_words(words, class, item.status)).unwrap_or_default()
}

/// A class with its status, in words.
pub fn in_words(words: &Words, code: Class, status: Option<u16>) -> String {
    Reason { code, params: Params { status } }.words(words.lang)
}

/// Icon and word.
#[component]
pub fn Status(look: Look, #[prop(into)] word: String) -> impl IntoView {
    view! {
        <span class=look.class()>
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d=look.icon() />
            </svg>
            <span>{word}</span>
        </span>
    }
    .into_any()
}
