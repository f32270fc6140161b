//! What one check saw: facts only, no judgement.

use super::{class::Class, lang::Lang};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The facts of one check of one link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When the check ended.
    pub at: DateTime<Utc>,
    pub class: Class,
    /// Whether the facts say nothing about the site although the class alone could
    /// (a name answered from a local proxy's fake range, 198.18.0.0/15).
    #[serde(default)]
    pub inconclusive: bool,
    /// The last HTTP status seen, if any answer came.
    pub status: Option<u16>,
    /// Where the last redirect led.
    pub final_url: Option<String>,
    /// From the first attempt's start to the last one's end, without waits between them; milliseconds.
    pub ms: u32,
    /// How many pages were asked for in all: retries and extra pages count.
    pub attempts: u32,
    pub backlink: Backlink,
    #[serde(default)]
    pub flags: Vec<Flag>,
    #[serde(default)]
    pub evidence: Evidence,
}

/// What an observation says about the site, for the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Good,
    Bad,
    Unverifiable,
    /// Not fetched, because exempt.
    Exempt,
}

impl Standing {
    /// The letter it is kept as.
    pub fn letter(self) -> char {
        match self {
            Standing::Good => 'g',
            Standing::Bad => 'b',
            Standing::Unverifiable => 'u',
            Standing::Exempt => 'e',
        }
    }

    /// What a letter stands for.
    pub fn of_letter(letter: char) -> Option<Standing> {
        [Standing::Good, Standing::Bad, Standing::Unverifiable, Standing::Exempt]
            .into_iter()
            .find(|s| s.letter() == letter)
    }

    /// What a class and the facts around it say about the site.
    pub fn of(class: Class, inconclusive: bool) -> Standing {
        match class {
            Class::Ok => Standing::Good,
            Class::Whitelisted => Standing::Exempt,
            class if class.is_unverifiable() || inconclusive => Standing::Unverifiable,
            _ => Standing::Bad,
        }
    }
}

impl Observation {
    /// The observation of a link that is exempt and so was not fetched.
    pub fn whitelisted(at: DateTime<Utc>) -> Observation {
        Observation {
            at,
            class: Class::Whitelisted,
            inconclusive: false,
            status: None,
            final_url: None,
            ms: 0,
            attempts: 0,
            backlink: Backlink::default(),
            flags: Vec::new(),
            evidence: Evidence::default(),
        }
    }

    pub fn standing(&self) -> Standing {
        Standing::of(self.class, self.inconclusive)
    }

    /// Whether any HTTP answer came, for the mass-failure guard.
    pub fn had_http_answer(&self) -> bool {
        self.status.is_some() || self.class.implies_http_answer()
    }
}

/// Whether the page links back, and where that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlink {
    pub state: BacklinkState,
    /// The address as it stands on the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    /// The page it stands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The element's rel, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rel: Option<String>,
    /// How it was matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// The element is hidden from visitors.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BacklinkState {
    Found,
    Missing,
    /// No backlink is required, or the page was never reached.
    #[default]
    NotChecked,
    /// The page came, but could not be read far enough.
    Unreadable,
}

/// How a backlink was matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The address itself is mine.
    Direct,
    /// A redirect wrapper names mine.
    Wrapper,
    /// A pattern of the owner's matched the page's text.
    Pattern,
}

/// Advice kept with the evidence; never a verdict by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The page looks like one that sells or parks a domain.
    ParkedSuspected,
    /// Redirects end in another registrable domain.
    MovedHost,
    /// The title has nothing in common with the last good one.
    TitleChanged,
    /// The certificate ends in less than 14 days.
    CertExpiring,
}

impl Flag {
    pub const ALL: [Flag; 4] = [Flag::ParkedSuspected, Flag::MovedHost, Flag::TitleChanged, Flag::CertExpiring];

    /// The stable code, as stored and printed.
    pub fn code(self) -> &'static str {
        match self {
            Flag::ParkedSuspected => "parked_suspected",
            Flag::MovedHost => "moved_host",
            Flag::TitleChanged => "title_changed",
            Flag::CertExpiring => "cert_expiring",
        }
    }
}

