//! Asks for one page, once: redirects and body included, everything inside one time limit.

mod reading;
mod seen;

use super::{
    connect::Watched,
    failure::{self, Failure, deepest},
    guard::{self, Allowed},
    page::Want,
    resolver::{GuardedResolver, NameError, is_routed},
    retry, shortage, tls,
    trace::{TRACE, Trace, millis},
};
use crate::domain::{address, class::Class, observation::Hop, own_failure::OwnFailure, walls};
use chrono::{DateTime, Utc};
use reqwest::{
    Client, Response, StatusCode,
    header::{self, HeaderMap, HeaderValue},
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use url::Url;

pub use seen::Seen;

/// Redirects that are followed; one more is a loop.
pub const MAX_HOPS: usize = 5;
/// Decoded bytes of a page that are read.
pub const MAX_BODY: u64 = 2 << 20;
const MAX_IDLE: usize = 0;
/// Bodies in br and zstd, which nobody asked for, that are expanded at once.
const COSTLY_AT_ONCE: usize = 8;
/// More headers than this, bytes, are no answer: Chromium's limit.
const MAX_HEAD: usize = 256 << 10;
/// Headers that are kept as evidence.
const TELLING: [&str; 8] = [
    "server",
    "content-type",
    "content-encoding",
    "location",
    "retry-after",
    "cf-mitigated",
    "x-vercel-mitigated",
    "x-amzn-waf-action",
];
/// What checks say that they take, as a browser would.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const ACCEPT_LANGUAGE: &str = "zh-CN,zh;q=0.9,en;q=0.8";

/// The one client that every check goes through, behind the guard.
#[derive(Clone)]
pub struct Probe {
    way: Arc<RwLock<Way>>,
    resolver: GuardedResolver,
    allowed: Allowed,
    costly: Arc<Semaphore>,
}

/// How requests go out.
#[derive(Clone)]
struct Way {
    client: Client,
    /// Then names are looked up there, and it is the proxy's own address that the guard sees.
    proxy: Option<Url>,
}

/// One page to ask for.
#[derive(Clone)]
pub struct Request {
    pub url: String,
    pub want: Want,
    /// Statuses that count as well as 200.
    pub accept: Vec<u16>,
    /// For everything together.
    pub limit: Duration,
    /// Of this for name and connection.
    pub connect_limit: Duration,
    pub user_agent: Arc<str>,
    /// The port of the link whose page named this one; `None` where the owner did. What a friend's page names keeps to
    /// the ports that a redirect may lead to.
    pub named_from: Option<u16>,
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client: {0}. Is the package ca-certificates installed?")]
pub struct ProbeError(String);

impl Probe {
    /// A client that reaches the public internet and `allowed`, asking `servers` for names, or the system's own.
    ///
    /// # Errors
    /// [`ProbeError`] where TLS cannot be set up, mostly for want of root certificates.
    pub fn new(allowed: Allowed, servers: Vec<SocketAddr>) -> Result<Probe, ProbeError> {
        // Fails only where one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let resolver = GuardedResolver::new(servers, allowed.clone());
        let way = Arc::new(RwLock::new(Way { client: client(&resolver, None)?, proxy: None }));
        Ok(Probe { way, resolver, allowed, costly: Arc::new(Semaphore::new(COSTLY_AT_ONCE)) })
    }

    /// Goes through this proxy from now on; empty goes directly. Where it is the same as before, nothing is done.
    ///
    /// # Errors
    /// [`ProbeError`] where the address is none or the client cannot be made; then the way stays as it was.
    pub fn use_proxy(&self, proxy: &str) -> Result<(), ProbeError> {
        let proxy = match proxy {
            "" => None,
            address => Some(Url::parse(address).map_err(|e| ProbeError(e.to_string()))?),
        };
        if self.way().proxy == proxy {
            return Ok(());
        }
        let way = Way { client: client(&self.resolver, proxy.as_ref())?, proxy };
        *self.way.write().unwrap_or_else(PoisonError::into_inner) = way;
        Ok(())
    }

    /// Every address of a name, by the name servers that checks ask.
    ///
    /// # Errors
    /// [`NameError`] where there is none, the name servers fail, or one of them may not be asked.
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NameError> {
        self.resolver.addresses(name).await
    }

    /// Asks for every name anew from now on.
    pub fn forget_names(&self) {
        self.resolver.forget();
    }

    fn way(&self) -> Way {
        self.way.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether addresses beyond the public internet are open.
    pub fn is_widened(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// Asks for a page. Ends within the request's limit, whatever the other side does.
    ///
    /// `now` is the time for reading Retry-After dates.
    pub async fn ask(&self, request: &Request, now: DateTime<Utc>) -> Seen {
        let start = Instant::now();
        let deadline = start + request.limit;
        let trace = Arc::new(Trace::new(request.connect_limit));
        let shortages = self.resolver.met().times();
        let mut seen = Seen::new();
        let followed = TRACE.scope(trace.clone(), self.follow(request, deadline, now, &mut seen));
        let ended = timeout_at(deadline, followed).await;
        let failure = match ended {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure),
            Err(_) => Some(failure::of_time_limit(trace.stage()).into()),
        };
        if let Some(failure) = failure {
            seen.class = failure.class;
            seen.doubt = failure.doubt;
            seen.own = failure.own.or_else(|| self.covered_up(failure.class, shortages));
        }
        seen.ms = millis(start.elapsed());
        seen
    }

    /// The shortage that a failure to connect may stand for, `before` having been met when it began.
    fn covered_up(&self, class: Class, before: u64) -> Option<OwnFailure> {
        match class {
            Class::DnsFailure => self.resolver.met().since(before).or_else(shortage::now),
            Class::ConnectRefused | Class::Unreachable | Class::ConnectTimeout => shortage::now(),
            _ => None,
        }
    }

    /// Follows redirects to a page and reads it.
    async fn follow(
        &self,
        request: &Request,
        deadline: Instant,
        now: DateTime<Utc>,
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        let mut url = self.allowed.parse(&request.url).map_err(|e| seen.refused(&e))?;
        if let Some(port) = request.named_from {
            self.allowed.check_redirect(&url, Some(port)).map_err(|e| seen.refused(&e))?;
        }
        let own_port = request.named_from.or(url.port_or_known_default());
        loop {
            let response = self.send(request, &url, seen).await?;
            let status = response.status();
            seen.status = Some(status.as_u16());
            seen.page = None;
            let head: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
            if head > MAX_HEAD {
                seen.detail = Some(format!("{head} bytes of headers"));
                return Err(Class::HttpProtocol.into());
            }
            seen.headers = telling(response.headers());
            seen.date = text_of(response.headers(), "date").and_then(retry::parse_date);
            seen.retry_after = retry_after(&response, now);
            if let Some(hit) = walls::by_headers(status.as_u16(), |name| text_of(response.headers(), name)) {
                return Err(seen.walled(hit));
            }
            let next = if is_redirect(status) {
                redirect_target(&response, &url).inspect_err(|_| seen.final_url = Some(url.to_string()))?
            } else if status == StatusCode::OK || request.accept.contains(&status.as_u16()) {
                match self.read(request, &url, response, deadline, seen).await? {
                    Some(refresh) => refresh,
                    None => return Ok(()),
                }
            } else {
                let failure = self.refused(&url, response, deadline, seen).await;
                // Over plain HTTP a proxy answers in the site's stead where it cannot reach it.
                seen.broken_off |= self.way().proxy.is_some() && url.scheme() == "http" && is_gateways(status);
                return Err(failure);
            };
            seen.hops.push(Hop { url: url.to_string(), status: status.as_u16() });
            if seen.hops.len() > MAX_HOPS {
                return Err(Class::RedirectLoop.into());
            }
            self.allowed.check_redirect(&next, own_port).map_err(|e| seen.refused(&e))?;
            url = next;
            seen.final_url = Some(url.to_string());
        }
    }

    async fn send(&self, request: &Request, url: &Url, seen: &mut Seen) -> Result<Response, Failure> {
        let start = Instant::now();
        let Way { client, proxy } = self.way();
        let next = proxy.as_ref().unwrap_or(url);
        let port = next.port_or_known_default().unwrap_or_default();
        if proxy.is_some() {
            self.allowed.check_host(next).map_err(|e| seen.refused(&e))?;
        }
        if guard::literal(next).is_some_and(|ip| !is_routed(ip)) {
            // Connecting would fail with what elsewhere tells of a shortage: names are looked at as they resolve.
            seen.detail = Some(NameError::NoRoute.to_string());
            return Err((&NameError::NoRoute).into());
        }
        TRACE.with(|trace| trace.to_port(port));
        let sent = client.get(url.clone()).header(header::USER_AGENT, &*request.user_agent).send().await;
        let (mut stages, connect_ms) = TRACE.with(|trace| (trace.stages(), trace.connect_ms()));
        stages.first_byte = sent.is_ok().then(|| millis(start.elapsed()).saturating_sub(connect_ms));
        seen.stages = Some(stages);
        let response = sent.map_err(|e| seen.failed(&e))?;
        seen.cert_end = tls::certificate_end(&response);
        seen.remote = response.remote_addr();
        if let Some(remote) = seen.remote {
            // The last check: whatever happened on the way, this is who answered.
            self.allowed.check_socket(remote.ip(), port).map_err(|e| seen.refused(&e))?;
        }
        Ok(response)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one client")]
fn client(resolver: &GuardedResolver, proxy: Option<&Url>) -> Result<Client, ProbeError> {
    let failed = |e: reqwest::Error| ProbeError(deepest(&e));
    // None from the environment: it would be a way around the guard.
    let mut builder = Client::builder().no_proxy();
    if let Some(proxy) = proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(failed)?);
    }
    builder
        .default_headers(takes())
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Every check proves a connection of its own, and idle ones would eat the open files.
        .pool_max_idle_per_host(MAX_IDLE)
        .dns_resolver(resolver.clone())
        .connector_layer(tower::layer::layer_fn(Watched))
        .tls_backend_preconfigured(tls::config().map_err(|e| ProbeError(e.to_string()))?)
        .tls_info(true)
        .build()
        .map_err(failed)
}

/// The headers in which checks say what they take.
pub fn takes() -> HeaderMap {
    HeaderMap::from_iter([
        (header::ACCEPT, HeaderValue::from_static(ACCEPT)),
        (header::ACCEPT_LANGUAGE, HeaderValue::from_static(ACCEPT_LANGUAGE)),
        (header::ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
    ])
}

fn telling(headers: &HeaderMap) -> Vec<(String, String)> {
    let told = TELLING.iter().filter_map(|name| Some((name, text_of(headers, name)?)));
    told.map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect()
}

fn text_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn is_gateways(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

fn redirect_target(response: &Response, from: &Url) -> Result<Url, Failure> {
    let location = response.headers().get(header::LOCATION).ok_or(Class::RedirectInvalid)?;
    // Servers send raw UTF-8 here, which to_str would refuse.
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| Class::RedirectInvalid)?;
    if location.trim().is_empty() {
        return Err(Class::RedirectInvalid.into());
    }
    address::join(from, location).map_err(|_| Class::RedirectInvalid.into())
}

fn retry_after(response: &Response, now: DateTime<Utc>) -> Option<Duration> {
    retry::parse_retry_after(response.headers().get(header::RETRY_AFTER)?.to_str().ok()?, now)
}
