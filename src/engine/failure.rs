//! What a failed request is called, by the types in its chain of causes and never by their texts.

use super::{guard::Refusal, resolver::NameError, shortage, trace::Stage};
use crate::domain::{class::Class, observation::Doubt, own_failure::OwnFailure};
use rustls::{CertificateError, Error as TlsError};
use std::{
    error::Error,
    io::{self, ErrorKind},
};

/// "Operation not permitted": on Unix it never comes from the network.
const EPERM: i32 = 1;

/// The connector took longer than it may.
#[derive(Debug, thiserror::Error)]
#[error("connecting took too long")]
pub struct ConnectLimit;

/// A failure's class and why it says nothing about the site, where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    pub class: Class,
    pub doubt: Option<Doubt>,
    /// Set where the fault is this machine's: then the class means nothing, and the attempt does not count.
    pub own: Option<OwnFailure>,
}

impl From<Class> for Failure {
    fn from(class: Class) -> Failure {
        Failure { class, doubt: None, own: None }
    }
}

impl From<OwnFailure> for Failure {
    fn from(own: OwnFailure) -> Failure {
        Failure { class: Class::Unreachable, doubt: None, own: Some(own) }
    }
}

impl From<&NameError> for Failure {
    fn from(error: &NameError) -> Failure {
        match error {
            NameError::NotFound => Class::DnsNotFound.into(),
            NameError::Failed(_) => Class::DnsFailure.into(),
            NameError::Refused(refusal) => refusal.into(),
            NameError::Short(own) => (*own).into(),
            NameError::NoRoute => Failure { doubt: Some(Doubt::NoRoute), ..Class::Unreachable.into() },
        }
    }
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Failure {
        match refusal {
            Refusal::Unsure(_, own) => (*own).into(),
            _ => {
                let doubt = refusal.is_fake_answer().then_some(Doubt::FakeAddress);
                Failure { doubt, ..Class::BlockedByPolicy.into() }
            }
        }
    }
}

/// What a time limit is called that passed in this stage.
pub fn of_time_limit(stage: Stage) -> Class {
    match stage {
        Stage::Resolving => Class::DnsFailure,
        Stage::Connecting => Class::ConnectTimeout,
        Stage::Before | Stage::Connected => Class::Timeout,
    }
}

/// Names a failed request or body. `stage` is how far the attempt had come, `is_decode` what reqwest says of it.
///
/// A shortage of our own anywhere in the chain comes before all else that it may say.
pub fn of_error(error: &(dyn Error + 'static), stage: Stage, is_decode: bool) -> Failure {
    if let Some(own) = shortage::in_chain(error) {
        return own.into();
    }
    let mut cause = Some(error);
    let mut http_seen = None;
    while let Some(current) = cause {
        if let Some(failure) = of_cause(current, stage) {
            return failure;
        }
        if let Some(http) = current.downcast_ref::<hyper::Error>() {
            http_seen = Some(of_http(http));
        }
        cause = current.source();
    }
    match http_seen {
        Some(class) => class.into(),
        None if is_decode => Class::DecodeFailure.into(),
        None if stage == Stage::Connected => Class::HttpProtocol.into(),
        None => Class::Unreachable.into(),
    }
}

/// The failure that one link of the chain names, where it names one.
fn of_cause(cause: &(dyn Error + 'static), stage: Stage) -> Option<Failure> {
    if let Some(name) = cause.downcast_ref::<NameError>() {
        return Some(name.into());
    }
    if let Some(refusal) = cause.downcast_ref::<Refusal>() {
        return Some(refusal.into());
    }
    if cause.is::<ConnectLimit>() {
        return Some(of_time_limit(if stage == Stage::Resolving { stage } else { Stage::Connecting }).into());
    }
    if let Some(tls) = cause.downcast_ref::<TlsError>() {
        return Some(of_tls(tls).into());
    }
    let io = cause.downcast_ref::<io::Error>()?;
    // rustls, and the body's decoders, hide inside an io::Error that does not name them as its source.
    if let Some(inner) = io.get_ref()
        && let Some(failure) = of_cause(inner, stage)
    {
        return Some(failure);
    }
    if io.raw_os_error() == Some(EPERM) {
        // This machine's own rules forbid it, which says nothing about the site.
        return Some(Failure { doubt: Some(Doubt::NotPermitted), ..Class::Unreachable.into() });
    }
    of_io(io.kind()).map(Failure::from).or_else(|| shortage::unheard_of(io).map(Failure::from))
}

fn of_http(error: &hyper::Error) -> Class {
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        Class::ConnectionReset
    } else {
        Class::HttpProtocol
    }
}

fn of_io(kind: ErrorKind) -> Option<Class> {
    match kind {
        ErrorKind::ConnectionRefused => Some(Class::ConnectRefused),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => Some(Class::ConnectionReset),
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::PermissionDenied => Some(Class::Unreachable),
        ErrorKind::TimedOut => Some(Class::ConnectTimeout),
        _ => None,
    }
}

fn of_tls(error: &TlsError) -> Class {
    use CertificateError as Cert;
    match error {
        TlsError::InvalidCertificate(Cert::Expired | Cert::ExpiredContext { .. }) => Class::TlsExpired,
        TlsError::InvalidCertificate(Cert::NotValidYet | Cert::NotValidYetContext { .. }) => Class::TlsNotYetValid,
        TlsError::InvalidCertificate(Cert::NotValidForName | Cert::NotValidForNameContext { .. }) => {
            Class::TlsNameMismatch
        }
        TlsError::InvalidCertificate(_) => Class::TlsUntrusted,
        _ => Class::TlsFailure,
    }
}

/// The last cause in a chain of errors, in its own words.
pub fn deepest(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}
