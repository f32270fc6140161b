//! Every connection has an end: how many there are at once, overall and of one address, and when each is over.
//!
//! Where there is no room for a new connection, a stranger's makes it: the one of the least worth, of those one of the
//! address that holds the most, of those the oldest. So whoever holds all that he can loses his own, and the owner gets
//! in.

#[cfg(test)]
mod tests;

use axum::{
    Extension,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{AddExtension, Next},
    response::{IntoResponse, Response},
};
use axum_server::accept::Accept;
use ipnet::IpNet;
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    future::{Ready, ready},
    io,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower::Layer;

/// A connection this old is closed after its next answer.
pub const LIFE: Duration = Duration::from_secs(5 * 60);
/// A connection this old is closed whatever goes on, unless it carries a stream. A list of 32 MB has to fit in.
const LIFE_MAX: Duration = Duration::from_secs(15 * 60);
/// An answer that nobody takes is given up after so long …
const WRITE_GRACE: Duration = Duration::from_secs(30);
/// … and one that is taken slower than this, bytes a second, not long after.
const WRITE_RATE: u64 = 8 << 10;
/// What was sent and is not acknowledged ends the connection after so long: the other side has gone without a word,
/// or does not read.
#[cfg(target_os = "linux")]
const ACKNOWLEDGED: u32 = 60_000;
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

impl<S> Accept<TcpStream, S> for Connections {
    type Stream = Bounded;
    type Service = AddExtension<S, Arc<Connection>>;
    type Future = Ready<io::Result<(Bounded, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        ready(stream.peer_addr().and_then(|peer| {
            let connection = self.admit(peer.ip()).ok_or(io::ErrorKind::ConnectionRefused)?;
            // Both may be refused by a system that does not know them; the limits above hold all the same.
            let _ = stream.set_nodelay(true);
            #[cfg(target_os = "linux")]
            let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, ACKNOWLEDGED);
            let service = Extension(connection.clone()).layer(service);
            Ok((Bounded::new(stream, connection, self.clone()), service))
        }))
    }
}

/// A connection's bytes, within its limits.
pub struct Bounded {
    stream: TcpStream,
    connection: Arc<Connection>,
    all: Connections,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    timer: Pin<Box<Sleep>>,
    answer: u64,
    /// When the answer's first byte was written, or a stream's newest.
    since: Instant,
    written: u64,
    /// The other side takes nothing at the moment.
    blocked: bool,
}

impl Bounded {
    fn new(stream: TcpStream, connection: Arc<Connection>, all: Connections) -> Bounded {
        let ended = Box::pin(connection.end.clone().cancelled_owned());
        let timer = Box::pin(sleep_until(connection.opened + LIFE_MAX));
        let since = connection.opened;
        Bounded { stream, connection, all, ended, timer, answer: 0, since, written: 0, blocked: false }
    }

    /// Wakes the connection when its time is over.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let streams = self.connection.streams.load(Relaxed);
        let allowed = if streams { 0 } else { self.written / WRITE_RATE };
        let taken_by = self.blocked.then(|| self.since + WRITE_GRACE + Duration::from_secs(allowed));
        let over_by = (!streams).then(|| self.connection.opened + LIFE_MAX);
        let Some(deadline) = taken_by.into_iter().chain(over_by).min() else { return Ok(()) };
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    /// Notes what came of writing.
    fn wrote(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let answer = self.connection.answers.load(Relaxed);
        let moves = matches!(outcome, Poll::Ready(Ok(_)));
        if answer != self.answer || (moves && self.connection.streams.load(Relaxed)) {
            (self.answer, self.since, self.written) = (answer, Instant::now(), 0);
        }
        match outcome {
            Poll::Ready(Ok(bytes)) => {
                self.written += bytes as u64;
                self.blocked = false;
            }
            Poll::Pending => {
                self.blocked = true;
                self.check(cx)?;
            }
            Poll::Ready(Err(_)) => {}
        }
        outcome
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        self.all.forget(self.connection.id);
    }
}

impl AsyncRead for Bounded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.wrote(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
