//! The gate for outgoing requests: which addresses may be asked at all.

use super::shortage;
use crate::domain::{address, own_failure::OwnFailure};
use ipnet::IpNet;
use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};
use url::{Host, Url};

/// The nets beyond the public internet that the owner allows (`--allow-net`). Empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    nets: Vec<IpNet>,
    /// Where this program listens itself: never asked, whatever is allowed.
    own: Option<SocketAddr>,
}

/// Why an address may not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("not a valid address")]
    Invalid,
    #[error("{0}: is not http or https")]
    Scheme(String),
    #[error("user name or password in the address")]
    UserInfo,
    #[error("port {0} is closed to browsers")]
    Port(u16),
    #[error("a redirect to port {0}")]
    RedirectPort(u16),
    #[error("{0} is not on the public internet; --allow-net opens a net")]
    NotPublic(IpAddr),
    #[error("{0} is this Rollcall's own address")]
    Own(SocketAddr),
    /// Where this machine is short of something: it is not asked, and nothing is known of it.
    #[error("it cannot be told whether {0} is this Rollcall's own address ({1})")]
    Unsure(IpAddr, OwnFailure),
}

impl Refusal {
    /// Whether a local proxy's made-up answer is the likely cause: then nothing is known of the site.
    /// Design.md: 198.18.0.0/15, common with Clash.
    pub fn is_fake_answer(&self) -> bool {
        matches!(self, Refusal::NotPublic(IpAddr::V4(ip)) if ip.octets()[0] == 198 && ip.octets()[1] & 0xfe == 18)
    }
}

impl Allowed {
    pub fn new(nets: Vec<IpNet>) -> Allowed {
        Allowed { nets, own: None }
    }

    /// As it is, but for where this program listens itself.
    pub fn without_own(self, own: SocketAddr) -> Allowed {
        Allowed { own: Some(own), ..self }
    }

    /// Whether anything beyond the public internet is open.
    pub fn is_empty(&self) -> bool {
        self.nets.is_empty()
    }

    /// Whether this address may be connected to.
    ///
    /// # Errors
    /// [`Refusal::NotPublic`] for all that is neither public nor inside an allowed net.
    pub fn check_ip(&self, ip: IpAddr) -> Result<(), Refusal> {
        if is_public(ip) || self.nets.iter().any(|net| net.contains(&ip)) {
            return Ok(());
        }
        Err(Refusal::NotPublic(ip))
    }

    /// Whether this address may be connected to on this port.
    ///
    /// # Errors
    /// As [`Allowed::check_ip`], [`Refusal::Own`], and [`Refusal::Unsure`].
    pub fn check_socket(&self, ip: IpAddr, port: u16) -> Result<(), Refusal> {
        self.check_ip(ip)?;
        let Some(own) = self.own.filter(|own| own.port() == port) else { return Ok(()) };
        let (mine, asked) = (plain(own.ip()), plain(ip));
        let is_own = if mine.is_unspecified() {
            is_local(asked).map_err(|own| Refusal::Unsure(ip, own))?
        } else {
            // Who asks for no address in particular reaches this machine by its loopback.
            mine == asked || (asked.is_unspecified() && mine.is_loopback())
        };
        if is_own { Err(Refusal::Own(SocketAddr::new(ip, port))) } else { Ok(()) }
    }

    /// Whether this parsed address may be asked; names are checked once more when they resolve.
    ///
    /// # Errors
    /// The [`Refusal`] that applies first.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme(url.scheme().chars().take(20).collect()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        let port = url.port_or_known_default().ok_or(Refusal::Invalid)?;
        if CLOSED_PORTS.binary_search(&port).is_ok() {
            return Err(Refusal::Port(port));
        }
        self.check_host(url)
    }

    /// Whether a literal address may be connected to; names are checked when they resolve.
    ///
    /// # Errors
    /// As [`Allowed::check_socket`].
    pub fn check_host(&self, url: &Url) -> Result<(), Refusal> {
        let port = url.port_or_known_default().ok_or(Refusal::Invalid)?;
        match url.host() {
            Some(Host::Ipv4(ip)) => self.check_socket(ip.into(), port),
            Some(Host::Ipv6(ip)) => self.check_socket(ip.into(), port),
            Some(Host::Domain(name)) if !name.is_empty() => Ok(()),
            _ => Err(Refusal::Invalid),
        }
    }

    /// Whether a redirect may lead to this address from a link on port `own`: a friend may not have others' ports tried
    /// from here. At an address, written out, of an allowed net every port that
    /// browsers open is fine.
    ///
    /// # Errors
    /// As [`Allowed::check_url`], and [`Refusal::RedirectPort`].
    pub fn check_redirect(&self, url: &Url, own: Option<u16>) -> Result<(), Refusal> {
        self.check_url(url)?;
        let port = url.port_or_known_default().ok_or(Refusal::Invalid)?;
        let allowed = literal(url).is_some_and(|ip| self.nets.iter().any(|net| net.contains(&ip)));
        if allowed || WEB_PORTS.contains(&port) || own == Some(port) {
            return Ok(());
        }
        Err(Refusal::RedirectPort(port))
    }

    /// Parses and checks an address as it was written.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] where it is no address, or holds a backslash or control character that parsers
    /// disagree about; otherwise as [`Allowed::check_url`].
    pub fn parse(&self, text: &str) -> Result<Url, Refusal> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.contains('\\') || text.chars().any(char::is_control) {
            return Err(Refusal::Invalid);
        }
        let url = address::read(text).map_err(|_| Refusal::Invalid)?;
        self.check_url(&url)?;
        Ok(url)
    }
}

