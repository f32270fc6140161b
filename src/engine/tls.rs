//! TLS as checks use it: the system's own trust, no resumption, and a mark where the handshake begins.

use super::trace::TRACE;
use chrono::{DateTime, Utc};
use reqwest::{Response, tls::TlsInfo};
use rustls::{
    ClientConfig, NamedGroup,
    client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue},
    pki_types::ServerName,
};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::Arc;
use x509_cert::{Certificate, der::Decode};

/// # Errors
/// Where the system has no root certificates.
pub fn config() -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder().with_platform_verifier()?.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.resumption = Resumption::store(Arc::new(NoSessions));
    Ok(config)
}

/// The last day of the certificate that a response came under.
pub fn certificate_end(response: &Response) -> Option<String> {
    let info: &TlsInfo = response.extensions().get()?;
    let certificate = Certificate::from_der(info.peer_certificate()?).ok()?;
    let end = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    let end: DateTime<Utc> = DateTime::from_timestamp(i64::try_from(end.as_secs()).ok()?, 0)?;
    Some(end.format("%Y-%m-%d").to_string())
}

/// Keeps no sessions: every check proves a handshake of its own. rustls asks it first of all, as soon as TCP stands.
#[derive(Debug)]
struct NoSessions;

impl ClientSessionStore for NoSessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        let _ = TRACE.try_with(|trace| trace.shaking_hands());
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}
