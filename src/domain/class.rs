//! The classes that a check can end in: stable codes, and what each one is.

use serde::{Deserialize, Serialize};

/// How one check ended. The codes are stable: stored, exported and printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Status 200 and, where one is required, a backlink.
    Ok,
    /// The guard refused the address, a redirect's address, or what the name resolved to.
    BlockedByPolicy,
    /// The name does not exist, or has no address.
    DnsNotFound,
    /// The name servers failed or did not answer.
    DnsFailure,
    ConnectRefused,
    ConnectionReset,
    /// No route to the host or network.
    Unreachable,
    ConnectTimeout,
    /// The attempt's time limit passed after the connection stood.
    Timeout,
    TlsExpired,
    TlsNotYetValid,
    TlsNameMismatch,
    TlsUntrusted,
    TlsFailure,
    /// What came back is not HTTP, or breaks its rules.
    HttpProtocol,
    /// An answer with a status other than 200.
    HttpStatus,
    /// More than the allowed number of hops.
    RedirectLoop,
    /// A redirect without, or with an unusable, Location.
    RedirectInvalid,
    /// The page is longer than what is read, and the backlink did not come before the cap.
    BodyTooLarge,
    /// The page's compression or characters could not be decoded.
    DecodeFailure,
    BacklinkMissing,
    /// A bot wall stood in the way: says nothing about the site.
    BotChallenge,
    /// Status 429: says nothing about the site.
    RateLimited,
    /// The page is built by scripts, so a backlink cannot be looked for.
    ScriptOnly,
    /// Exempt, and so not fetched.
    Whitelisted,
}

impl Class {
    /// Every class, in the order of design.md.
    pub const ALL: [Class; 25] = [
        Class::Ok,
        Class::BlockedByPolicy,
        Class::DnsNotFound,
        Class::DnsFailure,
        Class::ConnectRefused,
        Class::ConnectionReset,
        Class::Unreachable,
        Class::ConnectTimeout,
        Class::Timeout,
        Class::TlsExpired,
        Class::TlsNotYetValid,
        Class::TlsNameMismatch,
        Class::TlsUntrusted,
        Class::TlsFailure,
        Class::HttpProtocol,
        Class::HttpStatus,
        Class::RedirectLoop,
        Class::RedirectInvalid,
        Class::BodyTooLarge,
        Class::DecodeFailure,
        Class::BacklinkMissing,
        Class::BotChallenge,
        Class::RateLimited,
        Class::ScriptOnly,
        Class::Whitelisted,
    ];

    /// The stable code, as stored and printed.
    pub fn code(self) -> &'static str {
        match self {
            Class::Ok => "ok",
            Class::BlockedByPolicy => "blocked_by_policy",
            Class::DnsNotFound => "dns_not_found",
            Class::DnsFailure => "dns_failure",
            Class::ConnectRefused => "connect_refused",
            Class::ConnectionReset => "connection_reset",
            Class::Unreachable => "unreachable",
            Class::ConnectTimeout => "connect_timeout",
            Class::Timeout => "timeout",
            Class::TlsExpired => "tls_expired",
            Class::TlsNotYetValid => "tls_not_yet_valid",
            Class::TlsNameMismatch => "tls_name_mismatch",
            Class::TlsUntrusted => "tls_untrusted",
            Class::TlsFailure => "tls_failure",
            Class::HttpProtocol => "http_protocol",
            Class::HttpStatus => "http_status",
            Class::RedirectLoop => "redirect_loop",
            Class::RedirectInvalid => "redirect_invalid",
            Class::BodyTooLarge => "body_too_large",
            Class::DecodeFailure => "decode_failure",
            Class::BacklinkMissing => "backlink_missing",
            Class::BotChallenge => "bot_challenge",
            Class::RateLimited => "rate_limited",
            Class::ScriptOnly => "script_only",
            Class::Whitelisted => "whitelisted",
        }
    }

    /// The class of a stable code.
    pub fn from_code(code: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.code() == code)
    }

    /// Whether the same failure may well be gone a moment later: such checks are retried, and `patient` waits
    /// longer for them. `status` counts for [`Class::HttpStatus`] only (408 and 500–599 are transient).
    pub fn is_transient(self, status: Option<u16>) -> bool {
        match self {
            Class::DnsFailure
            | Class::ConnectRefused
            | Class::ConnectionReset
            | Class::Unreachable
            | Class::ConnectTimeout
            | Class::Timeout
            | Class::TlsFailure
            | Class::HttpProtocol => true,
            Class::HttpStatus => matches!(status, Some(408 | 500..=599)),
            _ => false,
        }
    }

    /// Whether the class never says anything about the site, whatever else was seen.
    pub fn is_unverifiable(self) -> bool {
        matches!(self, Class::BotChallenge | Class::RateLimited | Class::ScriptOnly | Class::BodyTooLarge)
    }

    /// Whether the class can be a reason for hiding.
    pub fn can_hide(self) -> bool {
        !self.is_unverifiable() && !matches!(self, Class::Ok | Class::Whitelisted)
    }

    /// Whether the class can only come from a server that answered in HTTP, to the end of what it had to say. All others
    /// look the same where our own network fails.
    pub fn implies_http_answer(self) -> bool {
        matches!(
            self,
            Class::Ok
                | Class::HttpStatus
                | Class::RedirectLoop
                | Class::RedirectInvalid
                | Class::BodyTooLarge
                | Class::DecodeFailure
                | Class::BacklinkMissing
                | Class::BotChallenge
                | Class::RateLimited
                | Class::ScriptOnly
        )
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn codes_are_what_serde_writes() {
        for class in Class::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.code());
            assert_eq!(Class::from_code(class.code()), Some(class));
        }
    }

    #[test]
    fn only_408_and_5xx_are_transient_statuses() {
        for status in [408, 500, 503, 599] {
            assert!(Class::HttpStatus.is_transient(Some(status)), "{status}");
        }
        for status in [204, 301, 403, 404, 410, 451] {
            assert!(!Class::HttpStatus.is_transient(Some(status)), "{status}");
        }
    }
}
