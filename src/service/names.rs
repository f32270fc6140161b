//! Which links a whitelist entry names, remembered until a link comes, goes, or is renamed: with thousands of links it
//! is too much to work out for every page.

use super::{Result, Service};
use crate::domain::whitelist::{Entry, Kind, Place};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// Entries whose links are remembered at most; a preview adds one each time.
const REMEMBERED: usize = 256;

/// All links by name and address, as of one revision.
pub struct Names {
    revision: i64,
    /// Id, name, address.
    pub links: Vec<(i64, String, String)>,
    /// Where the links' addresses lead, in the same order.
    places: OnceLock<Vec<Option<Place>>>,
    found: Mutex<Found>,
}

/// Links in the order of their ids, by an entry's kind and pattern.
type Found = HashMap<(Kind, String), Arc<[i64]>>;

/// The newest names that were read.
#[derive(Default)]
pub struct NamesCache(tokio::sync::Mutex<Option<Arc<Names>>>);

impl Names {
    /// The links that an entry names, in force or not.
    pub fn named_by(&self, entry: &Entry) -> Arc<[i64]> {
        let key = (entry.kind, entry.pattern.clone());
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ids) = found.get(&key) {
            return ids.clone();
        }
        let pattern = entry.pattern();
        let places = self.places.get_or_init(|| self.links.iter().map(|(_, _, url)| Place::of(url)).collect());
        let links = self.links.iter().zip(places);
        let named = links.filter(|((_, name, _), place)| pattern.names(name, || place.as_ref()));
        let ids: Arc<[i64]> = named.map(|((id, ..), _)| *id).collect();
        if found.len() >= REMEMBERED {
            found.clear();
        }
        found.insert(key, ids.clone());
        ids
    }
}

impl Service {
    /// All names, read again only where they have changed.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn names(&self) -> Result<Arc<Names>> {
        // Whoever comes while they are read waits for them: to read a large roll several times at once takes longer.
        let mut held = self.names.0.lock().await;
        let revision = self.store().links_revision().await?;
        if let Some(names) = held.as_ref().filter(|names| names.revision == revision) {
            return Ok(names.clone());
        }
        let links = self.store().names().await?;
        let names = Arc::new(Names { revision, links, places: OnceLock::new(), found: Mutex::default() });
        *held = Some(names.clone());
        Ok(names)
    }

    /// The links that some entry in force exempts.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn exempt_ids(&self, entries: &[Entry]) -> Result<Vec<i64>> {
        let now = self.clock().now();
        let in_force: Vec<&Entry> = entries.iter().filter(|entry| entry.in_force(now)).collect();
        if in_force.is_empty() {
            return Ok(Vec::new());
        }
        let names = self.names().await?;
        let mut ids: Vec<i64> = in_force.into_iter().flat_map(|entry| names.named_by(entry).to_vec()).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}