/// The address that a host is, where it is no name.
pub fn literal(url: &Url) -> Option<IpAddr> {
    match url.host() {
        Some(Host::Ipv4(ip)) => Some(ip.into()),
        Some(Host::Ipv6(ip)) => Some(ip.into()),
        _ => None,
    }
}

/// An address in the form that it is asked in at the end: IPv4 written as IPv6, mapped or for NAT64, is IPv4.
fn plain(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => translated(ip).map_or(IpAddr::V6(ip), IpAddr::V4),
        four => four,
    }
}

/// The IPv4 address that NAT64 makes of an address below its well-known prefix, 64:ff9b::/96 (RFC 6052).
fn translated(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = ip.segments() else { return None };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
}

/// Whether an address is one of this machine's: only such a one can be bound. Where that cannot be tried for a
/// reason of the address's own, it is taken for one.
///
/// # Errors
/// The shortage that kept it from being tried.
fn is_local(ip: IpAddr) -> Result<bool, OwnFailure> {
    if ip.is_loopback() || ip.is_unspecified() {
        return Ok(true);
    }
    match UdpSocket::bind((ip, 0)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => Ok(false),
        Err(error) => match shortage::of_io(&error) {
            Some(own) => Err(own),
            // Without IPv6 no such address is this machine's.
            None => Ok(ip.is_ipv4() || UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok()),
        },
    }
}

/// The ports that browsers refuse (WHATWG Fetch, "bad port"), sorted.
const CLOSED_PORTS: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// Where redirects may lead, besides the link's own port.
const WEB_PORTS: [u16; 4] = [80, 443, 8080, 8443];

