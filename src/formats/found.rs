//! What a reader finds: rows that are taken, and what is said of the others.

use super::{
    FormatError, MAX_ROWS, MAX_TEXT, Notes, Remark, Row,
    column::{Slot, slot},
    note::{AddressFault, quoted},
};
use crate::{
    domain::{
        address,
        field::{Field, cut, fits},
    },
    store::Draft,
};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

/// Addresses that are none of which it is kept why.
const REFUSED_KEPT: usize = 1_000;

/// What a format's reader has found so far.
#[derive(Default)]
pub struct Found {
    pub rows: Vec<Row>,
    pub duplicates: Notes,
    pub bad: Notes,
    pub shortened: Notes,
    /// Rows of every kind.
    count: usize,
    /// Bytes of the texts in `rows`.
    text: usize,
    /// The place among `rows` by the hash of the address's key: the keys themselves would be a second list.
    seen: HashMap<u64, u32>,
    /// The same by the hash of the address as the list has it.
    texts: HashMap<u64, u32>,
    /// What is wrong with some of those that are none.
    refused: HashMap<u64, AddressFault>,
    hasher: RandomState,
}

fn bytes_of(draft: &mut Draft, field: Field) -> usize {
    match slot(draft, field) {
        Slot::Text(text) => text.len(),
        Slot::Option(option) => option.as_ref().map_or(0, String::len),
    }
}

impl Found {
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Names a row that cannot be taken.
    ///
    /// # Errors
    /// [`FormatError::TooManyRows`].
    pub fn refuse(&mut self, line: u32, why: impl FnOnce() -> Remark) -> Result<(), FormatError> {
        self.count()?;
        self.bad.add(line, why);
        Ok(())
    }

    /// Checks what every row needs, an address and a name or the host in its stead, and takes it.
    ///
    /// # Errors
    /// [`FormatError::TooManyRows`], [`FormatError::Unfolds`].
    pub fn take(&mut self, line: u32, mut draft: Draft) -> Result<(), FormatError> {
        // An alias, or a careless list, may bring in one address a hundred thousand times: it is read once. The hash is
        // keyed, so that no list can be made in which two different ones have the same.
        let text = self.hasher.hash_one(draft.url.trim());
        if let Some(at) = self.texts.get(&text).copied() {
            self.count()?;
            self.say_twice(line, &draft, at);
            return Ok(());
        }
        let url = match self.address(text, &mut draft) {
            Ok(url) => url,
            Err(why) => return self.refuse(line, || Remark::Address { name: quoted(&draft.name), why }),
        };
        self.count()?;
        let key = address::key(&url);
        let hash = self.hasher.hash_one(&key);
        let at = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let earlier = *self.seen.entry(hash).or_insert(at);
        if let Some(first) = self.rows.get(earlier as usize)
            && address::parse(&first.draft.url).is_ok_and(|held| address::key(&held) == key)
        {
            self.texts.insert(text, earlier);
            self.say_twice(line, &draft, earlier);
            return Ok(());
        }
        if draft.name.is_empty() {
            address::bare_host(&url).clone_into(&mut draft.name);
        }
        for field in Field::ALL {
            self.fit(line, &mut draft, field);
        }
        self.text += Field::ALL.into_iter().map(|field| bytes_of(&mut draft, field)).sum::<usize>();
        if self.text > MAX_TEXT {
            return Err(FormatError::Unfolds);
        }
        self.texts.insert(text, at);
        self.rows.push(Row { line, draft });
        Ok(())
    }

    /// A row's address by the hash of its text, or what is wrong with it, which is remembered.
    fn address(&mut self, text: u64, draft: &mut Draft) -> Result<url::Url, AddressFault> {
        if let Some(why) = self.refused.get(&text) {
            return Err(why.clone());
        }
        let address = address_of(draft);
        if let Err(why) = &address
            && self.refused.len() < REFUSED_KEPT
        {
            self.refused.insert(text, why.clone());
        }
        address
    }

    /// Names a row whose address stands in an earlier one.
    fn say_twice(&mut self, line: u32, draft: &Draft, earlier: u32) {
        let first = self.rows.get(earlier as usize).map_or(0, |row| row.line);
        self.duplicates.add(line, || Remark::Twice { url: quoted(&draft.url), first });
    }

    fn count(&mut self) -> Result<(), FormatError> {
        self.count += 1;
        if self.count > MAX_ROWS { Err(FormatError::TooManyRows) } else { Ok(()) }
    }

    /// Cuts words that are too long for their field; addresses cannot be cut, and are left out.
    fn fit(&mut self, line: u32, draft: &mut Draft, field: Field) {
        let max = field.max_chars();
        let cuts = matches!(field, Field::Name | Field::Group | Field::Description | Field::Note);
        match slot(draft, field) {
            Slot::Text(text) if !fits(text, max) => *text = cut(text, max).trim_end().to_owned(),
            Slot::Option(option) if option.as_ref().is_some_and(|text| !fits(text, max)) => {
                *option = option.take().filter(|_| cuts).map(|text| cut(&text, max).trim_end().to_owned());
            }
            Slot::Text(_) | Slot::Option(_) => return,
        }
        self.shortened.add(line, || Remark::Shortened { field, left_out: !cuts });
    }
}

/// The row's address, as it will be kept: what the browser would make of it where the file was lax, otherwise as the
/// owner wrote it.
fn address_of(draft: &mut Draft) -> Result<url::Url, AddressFault> {
    draft.url = draft.url.trim().to_owned();
    Field::Url.check(&draft.url)?;
    let url = address::parse(&draft.url)?;
    if !draft.url.contains("://") {
        draft.url = url.to_string();
        Field::Url.check(&draft.url)?;
    }
    Ok(url)
}
