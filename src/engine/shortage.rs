//! This machine's own shortages, told from what sites do: open files, memory, ports, threads.
//!
//! A site whose check met one was not seen at all. Whatever an error of this kind is wrapped in, it is found by its
//! number, or by its kind where the number is lost.

use super::resolver::NameError;
use crate::domain::own_failure::OwnFailure;
use hickory_resolver::net::NetError;
use std::{
    any::Any,
    error::Error,
    io::{self, ErrorKind},
    net::{Ipv4Addr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Causes of one error that are looked at: chains are a handful long, and one that points at itself ends here.
const CAUSES_MAX: usize = 64;

/// The shortage that an I/O error tells of, where it does.
pub fn of_io(error: &io::Error) -> Option<OwnFailure> {
    error.raw_os_error().and_then(of_number).or(match error.kind() {
        ErrorKind::OutOfMemory | ErrorKind::QuotaExceeded | ErrorKind::StorageFull => Some(OwnFailure::Memory),
        ErrorKind::AddrNotAvailable | ErrorKind::AddrInUse => Some(OwnFailure::Ports),
        // Sockets never hand it on: it is a thread that could not be started.
        ErrorKind::WouldBlock => Some(OwnFailure::Threads),
        _ => None,
    })
}

fn of_number(number: i32) -> Option<OwnFailure> {
    use rustix::io::Errno;
    match Errno::from_raw_os_error(number) {
        Errno::MFILE | Errno::NFILE => Some(OwnFailure::OpenFiles),
        // epoll says that there is no space where a user watches too many files.
        Errno::NOBUFS | Errno::NOMEM | Errno::NOSPC => Some(OwnFailure::Memory),
        Errno::ADDRNOTAVAIL | Errno::ADDRINUSE => Some(OwnFailure::Ports),
        Errno::AGAIN => Some(OwnFailure::Threads),
        _ => None,
    }
}

/// The shortage that any cause of an error tells of.
pub fn in_chain(error: &(dyn Error + 'static)) -> Option<OwnFailure> {
    let mut open = vec![error];
    for _ in 0..CAUSES_MAX {
        let cause = open.pop()?;
        if let Some(own) = of_cause(cause) {
            return Some(own);
        }
        open.extend(cause.source());
        // Neither names what it holds as its source.
        if let Some(inner) = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            open.push(inner);
        }
        if let Some(NetError::Io(inner)) = cause.downcast_ref::<NetError>() {
            open.push(&**inner);
        }
    }
    None
}

fn of_cause(cause: &(dyn Error + 'static)) -> Option<OwnFailure> {
    if let Some(io) = cause.downcast_ref::<io::Error>() {
        return of_io(io);
    }
    if let Some(io) = cause.downcast_ref::<Arc<io::Error>>() {
        return of_io(io);
    }
    match cause.downcast_ref::<NameError>() {
        Some(NameError::Short(own)) => Some(*own),
        _ => None,
    }
}

/// An error number that no network gives, such as that of an address family the kernel was built without: a fault of
/// this machine. What ICMP messages are told by (Linux's icmp_err_convert) is the network's.
pub fn unheard_of(error: &io::Error) -> Option<OwnFailure> {
    use rustix::io::Errno;
    let number = Errno::from_raw_os_error(error.raw_os_error()?);
    let of_the_network = [
        Errno::HOSTDOWN,
        Errno::NOPROTOOPT,
        Errno::OPNOTSUPP,
        Errno::MSGSIZE,
        Errno::PROTO,
        Errno::NETRESET,
        Errno::SHUTDOWN,
        #[cfg(target_os = "linux")]
        Errno::NONET,
    ];
    (!of_the_network.contains(&number)).then_some(OwnFailure::Broken)
}

/// What no answer from the network is told by: this machine has no such sockets, or its own rules forbid to send.
fn local_only(error: &io::Error) -> Option<OwnFailure> {
    use rustix::io::Errno;
    let number = Errno::from_raw_os_error(error.raw_os_error()?);
    [Errno::PERM, Errno::AFNOSUPPORT, Errno::PROTONOSUPPORT].contains(&number).then_some(OwnFailure::Broken)
}

/// Whether one more socket can be had at this moment. Where several addresses were tried, the error of the last one
/// may stand for another that met a shortage.
pub fn now() -> Option<OwnFailure> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).err().as_ref().and_then(of_io)
}

/// What a task panicked with, where it was for want of a thread: the runtime panics when it cannot start one.
pub fn of_panic(payload: &(dyn Any + Send)) -> OwnFailure {
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    let no_thread = text.is_some_and(|text| text.contains("spawn") && text.contains("thread"));
    if no_thread { OwnFailure::Threads } else { OwnFailure::Broken }
}

/// Counts the shortages that were met below a library which does not hand them on.
#[derive(Clone, Default)]
pub struct Met(Arc<Counts>);

#[derive(Default)]
struct Counts {
    times: AtomicU64,
    last: AtomicU64,
}

impl Met {
    /// Notes an error, if it is a shortage. One port that is taken is none: another is drawn.
    pub fn note(&self, error: &io::Error) {
        let own = of_io(error).filter(|_| error.kind() != ErrorKind::AddrInUse).or_else(|| local_only(error));
        if let Some(own) = own {
            let at = OwnFailure::ALL.iter().position(|known| *known == own).unwrap_or_default();
            self.0.last.store(at as u64, Relaxed);
            self.0.times.fetch_add(1, Relaxed);
        }
    }

    /// How many there were so far.
    pub fn times(&self) -> u64 {
        self.0.times.load(Relaxed)
    }

    /// The newest one, if there was any since so many.
    pub fn since(&self, times: u64) -> Option<OwnFailure> {
        let last = usize::try_from(self.0.last.load(Relaxed)).unwrap_or_default();
        (self.times() > times).then(|| OwnFailure::ALL[last.min(OwnFailure::ALL.len() - 1)])
    }
}

#[cfg(test)]
mod tests;
