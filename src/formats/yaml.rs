//! YAML: the `link.yml` of hexo, butterfly and anzhiyu.

use super::{
    FormatError, Found,
    node::{Node, Value, collect},
};
use crate::domain::link::Link;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;
use std::fmt;

pub fn read(text: &str) -> Result<Found, FormatError> {
    // As YAML 1.2 has it: a friend may be called y or no.
    let options = serde_saphyr::options! { strict_booleans: true };
    let tree: Spanned<Tree> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| FormatError::Broken {
            format: "YAML",
            line: error.location().map_or(1, |at| u32::try_from(at.line()).unwrap_or(u32::MAX)),
            why: error.to_string().lines().next().unwrap_or_default().to_owned(),
        })?;
    let mut found = Found::default();
    collect(&node(tree), &mut found);
    Ok(found)
}

fn node(tree: Spanned<Tree>) -> Node {
    let line = u32::try_from(tree.referenced.line()).unwrap_or(u32::MAX);
    let value = match tree.value {
        Tree::Null => Value::Null,
        Tree::Scalar(text) => Value::Scalar(text),
        Tree::List(items) => Value::List(items.into_iter().map(node).collect()),
        Tree::Map(entries) => Value::Map(entries.into_iter().map(|(key, value)| (key, node(value))).collect()),
    };
    Node { line, value }
}

/// Any YAML value, each child with its place.
enum Tree {
    Null,
    Scalar(String),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(String, Spanned<Tree>)>),
}

/// A mapping's key: `1:` is as good as `one:`.
struct Key(String);

struct AnyTree;

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(AnyTree)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        Ok(Key(match Tree::deserialize(deserializer)? {
            Tree::Scalar(text) => text,
            _ => String::new(),
        }))
    }
}

impl<'de> Visitor<'de> for AnyTree {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(v.to_string()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(v.to_string()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(v.to_string()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(v.to_string()))
    }

    fn visit_str<E>(self, v: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(v.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            entries.push((key, value));
        }
        Ok(Tree::Map(entries))
    }
}

#[derive(Serialize)]
struct Group<'a> {
    class_name: &'a str,
    link_list: Vec<Friend<'a>>,
}

#[derive(Serialize)]
struct Friend<'a> {
    name: &'a str,
    link: &'a str,
    avatar: &'a str,
    descr: &'a str,
}

/// Groups that are written one after another, each in as many pieces as its links come in.
#[derive(Default)]
pub struct Groups {
    /// The group that is open.
    open: Option<String>,
}

impl Groups {
    pub fn write(&mut self, links: &[Link], text: &mut Vec<u8>) {
        for members in links.chunk_by(|one, next| one.about.group == next.about.group) {
            let name = members[0].about.group.as_str();
            let goes_on = self.open.as_deref() == Some(name);
            let class_name = match name {
                _ if goes_on => "",
                "" => "友情链接",
                name => name,
            };
            let link_list = members.iter().map(Friend::of).collect();
            let piece = serde_saphyr::to_string(&[Group { class_name, link_list }]).expect("plain data");
            // The rest of a group is its list alone: what stands above it is of a fixed form, its name being empty.
            let rest = piece.split_once("link_list:\n").map(|(_, rest)| rest).filter(|_| goes_on);
            text.extend_from_slice(rest.unwrap_or(&piece).as_bytes());
            self.open = Some(name.to_owned());
        }
    }

    pub fn end(&self, text: &mut Vec<u8>) {
        if self.open.is_none() {
            text.extend_from_slice(b"[]\n");
        }
    }
}

impl<'a> Friend<'a> {
    fn of(link: &'a Link) -> Friend<'a> {
        let about = &link.about;
        Friend { name: &about.name, link: &about.url, avatar: &about.logo, descr: &about.description }
    }
}
