//! The connections to name servers, under our own eyes: hickory does not hand every failed socket on, and would open
//! more of them for one name than there may be room for.

use super::shortage::{self, Met};
use hickory_resolver::{
    ConnectionProvider, Hosts, PoolContext, Resolver,
    config::{
        ConnectionConfig, LookupIpStrategy, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig,
        ResolverOpts,
    },
    net::{
        NetError,
        runtime::{DnsUdpSocket, RuntimeProvider, TokioRuntimeProvider},
        udp::UdpClientStream,
        xfer::DnsExchange,
    },
    system_conf::read_system_conf,
};
use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::UdpSocket;

/// One question's wait and the number of times it is put: both fit into the 3 s for connecting, so that silence
/// of the name servers is told apart from silence of the site.
const QUESTION_WAIT: Duration = Duration::from_millis(1300);
const QUESTIONS: usize = 2;
const CACHE_ENTRIES: u64 = 4096;
/// Name servers that are asked at the same time.
const SERVERS_AT_ONCE: usize = 2;
/// Times that a question is sent within its wait, each by a socket of its own: a lost packet costs a third of a second.
const SENDS: u8 = 2;
/// Sockets that one lookup may hold at most: two questions, for IPv4 and for IPv6.
pub const LOOKUP_FILES: u64 = 2 * SERVERS_AT_ONCE as u64 * SENDS as u64;

/// Asks name servers for names.
pub type Lookups = Resolver<Servers>;

/// Sets lookups up that ask `servers`, or the system's own where there are none. Shortages are noted in `met`.
///
/// # Errors
/// Where the system's configuration cannot be read.
pub fn build(servers: &[SocketAddr], met: &Met) -> Result<Lookups, NetError> {
    let (config, options) = if servers.is_empty() {
        read_system_conf()?
    } else {
        let servers = servers.iter().map(name_server).collect();
        (ResolverConfig::from_parts(None, Vec::new(), servers), ResolverOpts::default())
    };
    let provider = Servers(Sockets { inner: TokioRuntimeProvider::default(), met: met.clone() });
    let mut builder = Resolver::builder_with_config(config, provider);
    let held = builder.options_mut();
    *held = options;
    held.timeout = QUESTION_WAIT;
    held.attempts = QUESTIONS;
    held.cache_size = CACHE_ENTRIES;
    held.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    held.num_concurrent_reqs = SERVERS_AT_ONCE;
    // Read below: hickory goes without it, for good, where it cannot be opened.
    held.use_hosts_file = ResolveHosts::Never;
    let mut lookups = builder.build()?;
    match Hosts::from_system() {
        Ok(hosts) => lookups.set_hosts(Arc::new(hosts)),
        Err(error) if shortage::of_io(&error).is_some() => return Err(error.into()),
        // A machine may do without.
        Err(_) => {}
    }
    Ok(lookups)
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

type Held<T> = Pin<Box<dyn Future<Output = Result<T, NetError>> + Send>>;
type Opening<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// Connects to name servers, as hickory does, but sends no question more often than `SENDS`.
#[derive(Clone)]
pub struct Servers(Sockets);

impl ConnectionProvider for Servers {
    type Conn = DnsExchange<Sockets>;
    type FutureConn = Held<Self::Conn>;
    type RuntimeProvider = Sockets;

    fn new_connection(
        &self,
        ip: std::net::IpAddr,
        config: &ConnectionConfig,
        context: &PoolContext,
    ) -> Result<Self::FutureConn, NetError> {
        if !matches!(config.protocol, ProtocolConfig::Udp) {
            return self.0.new_connection(ip, config, context);
        }
        let stream = UdpClientStream::builder(SocketAddr::new(ip, config.port), self.0.clone())
            .with_timeout(Some(context.options.timeout))
            .with_os_port_selection(context.options.os_port_selection)
            .avoid_local_ports(context.options.avoid_local_udp_ports.clone())
            .with_bind_addr(config.bind_addr)
            .with_max_retries(SENDS);
        Ok(Box::pin(async move { Ok(stream.exchange()) }))
    }

    fn runtime_provider(&self) -> &Sockets {
        &self.0
    }
}

/// Opens sockets, and notes those that could not be had.
#[derive(Clone)]
pub struct Sockets {
    inner: TokioRuntimeProvider,
    met: Met,
}

impl Sockets {
    fn watched<T: 'static>(&self, opening: Opening<T>) -> Opening<T> {
        let met = self.met.clone();
        Box::pin(async move { opening.await.inspect_err(|error| met.note(error)) })
    }
}

impl RuntimeProvider for Sockets {
    type Handle = <TokioRuntimeProvider as RuntimeProvider>::Handle;
    type Timer = <TokioRuntimeProvider as RuntimeProvider>::Timer;
    type Udp = Watched;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.inner.create_handle()
    }

    fn connect_tcp(&self, server: SocketAddr, from: Option<SocketAddr>, wait: Option<Duration>) -> Opening<Self::Tcp> {
        self.watched(self.inner.connect_tcp(server, from, wait))
    }

    fn bind_udp(&self, local: SocketAddr, server: SocketAddr) -> Opening<Self::Udp> {
        let (opening, met) = (self.watched(self.inner.bind_udp(local, server)), self.met.clone());
        Box::pin(async move { Ok(Watched { socket: opening.await?, met }) })
    }
}

/// A socket for questions and answers that notes what was short when one was sent or taken: hickory says no more than
/// that there was no answer.
pub struct Watched {
    socket: UdpSocket,
    met: Met,
}

impl Watched {
    fn noted<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &outcome {
            self.met.note(error);
        }
        outcome
    }
}

impl DnsUdpSocket for Watched {
    type Time = <UdpSocket as DnsUdpSocket>::Time;

    fn poll_recv_from(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.noted(DnsUdpSocket::poll_recv_from(&self.socket, cx, buffer))
    }

    fn poll_send_to(&self, cx: &mut Context<'_>, bytes: &[u8], server: SocketAddr) -> Poll<io::Result<usize>> {
        self.noted(DnsUdpSocket::poll_send_to(&self.socket, cx, bytes, server))
    }
}
