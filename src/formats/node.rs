//! How friends are found in a tree, as JSON and YAML are. The tree is opened piece by piece, and what was walked over
//! is let go.

use super::{
    FormatError, MAX_ROWS, Watch,
    column::Column,
    found::Found,
    note::{Remark, quoted},
};
use crate::{domain::field::Field, store::Draft};
use std::borrow::Cow;

/// A handle on one value.
pub trait Node<'t>: Copy {
    fn kind(self) -> Kind;
    /// The line it begins on.
    fn line(self) -> u32;
    /// How far into the text it is, in bytes.
    fn offset(self) -> usize;
    /// The text of a [`Kind::Scalar`].
    fn scalar(self) -> Cow<'t, str>;
    /// What a [`Kind::List`] holds.
    ///
    /// # Errors
    /// [`FormatError::TooManyRows`] beyond [`MAX_ROWS`] items.
    fn items(self) -> Result<Vec<Self>, FormatError>;
    /// What a [`Kind::Map`] holds, in its order.
    ///
    /// # Errors
    /// As [`Node::items`].
    fn entries(self) -> Result<Entries<'t, Self>, FormatError>;
}

pub type Entries<'t, N> = Vec<(Cow<'t, str>, N)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Scalar,
    List,
    Map,
}

impl Kind {
    fn is_container(self) -> bool {
        matches!(self, Kind::List | Kind::Map)
    }
}

/// Deeper trees hold no friends: `{class: [{link_list: {1: {…}}}]}` has five levels.
const MAX_DEPTH: u8 = 16;
/// Values that are open on the way down to the one that is looked at.
const MAX_OPEN: usize = 2 * MAX_ROWS;

/// Collects every friend in the tree.
///
/// # Errors
/// [`FormatError::TooManyRows`], or that it was stopped.
pub fn collect<'t, N: Node<'t>>(root: N, watch: &Watch, found: &mut Found) -> Result<(), FormatError> {
    let mut walk = Walk { watch, found, open: 0 };
    match root.kind() {
        Kind::Null | Kind::Scalar => Ok(()),
        Kind::List => walk.list(root, None, 0),
        Kind::Map => {
            let entries = root.entries()?;
            walk.map(root, &entries, None, 0)
        }
    }
}

struct Walk<'w> {
    watch: &'w Watch,
    found: &'w mut Found,
    open: usize,
}

impl Walk<'_> {
    /// Keeps count of what is held while `go` goes further down.
    fn holding(
        &mut self,
        count: usize,
        go: impl FnOnce(&mut Self) -> Result<(), FormatError>,
    ) -> Result<(), FormatError> {
        self.open += count;
        if self.open > MAX_OPEN {
            return Err(FormatError::TooManyRows);
        }
        go(self)?;
        self.open -= count;
        Ok(())
    }

    fn list<'t, N: Node<'t>>(&mut self, list: N, group: Option<&str>, depth: u8) -> Result<(), FormatError> {
        if depth > MAX_DEPTH {
            return self.found.refuse(list.line(), || Remark::TooDeep);
        }
        let items = list.items()?;
        if is_tuple(&items) {
            return self.tuple(list.line(), &items);
        }
        self.holding(items.len(), |walk| items.into_iter().try_for_each(|item| walk.element(item, group, depth)))
    }

    /// An element of a list: a friend, or a group of friends.
    fn element<'t, N: Node<'t>>(&mut self, item: N, group: Option<&str>, depth: u8) -> Result<(), FormatError> {
        self.watch.at(item.offset())?;
        match item.kind() {
            Kind::Null => Ok(()),
            Kind::Scalar => self.found.refuse(item.line(), || Remark::NotAFriend(quoted(&item.scalar()))),
            Kind::List => self.list(item, group, depth + 1),
            Kind::Map => {
                let entries = item.entries()?;
                if !entries.iter().any(|(_, value)| value.kind().is_container()) {
                    return self.friend(item.line(), &entries, group);
                }
                self.map(item, &entries, group, depth + 1)
            }
        }
    }

    fn map<'t, N: Node<'t>>(
        &mut self,
        map: N,
        entries: &[(Cow<'t, str>, N)],
        group: Option<&str>,
        depth: u8,
    ) -> Result<(), FormatError> {
        if names_address(entries) {
            return self.friend(map.line(), entries, group);
        }
        if depth > MAX_DEPTH {
            return self.found.refuse(map.line(), || Remark::TooDeep);
        }
        let own = group_name(entries);
        let group = own.as_deref().or(group);
        self.holding(entries.len(), |walk| {
            for (_, value) in entries {
                walk.watch.at(value.offset())?;
                match value.kind() {
                    Kind::Null | Kind::Scalar => {}
                    Kind::List => walk.list(*value, group, depth + 1)?,
                    Kind::Map => walk.inner(*value, group, depth + 1)?,
                }
            }
            Ok(())
        })
    }

    /// A map in a map; `link_list: {1: {…}, 2: {…}}` is a list as well.
    fn inner<'t, N: Node<'t>>(&mut self, map: N, group: Option<&str>, depth: u8) -> Result<(), FormatError> {
        let entries = map.entries()?;
        let numbered = !names_address(&entries) && entries.iter().all(|(_, value)| value.kind() == Kind::Map);
        if !numbered || depth > MAX_DEPTH {
            return self.map(map, &entries, group, depth);
        }
        self.holding(entries.len(), |walk| {
            entries.into_iter().try_for_each(|(_, item)| walk.element(item, group, depth))
        })
    }

    /// `[name, url, avatar]`, as friend.json has it.
    fn tuple<'t, N: Node<'t>>(&mut self, line: u32, items: &[N]) -> Result<(), FormatError> {
        let mut draft = Draft::default();
        for (field, item) in [Field::Name, Field::Url, Field::Logo].into_iter().zip(items) {
            if item.kind() == Kind::Scalar {
                Column::Field(field).fill(&mut draft, &item.scalar());
            }
        }
        self.found.take(line, draft)
    }

    fn friend<'t, N: Node<'t>>(
        &mut self,
        line: u32,
        entries: &[(Cow<'t, str>, N)],
        group: Option<&str>,
    ) -> Result<(), FormatError> {
        let mut draft = Draft::default();
        for (key, value) in entries {
            self.watch.at(value.offset())?;
            if let (Kind::Scalar, Some(column)) = (value.kind(), Column::named(key)) {
                column.fill(&mut draft, &value.scalar());
            }
        }
        if let Some(group) = group {
            Column::Field(Field::Group).fill(&mut draft, group);
        }
        self.found.take(line, draft)
    }
}

fn is_tuple<'t, N: Node<'t>>(items: &[N]) -> bool {
    items.len() >= 2 && items.iter().all(|item| !item.kind().is_container())
}

fn names_address<'t, N: Node<'t>>(entries: &[(Cow<'t, str>, N)]) -> bool {
    entries
        .iter()
        .any(|(key, value)| matches!(key.as_ref(), "url" | "link" | "href" | "htmlUrl") && !value.kind().is_container())
}

/// What a group of friends calls itself.
fn group_name<'t, N: Node<'t>>(entries: &[(Cow<'t, str>, N)]) -> Option<String> {
    let named = ["class_name", "group", "name", "title"].into_iter().find_map(|wanted| {
        entries.iter().find(|(key, value)| key == wanted && value.kind() == Kind::Scalar).map(|(_, value)| *value)
    });
    // Every friend inside is given it: no more of it than a field holds.
    let mut holder = Draft::default();
    Column::Field(Field::Group).fill(&mut holder, &named?.scalar());
    holder.group
}
