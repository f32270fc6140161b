//! Noting who did what.

use super::{Result, Service};
use crate::domain::audit::{ABOUT_MAX, COMMAND_LINE, Deed, KEEP_DAYS, Note};
use chrono::TimeDelta;

impl Service {
    /// Notes what someone has done. What is done is done: where the note cannot be written, the log says so.
    pub async fn note(&self, who: &str, deed: Deed, about: impl Into<String>) {
        let about = about.into().chars().take(ABOUT_MAX).collect();
        let note = Note { at: self.clock.now(), who: who.to_owned(), deed: deed.code().to_owned(), about };
        if let Err(error) = self.store.note(&note).await {
            tracing::error!(%error, who, deed = deed.code(), "what was done could not be noted");
        }
    }

    /// As [`Service::note`], for what is done at the command line.
    pub async fn note_here(&self, deed: Deed, about: impl Into<String>) {
        self.note(COMMAND_LINE, deed, about).await;
    }

    pub(super) async fn sweep_notes(&self) -> Result<()> {
        Ok(self.store.sweep_notes(self.clock.now() - TimeDelta::days(KEEP_DAYS)).await?)
    }

    /// The names of some links, for a note about them.
    pub async fn name_list(&self, ids: &[i64]) -> String {
        const NAMED: usize = 10;
        let mut names = Vec::new();
        for id in ids.iter().take(NAMED) {
            match self.store.link(*id).await {
                Ok(Some(link)) => names.push(link.about.name),
                _ => names.push(format!("#{id}")),
            }
        }
        let more = ids.len().saturating_sub(NAMED);
        let listed = names.join(", ");
        if more == 0 { listed } else { format!("{listed} + {more}") }
    }
}
