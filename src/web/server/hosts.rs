//! Which names the dashboard answers to, and whose forms it takes. Both go by the setting `public_url`, which may
//! change while the server runs.
//!
//! A page elsewhere whose name is made to point at 127.0.0.1 (DNS rebinding) would pass every same-origin check; it
//! does not pass this one. A server that listens beyond loopback is reached by names that only its owner knows;
//! there the log-in is what keeps others out.

use crate::domain::address;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::csrf::CsrfLayer;
use url::Url;

/// Where the dashboard is reached.
#[derive(Clone)]
pub struct Place {
    /// It listens on loopback only, so only loopback's names and the public one can be meant.
    loopback: bool,
    public: Arc<RwLock<Public>>,
}

#[derive(Clone, Default)]
struct Public {
    host: String,
    csrf: CsrfLayer,
}

impl Place {
    pub fn new(loopback: bool, public_url: &str) -> Place {
        let place = Place { loopback, public: Arc::default() };
        place.use_public_url(public_url);
        place
    }

    pub fn use_public_url(&self, public_url: &str) {
        let host = Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let csrf = match public_url {
            "" => CsrfLayer::new(),
            origin => CsrfLayer::new().add_trusted_origin(origin).unwrap_or_else(|error| {
                tracing::warn!(%error, "public_url is no origin that forms can be trusted from");
                CsrfLayer::new()
            }),
        };
        *self.public.write().unwrap_or_else(PoisonError::into_inner) = Public { host, csrf };
    }

    /// Whether an authority names the public address, where that is not one of loopback's names.
    pub fn is_public_name(&self, authority: &str) -> bool {
        let Ok(url) = address::read(&format!("http://{authority}/")) else { return false };
        let (host, public) = (url.host_str().unwrap_or_default(), self.public().host);
        !public.is_empty() && host == public && !is_loopback_name(host)
    }

    fn public(&self) -> Public {
        self.public.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn allows(&self, authority: &str) -> bool {
        let Ok(url) = address::read(&format!("http://{authority}/")) else { return false };
        let host = url.host_str().unwrap_or_default();
        let public = self.public().host;
        !self.loopback || is_loopback_name(host) || (!public.is_empty() && host == public)
    }
}

fn is_loopback_name(host: &str) -> bool {
    let ip: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    ip.is_some_and(|ip| ip.is_loopback()) || host == "localhost" || host.ends_with(".localhost")
}

/// Lets requests through that name this place.
pub async fn check(State(place): State<Place>, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(|a| a.as_str()).or(named);
    if authority.is_some_and(|authority| place.allows(authority)) {
        return next.run(request).await;
    }
    let words = "This name is not mine. Open http://127.0.0.1, or set public_url to the address you use.\n";
    (StatusCode::MISDIRECTED_REQUEST, words).into_response()
}

/// Turns away what another site's page sends.
pub async fn csrf(State(place): State<Place>, request: Request, next: Next) -> Response {
    let inner = service_fn(move |request| {
        let next = next.clone();
        async move { Ok::<_, Infallible>(next.run(request).await) }
    });
    match place.public().csrf.layer(inner).oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}

/// Whether the browser reached us by https: by way of a proxy that says so. Each proxy adds its own word at the end, so
/// the first one is of the browser's own connection (RFC 7239, 4).
fn is_secure(headers: &HeaderMap) -> bool {
    let first = |name: &str| headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim);
    let named = first("forwarded").and_then(|hop| {
        let mut pairs = hop.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| name.eq_ignore_ascii_case("proto")).map(|(_, proto)| proto.trim_matches('"'))
    });
    [first("x-forwarded-proto"), named].into_iter().flatten().any(|proto| proto.eq_ignore_ascii_case("https"))
}

/// Marks cookies Secure where the browser came by https. A claim that is not true harms only who makes it.
pub async fn secure_cookies(request: Request, next: Next) -> Response {
    let secure = is_secure(request.headers());
    let mut response = next.run(request).await;
    if secure {
        let cookies: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
        response.headers_mut().remove(header::SET_COOKIE);
        for cookie in cookies {
            let text = cookie.to_str().unwrap_or_default();
            let marked = if text.contains("; Secure") { text.to_owned() } else { format!("{text}; Secure") };
            if let Ok(value) = marked.parse() {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{Place, is_secure};
    use axum::http::HeaderMap;

    #[test]
    fn https_is_what_the_first_proxy_says() {
        for (name, value, secure) in [
            ("x-forwarded-proto", "https", true),
            ("x-forwarded-proto", "HTTPS, http", true),
            ("x-forwarded-proto", "http, https", false),
            ("x-forwarded-proto", "", false),
            ("forwarded", "for=192.0.2.1;proto=https;by=10.0.0.1", true),
            ("forwarded", "proto=\"https\", proto=http", true),
            ("forwarded", "for=192.0.2.1; Proto=http, proto=https", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(is_secure(&headers), secure, "{name}: {value}");
        }
        assert!(!is_secure(&HeaderMap::new()));
    }

    #[test]
    fn only_loopback_and_the_public_name_are_answered() {
        let place = Place::new(true, "https://roll.example.com");
        for mine in
            ["127.0.0.1:3000", "localhost", "localhost:3000", "[::1]:3000", "roll.example.com", "demo.localhost:1"]
        {
            assert!(place.allows(mine), "{mine}");
        }
        for other in ["evil.test", "evil.test:3000", "127.0.0.1.evil.test", "10.0.0.1:3000", "", "a@127.0.0.1.x"] {
            assert!(!place.allows(other), "{other}");
        }
        place.use_public_url("");
        assert!(!place.allows("") && !place.allows("roll.example.com"));
        assert!(Place::new(false, "").allows("nas.lan:3000"), "beyond loopback the log-in keeps others out");
    }
}
