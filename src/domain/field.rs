//! How long the fields of a link may be: forms, imports, the command line and the schema hold the same numbers.

use super::lang::Lang;
use serde::{Deserialize, Serialize};

/// A field of a link that the owner or a list fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Name,
    Url,
    Group,
    Logo,
    Description,
    Feed,
    BacklinkPage,
    Email,
    Note,
}

/// Characters of a name.
pub const NAME_MAX: usize = 200;
/// Characters of the address: longer ones are refused by browsers and servers alike.
pub const URL_MAX: usize = 2048;
/// Characters of any other field.
pub const TEXT_MAX: usize = 1000;

impl Field {
    pub const ALL: [Field; 9] = [
        Field::Name,
        Field::Url,
        Field::Group,
        Field::Logo,
        Field::Description,
        Field::Feed,
        Field::BacklinkPage,
        Field::Email,
        Field::Note,
    ];

    /// The longest value, in characters (Unicode scalar values).
    pub const fn max_chars(self) -> usize {
        match self {
            Field::Name => NAME_MAX,
            Field::Url => URL_MAX,
            _ => TEXT_MAX,
        }
    }

    /// The field's name in files, on the command line and in the schema.
    pub const fn code(self) -> &'static str {
        match self {
            Field::Name => "name",
            Field::Url => "url",
            Field::Group => "group",
            Field::Logo => "logo",
            Field::Description => "description",
            Field::Feed => "feed",
            Field::BacklinkPage => "backlink_page",
            Field::Email => "email",
            Field::Note => "note",
        }
    }

    /// The field's name in sentences.
    pub const fn label(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::Zh, Field::Name) => "名称",
            (Lang::Zh, Field::Url) => "网址",
            (Lang::Zh, Field::Group) => "分组",
            (Lang::Zh, Field::Logo) => "头像地址",
            (Lang::Zh, Field::Description) => "简介",
            (Lang::Zh, Field::Feed) => "订阅地址",
            (Lang::Zh, Field::BacklinkPage) => "友链页地址",
            (Lang::Zh, Field::Email) => "邮箱",
            (Lang::Zh, Field::Note) => "备注",
            (Lang::En, Field::Url) => "address",
            (Lang::En, Field::BacklinkPage) => "backlink page",
            (Lang::En, field) => field.code(),
        }
    }

    /// # Errors
    /// [`TooLong`] where the value has more than [`Field::max_chars`] characters.
    pub fn check(self, value: &str) -> Result<(), TooLong> {
        if fits(value, self.max_chars()) { Ok(()) } else { Err(TooLong { field: self }) }
    }
}

/// A value that its field does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {} is longer than {} characters; shorten it", field.label(Lang::En), field.max_chars())]
pub struct TooLong {
    pub field: Field,
}

impl TooLong {
    pub fn words(self, lang: Lang) -> String {
        let (label, max) = (self.field.label(lang), self.field.max_chars());
        lang.pick(format!("{label}太长，最多 {max} 个字符，请缩短"), self.to_string())
    }
}

/// Whether a text has at most so many characters. A long one is not read to its end.
pub fn fits(text: &str, max_chars: usize) -> bool {
    text.len() <= max_chars || text.chars().nth(max_chars).is_none()
}

/// The beginning of a text, of at most so many characters.
pub fn cut(text: &str, max_chars: usize) -> &str {
    text.char_indices().nth(max_chars).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        let name = "友".repeat(NAME_MAX);
        assert_eq!(Field::Name.check(&name), Ok(()));
        assert_eq!(Field::Name.check(&format!("{name}友")), Err(TooLong { field: Field::Name }));
        assert_eq!(cut(&format!("{name}友"), NAME_MAX), name);
        assert_eq!(cut("short", NAME_MAX), "short");
    }
}
