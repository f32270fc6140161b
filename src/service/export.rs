//! The roll as a file, made as it is sent: however long it is, only a part of it is in memory.

use super::{Result, Service};
use crate::{
    domain::link::Link,
    formats::{Format, Writer},
};
use futures::{Stream, stream};
use std::sync::Arc;

/// Links that are read and written at once.
pub const PART: usize = 1000;

/// How far a file has come.
struct Export {
    service: Arc<Service>,
    format: Format,
    shown: bool,
    /// The links in their order, and how many of them are written.
    ids: Vec<i64>,
    written: usize,
    /// In order.
    exempt: Vec<i64>,
    /// `None` before the first part.
    writer: Option<Writer>,
}

impl Service {
    /// The roll in a format; with `shown` only what the blog displays. A link that is changed meanwhile is as it was
    /// or as it is.
    pub fn export(self: &Arc<Self>, format: Format, shown: bool) -> impl Stream<Item = Result<Vec<u8>>> + Send + use<> {
        let (ids, exempt) = (Vec::new(), Vec::new());
        let begun = Export { service: self.clone(), format, shown, ids, written: 0, exempt, writer: None };
        stream::try_unfold(Some(begun), |export| async move {
            match export {
                Some(export) => Ok(Some(export.next().await?)),
                None => Ok(None),
            }
        })
    }
}

impl Export {
    /// The next part, and what is left to do after it.
    async fn next(mut self) -> Result<(Vec<u8>, Option<Export>)> {
        let store = self.service.store();
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                self.ids = store.roll_order(self.shown, self.format.is_grouped()).await?;
                self.exempt = self.service.exempt_ids(&store.whitelist().await?).await?;
                Writer::new(self.format)
            }
        };
        let upto = self.ids.len().min(self.written + PART);
        let mut links = store.links_of(&self.ids[self.written..upto]).await?;
        // One may have been hidden since the order was read.
        links.retain(|link| !self.shown || is_shown(link));
        writer.links(&links, |link| self.exempt.binary_search(&link.id).is_ok());
        self.written = upto;
        if upto == self.ids.len() {
            return Ok((writer.finish(), None));
        }
        let text = writer.take();
        self.writer = Some(writer);
        Ok((text, Some(self)))
    }
}

/// Whether the blog displays the link.
pub fn is_shown(link: &Link) -> bool {
    link.active && link.state.shown
}