/// What is kept so that a verdict can be explained. Bounded by [`Evidence::clip`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Redirects in order: where each stood and what it answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<Hop>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// The address connected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Why it says nothing about the site, although the class could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// What went wrong, as the library at fault words it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Decoded bytes read of the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How each attempt but the last ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Attempt>,
    /// How long each stage of the last page took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Stages>,
    /// The last day of the server's certificate, as YYYY-MM-DD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_end: Option<String>,
    /// Headers of the last answer that say something about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The bot wall that stood in the way, and what gave it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall: Option<Wall>,
    /// The page's first words, where the backlink was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

/// Why a check that came to nothing says nothing about its site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Nobody else answered after it: our own network may have been down.
    NobodyHeard,
    /// A network wanted a log-in first.
    NetworkLogin,
    /// The name was answered with an address of a local proxy's making.
    FakeAddress,
    /// This machine has no way to such addresses.
    NoRoute,
    /// This machine's own rules forbid it.
    NotPermitted,
    /// A page that may carry the backlink was not read.
    PageNotRead,
}

impl Doubt {
    pub const ALL: [Doubt; 6] = [
        Doubt::NobodyHeard,
        Doubt::NetworkLogin,
        Doubt::FakeAddress,
        Doubt::NoRoute,
        Doubt::NotPermitted,
        Doubt::PageNotRead,
    ];

    pub fn words(self, lang: Lang) -> &'static str {
        match self {
            Doubt::NobodyHeard => lang.pick(
                "此后没有其他网站应答，可能是本机网络中断，因此不作数",
                "no other site answered after it: our own network may have been down, so it does not count",
            ),
            Doubt::NetworkLogin => lang.pick(
                "所在网络要求先登录（511），应答并非来自该网站",
                "the network wants a log-in first (511): the answer is not the site's",
            ),
            Doubt::FakeAddress => lang.pick(
                "域名被解析到本机代理的虚假地址（198.18.0.0/15）",
                "the name was answered with an address that a local proxy makes up (198.18.0.0/15)",
            ),
            Doubt::NoRoute => {
                lang.pick("本机没有通往该地址的路由", "this machine has no route to any of the site's addresses")
            }
            Doubt::NotPermitted => {
                lang.pick("本机的规则（如防火墙）不允许连接", "this machine's own rules, such as a firewall, forbid it")
            }
            Doubt::PageNotRead => {
                lang.pick("可能带有外链的页面未能读到", "a page that may carry the backlink was not read")
            }
        }
    }
}

/// A bot wall that was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wall {
    pub name: String,
    /// The header or the texts that gave it away.
    pub mark: String,
}

/// The stages of one request in order, milliseconds each; absent where it was not reached or not needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stages {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<u32>,
    /// From the request's sending to the answer's head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<u32>,
}

/// One redirect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    pub url: String,
    /// 200 stands for a meta refresh.
    pub status: u16,
}

/// One earlier attempt of the same check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub url: String,
    pub class: Class,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    pub ms: u32,
}

/// The most that one check's stored evidence takes: design.md, Numbers.
pub const EVIDENCE_MAX_BYTES: usize = 4096;

impl Evidence {
    /// Shortens every text to `limit` bytes (the excerpt to three times that) and every list to `items`, whole
    /// characters only.
    pub fn clip(&mut self, limit: usize, items: usize) {
        let texts = [&mut self.title, &mut self.charset, &mut self.remote, &mut self.detail, &mut self.cert_end];
        for text in texts.into_iter().flatten() {
            clip(text, limit);
        }
        if let Some(excerpt) = &mut self.excerpt {
            clip(excerpt, limit * 3);
        }
        if let Some(wall) = &mut self.wall {
            clip(&mut wall.name, limit);
            clip(&mut wall.mark, limit);
        }
        self.hops.truncate(items);
        self.earlier.truncate(items);
        self.headers.truncate(items);
        for (name, value) in &mut self.headers {
            clip(name, limit);
            clip(value, limit);
        }
        self.hops.iter_mut().for_each(|hop| clip(&mut hop.url, limit));
        self.earlier.iter_mut().for_each(|attempt| clip(&mut attempt.url, limit));
    }
}

/// Cuts `text` to at most `limit` bytes without splitting a character.
pub fn clip(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
}
