//! Links and whitelist: adding, changing, importing, exempting.

use super::{FieldChange, List, Result, Service, ServiceError, preview};
use crate::{
    domain::{
        address,
        field::Field,
        link::{About, Manual},
        verdict,
        whitelist::{self, Entry, Kind},
    },
    formats::{Format, Notes, Parsed, Watch},
    store::{Draft, Imported, StoreError},
};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// What an import did, or would do.
#[derive(Clone, Debug)]
pub struct ImportReport {
    pub format: Format,
    pub added: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub duplicates: Notes,
    pub bad: Notes,
    pub shortened: Notes,
}

/// Changes to one link; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct LinkEdit {
    pub fields: Draft,
    pub name: Option<String>,
    pub url: Option<String>,
    pub active: Option<bool>,
    pub backlink: Option<bool>,
    /// Milliseconds; `Some(None)` goes back to the setting.
    pub timeout_ms: Option<Option<u32>>,
    pub accept: Option<Vec<u16>>,
}

impl Service {
    /// Takes a list of friends in. Bad rows are told with their line, and the rest goes in; importing the same
    /// file twice changes nothing. The list is read on a thread of its own; dropping the future ends that, and
    /// leaves nothing behind.
    ///
    /// # Errors
    /// [`ServiceError::Format`] where nothing of the file can be used; then nothing is changed.
    pub async fn import(&self, list: List, dry_run: bool, progress: &Arc<Watch>) -> Result<ImportReport> {
        let parsed = self.read_list(list, progress).await?;
        self.write_list(parsed, dry_run, progress).await
    }

    /// Writes what was read; `progress` counts links from then on.
    pub(super) async fn write_list(&self, parsed: Parsed, dry_run: bool, progress: &Watch) -> Result<ImportReport> {
        let drafts: Vec<Draft> = parsed.rows.into_iter().map(|row| row.draft).collect();
        progress.begin(drafts.len());
        let go_on = |written| progress.at(written).is_ok();
        let done = self.store.import(&drafts, self.clock.now(), dry_run, &go_on).await?;
        let count = |kind| done.iter().filter(|one| **one == kind).count();
        Ok(ImportReport {
            format: parsed.format,
            added: count(Imported::Added),
            updated: count(Imported::Updated),
            unchanged: count(Imported::Unchanged),
            duplicates: parsed.duplicates,
            bad: parsed.bad,
            shortened: parsed.shortened,
        })
    }

    /// Adds a link; returns its id.
    ///
    /// # Errors
    /// Where the address is none, or in the roll already.
    pub async fn add_link(&self, edit: LinkEdit) -> Result<i64> {
        let active = edit.active.unwrap_or(true);
        let mut about = About::default();
        edit.apply(&mut about)?;
        if about.name.is_empty() {
            let url = address::parse(&about.url).map_err(StoreError::from)?;
            address::bare_host(&url).clone_into(&mut about.name);
        }
        Ok(self.store.add_link(&about, active, self.clock.now()).await?)
    }

    /// Changes a link; says which fields, as they were and are.
    ///
    /// # Errors
    /// Where there is none, or its new address is none or another's.
    pub async fn edit_link(&self, id: i64, edit: LinkEdit) -> Result<Vec<FieldChange>> {
        let link = self.store.link(id).await?.ok_or(StoreError::NoSuch { what: "link", id })?;
        let active = edit.active.unwrap_or(link.active);
        let mut about = link.about.clone();
        edit.apply(&mut about)?;
        self.store.set_link(id, &about, active).await?;
        Ok(preview::differences((&link.about, link.active), (&about, active)))
    }

    /// Sets the owner's own verdict, or lifts it: then the link stands as its newest check says.
    ///
    /// # Errors
    /// Where there is no such link, or the store is at fault.
    pub async fn set_verdict(&self, id: i64, manual: Option<Manual>) -> Result<()> {
        let now = self.clock.now();
        if let Some(manual) = manual {
            return Ok(self.store.set_manual(id, manual, now).await?);
        }
        let link = self.store.link(id).await?.ok_or(StoreError::NoSuch { what: "link", id })?;
        let policy = self.settings().await?.policy;
        let (shown, reason) = verdict::automatic(&link.state, link.last_check.as_ref(), &policy);
        Ok(self.store.lift_manual(id, shown, reason, now).await?)
    }

