//! Names to addresses, with the guard in between: a name with any address outside the public internet is refused.

use super::{
    dns::{self, Lookups},
    guard::{Allowed, Refusal},
    shortage::{self, Met},
    trace::TRACE,
};
use crate::domain::own_failure::OwnFailure;
use hickory_resolver::{
    net::{DnsError, NetError},
    proto::op::ResponseCode,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex, PoisonError},
};

/// Why a name led nowhere.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    #[error("no such name")]
    NotFound,
    #[error("the name servers failed: {0}")]
    Failed(String),
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The name servers could not be asked, for want of something on our side.
    #[error("the name servers could not be asked ({0})")]
    Short(OwnFailure),
    /// This machine has no way to any of its addresses: that says nothing about the site.
    #[error("this machine has no way there (no route to any of its addresses)")]
    NoRoute,
}

/// A resolver that answers public addresses only. Its name servers are read on first use.
#[derive(Clone)]
pub struct GuardedResolver {
    inner: Arc<Inner>,
}

struct Inner {
    servers: Vec<SocketAddr>,
    allowed: Allowed,
    /// `None` until it could be built: what kept it from that, such as a shortage, may pass.
    lookups: Mutex<Option<Lookups>>,
    met: Met,
}

impl GuardedResolver {
    /// Asks `servers`, or the system's own where there are none.
    pub fn new(servers: Vec<SocketAddr>, allowed: Allowed) -> GuardedResolver {
        let inner = Inner { servers, allowed, lookups: Mutex::default(), met: Met::default() };
        GuardedResolver { inner: Arc::new(inner) }
    }

    /// Forgets what name servers have answered so far.
    pub fn forget(&self) {
        if let Some(lookups) = &*self.inner.lookups.lock().unwrap_or_else(PoisonError::into_inner) {
            lookups.clear_cache();
        }
    }

    /// The shortages met while name servers were asked.
    pub fn met(&self) -> &Met {
        &self.inner.met
    }

    /// Every address of a name, all of them allowed.
    ///
    /// # Errors
    /// [`NameError`] where there is none, the name servers fail, or one of them is not allowed.
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NameError> {
        Ok(self.inner.addresses(name, 0).await?.into_iter().map(|address| address.ip()).collect())
    }
}

impl Inner {
    fn lookups(&self) -> Result<Lookups, NameError> {
        let mut held = self.lookups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookups) = &*held {
            return Ok(lookups.clone());
        }
        let built = dns::build(&self.servers, &self.met).map_err(|error| name_error(&error))?;
        Ok(held.insert(built).clone())
    }

    async fn addresses(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, NameError> {
        // A trailing dot keeps the system's search domains out.
        let absolute = format!("{}.", name.trim_end_matches('.'));
        let before = self.met.times();
        let answer = self.lookups()?.lookup_ip(absolute).await;
        let short = self.met.since(before);
        let found: Vec<IpAddr> = match (answer, short) {
            (Ok(answer), _) => answer.iter().collect(),
            (Err(error), None) => return Err(name_error(&error)),
            // That a name does not exist holds for every question about it; all else may have come of the shortage.
            (Err(error), Some(_)) if is_nowhere(&error) => return Err(NameError::NotFound),
            (Err(_), Some(own)) => return Err(NameError::Short(own)),
        };
        for address in &found {
            self.allowed.check_socket(*address, port)?;
        }
        if found.is_empty() {
            return Err(NameError::NotFound);
        }
        if let Some(own) = short.filter(|_| !found.iter().any(IpAddr::is_ipv4)) {
            // Whether it has others is not known: the question about them may be the one that was not asked.
            return Err(NameError::Short(own));
        }
        // Those that lead nowhere from here would only cover up what the others said (RFC 6724, rule 1).
        let ways = |four: bool| found.iter().find(|ip| ip.is_ipv4() == four).is_some_and(|ip| is_routed(*ip));
        let (four, six) = (ways(true), ways(false));
        let usable: Vec<IpAddr> = found.into_iter().filter(|ip| if ip.is_ipv4() { four } else { six }).collect();
        match (usable.is_empty(), short) {
            (true, Some(own)) => Err(NameError::Short(own)),
            (true, None) => Err(NameError::NoRoute),
            (false, _) => Ok(usable.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect()),
        }
    }
}

/// Whether this machine has a way to such an address: connecting a UDP socket asks the routes and sends nothing.
pub fn is_routed(ip: IpAddr) -> bool {
    let any: IpAddr = if ip.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // Without a socket to ask by nothing is known, but for a machine that has no such addresses at all.
    let unknown = |error: &io::Error| shortage::of_io(error).is_some() && error.kind() != ErrorKind::AddrNotAvailable;
    match UdpSocket::bind((any, 0)).map(|socket| socket.connect((ip, 9))) {
        Ok(Ok(())) => true,
        Ok(Err(error)) | Err(error) => unknown(&error),
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let inner = self.inner.clone();
        Box::pin(async move {
            let _ = TRACE.try_with(|trace| trace.resolving());
            let port = TRACE.try_with(|trace| trace.port()).unwrap_or_default();
            let found = inner.addresses(name.as_str(), port).await;
            if found.is_ok() {
                let _ = TRACE.try_with(|trace| trace.resolved());
            }
            Ok(Box::new(found?.into_iter()) as Addrs)
        })
    }
}

fn is_nowhere(error: &NetError) -> bool {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => none.response_code == ResponseCode::NXDomain,
        NetError::Dns(DnsError::ResponseCode(code)) => *code == ResponseCode::NXDomain,
        _ => false,
    }
}

fn name_error(error: &NetError) -> NameError {
    if is_nowhere(error) {
        return NameError::NotFound;
    }
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NoError => {
            NameError::NotFound
        }
        other => match shortage::in_chain(other) {
            Some(own) => NameError::Short(own),
            None => NameError::Failed(other.to_string()),
        },
    }
}
