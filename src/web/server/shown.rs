//! The list of the shown links, which any page anywhere asks for: made once for each state of the roll, and one copy for
//! all who read it.

use super::connections::Connection;
use crate::{
    domain::{address, link::Link},
    service::{
        Result, Service,
        export::{PART, is_shown},
    },
};
use async_compression::{
    Level,
    tokio::bufread::{BrotliEncoder, GzipEncoder},
};
use axum::http::{HeaderValue, header::GetAll};
use bytes::Bytes;
use serde::Serialize;
use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, PoisonError, Weak},
};
use tokio::{
    io::AsyncReadExt,
    runtime::Handle,
    sync::{Mutex, OnceCell},
    task::spawn_blocking,
};

/// Brotli at this level takes about as long as gzip does at its usual one, and a fifth less room.
const BROTLI: Level = Level::Precise(5);
const GZIP: Level = Level::Precise(6);

#[derive(Serialize)]
struct Friend<'a> {
    name: &'a str,
    url: String,
    logo: String,
    description: &'a str,
    feed: String,
}

/// How a body is packed for who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Plain,
    Gzip,
    Brotli,
}

/// Lists of older states of the roll that somebody may still be reading. Whoever takes longer over one than the roll takes
/// to change so often is hung up on: each list is held in memory for as long as it has a reader.
const OLDER_MAX: usize = 3;

/// The list as of the newest state of the roll that was asked for.
#[derive(Default)]
pub struct ShownList(Mutex<Lists>);

#[derive(Default)]
struct Lists {
    newest: Option<Arc<List>>,
    /// The oldest first.
    older: VecDeque<Weak<List>>,
}

/// The list of one state of the roll.
pub struct List {
    revision: i64,
    hash: u64,
    plain: Vec<u8>,
    gzip: OnceCell<Vec<u8>>,
    brotli: OnceCell<Vec<u8>>,
    readers: std::sync::Mutex<Vec<Arc<Connection>>>,
}

/// A list on its way out, which keeps it from being let go.
struct Reading {
    list: Arc<List>,
    coding: Coding,
    reader: Option<Arc<Connection>>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            let mut readers = self.list.readers();
            if let Some(at) = readers.iter().position(|held| Arc::ptr_eq(held, reader)) {
                readers.swap_remove(at);
            }
        }
    }
}

impl AsRef<[u8]> for Reading {
    fn as_ref(&self) -> &[u8] {
        self.list.packed(self.coding).unwrap_or_default()
    }
}

impl ShownList {
    /// The list as it is now. Whoever asks while it is made waits for it; who goes away does not stop it.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn now(self: &Arc<Self>, service: &Arc<Service>) -> Result<Arc<List>> {
        let revision = service.store().roll_revision().await?;
        if let Ok(held) = self.0.try_lock()
            && let Some(list) = held.newest.as_ref().filter(|list| list.revision == revision)
        {
            return Ok(list.clone());
        }
        let (lists, service) = (self.clone(), service.clone());
        let made = tokio::spawn(async move { lists.make(&service).await });
        match made.await {
            Ok(list) => list,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    async fn make(&self, service: &Service) -> Result<Arc<List>> {
        let mut held = self.0.lock().await;
        // Read before the links are, so that a change that comes in between has it made again.
        let revision = service.store().roll_revision().await?;
        if let Some(list) = held.newest.as_ref().filter(|list| list.revision == revision) {
            return Ok(list.clone());
        }
        let plain = text(service).await?;
        let mut hasher = DefaultHasher::new();
        plain.hash(&mut hasher);
        let (gzip, brotli) = (OnceCell::new(), OnceCell::new());
        let readers = std::sync::Mutex::default();
        let list = Arc::new(List { revision, hash: hasher.finish(), plain, gzip, brotli, readers });
        held.put(list.clone());
        Ok(list)
    }
}

impl Lists {
    fn put(&mut self, list: Arc<List>) {
        if let Some(before) = self.newest.replace(list) {
            self.older.push_back(Arc::downgrade(&before));
        }
        self.older.retain(|older| older.strong_count() > 0);
        while self.older.len() > OLDER_MAX {
            if let Some(oldest) = self.older.pop_front().and_then(|oldest| oldest.upgrade()) {
                oldest.hang_up();
            }
        }
    }
}

impl List {
    /// The entity tag of the list, packed in this way.
    pub fn tag(&self, coding: Coding) -> String {
        let suffix = coding.name().map(|name| format!("-{name}")).unwrap_or_default();
        format!("\"{:016x}{suffix}\"", self.hash)
    }

