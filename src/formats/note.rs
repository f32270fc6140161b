//! What is said of single rows of a list.

use super::MAX_NOTES;
use crate::domain::{
    address::AddressError,
    field::{Field, TooLong, cut},
    lang::Lang,
};
use std::ops::Deref;

/// Characters of a row's own text that a note repeats.
const QUOTED: usize = 80;
/// Characters of a note, in either language: what it says, and two texts of the row.
pub const NOTE_MAX: usize = 300;

/// What is to be said of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub line: u32,
    pub remark: Remark,
}

/// Why a row was not taken as it stands. Texts of the row are cut at 80 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Its address stands on an earlier line.
    Twice {
        url: String,
        first: u32,
    },
    /// A field was too long. Addresses cannot be cut, and are left out.
    Shortened {
        field: Field,
        left_out: bool,
    },
    /// Its address is none, or too long.
    Address {
        name: String,
        why: AddressFault,
    },
    NoAddress(String),
    /// An OPML outline with a feed, but without the site's address.
    FeedOnly(String),
    NotAFriend(String),
    TooWide {
        most: usize,
    },
    Attribute,
    TooDeep,
    /// As [`Remark::TooDeep`], and the rest of the file was not read.
    TooDeepToGoOn,
    /// What the XML reader says of it; the rest of the file was not read.
    BrokenXml(String),
}

/// What is wrong with an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub enum AddressFault {
    None(#[from] AddressError),
    TooLong(#[from] TooLong),
}

impl AddressFault {
    fn words(&self, lang: Lang) -> String {
        match self {
            AddressFault::None(error) => error.words(lang),
            AddressFault::TooLong(error) => error.words(lang),
        }
    }
}

impl Remark {
    pub fn words(&self, lang: Lang) -> String {
        match self {
            Remark::Twice { url, first } => {
                lang.pick(format!("{url} 与第 {first} 行重复"), format!("{url} is on line {first} already"))
            }
            Remark::Shortened { field, left_out } => {
                let (max, label) = (field.max_chars(), field.label(lang));
                let zh_end = if *left_out { "未导入" } else { "已截断" };
                let en_end = if *left_out { "was left out" } else { "was cut" };
                lang.pick(
                    format!("{label}超过 {max} 个字符，{zh_end}"),
                    format!("the {label} is longer than {max} characters and {en_end}"),
                )
            }
            Remark::Address { name, why } => {
                let colon = lang.pick("：", ": ");
                let name = if name.is_empty() { String::new() } else { format!("{name}{colon}") };
                format!("{name}{}", why.words(lang))
            }
            Remark::NoAddress(row) => lang.pick(format!("“{row}”没有网址"), format!("{row:?} has no address")),
            Remark::FeedOnly(name) => lang.pick(
                format!("“{name}”只有订阅地址，没有网址（htmlUrl）"),
                format!("{name:?} has a feed but no site address (htmlUrl)"),
            ),
            Remark::NotAFriend(text) => lang.pick(format!("“{text}”不是友链"), format!("{text:?} is not a friend")),
            Remark::TooWide { most } => {
                lang.pick(format!("超过 {most} 列"), format!("it has more than {most} columns"))
            }
            Remark::Attribute => lang.pick("有无法读取的属性", "an attribute cannot be read").to_owned(),
            Remark::TooDeep => lang.pick("嵌套太深", "nested too deep").to_owned(),
            Remark::TooDeepToGoOn => {
                lang.pick("嵌套太深，之后的内容没有读取", "nested too deep, nothing after it was read").to_owned()
            }
            Remark::BrokenXml(why) => lang.pick(
                format!("不是有效的 XML，之后的内容没有读取：{why}"),
                format!("not valid XML, nothing after it was read: {why}"),
            ),
        }
    }
}

/// The beginning of a row's own text, for a note.
pub fn quoted(text: &str) -> String {
    cut(text, QUOTED).to_owned()
}

/// Notes of one kind: the first [`MAX_NOTES`] with their words, and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    kept: Vec<Note>,
    count: usize,
}

impl Notes {
    /// How many there are, those that were not kept with them.
    pub fn count(&self) -> usize {
        self.count
    }

    /// How many were not kept.
    pub fn more(&self) -> usize {
        self.count - self.kept.len()
    }

    pub(super) fn add(&mut self, line: u32, remark: impl FnOnce() -> Remark) {
        self.count += 1;
        if self.kept.len() < MAX_NOTES {
            self.kept.push(Note { line, remark: remark() });
        }
    }
}

impl Deref for Notes {
    type Target = [Note];

    fn deref(&self) -> &[Note] {
        &self.kept
    }
}

impl<'a> IntoIterator for &'a Notes {
    type Item = &'a Note;
    type IntoIter = std::slice::Iter<'a, Note>;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.iter()
    }
}
