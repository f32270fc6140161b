//! A list on its way in: taken, looked at, applied.

use crate::{
    domain::audit::Deed,
    formats::{Format, MAX_BYTES, Note},
    service::{self, ServiceError},
    web::{
        api::{fault::Fault, gate::Caller},
        dto::{Done, ImportPage, Preview, PreviewRow},
    },
};
use leptos::server_fn::codec::MultipartData;

/// Rows of a kind that a preview lists.
const LISTED: usize = 200;

pub async fn page(caller: &Caller, token: &str) -> Result<ImportPage, Fault> {
    let links = caller.service.store().totals().await?.links;
    let Some(bytes) = caller.state.lists.look(token) else {
        return Ok(ImportPage { preview: None, links });
    };
    let found = caller.service.preview_import(&bytes, None).await?;
    let counts =
        [found.added.len(), found.changed.len(), found.unchanged.len() + found.duplicates.len(), found.bad.len()];
    Ok(ImportPage {
        preview: Some(Preview {
            token: token.to_owned(),
            format: name(found.format).to_owned(),
            unchanged: u32::try_from(found.unchanged.len()).unwrap_or(u32::MAX),
            added: rows(found.added),
            changed: rows(found.changed),
            duplicates: notes(found.duplicates),
            bad: notes(found.bad),
            counts: counts.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        }),
        links,
    })
}

/// Takes the list in and keeps it for the preview. What cannot be read is told at once.
pub async fn take(caller: &Caller, data: MultipartData) -> Result<Done, Fault> {
    let words = caller.words();
    let unreadable = |_| Fault::Refused(words.upload_broken.to_owned());
    let Some(mut parts) = data.into_inner() else { return Err(Fault::Refused(words.bad_request.to_owned())) };
    let mut bytes = Vec::new();
    while let Some(mut part) = parts.next_field().await.map_err(unreadable)? {
        // Whichever of the two carries something.
        if !matches!(part.name(), Some("text" | "file")) || !bytes.is_empty() {
            continue;
        }
        while let Some(piece) = part.chunk().await.map_err(unreadable)? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MAX_BYTES {
                return Err(ServiceError::Format(crate::formats::FormatError::TooLarge).into());
            }
        }
    }
    caller.service.preview_import(&bytes, None).await?;
    let size = bytes.len();
    let token = caller.state.lists.put(bytes.into(), size).unwrap_or_default();
    Ok(Done::quiet().then(format!("/import?list={token}")))
}

pub async fn apply(caller: &Caller, token: &str) -> Result<Done, Fault> {
    let words = caller.words();
    let Some(bytes) = caller.state.lists.look(token) else {
        return Err(Fault::Refused(words.list_gone.to_owned()));
    };
    let report = caller.service.import(&bytes, None, false).await?;
    caller.state.lists.take(token);
    caller.note(Deed::Imported, format!("+{} ~{}", report.added, report.updated)).await;
    let said = format!("{} {} · {} {}", words.added, report.added, words.changed, report.updated);
    Ok(Done::said(said).then("/links"))
}

fn rows(rows: Vec<service::PreviewRow>) -> Vec<PreviewRow> {
    let row = |row: service::PreviewRow| PreviewRow {
        line: row.line,
        name: row.name,
        url: row.url,
        changes: row.changes.into_iter().map(|c| (c.field.to_owned(), c.old, c.new)).collect(),
    };
    rows.into_iter().take(LISTED).map(row).collect()
}

fn notes(notes: Vec<Note>) -> Vec<(u32, String)> {
    notes.into_iter().take(LISTED).map(|note| (note.line, note.why)).collect()
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
