//! Which names the dashboard answers to. A page elsewhere whose name is made to point at 127.0.0.1 (DNS
//! rebinding) would pass every same-origin check; it does not pass this one.

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{net::IpAddr, sync::Arc};
use url::Url;

#[derive(Clone)]
pub struct Allowed {
    public_host: Arc<str>,
}

impl Allowed {
    pub fn new(public_url: &str) -> Allowed {
        let host = Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        Allowed { public_host: host.into() }
    }

    fn allows(&self, authority: &str) -> bool {
        let Ok(url) = Url::parse(&format!("http://{authority}/")) else { return false };
        let host = url.host_str().unwrap_or_default();
        let ip: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        ip.is_some_and(|ip| ip.is_loopback())
            || host == "localhost"
            || host.ends_with(".localhost")
            || (!self.public_host.is_empty() && host == &*self.public_host)
    }
}

pub async fn check(State(allowed): State<Allowed>, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(|a| a.as_str()).or(named);
    if authority.is_some_and(|authority| allowed.allows(authority)) {
        return next.run(request).await;
    }
    let words = "This name is not mine. Open http://127.0.0.1, or set public_url to the address you use.\n";
    (StatusCode::MISDIRECTED_REQUEST, words).into_response()
}

#[cfg(test)]
mod tests {
    use super::Allowed;

    #[test]
    fn only_loopback_and_the_public_name_are_answered() {
        let allowed = Allowed::new("https://roll.example.com");
        for mine in
            ["127.0.0.1:3000", "localhost", "localhost:3000", "[::1]:3000", "roll.example.com", "demo.localhost:1"]
        {
            assert!(allowed.allows(mine), "{mine}");
        }
        for other in ["evil.test", "evil.test:3000", "127.0.0.1.evil.test", "10.0.0.1:3000", "", "a@127.0.0.1.x"] {
            assert!(!allowed.allows(other), "{other}");
        }
        assert!(!Allowed::new("").allows(""));
    }
}
