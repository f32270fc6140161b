//! A tree with line numbers, which JSON and YAML are both read into, and how friends are found in it.

use super::{Found, Note, field, finish};
use crate::store::Draft;

/// One value and the line it begins on.
pub struct Node {
    pub line: u32,
    pub value: Value,
}

pub enum Value {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Deeper trees hold no friends.
const MAX_DEPTH: u8 = 12;

impl Node {
    fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

/// Collects every friend in the tree.
pub fn collect(node: &Node, found: &mut Found) {
    walk(node, None, 0, found);
}

fn walk(node: &Node, group: Option<&str>, depth: u8, found: &mut Found) {
    if depth > MAX_DEPTH {
        found.bad.push(Note { line: node.line, why: "nested too deep".to_owned() });
        return;
    }
    match &node.value {
        Value::List(items) if is_tuple(items) => tuple(node.line, items, found),
        Value::List(items) => items.iter().for_each(|item| element(item, group, depth, found)),
        Value::Map(entries) => map(node, entries, group, depth, found),
        Value::Null | Value::Scalar(_) => {}
    }
}

/// An element of a list: a friend, or a group of friends.
fn element(item: &Node, group: Option<&str>, depth: u8, found: &mut Found) {
    match &item.value {
        Value::Scalar(text) => found.bad.push(Note { line: item.line, why: format!("{text:?} is not a friend") }),
        Value::Null => {}
        Value::Map(entries) if !entries.iter().any(|(_, v)| is_container(v)) || names_address(entries) => {
            friend(item.line, entries, group, found);
        }
        _ => walk(item, group, depth + 1, found),
    }
}

fn map(node: &Node, entries: &[(String, Node)], group: Option<&str>, depth: u8, found: &mut Found) {
    if names_address(entries) {
        friend(node.line, entries, group, found);
        return;
    }
    let own = ["class_name", "group", "name", "title"];
    let named = own.iter().find_map(|key| entries.iter().find(|(k, _)| k == key).and_then(|(_, v)| v.scalar()));
    let group = named.filter(|name| !name.trim().is_empty()).or(group);
    entries.iter().filter(|(_, v)| is_container(v)).for_each(|(_, v)| match &v.value {
        // `link_list: {1: {…}, 2: {…}}` is a list as well.
        Value::Map(inner) if !names_address(inner) && inner.iter().all(|(_, v)| matches!(v.value, Value::Map(_))) => {
            inner.iter().for_each(|(_, item)| element(item, group, depth + 1, found));
        }
        _ => walk(v, group, depth + 1, found),
    });
}

fn is_container(node: &Node) -> bool {
    matches!(node.value, Value::List(_) | Value::Map(_))
}

fn names_address(entries: &[(String, Node)]) -> bool {
    entries
        .iter()
        .any(|(key, value)| ["url", "link", "href", "htmlUrl"].contains(&key.as_str()) && !is_container(value))
}

/// `[name, url, avatar]`, as friend.json has it.
fn is_tuple(items: &[Node]) -> bool {
    items.len() >= 2 && items.iter().all(|item| matches!(item.value, Value::Scalar(_) | Value::Null))
}

fn tuple(line: u32, items: &[Node], found: &mut Found) {
    let text = |at: usize| items.get(at).and_then(Node::scalar).unwrap_or_default().to_owned();
    let draft = Draft { name: text(0), url: text(1), logo: Some(text(2)), ..Draft::default() };
    finish(line, draft, found);
}

fn friend(line: u32, entries: &[(String, Node)], group: Option<&str>, found: &mut Found) {
    let mut draft = Draft::default();
    for (key, value) in entries {
        if let (Some(text), Some(slot)) = (value.scalar(), field(&mut draft, key)) {
            slot.fill(text);
        }
    }
    draft.group = draft.group.or_else(|| group.map(str::to_owned));
    finish(line, draft, found);
}
