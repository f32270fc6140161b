//! What a reader finds: rows that are taken, and what is said of the others.

use super::{
    FormatError, MAX_ROWS, MAX_TEXT, Notes, Row,
    column::{Slot, slot},
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

/// Characters of a row's own text that a note repeats.
const QUOTED: usize = 80;

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
    pub fn refuse(&mut self, line: u32, why: impl FnOnce() -> String) -> Result<(), FormatError> {
        self.count()?;
        self.bad.add(line, why);
        Ok(())
    }

    /// Checks what every row needs, an address and a name or the host in its stead, and takes it.
    ///
    /// # Errors
    /// [`FormatError::TooManyRows`], [`FormatError::Unfolds`].
    pub fn take(&mut self, line: u32, mut draft: Draft) -> Result<(), FormatError> {
        let url = match address_of(&mut draft) {
            Ok(url) => url,
            Err(why) => {
                return self.refuse(line, || match draft.name.as_str() {
                    "" => why,
                    name => format!("{}: {why}", cut(name, QUOTED)),
                });
            }
        };
        self.count()?;
        let key = address::key(&url);
        let hash = self.hasher.hash_one(&key);
        let at = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let earlier = *self.seen.entry(hash).or_insert(at);
        if let Some(first) = self.rows.get(earlier as usize)
            && address::parse(&first.draft.url).is_ok_and(|held| address::key(&held) == key)
        {
            let first = first.line;
            self.duplicates.add(line, || format!("{} stands on line {first} already", cut(&draft.url, QUOTED)));
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
        self.rows.push(Row { line, draft });
        Ok(())
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
        self.shortened.add(line, || {
            let what = if cuts { "was cut" } else { "was left out" };
            format!("the {} is longer than {max} characters and {what}", field.code())
        });
    }
}

/// The row's address, as it will be kept: what the browser would make of it where the file was lax, otherwise as the
/// owner wrote it.
fn address_of(draft: &mut Draft) -> Result<url::Url, String> {
    draft.url = draft.url.trim().to_owned();
    Field::Url.check(&draft.url).map_err(|error| error.to_string())?;
    let url = address::parse(&draft.url).map_err(|error| error.to_string())?;
    if !draft.url.contains("://") {
        draft.url = url.to_string();
        Field::Url.check(&draft.url).map_err(|error| error.to_string())?;
    }
    Ok(url)
}

/// The beginning of a row's own text, in quotation marks, for a note.
pub fn quoted(text: &str) -> String {
    format!("{:?}", cut(text, QUOTED))
}
