//! YAML: the `link.yml` of hexo, butterfly and anzhiyu.

use super::{
    FormatError, MAX_ROWS, Watch,
    found::Found,
    node::{Entries, Kind, Node, collect},
};
use crate::domain::{
    field::{URL_MAX, cut},
    link::Link,
};
use granit_parser::{Event, Parser, ScalarStyle, ScanError};
use serde::Serialize;
use std::{borrow::Cow, collections::HashMap};

/// Values of a file, those that aliases stand for with them: ten for each row.
const MAX_VALUES: u64 = 10 * MAX_ROWS as u64;
/// Anchors, and keys of different names: a list has a handful of each.
const MAX_NAMES: usize = 10_000;
/// Levels that the parser goes down; the walk names what is too deep for it before.
const MAX_NESTING: usize = 64;
/// Maps that a `<<` may lead to in turn.
const MAX_MERGES: u8 = 4;

/// Reads every document of the file into a compact tree, and finds the friends in it. Scalars are taken as they are
/// written: a friend may be called y, no or 007.
pub fn read(text: &str, watch: &Watch) -> Result<Found, FormatError> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_NESTING,
        block_nesting_limit: MAX_NESTING,
    };
    let mut tree = Tree::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| broken(&error))?;
        let offset = span.start.byte_offset().unwrap_or_default();
        watch.at(offset)?;
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        tree.add(event, Place { line, offset: u32::try_from(offset).unwrap_or(u32::MAX) })?;
        if tree.anchors.len() > MAX_NAMES || tree.keys.len() > MAX_NAMES {
            return Err(FormatError::Unfolds);
        }
    }
    let mut found = Found::default();
    for root in &tree.roots {
        collect(Handle { tree: &tree, at: *root }, watch, &mut found)?;
    }
    Ok(found)
}

fn broken(error: &ScanError) -> FormatError {
    let line = u32::try_from(error.marker().line()).unwrap_or(u32::MAX);
    let why = error.info().lines().next().unwrap_or_default().chars().take(super::NOTE_MAX).collect();
    FormatError::Broken { format: "YAML", line, why }
}

#[derive(Clone, Copy)]
struct Place {
    line: u32,
    offset: u32,
}

enum Value<'t> {
    Null,
    Scalar(Cow<'t, str>),
    List(Box<[u32]>),
    /// Keys by their number, and values.
    Map(Box<[(u32, u32)]>),
}

/// All values of a file, named by their number, and each key once. An alias is the number of what it stands for.
#[derive(Default)]
struct Tree<'t> {
    values: Vec<(Place, Value<'t>)>,
    keys: Vec<Cow<'t, str>>,
    key_numbers: HashMap<Cow<'t, str>, u32>,
    roots: Vec<u32>,
    /// What each anchor names, and how many values that is; `None` while it is being read.
    anchors: HashMap<usize, Option<(u32, u64)>>,
    /// Containers that are open.
    open: Vec<Open>,
    /// Values so far, aliases counted as what they stand for.
    weight: u64,
}

/// A list or map that is being read.
struct Open {
    place: Place,
    anchor: usize,
    /// The weight of the tree when it began.
    began: u64,
    items: Items,
}

enum Items {
    List(Vec<u32>),
    /// With the key whose value comes next.
    Map(Vec<(u32, u32)>, Option<u32>),
}

impl<'t> Tree<'t> {
    fn add(&mut self, event: Event<'t>, place: Place) -> Result<(), FormatError> {
        match event {
            Event::Scalar(text, style, anchor, _) => self.scalar(text, style, anchor, place),
            Event::SequenceStart(_, anchor, _) => {
                self.begin(Items::List(Vec::new()), anchor, place);
                Ok(())
            }
            Event::MappingStart(_, anchor, _) => {
                self.begin(Items::Map(Vec::new(), None), anchor, place);
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, place),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        anchor: usize,
        place: Place,
    ) -> Result<(), FormatError> {
        let before = self.weight;
        self.grow(1, place)?;
        let is_null = style == ScalarStyle::Plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
        let text = of_use(text);
        if anchor == 0 && self.wants_key() {
            let key = self.key(text);
            self.hold_key(key);
            return Ok(());
        }
        let at = self.put(place, if is_null { Value::Null } else { Value::Scalar(text) });
        self.name(anchor, at, before);
        self.place(at)
    }

    fn begin(&mut self, items: Items, anchor: usize, place: Place) {
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        self.open.push(Open { place, anchor, began: self.weight, items });
    }

    fn end(&mut self) -> Result<(), FormatError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        self.grow(1, open.place)?;
        let value = match open.items {
            Items::List(items) => Value::List(items.into()),
            Items::Map(entries, _) => Value::Map(entries.into()),
        };
        let at = self.put(open.place, value);
        self.name(open.anchor, at, open.began);
        self.place(at)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), FormatError> {
        let Some(Some((at, weight))) = self.anchors.get(&anchor).copied() else {
            return Err(refused(place, "an alias stands inside what it names"));
        };
        self.grow(weight, place)?;
        self.place(at)
    }

