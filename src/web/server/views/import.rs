//! A list on its way in: taken, looked at, applied.

use crate::{
    domain::lang::Lang,
    formats::{Format, FormatError, MAX_BYTES, Note},
    service::{self, ImportPhase, ImportPreview, ImportReport, ImportState, List, Service, ServiceError},
    web::{
        api::{fault::Fault, gate::Caller},
        dto::{Done, ImportPage, ImportProgress, Preview, PreviewRow},
        server::{document, faults, once},
        words::ImportWords,
    },
};
use leptos::server_fn::codec::MultipartData;
use std::{sync::Arc, time::Duration};

/// Notes of a kind that a preview lists.
const LISTED: usize = 200;
/// Work that takes longer goes on without the request, and the page shows how far it is.
const WAIT: Duration = Duration::from_secs(2);
/// How often that page looks again, in seconds. `browser/visit.rs` goes by the same attribute.
const LOOK_AGAIN: u32 = 2;

pub async fn page(caller: &Caller, token: &str) -> Result<ImportPage, Fault> {
    let links = caller.service.store().totals().await?.links;
    let mut page = ImportPage { progress: None, preview: None, imported: None, failure: None, links };
    let Some((state, (done, total))) = caller.service.import_state(token) else {
        page.failure = (!token.is_empty()).then(|| caller.words().list_gone.to_owned());
        return Ok(page);
    };
    match state {
        ImportState::Working(phase) => {
            document::refresh_after(LOOK_AGAIN);
            let permille = (done * 1000).checked_div(total).unwrap_or_default();
            let writing = phase == ImportPhase::Writing;
            page.progress = Some(ImportProgress { token: token.to_owned(), writing, permille: number(permille) });
        }
        ImportState::Looked(found) => page.preview = Some(preview(token, &found, caller.lang)),
        ImportState::Imported(report) => page.imported = Some((number(report.added), number(report.updated))),
        ImportState::Failed(error) => page.failure = Some(faults::told(&error, caller.lang).to_string()),
    }
    Ok(page)
}

/// Takes the list in and looks at it. What cannot be read is told at once, where it is known soon.
pub async fn take(caller: &Caller, data: MultipartData) -> Result<Done, Fault> {
    let bytes = upload(caller, data).await?;
    let token = once::token();
    caller.service.begin_preview(&token, List { bytes: bytes.into(), format: None })?;
    // Whoever leaves while it is waited for has no use for it.
    let mut left = Left { service: &caller.service, token: Some(&token) };
    let state = caller.service.wait_for_import(&token, WAIT).await;
    left.token = None;
    if let Some(ImportState::Failed(error)) = state {
        caller.service.drop_import(&token);
        return Err(faults::told(&error, caller.lang));
    }
    Ok(Done::quiet().then(format!("/import?list={token}")))
}

/// The bytes that were pasted or dropped, whichever of the two carries something.
async fn upload(caller: &Caller, data: MultipartData) -> Result<Vec<u8>, Fault> {
    let words = caller.words();
    let unreadable = |_| Fault::Refused(words.upload_broken.to_owned());
    let Some(mut parts) = data.into_inner() else { return Err(Fault::Refused(words.bad_request.to_owned())) };
    let mut bytes = Vec::new();
    while let Some(mut part) = parts.next_field().await.map_err(unreadable)? {
        if !matches!(part.name(), Some("text" | "file")) || !bytes.is_empty() {
            continue;
        }
        while let Some(piece) = part.chunk().await.map_err(unreadable)? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MAX_BYTES {
                return Err(ServiceError::Format(FormatError::TooLarge).into());
            }
        }
    }
    Ok(bytes)
}

/// Drops a list when the request that waits for it is dropped.
struct Left<'a> {
    service: &'a Arc<Service>,
    token: Option<&'a str>,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token {
            self.service.drop_import(token);
        }
    }
}

pub async fn apply(caller: &Caller, token: &str) -> Result<Done, Fault> {
    let gone = || Fault::Refused(caller.words().list_gone.to_owned());
    if !caller.service.begin_import(token, &caller.name) {
        return Err(gone());
    }
    match caller.service.wait_for_import(token, WAIT).await.ok_or_else(gone)? {
        ImportState::Imported(report) => {
            caller.service.drop_import(token);
            Ok(Done::said(said(caller, &report)).then("/links"))
        }
        ImportState::Failed(error) => Err(faults::told(&error, caller.lang)),
        ImportState::Working(_) | ImportState::Looked(_) => Ok(Done::quiet().then(format!("/import?list={token}"))),
    }
}

pub async fn cancel(caller: &Caller, token: &str) -> Result<Done, Fault> {
    let state = caller.service.stop_import(token, WAIT).await;
    if matches!(state, Some(ImportState::Imported(_) | ImportState::Working(_))) {
        // It was quicker, or is not to be stopped at once: the page says what comes of it.
        return Ok(Done::quiet().then(format!("/import?list={token}")));
    }
    let dropped = caller.service.drop_import(token);
    let done = if dropped { Done::said(ImportWords::of(caller.lang).cancelled) } else { Done::quiet() };
    Ok(done.then("/import"))
}

fn said(caller: &Caller, report: &ImportReport) -> String {
    let words = caller.words();
    format!("{} {} · {} {}", words.added, report.added, words.changed, report.updated)
}

fn preview(token: &str, found: &ImportPreview, lang: Lang) -> Preview {
    let same = found.unchanged + found.duplicates.count();
    Preview {
        token: token.to_owned(),
        format: name(found.format).to_owned(),
        unchanged: number(found.unchanged),
        added: rows(&found.added.listed),
        changed: rows(&found.changed.listed),
        duplicates: notes(&found.duplicates, lang),
        bad: notes(&found.bad, lang),
        shortened: notes(&found.shortened, lang),
        counts: [found.added.count, found.changed.count, same, found.bad.count()].map(number),
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn rows(rows: &[service::PreviewRow]) -> Vec<PreviewRow> {
    let row = |row: &service::PreviewRow| PreviewRow {
        line: row.line,
        name: row.name.clone(),
        url: row.url.clone(),
        changes: row.changes.iter().map(|c| (c.field.to_owned(), c.old.clone(), c.new.clone())).collect(),
    };
    rows.iter().map(row).collect()
}

fn notes(notes: &[Note], lang: Lang) -> Vec<(u32, String)> {
    notes.iter().take(LISTED).map(|note| (note.line, note.remark.words(lang))).collect()
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Json => "JSON",
        Format::Csv => "CSV",
        Format::LinkYml => "link.yml",
        Format::FriendJson => "friend.json",
        Format::Opml => "OPML",
        Format::LinkList => "link_list JSON",
    }
}