/// Whether an address is globally reachable, by the IANA special-purpose registries for IPv4 and IPv6.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, d] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0)
            | (192, 0, 2)
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 88, 99)
            | (192, 168, _)
            | (192, 175, 48)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, ..)
    );
    // 168.63.129.16 is Azure's host address, reachable from every virtual machine there.
    !special && (a, b, c, d) != (168, 63, 129, 16)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = translated(ip) {
        return is_public_v4(inner);
    }
    let s = ip.segments();
    // Only 2000::/3 is given out; this leaves out loopback, mapped, compatible, local NAT64, local and multicast ones.
    let given_out = s[0] & 0xe000 == 0x2000;
    // Below 2001:200:: lie the protocol assignments (Teredo, ORCHID, benchmarking); db8 is documentation.
    let special = (s[0] == 0x2001 && (s[1] < 0x0200 || s[1] == 0x0db8))
        || s[0] == 0x2002 // 6to4
        || (s[0] == 0x2620 && s[1] == 0x004f && s[2] == 0x8000) // AS112
        || (s[0] == 0x3fff && s[1] < 0x1000) // documentation
        || (s[4] & 0xfdff == 0 && s[5] == 0x5efe); // ISATAP
    given_out && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_ports_are_sorted() {
        assert!(CLOSED_PORTS.is_sorted());
    }

    #[test]
    fn ordinary_addresses_pass() {
        for ip in ["1.1.1.1", "93.184.216.34", "192.0.1.1", "2606:4700::1111", "2001:4860:4860::8888", "2400:cb00::1"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        let guard = Allowed::default();
        for url in ["https://example.com/", "http://example.com:8080/a?b#c", "https://例子.测试/", "http://1.1.1.1/"]
        {
            assert!(guard.parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn allowed_nets_open_just_themselves() {
        let guard = Allowed::new(vec!["127.0.0.0/8".parse().unwrap()]);
        assert!(guard.parse("http://127.1.2.3:4000/").is_ok());
        assert_eq!(guard.parse("http://127.0.0.1:22/"), Err(Refusal::Port(22)));
        assert!(guard.parse("http://10.0.0.1/").is_err());
        assert!(guard.parse("http://[::1]/").is_err());
        assert!(guard.parse("http://[::ffff:127.0.0.1]/").is_err());
    }

    #[test]
    fn our_own_address_is_never_asked() {
        let loopback = || Allowed::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let refused = |guard: &Allowed, url: &str| matches!(guard.parse(url), Err(Refusal::Own(_)));
        let one = loopback().without_own("127.0.0.1:3000".parse().unwrap());
        assert!(refused(&one, "http://127.0.0.1:3000/") && !refused(&one, "http://127.0.0.1:3001/"));
        assert!(!refused(&one, "http://127.0.0.2:3000/"), "another listens there");
        let all = loopback().without_own("0.0.0.0:3000".parse().unwrap());
        assert!(refused(&all, "http://127.0.0.1:3000/") && refused(&all, "http://127.0.0.2:3000/"));
        assert!(all.parse("http://1.1.1.1:3000/").is_ok(), "not one of this machine's");
    }

    #[test]
    fn our_own_address_is_never_asked_in_any_form_however_much_is_allowed() {
        let open = || Allowed::new(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
        let forms = |own: &str, asked: &[&str]| -> Vec<bool> {
            let guard = open().without_own(own.parse().unwrap());
            asked.iter().map(|url| matches!(guard.parse(url), Err(Refusal::Own(_)))).collect()
        };
        let loopback = [
            "http://127.0.0.1:3000/",
            "http://[::ffff:127.0.0.1]:3000/",
            "http://[::ffff:7f00:1]:3000/",
            "http://0.0.0.0:3000/",
            "http://[::]:3000/",
            "http://[::ffff:0.0.0.0]:3000/",
            "http://[64:ff9b::127.0.0.1]:3000/",
            "http://2130706433:3000/",
        ];
        assert_eq!(forms("127.0.0.1:3000", &loopback), [true; 8]);
        assert_eq!(forms("[::ffff:127.0.0.1]:3000", &loopback), [true; 8]);
        let six = ["http://[::1]:3000/", "http://[::]:3000/", "http://0.0.0.0:3000/"];
        assert_eq!(forms("[::1]:3000", &six), [true; 3]);
        for own in ["0.0.0.0:3000", "[::]:3000"] {
            assert_eq!(forms(own, &loopback), [true; 8], "{own}");
            assert_eq!(forms(own, &six), [true; 3], "{own}");
            assert_eq!(forms(own, &["http://127.0.0.2:3000/", "http://[::ffff:127.9.9.9]:3000/"]), [true; 2], "{own}");
            assert_eq!(forms(own, &["http://127.0.0.1:3001/", "http://[2606:4700::1111]:3000/"]), [false; 2], "{own}");
        }
        assert_eq!(forms("192.0.2.7:3000", &["http://[::ffff:192.0.2.7]:3000/"]), [true]);
        assert_eq!(forms("192.0.2.7:3000", &["http://127.0.0.1:3000/", "http://0.0.0.0:3000/"]), [false; 2]);
    }

    #[test]
    fn nat64_is_judged_by_the_address_within() {
        for (ip, public) in [
            ("64:ff9b::1.1.1.1", true),
            ("64:ff9b::93.184.216.34", true),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b::127.0.0.1", false),
            ("64:ff9b::169.254.169.254", false),
            ("64:ff9b:1::1.1.1.1", false),
            ("64:ff9b::1:0:101:101", false),
            ("::ffff:1.1.1.1", false),
            ("::1.1.1.1", false),
            ("2002:101:101::", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
            assert_eq!(Allowed::default().parse(&format!("http://[{ip}]/")).is_ok(), public, "{ip}");
        }
    }

    #[test]
    fn redirects_keep_to_the_ports_of_the_web() {
        let guard = Allowed::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let to = |url: &str, own| guard.check_redirect(&Url::parse(url).unwrap(), own);
        for url in
            ["https://example.com/", "http://example.com:8080/", "https://example.com:8443/", "http://127.0.0.1:9/x"]
        {
            assert_eq!(to(url, Some(443)).is_ok(), !url.ends_with('x'), "{url}: 9 is closed to browsers");
        }
        assert!(to("http://127.0.0.1:6379/", Some(80)).is_ok(), "inside an allowed net");
        assert_eq!(to("http://example.com:6379/", Some(80)), Err(Refusal::RedirectPort(6379)));
        assert!(to("http://example.com:6379/", Some(6379)).is_ok(), "the link's own port");
    }

    #[test]
    fn every_vector_is_refused() {
        let text = include_str!("../../tests/data/ssrf-vectors.txt");
        let guard = Allowed::default();
        let written_out = text.replace("\\u{ad}", "\u{ad}").replace("\\t", "\t").replace("\\n", "\n");
        let mut vectors = 0;
        for line in written_out.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
            assert!(guard.parse(line).is_err(), "{line}");
            vectors += 1;
        }
        assert!(vectors > 80, "only {vectors}");
    }
}