    fn grow(&mut self, by: u64, place: Place) -> Result<(), FormatError> {
        self.weight = self.weight.saturating_add(by);
        if self.weight > MAX_VALUES {
            return Err(refused(place, "the file holds, or its aliases stand for, too many values; split it"));
        }
        Ok(())
    }

    fn put(&mut self, place: Place, value: Value<'t>) -> u32 {
        self.values.push((place, value));
        // There are MAX_VALUES at most.
        u32::try_from(self.values.len() - 1).unwrap_or(u32::MAX)
    }

    fn name(&mut self, anchor: usize, at: u32, before: u64) {
        if anchor != 0 {
            self.anchors.insert(anchor, Some((at, self.weight - before)));
        }
    }

    /// Puts a finished value into what is open around it.
    fn place(&mut self, at: u32) -> Result<(), FormatError> {
        if self.wants_key() {
            let text = match &self.values[at as usize].1 {
                Value::Scalar(text) => text.clone(),
                _ => Cow::Borrowed(""),
            };
            let key = self.key(text);
            self.hold_key(key);
            return Ok(());
        }
        let count = match self.open.last_mut().map(|open| &mut open.items) {
            None => {
                self.roots.push(at);
                self.roots.len()
            }
            Some(Items::List(items)) => {
                items.push(at);
                items.len()
            }
            Some(Items::Map(entries, key)) => {
                entries.push((key.take().unwrap_or_default(), at));
                entries.len()
            }
        };
        if count > MAX_ROWS { Err(FormatError::TooManyRows) } else { Ok(()) }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { items: Items::Map(_, None), .. }))
    }

    fn hold_key(&mut self, number: u32) {
        if let Some(Open { items: Items::Map(_, key), .. }) = self.open.last_mut() {
            *key = Some(number);
        }
    }

    fn key(&mut self, text: Cow<'t, str>) -> u32 {
        if let Some(number) = self.key_numbers.get(&text) {
            return *number;
        }
        let number = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.push(text.clone());
        self.key_numbers.insert(text, number);
        number
    }

    /// A map's entries, and after them what its `<<` brings in: an earlier entry of a name counts.
    fn merged(&self, map: &[(u32, u32)], depth: u8, into: &mut Vec<(u32, u32)>) {
        into.extend(map);
        for (_, at) in map.iter().filter(|(key, _)| self.keys[*key as usize] == "<<") {
            let maps = match &self.values[*at as usize].1 {
                Value::List(items) => &items[..],
                _ => std::slice::from_ref(at),
            };
            for at in maps {
                if let Value::Map(inner) = &self.values[*at as usize].1
                    && depth < MAX_MERGES
                    && into.len() <= MAX_ROWS
                {
                    self.merged(inner, depth + 1, into);
                }
            }
        }
    }
}

/// As much of a scalar as any field holds, and one character more. An alias may bring it in a million times: what is walked
/// over each time is bounded.
fn of_use(text: Cow<'_, str>) -> Cow<'_, str> {
    let most = |text: &str| cut(text.trim(), URL_MAX + 1).trim_end().len();
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text.trim_start()[..most(text)]),
        Cow::Owned(text) => Cow::Owned(text.trim_start()[..most(&text)].to_owned()),
    }
}

fn refused(place: Place, why: &str) -> FormatError {
    FormatError::Broken { format: "YAML", line: place.line, why: why.to_owned() }
}

/// One value of a tree.
#[derive(Clone, Copy)]
struct Handle<'a, 't> {
    tree: &'a Tree<'t>,
    at: u32,
}

impl<'a, 't> Handle<'a, 't> {
    fn value(self) -> &'a (Place, Value<'t>) {
        &self.tree.values[self.at as usize]
    }

    fn of(self, at: u32) -> Handle<'a, 't> {
        Handle { at, ..self }
    }
}

impl<'a> Node<'a> for Handle<'a, '_> {
    fn kind(self) -> Kind {
        match self.value().1 {
            Value::Null => Kind::Null,
            Value::Scalar(_) => Kind::Scalar,
            Value::List(_) => Kind::List,
            Value::Map(_) => Kind::Map,
        }
    }

    fn line(self) -> u32 {
        self.value().0.line
    }

    fn offset(self) -> usize {
        self.value().0.offset as usize
    }

    fn scalar(self) -> Cow<'a, str> {
        match &self.value().1 {
            Value::Scalar(text) => Cow::Borrowed(text),
            _ => Cow::Borrowed(""),
        }
    }

    fn items(self) -> Result<Vec<Self>, FormatError> {
        let Value::List(items) = &self.value().1 else { return Ok(Vec::new()) };
        Ok(items.iter().map(|at| self.of(*at)).collect())
    }

    fn entries(self) -> Result<Entries<'a, Self>, FormatError> {
        let Value::Map(map) = &self.value().1 else { return Ok(Vec::new()) };
        let mut entries = Vec::with_capacity(map.len());
        self.tree.merged(map, 0, &mut entries);
        let named = |(key, at): (u32, u32)| (Cow::Borrowed(self.tree.keys[key as usize].as_ref()), self.of(at));
        Ok(entries.into_iter().filter(|(key, _)| self.tree.keys[*key as usize] != "<<").map(named).collect())
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
