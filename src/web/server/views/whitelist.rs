//! The whitelist, and what an entry would match.

use super::{Times, at_hand};
use crate::{
    domain::{
        audit::Deed,
        whitelist::{self, Entry, Kind},
    },
    service::{Result, ServiceError},
    web::{
        api::{fault::Fault, gate::Caller},
        dto::{Done, EntryForm, EntryPreview, EntryRow, WhitelistPage},
    },
};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

/// Links that a preview names.
const SOME: usize = 20;
const SAVE: &str = "/api/fn/save_entry";
const SWITCH: &str = "/api/fn/switch_entry";

pub async fn page(caller: &Caller, form: EntryForm, preview: bool) -> Result<WhitelistPage> {
    let service = &caller.service;
    let (_, times) = at_hand(caller).await?;
    let entries = service.store().whitelist().await?;
    let names = service.names().await?;
    let now = service.clock().now();
    let rows = entries
        .iter()
        .map(|entry| EntryRow {
            id: entry.id,
            kind: entry.kind,
            pattern: entry.pattern.clone(),
            enabled: entry.enabled,
            note: entry.note.clone(),
            expires: entry.expires_at.map(|at| times.stamp(at)),
            expired: entry.expires_at.is_some_and(|at| at <= now),
            matches: count(names.named_by(entry).len()),
        })
        .collect();
    let wanted = (preview && !form.pattern.trim().is_empty()).then(|| entry_of(&form, times)).transpose();
    let preview = match wanted {
        Ok(Some(entry)) => {
            let ids = names.named_by(&entry);
            let some =
                names.links.iter().filter(|(id, ..)| ids.binary_search(id).is_ok()).take(SOME).cloned().collect();
            Some(EntryPreview { matches: count(ids.len()), hidden: service.store().count_hidden(&ids).await?, some })
        }
        Ok(None) | Err(_) => None,
    };
    Ok(WhitelistPage { form: filled(form, &entries, times), entries: rows, preview })
}

/// The form as asked for: of the entry that it names, where it carries nothing else.
fn filled(form: EntryForm, entries: &[Entry], times: Times) -> EntryForm {
    let known = entries.iter().find(|entry| code(entry.kind) == form.kind && entry.pattern == form.pattern);
    match known {
        Some(entry) if form.note.is_empty() && form.expires.is_empty() => EntryForm {
            note: entry.note.clone(),
            expires: entry.expires_at.map(|at| last_day(at, times)).unwrap_or_default(),
            enabled: entry.enabled,
            known: true,
            ..form
        },
        Some(_) => EntryForm { known: true, ..form },
        None => form,
    }
}

pub async fn save(caller: &Caller, form: EntryForm) -> std::result::Result<Done, Fault> {
    let words = caller.words();
    let (_, times) = at_hand(caller).await?;
    if form.pattern.trim().is_empty() {
        return Err(Fault::Refused(words.empty_pattern.to_owned()));
    }
    let entry = entry_of(&form, times)?;
    let shown =
        caller.service.put_entry(entry.kind, &entry.pattern, entry.enabled, &entry.note, entry.expires_at).await?;
    caller.note(Deed::EntrySet, format!("{}: {}", entry.pattern, if entry.enabled { "on" } else { "off" })).await;
    let back = if shown > 0 { format!(" · {} {}", words.said_restored_by, shown) } else { String::new() };
    Ok(Done::said(format!("{} · {}{back}", entry.pattern, words.said_saved)).then("/whitelist"))
}

/// `3:on` and `3:off`, by the entry's id.
pub async fn switch(caller: &Caller, set: &str) -> std::result::Result<Done, Fault> {
    let words = caller.words();
    let Some((id, how)) = set.split_once(':') else { return Err(Fault::Refused(words.bad_request.to_owned())) };
    let entry = find(caller, id.parse().unwrap_or_default()).await?;
    let on = how == "on";
    caller.service.put_entry(entry.kind, &entry.pattern, on, &entry.note, entry.expires_at).await?;
    caller.note(Deed::EntrySet, format!("{}: {}", entry.pattern, if on { "on" } else { "off" })).await;
    let back = format!("{}:{}", entry.id, if on { "off" } else { "on" });
    let said = if on { words.said_on } else { words.said_off };
    Ok(Done::said(format!("{} · {said}", entry.pattern)).or_undo(SWITCH, vec![("set", back)]))
}

pub async fn remove(caller: &Caller, id: i64) -> std::result::Result<Done, Fault> {
    let words = caller.words();
    let (_, times) = at_hand(caller).await?;
    let entry = find(caller, id).await?;
    caller.service.store().remove_entry(entry.kind, &entry.pattern).await?;
    caller.note(Deed::EntryRemoved, entry.pattern.as_str()).await;
    let fields = vec![
        ("kind", code(entry.kind).to_owned()),
        ("pattern", entry.pattern.clone()),
        ("note", entry.note.clone()),
        ("expires", entry.expires_at.map(|at| last_day(at, times)).unwrap_or_default()),
        ("enabled", if entry.enabled { "on" } else { "" }.to_owned()),
    ];
    Ok(Done::said(format!("{} · {}", entry.pattern, words.said_deleted)).or_undo(SAVE, fields))
}

async fn find(caller: &Caller, id: i64) -> std::result::Result<Entry, Fault> {
    let entries = caller.service.store().whitelist().await?;
    let found = entries.into_iter().find(|entry| entry.id == id);
    found.ok_or_else(|| Fault::NotFound(caller.words().no_entry.to_owned()))
}

fn entry_of(form: &EntryForm, times: Times) -> Result<Entry> {
    let kind = match form.kind.as_str() {
        "name" => Kind::Name,
        "host" => Kind::Host,
        _ => whitelist::guess_kind(&form.pattern),
    };
    let pattern = match kind {
        Kind::Host => whitelist::normal_host(&form.pattern)?,
        Kind::Name => form.pattern.trim().to_owned(),
    };
    let expires_at = match form.expires.trim() {
        "" => None,
        day => Some(end_of(day, times)?),
    };
    Ok(Entry { id: 0, kind, pattern, enabled: form.enabled, note: form.note.trim().to_owned(), expires_at })
}

/// The end of a day in the owner's time zone.
fn end_of(day: &str, times: Times) -> Result<DateTime<Utc>> {
    let wrong = || {
        let text = times
            .lang
            .pick("到期日无效，请填写如 2027-01-31 的日期", "The end is no day; write one such as 2027-01-31");
        ServiceError::Invalid(text.to_owned())
    };
    let day: NaiveDate = day.parse().map_err(|_| wrong())?;
    let next = day.checked_add_days(Days::new(1)).ok_or_else(wrong)?.and_time(NaiveTime::MIN);
    Ok(next.and_local_timezone(times.zone).earliest().ok_or_else(wrong)?.with_timezone(&Utc))
}

/// The last day on which an entry is in force.
fn last_day(end: DateTime<Utc>, times: Times) -> String {
    (end - TimeDelta::seconds(1)).with_timezone(&times.zone).format("%Y-%m-%d").to_string()
}

fn code(kind: Kind) -> &'static str {
    match kind {
        Kind::Name => "name",
        Kind::Host => "host",
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
