//! Names to addresses, with the guard in between: a name with any address outside the public internet is refused.

use super::{
    guard::{Allowed, Refusal},
    trace::TRACE,
};
use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::op::ResponseCode,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
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
}

/// A resolver that answers public addresses only. Its name servers are read on first use.
#[derive(Clone)]
pub struct GuardedResolver {
    inner: Arc<Inner>,
}

struct Inner {
    servers: Vec<SocketAddr>,
    allowed: Allowed,
    resolver: OnceLock<Result<TokioResolver, String>>,
}

/// One question's wait and the number of times it is put: both fit into the 3 s for connecting, so that silence
/// of the name servers is told apart from silence of the site.
const QUESTION_WAIT: Duration = Duration::from_millis(1300);
const QUESTIONS: usize = 2;
const CACHE_ENTRIES: u64 = 4096;

impl GuardedResolver {
    /// Asks `servers`, or the system's own where there are none.
    pub fn new(servers: Vec<SocketAddr>, allowed: Allowed) -> GuardedResolver {
        GuardedResolver { inner: Arc::new(Inner { servers, allowed, resolver: OnceLock::new() }) }
    }
}

impl GuardedResolver {
    /// Every address of a name, all of them allowed.
    ///
    /// # Errors
    /// [`NameError`] where there is none, the name servers fail, or one of them is not allowed.
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NameError> {
        Ok(self.inner.addresses(name, 0).await?.into_iter().map(|address| address.ip()).collect())
    }
}

impl Inner {
    fn resolver(&self) -> Result<&TokioResolver, NameError> {
        let built = self.resolver.get_or_init(|| build(&self.servers).map_err(|e| e.to_string()));
        built.as_ref().map_err(|e| NameError::Failed(e.clone()))
    }

    async fn addresses(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, NameError> {
        // A trailing dot keeps the system's search domains out.
        let absolute = format!("{}.", name.trim_end_matches('.'));
        let answer = self.resolver()?.lookup_ip(absolute).await.map_err(|e| name_error(&e))?;
        let found: Vec<SocketAddr> = answer.iter().map(|ip| SocketAddr::new(ip, 0)).collect();
        for address in &found {
            self.allowed.check_socket(address.ip(), port)?;
        }
        if found.is_empty() { Err(NameError::NotFound) } else { Ok(found) }
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

fn build(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.iter().map(name_server).collect());
        Resolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    options.timeout = QUESTION_WAIT;
    options.attempts = QUESTIONS;
    options.cache_size = CACHE_ENTRIES;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    builder.build()
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        let ConnectionConfig { port, .. } = connection;
        *port = address.port();
    }
    server
}

fn name_error(error: &NetError) -> NameError {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none))
            if matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError) =>
        {
            NameError::NotFound
        }
        NetError::Dns(DnsError::ResponseCode(ResponseCode::NXDomain)) => NameError::NotFound,
        other => NameError::Failed(other.to_string()),
    }
}
