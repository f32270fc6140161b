//! Who is signed in where, and who did what.

use super::{Times, at_hand};
use crate::{
    domain::audit::{COMMAND_LINE, Deed, deed_words},
    formats::{csv_table, rfc3339},
    service::Result,
    web::{
        api::{fault::Fault, gate::Caller},
        dto::{AuditPage, AuditRow, Done, Pages, SessionNote},
        server::auth,
    },
};

/// Notes on a page.
const ROWS: u32 = 100;
/// Notes of an export at most.
const EXPORT: u32 = 100_000;

pub async fn audit(caller: &Caller, page: u32) -> Result<AuditPage> {
    let (_, times) = at_hand(caller).await?;
    let store = caller.service.store();
    let (_, total) = store.notes(0, 0).await?;
    let pages = Pages::of(page, total, ROWS);
    let (notes, _) = store.notes(pages.offset(), ROWS).await?;
    let rows = notes.into_iter().map(|note| AuditRow {
        at: times.stamp(note.at),
        deed: deed_words(&note.deed, caller.lang).to_owned(),
        who: if note.who == COMMAND_LINE { caller.words().command_line.to_owned() } else { note.who },
        about: note.about,
    });
    Ok(AuditPage { rows: rows.collect(), pages })
}

/// All of it as a table, the newest first.
pub async fn audit_csv(service: &crate::service::Service) -> Result<String> {
    let (notes, _) = service.store().notes(0, EXPORT).await?;
    let rows = notes.iter().map(|note| [rfc3339(note.at), note.who.clone(), note.deed.clone(), note.about.clone()]);
    Ok(csv_table(["at", "who", "deed", "about"], rows))
}

/// The caller's sessions, the one in use lately first.
pub async fn sessions(caller: &Caller, times: Times) -> Result<Vec<SessionNote>> {
    let mut held = auth::sessions_of(&caller.state).await?;
    held.sort_by_key(|session| std::cmp::Reverse(session.used));
    let note = |session: auth::Held| SessionNote {
        agent: auth::browser(&session.agent),
        address: session.address,
        began: times.stamp(session.began),
        used: times.stamp(session.used),
        here: session.here,
        handle: session.handle,
    };
    Ok(held.into_iter().map(note).collect())
}

/// Ends one of the caller's sessions.
pub async fn end_session(caller: &Caller, handle: &str) -> std::result::Result<Done, Fault> {
    let words = caller.words();
    let held = auth::sessions_of(&caller.state).await?.into_iter().find(|session| session.handle == handle);
    let session = held.ok_or_else(|| Fault::NotFound(words.no_session.to_owned()))?;
    caller.service.store().remove_session(&session.id).await?;
    caller.note(Deed::SessionEnded, format!("{} · {}", auth::browser(&session.agent), session.address)).await;
    Ok(Done::said(words.said_session_ended))
}
