//! Reasons: a stable code with parameters, put into words only when shown.

use super::{
    class::Class,
    lang::Lang,
    observation::{Flag, Observation},
};
use serde::{Deserialize, Serialize};

/// Why a link is not shown. Stored as code and parameters, so that wording and language can change later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub code: Class,
    #[serde(default)]
    pub params: Params,
}

/// What a reason's words need besides its code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// The HTTP status that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Reason {
    /// The reason that a bad observation gives.
    pub fn of(seen: &Observation) -> Reason {
        Reason::new(seen.class, seen.status)
    }

    /// A class with what its words need.
    pub fn new(code: Class, status: Option<u16>) -> Reason {
        Reason { code, params: Params { status: status.filter(|_| code == Class::HttpStatus) } }
    }

    /// The reason in words. The first two are the seed system's own, kept to the letter in Chinese.
    pub fn words(&self, lang: Lang) -> String {
        match (self.code, self.params.status) {
            (Class::HttpStatus, Some(status)) => lang.pick(format!("网页请求返回{status}"), format!("HTTP {status}")),
            (class, _) => class_words(class, lang).to_owned(),
        }
    }
}

/// A class in words, for tables and tool tips.
pub fn class_words(class: Class, lang: Lang) -> &'static str {
    let (zh, en) = match class {
        Class::Ok => ("正常", "OK"),
        Class::BlockedByPolicy => ("地址不允许访问", "Address not allowed"),
        Class::DnsNotFound => ("域名不存在", "No such domain name"),
        Class::DnsFailure => ("域名解析失败", "Name lookup failed"),
        Class::ConnectRefused => ("连接被拒绝", "Connection refused"),
        Class::ConnectionReset => ("连接被中断", "Connection reset"),
        Class::Unreachable => ("网络不可达", "Host unreachable"),
        Class::ConnectTimeout => ("连接超时", "Connecting timed out"),
        Class::Timeout => ("请求超时", "Request timed out"),
        Class::TlsExpired => ("证书已过期", "Certificate expired"),
        Class::TlsNotYetValid => ("证书尚未生效", "Certificate not yet valid"),
        Class::TlsNameMismatch => ("证书与域名不符", "Certificate is for another name"),
        Class::TlsUntrusted => ("证书不受信任", "Certificate not trusted"),
        Class::TlsFailure => ("加密连接失败", "Secure connection failed"),
        Class::HttpProtocol => ("返回的不是有效的 HTTP", "Not a valid HTTP answer"),
        Class::HttpStatus => ("网页请求返回错误状态", "HTTP error status"),
        Class::RedirectLoop => ("重定向次数过多", "Too many redirects"),
        Class::RedirectInvalid => ("重定向地址无效", "Invalid redirect"),
        Class::BodyTooLarge => ("网页过大，未能核对外链", "Page too large to search"),
        Class::DecodeFailure => ("网页内容无法解码", "Page could not be decoded"),
        Class::BacklinkMissing => ("网站未设置本站外链", "No link back to your site"),
        Class::BotChallenge => ("遇到人机验证，无法核对", "Bot wall, could not verify"),
        Class::RateLimited => ("对方限制访问频率（429）", "Rate limited (429)"),
        Class::ScriptOnly => ("网页由脚本生成，无法核对外链", "Page is built by scripts"),
        Class::Whitelisted => ("白名单，免检查", "Whitelisted, not checked"),
    };
    lang.pick(zh, en)
}

/// A flag in words.
pub fn flag_words(flag: Flag, lang: Lang) -> &'static str {
    let (zh, en) = match flag {
        Flag::ParkedSuspected => ("疑似域名停放或出售", "Looks parked or for sale"),
        Flag::MovedHost => ("已跳转到其他域名", "Moved to another domain"),
        Flag::TitleChanged => ("标题完全变了", "Title changed beyond recognition"),
        Flag::CertExpiring => ("证书即将到期", "Certificate ends soon"),
    };
    lang.pick(zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_systems_words_are_kept() {
        let http = Reason { code: Class::HttpStatus, params: Params { status: Some(404) } };
        assert_eq!(http.words(Lang::Zh), "网页请求返回404");
        assert_eq!(http.words(Lang::En), "HTTP 404");
        let missing = Reason { code: Class::BacklinkMissing, params: Params::default() };
        assert_eq!(missing.words(Lang::Zh), "网站未设置本站外链");
        assert_eq!(missing.words(Lang::En), "No link back to your site");
    }

    #[test]
    fn stored_form_is_stable() {
        let reason = Reason { code: Class::HttpStatus, params: Params { status: Some(502) } };
        assert_eq!(serde_json::to_string(&reason).unwrap(), r#"{"code":"http_status","params":{"status":502}}"#);
        let bare: Reason = serde_json::from_str(r#"{"code":"timeout","params":{}}"#).unwrap();
        assert_eq!(bare.params, Params::default());
    }

    #[test]
    fn every_class_has_words_of_its_own_in_both_languages() {
        for lang in [Lang::Zh, Lang::En] {
            let words: std::collections::BTreeSet<_> = Class::ALL.iter().map(|c| class_words(*c, lang)).collect();
            assert_eq!(words.len(), Class::ALL.len());
        }
    }
}
