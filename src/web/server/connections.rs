//! Every connection has an end: how many there are at once, overall and of one address, and when each is over.
//!
//! Where there is no room for a new connection, a stranger's makes it: the one of the least worth, of those one of the
//! address that holds the most, of those the oldest. So whoever holds all that he can loses his own, and the owner gets
//! in.

mod bounded;
mod door;
#[cfg(test)]
mod tests;

pub use door::{Door, Peer};

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use ipnet::IpNet;
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A connection this old is closed after its next answer.
pub const LIFE: Duration = Duration::from_secs(5 * 60);
/// Whoever opens a connection to ask for something does so within this time.
const ASKS_WITHIN: Duration = Duration::from_secs(1);
/// Connections of one address without a log-in, where the setting leaves it open.
const OF_ONE_ADDRESS: usize = 64;

/// How many connections there may be at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All together.
    pub overall: usize,
    /// Of one address (a /64 for IPv6) that nobody is signed in on.
    pub of_one_address: usize,
    /// Proxies: they speak for many visitors, so the limit for one address is not theirs.
    pub proxies: Vec<IpNet>,
}

impl Limits {
    /// The limits by the settings, where 0 goes by `share`, the connections that the open files allow.
    pub fn new(overall: u32, of_one_address: u32, share: usize, proxies: Vec<IpNet>) -> Limits {
        let given = |setting: u32| usize::try_from(setting).ok().filter(|n| *n > 0);
        // More than the files allow would take them from the checks and the database.
        let overall = given(overall).map_or(share, |n| n.min(share));
        let of_one_address = given(of_one_address).unwrap_or(OF_ONE_ADDRESS.min((overall / 2).max(4)));
        Limits { overall, of_one_address: of_one_address.min(overall), proxies }
    }
}

/// The connections that are open. Takes them in for [`axum_server`].
#[derive(Clone)]
pub struct Connections {
    limits: Arc<RwLock<Limits>>,
    open: Arc<Mutex<BTreeMap<u64, Arc<Connection>>>>,
    next: Arc<AtomicU64>,
}

/// One connection. It is in the extensions of each of its requests.
#[derive(Debug)]
pub struct Connection {
    id: u64,
    address: IpAddr,
    opened: Instant,
    /// Whoever sent the newest request is signed in.
    signed_in: AtomicBool,
    /// It is known who sent it …
    known: AtomicBool,
    /// … or it is not, since so many milliseconds after the connection was opened.
    unknown_since: AtomicU64,
    /// A request has come whole and is being answered.
    at_work: AtomicBool,
    /// Its newest answer is a stream, which has no end of its own.
    streams: AtomicBool,
    /// Counts the answers, so that each is measured by itself.
    answers: AtomicU64,
    end: CancellationToken,
}

/// What a connection is worth keeping for, the least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// A stranger's that is silent, or does not take its answer, or is done.
    Idle,
    /// A stranger's request is being answered.
    AtWork,
    /// It may be anybody's: who asks on it is not known yet, and there was hardly time to find out.
    New,
    SignedIn,
}

impl Connection {
    /// A request has begun.
    pub fn asked(&self) {
        self.answers.fetch_add(1, Relaxed);
        self.at_work.store(false, Relaxed);
        self.streams.store(false, Relaxed);
        let age = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.unknown_since.store(age, Relaxed);
        self.known.store(false, Relaxed);
    }

    /// It is known who asks.
    pub fn is_of(&self, signed_in: bool) {
        self.signed_in.store(signed_in, Relaxed);
        self.known.store(true, Relaxed);
    }

    /// A request has come whole.
    pub fn works(&self) {
        self.at_work.store(true, Relaxed);
    }

    /// The answer's head is ready.
    pub fn answers(&self) {
        self.at_work.store(false, Relaxed);
    }

    /// The answer goes on until the other side has enough.
    pub fn streams(&self) {
        self.streams.store(true, Relaxed);
    }

    /// Whoever sent the newest request is signed in.
    pub fn is_signed_in(&self) -> bool {
        self.signed_in.load(Relaxed)
    }

