//! Which field a column or key fills, and how much of a value is kept.

use crate::{
    domain::field::{Field, NAME_MAX, TEXT_MAX, cut},
    store::Draft,
};

/// What a column of a table, or a key of an object, holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Field(Field),
    /// The first tag is the group; several are kept in the note.
    Tags,
    Active,
}

/// Longer names of columns are no column's.
const COLUMN_NAME_MAX: usize = 64;

impl Column {
    /// The column of this name, in any of the spellings that programs of the field use.
    pub fn named(name: &str) -> Option<Column> {
        let name = name.trim();
        if name.len() > COLUMN_NAME_MAX {
            return None;
        }
        let name = name.to_lowercase().replace([' ', '-'], "_");
        Some(Column::Field(match name.as_str() {
            "name" | "title" | "text" | "introduction" | "site_name" | "blog" | "名称" | "名字" | "博客"
            | "网站名称" | "标题" => Field::Name,
            "url" | "link" | "href" | "address" | "site" | "website" | "html_url" | "htmlurl" | "homepage" | "链接"
            | "网址" | "地址" | "网站地址" => Field::Url,
            "group" | "class_name" | "category" | "分组" | "分类" => Field::Group,
            "logo" | "avatar" | "icon" | "image" | "favicon" | "头像" | "图标" => Field::Logo,
            "description" | "descr" | "desc" | "intro" | "summary" | "描述" | "简介" => Field::Description,
            "feed" | "rss" | "atom" | "rss_feed" | "feed_url" | "xml_url" | "xmlurl" | "订阅" => Field::Feed,
            "backlink_page" | "linkpage" | "link_page" | "friends_page" | "友链页" => Field::BacklinkPage,
            "email" | "mail" | "e_mail" | "邮箱" => Field::Email,
            "note" | "remark" | "备注" => Field::Note,
            "tags" | "tag" | "标签" => return Some(Column::Tags),
            "active" => return Some(Column::Active),
            _ => return None,
        }))
    }

    /// Puts a value where it belongs, unless an earlier column of the same field did. One character more than the
    /// field holds is kept, by which [`super::found::Found::take`] knows that the value is too long.
    pub fn fill(self, draft: &mut Draft, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        match self {
            Column::Field(field) => match slot(draft, field) {
                Slot::Text(text) if text.is_empty() => {
                    *text = if field == Field::Name { even(value) } else { bounded(field, value) };
                }
                Slot::Option(option) if option.is_none() => *option = Some(bounded(field, value)),
                Slot::Text(_) | Slot::Option(_) => {}
            },
            Column::Active => draft.active = value.parse().ok(),
            Column::Tags => fill_tags(draft, value),
        }
    }
}

/// As much of a value as [`Column::fill`] keeps.
pub fn bounded(field: Field, value: &str) -> String {
    cut(value, field.max_chars() + 1).to_owned()
}

/// A name with single spaces only.
fn even(name: &str) -> String {
    let mut even = String::new();
    let mut room = NAME_MAX + 1;
    for word in name.split_whitespace() {
        let space = usize::from(!even.is_empty());
        if room <= space {
            break;
        }
        if space > 0 {
            even.push(' ');
        }
        let word = cut(word, room - space);
        room -= space + word.chars().count();
        even.push_str(word);
    }
    even
}

fn fill_tags(draft: &mut Draft, value: &str) {
    let tags = || value.split([';', '；']).map(str::trim).filter(|tag| !tag.is_empty());
    if draft.group.is_none() {
        draft.group = tags().next().map(|tag| bounded(Field::Group, tag));
    }
    if draft.note.is_some() || tags().nth(1).is_none() {
        return;
    }
    let mut note = String::from("tags:");
    for (at, tag) in tags().enumerate() {
        // In bytes, of which a character has one at least.
        if note.len() > TEXT_MAX * 4 {
            break;
        }
        note.push_str(if at == 0 { " " } else { "; " });
        note.push_str(cut(tag, TEXT_MAX + 1));
    }
    draft.note = Some(bounded(Field::Note, &note));
}

/// Where a field's value goes.
pub enum Slot<'d> {
    Text(&'d mut String),
    Option(&'d mut Option<String>),
}

pub fn slot(draft: &mut Draft, field: Field) -> Slot<'_> {
    Slot::Option(match field {
        Field::Name => return Slot::Text(&mut draft.name),
        Field::Url => return Slot::Text(&mut draft.url),
        Field::Group => &mut draft.group,
        Field::Logo => &mut draft.logo,
        Field::Description => &mut draft.description,
        Field::Feed => &mut draft.feed,
        Field::BacklinkPage => &mut draft.backlink_page,
        Field::Email => &mut draft.email,
        Field::Note => &mut draft.note,
    })
}
