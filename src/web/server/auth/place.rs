//! From where someone comes: the other end of the connection, or whom trusted proxies say they speak for.

use crate::web::server::AppState;
use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, header, request::Parts},
};
use ipnet::IpNet;
use leptos::prelude::use_context;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Characters of a User-Agent that are kept.
const AGENT_MAX: usize = 200;

/// The address of whoever sent this request. Settings are read for it, so that a change counts at once.
pub async fn visitor(state: &AppState) -> IpAddr {
    let Some(parts) = use_context::<Parts>() else { return Ipv4Addr::UNSPECIFIED.into() };
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    let trusted = state.service.settings().await.map(|settings| settings.system.trusted_proxies).unwrap_or_default();
    of_request(peer, &parts.headers, &trusted)
}

/// What the browser calls itself.
pub fn agent() -> String {
    let parts = use_context::<Parts>();
    let agent = parts.as_ref().and_then(|parts| parts.headers.get(header::USER_AGENT)?.to_str().ok());
    agent.unwrap_or_default().chars().take(AGENT_MAX).collect()
}

/// Each proxy adds whom it heard from at the end of X-Forwarded-For. So the list is read from its end, for as long as
/// the one who says so is trusted; what stands before that may have been made up.
pub fn of_request(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let listed = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = listed.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut at = peer.to_canonical();
    for hop in hops.iter().rev() {
        if !trusted.iter().any(|net| net.contains(&at)) {
            break;
        }
        match address(hop) {
            Some(ip) => at = ip.to_canonical(),
            None => break,
        }
    }
    at
}

/// An address as proxies write it, some with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.trim_start_matches('[').trim_end_matches(']').parse().ok();
    text.parse::<SocketAddr>().map(|socket| socket.ip()).ok().or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        of_request(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies = ["127.0.0.1/32", "10.0.0.0/8"];
        for (peer, forwarded, trusted, expected) in [
            ("203.0.113.9", vec!["1.1.1.1"], &proxies[..0], "203.0.113.9"),
            ("203.0.113.9", vec!["1.1.1.1"], &proxies[..], "203.0.113.9"),
            ("127.0.0.1", vec![], &proxies[..], "127.0.0.1"),
            ("127.0.0.1", vec!["198.51.100.7"], &proxies[..], "198.51.100.7"),
            // What the visitor made up stands before what the proxy added.
            ("127.0.0.1", vec!["1.1.1.1, 198.51.100.7"], &proxies[..], "198.51.100.7"),
            ("127.0.0.1", vec!["1.1.1.1", "198.51.100.7, 10.1.2.3"], &proxies[..], "198.51.100.7"),
            ("127.0.0.1", vec!["10.9.9.9, 198.51.100.7"], &proxies[..], "198.51.100.7"),
            ("127.0.0.1", vec!["198.51.100.7:4711"], &proxies[..], "198.51.100.7"),
            ("127.0.0.1", vec!["[2001:db8::1]:443"], &proxies[..], "2001:db8::1"),
            ("::ffff:127.0.0.1", vec!["198.51.100.7"], &proxies[..], "198.51.100.7"),
            ("127.0.0.1", vec!["1.1.1.1, nonsense"], &proxies[..], "127.0.0.1"),
        ] {
            assert_eq!(seen(peer, &forwarded, trusted), expected, "{peer} {forwarded:?} {trusted:?}");
        }
    }
}