    /// Adds a whitelist entry, or brings the one of that pattern up to date. One that is on shows its links at
    /// once; returns how many were hidden.
    ///
    /// # Errors
    /// [`ServiceError::Pattern`] where a host pattern is none.
    pub async fn put_entry(
        &self,
        kind: Kind,
        pattern: &str,
        enabled: bool,
        note: &str,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<u32> {
        let pattern = match kind {
            Kind::Host => whitelist::normal_host(pattern)?,
            Kind::Name => pattern.trim().to_owned(),
        };
        if pattern.is_empty() {
            return Err(ServiceError::EmptyPattern);
        }
        let entry = Entry { id: 0, kind, pattern, enabled, note: note.to_owned(), expires_at };
        let now = self.clock.now();
        self.store.put_entry(&entry, now).await?;
        if !entry.in_force(now) {
            return Ok(0);
        }
        let ids = self.names().await?.named_by(&entry);
        Ok(self.store.show_exempt(&ids, now).await?)
    }

    /// Switches an entry on or off.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] where there is no such entry.
    pub async fn switch_entry(&self, pattern: &str, enabled: bool) -> Result<u32> {
        let entry = self.entry(pattern).await?;
        self.put_entry(entry.kind, &entry.pattern, enabled, &entry.note, entry.expires_at).await
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] where there is no such entry.
    pub async fn remove_entry(&self, pattern: &str) -> Result<()> {
        let entry = self.entry(pattern).await?;
        self.store.remove_entry(entry.kind, &entry.pattern).await?;
        Ok(())
    }

    async fn entry(&self, pattern: &str) -> Result<Entry> {
        let host = whitelist::normal_host(pattern).ok();
        let entries = self.store.whitelist().await?;
        let found = entries.into_iter().find(|entry| match entry.kind {
            Kind::Name => entry.pattern == pattern.trim(),
            Kind::Host => Some(&entry.pattern) == host.as_ref(),
        });
        found.ok_or_else(|| ServiceError::NoEntry(pattern.to_owned()))
    }
}

impl LinkEdit {
    /// Puts the changes into a link's fields, checked first.
    fn apply(self, about: &mut About) -> Result<()> {
        if let Some(url) = self.url {
            let parsed = address::parse(&url).map_err(StoreError::from)?;
            let url = if url.contains("://") { url.trim().to_owned() } else { parsed.to_string() };
            // One that is there already may be older than the limit.
            if url != about.url {
                Field::Url.check(&url)?;
            }
            about.url = url;
        }
        if let Some(name) = self.name {
            name.trim().clone_into(&mut about.name);
            Field::Name.check(&about.name)?;
        }
        let fields = self.fields;
        if let Some(page) = fields.backlink_page.as_ref().filter(|page| !page.is_empty()) {
            address::parse(page).map_err(StoreError::from)?;
        }
        let slots = [
            (Field::Group, &mut about.group, fields.group),
            (Field::Logo, &mut about.logo, fields.logo),
            (Field::Description, &mut about.description, fields.description),
            (Field::Feed, &mut about.feed, fields.feed),
            (Field::BacklinkPage, &mut about.backlink_page, fields.backlink_page),
            (Field::Email, &mut about.email, fields.email),
            (Field::Note, &mut about.note, fields.note),
        ];
        for (field, held, new) in slots {
            // What is there already may be older than the limit.
            if let Some(new) = new.filter(|new| new != held) {
                field.check(&new)?;
                *held = new;
            }
        }
        if let Some(backlink) = self.backlink {
            about.overrides.backlink_off = !backlink;
        }
        if let Some(timeout_ms) = self.timeout_ms {
            about.overrides.timeout_ms = timeout_ms;
        }
        if let Some(accept) = self.accept {
            about.overrides.accept = accept;
        }
        Ok(())
    }
}