    /// The list packed in this way for somebody on this connection. It is packed once: who goes away does not stop it.
    pub async fn body(self: Arc<Self>, coding: Coding, reader: Option<&Arc<Connection>>) -> Bytes {
        if self.packed(coding).is_none() {
            let list = self.clone();
            let packing = tokio::spawn(async move {
                let cell = if coding == Coding::Brotli { &list.brotli } else { &list.gzip };
                cell.get_or_init(|| pack(list.clone(), coding)).await;
            });
            packing.await.expect("packing does not panic");
        }
        self.readers().extend(reader.cloned());
        Bytes::from_owner(Reading { list: self, coding, reader: reader.cloned() })
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Connection>>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn packed(&self, coding: Coding) -> Option<&[u8]> {
        match coding {
            Coding::Plain => Some(&self.plain),
            Coding::Gzip => self.gzip.get().map(Vec::as_slice),
            Coding::Brotli => self.brotli.get().map(Vec::as_slice),
        }
    }

    /// Ends the connections of all strangers who are reading it.
    fn hang_up(&self) {
        self.readers().iter().filter(|reader| !reader.is_signed_in()).for_each(|reader| reader.hang_up());
    }
}

impl Coding {
    /// The best of what a request accepts. A weight of 0 refuses: RFC 9110, 12.5.3.
    pub fn of(accepted: GetAll<'_, HeaderValue>) -> Coding {
        let takes = |coding: Coding| {
            let ones = accepted.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
            ones.map(|one| one.split_once(';').unwrap_or((one, ""))).any(|(name, weight)| {
                let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
                coding.name().is_some_and(|own| name.trim().eq_ignore_ascii_case(own))
                    && weight.is_none_or(|weight| weight > 0.0)
            })
        };
        [Coding::Brotli, Coding::Gzip].into_iter().find(|coding| takes(*coding)).unwrap_or(Coding::Plain)
    }

    pub fn name(self) -> Option<&'static str> {
        match self {
            Coding::Plain => None,
            Coding::Gzip => Some("gzip"),
            Coding::Brotli => Some("br"),
        }
    }
}

/// Packs off the threads that answer requests: a large list takes a good part of a second.
async fn pack(list: Arc<List>, coding: Coding) -> Vec<u8> {
    let runtime = Handle::current();
    let packed = spawn_blocking(move || {
        runtime.block_on(async {
            let (plain, mut packed) = (&list.plain[..], Vec::new());
            let done = match coding {
                Coding::Brotli => BrotliEncoder::with_quality(plain, BROTLI).read_to_end(&mut packed).await,
                _ => GzipEncoder::with_quality(plain, GZIP).read_to_end(&mut packed).await,
            };
            packed.shrink_to_fit();
            done.map(|_| packed)
        })
    });
    packed.await.expect("packing does not panic").expect("memory can be read")
}

/// The list as JSON, from parts of the roll.
async fn text(service: &Service) -> Result<Vec<u8>> {
    let store = service.store();
    let mut text = br#"{"groups":["#.to_vec();
    let mut open: Option<String> = None;
    let mut count = 0_usize;
    for ids in store.roll_order(true, true).await?.chunks(PART) {
        // One may have been hidden since the order was read.
        for link in store.links_of(ids).await?.iter().filter(|link| is_shown(link)) {
            let group = link.about.group.as_str();
            if open.as_deref() != Some(group) {
                let before = if open.is_none() { "" } else { "]}," };
                text.extend_from_slice(format!("{before}{{\"name\":{},\"links\":[", json(&group)).as_bytes());
                open = Some(group.to_owned());
            } else {
                text.push(b',');
            }
            text.extend_from_slice(json(&friend(link)).as_bytes());
            count += 1;
        }
    }
    let end = if open.is_none() { "" } else { "]}" };
    text.extend_from_slice(format!("{end}],\"count\":{count}}}").as_bytes());
    text.shrink_to_fit();
    Ok(text)
}

fn friend(link: &Link) -> Friend<'_> {
    let about = &link.about;
    Friend {
        name: &about.name,
        url: address::safe_href(&about.url),
        logo: address::safe_href(&about.logo),
        description: &about.description,
        feed: address::safe_href(&about.feed),
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data")
}