    /// Ends it, whatever goes on.
    pub fn hang_up(&self) {
        self.end.cancel();
    }

    /// Whether it is to be closed after the answer that is under way.
    pub fn is_old(&self) -> bool {
        self.opened.elapsed() > LIFE
    }

    /// What it is worth keeping for. It may be the owner's until it has said who asks.
    fn worth(&self) -> Worth {
        let unknown_for = self.opened.elapsed().saturating_sub(Duration::from_millis(self.unknown_since.load(Relaxed)));
        match () {
            () if self.signed_in.load(Relaxed) => Worth::SignedIn,
            () if !self.known.load(Relaxed) && unknown_for < ASKS_WITHIN => Worth::New,
            () if self.at_work.load(Relaxed) => Worth::AtWork,
            () => Worth::Idle,
        }
    }
}

impl Connections {
    pub fn new(limits: Limits) -> Connections {
        Connections { limits: Arc::new(RwLock::new(limits)), open: Arc::default(), next: Arc::default() }
    }

    /// Changes the limits for connections that come from now on.
    pub fn set_limits(&self, limits: Limits) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// Streams that may be open at once: half of all connections.
    pub fn stream_limit(&self) -> usize {
        (self.limits.read().unwrap_or_else(PoisonError::into_inner).overall / 2).max(2)
    }

    /// Takes a connection in, at the cost of another where there is no room; `None` where every one that could go is
    /// somebody's who is signed in.
    fn admit(&self, peer: IpAddr) -> Option<Arc<Connection>> {
        let limits = self.limits.read().unwrap_or_else(PoisonError::into_inner).clone();
        let peer = peer.to_canonical();
        let address = block_of(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !limits.proxies.iter().any(|net| net.contains(&peer)) {
            let strangers = || open.values().filter(|held| held.address == address && !held.signed_in.load(Relaxed));
            if strangers().count() >= limits.of_one_address
                && let Some(id) = strangers().min_by_key(|held| (held.worth(), held.id)).map(|held| held.id)
            {
                hang_up(&mut open, id);
            }
        }
        if open.len() >= limits.overall {
            let strangers = || open.values().filter(|held| !held.signed_in.load(Relaxed));
            let mut held_by: BTreeMap<IpAddr, usize> = BTreeMap::new();
            strangers().for_each(|held| *held_by.entry(held.address).or_default() += 1);
            let least = |held: &&Arc<Connection>| (held.worth(), Reverse(held_by.get(&held.address).copied()), held.id);
            let id = strangers().min_by_key(least).map(|held| held.id)?;
            hang_up(&mut open, id);
        }
        let connection = Arc::new(Connection {
            id: self.next.fetch_add(1, Relaxed),
            address,
            opened: Instant::now(),
            signed_in: AtomicBool::new(false),
            known: AtomicBool::new(false),
            unknown_since: AtomicU64::new(0),
            at_work: AtomicBool::new(false),
            streams: AtomicBool::new(false),
            answers: AtomicU64::new(0),
            end: CancellationToken::new(),
        });
        open.insert(connection.id, connection.clone());
        Some(connection)
    }

    fn forget(&self, id: u64) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

fn hang_up(open: &mut BTreeMap<u64, Arc<Connection>>, id: u64) {
    if let Some(held) = open.remove(&id) {
        held.hang_up();
    }
}

/// Tells a connection of each of its requests, and closes it after an answer once it is old.
pub async fn measure(request: Request, next: Next) -> Response {
    let Some(connection) = request.extensions().get::<Arc<Connection>>().cloned() else {
        return next.run(request).await;
    };
    connection.asked();
    let mut response = tokio::select! {
        response = next.run(request) => response,
        // It has made room for another. Hyper does not look at a connection on which more was sent before the answer
        // was ready, so that it would keep its file until then.
        () = connection.end.cancelled() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    // Who asks for something public is not looked at.
    connection.known.store(true, Relaxed);
    if connection.is_old() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What counts as one address: a household has a /64 of its own.
pub fn block_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            [a, b, c, d, 0, 0, 0, 0].into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
