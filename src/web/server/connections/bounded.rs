//! A connection's bytes: none are read or written once its time is over.

use super::{Connection, Connections, door::Taken};
use axum::{Extension, middleware::AddExtension};
use axum_server::accept::Accept;
use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tower::Layer;

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

impl<S> Accept<Taken, S> for Connections {
    type Stream = Bounded;
    type Service = AddExtension<S, Arc<Connection>>;
    type Future = Ready<io::Result<(Bounded, Self::Service)>>;

    fn accept(&self, taken: Taken, service: S) -> Self::Future {
        let Taken { stream, place } = taken;
        ready(stream.peer_addr().and_then(|peer| {
            let connection = self.admit(peer.ip()).ok_or(io::ErrorKind::ConnectionRefused)?;
            // Both may be refused by a system that does not know them; the limits above hold all the same.
            let _ = stream.set_nodelay(true);
            #[cfg(target_os = "linux")]
            let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, ACKNOWLEDGED);
            let service = Extension(connection.clone()).layer(service);
            Ok((Bounded::new(stream, place, connection, self.clone()), service))
        }))
    }
}

/// A connection's bytes, within its limits.
pub struct Bounded {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
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
    fn new(stream: TcpStream, place: OwnedSemaphorePermit, connection: Arc<Connection>, all: Connections) -> Bounded {
        let ended = Box::pin(connection.end.clone().cancelled_owned());
        let timer = Box::pin(sleep_until(connection.opened + LIFE_MAX));
        let since = connection.opened;
        Bounded { stream, _place: place, connection, all, ended, timer, answer: 0, since, written: 0, blocked: false }
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
