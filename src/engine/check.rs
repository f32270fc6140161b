//! One link's turn: which pages to ask for, when to ask again, and what it comes to. No I/O here.

use super::{
    page::{PageFacts, Want},
    probe::{Request, Seen},
    retry,
};
use crate::domain::{
    backlink::MySites,
    class::Class,
    flags,
    link::{About, Overrides},
    marks,
    observation::{Attempt, Backlink, BacklinkState, Doubt, Evidence, Flag, Observation},
    settings::Limits,
};
use chrono::{DateTime, Utc};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use url::Url;

/// What a whole run goes by.
#[derive(Clone)]
pub struct Terms {
    pub sites: Arc<MySites>,
    pub discovery: bool,
    pub limits: Limits,
    pub user_agent: Arc<str>,
}

/// One link's turn in the making.
pub struct Course {
    pub link_id: i64,
    url: String,
    backlink_page: String,
    overrides: Overrides,
    /// The title when the link was last well.
    good_title: Option<String>,
    terms: Arc<Terms>,
    stage: Stage,
    /// The home page's answer, once it is in and another page is asked for.
    home: Option<Box<Seen>>,
    discovered: VecDeque<Url>,
    attempts: u32,
    retried: u32,
    ms: u32,
    earlier: Vec<Attempt>,
    /// A page that may carry the backlink was not read.
    unread: bool,
    /// A page did not answer to the end, however often it was asked.
    unanswered: bool,
    /// It is made once more, after one that ended without an answer.
    again: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Home,
    BacklinkPage,
    Discovered(Url),
}

/// What follows on an attempt.
pub enum Next {
    /// Ask again after this long: the same page once more, or another one.
    Ask(Duration),
    Done {
        seen: Box<Observation>,
        /// The site, or a page of it that counts, did not answer to the end.
        unanswered: bool,
    },
}

impl Course {
    pub fn new(link_id: i64, about: &About, terms: Arc<Terms>) -> Course {
        Course {
            link_id,
            url: about.url.clone(),
            backlink_page: about.backlink_page.clone(),
            overrides: about.overrides.clone(),
            good_title: None,
            terms,
            stage: Stage::Home,
            home: None,
            discovered: VecDeque::new(),
            attempts: 0,
            retried: 0,
            ms: 0,
            earlier: Vec::new(),
            unread: false,
            unanswered: false,
            again: false,
        }
    }

    /// Makes the check once more, after one that ended so: each page is asked once, and none after one that does not
    /// answer, so that it takes little more than one time limit.
    pub fn again(mut self, first: &Observation) -> Course {
        self.again = true;
        self.attempts = first.attempts;
        self.ms = first.ms;
        self.retried = self.terms.limits.retries;
        self.earlier.clone_from(&first.evidence.earlier);
        let url = first.final_url.clone().unwrap_or_else(|| self.url.clone());
        self.earlier.push(Attempt { url, class: first.class, status: first.status, ms: first.ms });
        self
    }

    /// Compares titles with the one that the link had when it was last well.
    pub fn after(mut self, good_title: Option<String>) -> Course {
        self.good_title = good_title;
        self
    }

    /// A backlink is required when a my-site exists and the link has no override.
    fn requires_backlink(&self) -> bool {
        !self.terms.sites.is_empty() && !self.overrides.backlink_off
    }

    fn looks_here(&self) -> bool {
        self.requires_backlink() && (self.stage != Stage::Home || self.backlink_page.is_empty())
    }

    /// The address of the next page to ask for.
    pub fn address(&self) -> &str {
        match &self.stage {
            Stage::Home => &self.url,
            Stage::BacklinkPage => &self.backlink_page,
            Stage::Discovered(url) => url.as_str(),
        }
    }

    /// Whether nothing has been asked yet.
    pub fn is_fresh(&self) -> bool {
        self.attempts == 0
    }

    /// The next page to ask for.
    pub fn request(&self) -> Request {
        let limits = &self.terms.limits;
        let limit = Duration::from_millis(self.overrides.timeout_ms.unwrap_or(limits.timeout_ms).into());
        let looks = self.looks_here();
        Request {
            url: self.address().to_owned(),
            want: Want {
                sites: looks.then(|| self.terms.sites.clone()),
                friend_pages: looks && self.terms.discovery && self.stage == Stage::Home,
                marks: false,
            },
            accept: self.overrides.accept.clone(),
            limit,
            connect_limit: limit.min(Duration::from_millis(limits.connect_timeout_ms.into())),
            user_agent: self.terms.user_agent.clone(),
            named_from: match self.stage {
                Stage::Home | Stage::BacklinkPage => None,
                Stage::Discovered(_) => Url::parse(&self.url).ok().and_then(|url| url.port_or_known_default()),
            },
        }
    }

    /// Takes an attempt's outcome. `jitter` is drawn from 0..1.
    pub fn take(&mut self, seen: Seen, at: DateTime<Utc>, jitter: f64) -> Next {
        self.attempts += 1;
        self.ms = self.ms.saturating_add(seen.ms);
        let class = self.class_of(&seen);
        let retries = self.terms.limits.retries;
        if !matches!(self.stage, Stage::Discovered(_))
            && let Some(wait) = retry::wait(class, seen.status, seen.retry_after, self.retried + 1, retries, jitter)
        {
            self.retried += 1;
            self.note(&seen, class);
            return Next::Ask(wait);
        }
        self.unanswered |= seen.is_unanswered();
        match self.onward(&seen, class) {
            Some(stage) => {
                self.note(&seen, class);
                if self.stage == Stage::Home {
                    self.home = Some(Box::new(seen));
                }
                self.stage = stage;
                Next::Ask(Duration::ZERO)
            }
            None => Next::Done { seen: Box::new(self.conclude(seen, class, at)), unanswered: self.unanswered },
        }
    }

    /// What the attempt comes to for this link.
    fn class_of(&self, seen: &Seen) -> Class {
        if seen.class != Class::Ok || !self.looks_here() {
            return seen.class;
        }
        match &seen.page {
            Some(page) if page.found.is_some() => Class::Ok,
            _ if seen.cut => Class::BodyTooLarge,
            Some(page) if page.script_only => Class::ScriptOnly,
            _ => Class::BacklinkMissing,
        }
    }

    /// The next page that may still carry the backlink.
    fn onward(&mut self, seen: &Seen, class: Class) -> Option<Stage> {
        let unfound = matches!(class, Class::BacklinkMissing | Class::ScriptOnly | Class::BodyTooLarge);
        match self.stage {
            Stage::Home if class == Class::Ok && self.requires_backlink() && !self.looks_here() => {
                Some(Stage::BacklinkPage)
            }
            Stage::Home if unfound => {
                self.discovered = seen.page.as_ref().map(|p| p.friend_pages.clone()).unwrap_or_default().into();
                self.discovered.pop_front().map(Stage::Discovered)
            }
            Stage::Discovered(_) if class != Class::Ok => {
                // We did not ask, or gave up reading: what stands there is not known.
                self.unread |= matches!(class, Class::BodyTooLarge | Class::BlockedByPolicy);
                if self.again && seen.is_unanswered() {
                    return None;
                }
                self.discovered.pop_front().map(Stage::Discovered)
            }
            _ => None,
        }
    }

    fn note(&mut self, seen: &Seen, class: Class) {
        let attempt = Attempt { url: self.address().to_owned(), class, status: seen.status, ms: seen.ms };
        self.earlier.push(attempt);
    }

    /// Puts everything that was seen together.
    fn conclude(&mut self, last: Seen, class: Class, at: DateTime<Utc>) -> Observation {
        let backlink = self.backlink(&last, class);
        let flags = self.flags(self.home.as_deref().unwrap_or(&last), at);
        let home_title = self.home.as_ref().and_then(|home| home.page.as_ref()?.title.clone());
        let found_elsewhere = class == Class::Ok;
        // What a discovered page lacks says nothing; the home page's own outcome stands.
        let (seen, class) = match (self.home.take(), &self.stage) {
            (Some(home), Stage::Discovered(_)) if found_elsewhere => (*home, Class::Ok),
            (Some(home), Stage::Discovered(_)) => {
                self.stage = Stage::Home;
                let class = self.class_of(&home);
                (*home, class)
            }
            _ => (last, class),
        };
        let page = seen.page.as_ref();
        let unread = self.unread && class == Class::BacklinkMissing;
        let doubt = seen.doubt.or(unread.then_some(Doubt::PageNotRead));
        let mut evidence = Evidence {
            hops: seen.hops,
            title: home_title.or_else(|| page.and_then(|p| p.title.clone())),
            charset: page.and_then(|p| p.charset).map(str::to_owned),
            remote: seen.remote.map(|r| r.to_string()),
            detail: seen.detail,
            bytes: page.map(|_| seen.bytes),
            earlier: std::mem::take(&mut self.earlier),
            stages: seen.stages,
            cert_end: seen.cert_end,
            headers: seen.headers,
            wall: seen.wall,
            doubt,
            excerpt: page.filter(|_| class == Class::BacklinkMissing).and_then(|p| p.excerpt.clone()),
        };
        evidence.clip(300, 8);
        Observation {
            at,
            class,
            inconclusive: doubt.is_some(),
            status: seen.status,
            final_url: seen.final_url.or_else(|| Some(self.url.clone())),
            ms: self.ms,
            attempts: self.attempts,
            backlink,
            flags,
            evidence,
        }
    }

    /// What the owner should look at on the friend's own page.
    fn flags(&self, home: &Seen, at: DateTime<Utc>) -> Vec<Flag> {
        let nothing = marks::Seen::default();
        // A wall's page and an error's say nothing of the site's own.
        let page = home.page.as_ref().filter(|_| home.class == Class::Ok);
        flags::of(&flags::Facts {
            url: &self.url,
            final_url: home.final_url.as_deref(),
            title: page.and_then(|page| page.title.as_deref()),
            good_title: self.good_title.as_deref(),
            marks: page.map_or(&nothing, |page| &page.marks),
            sparse: page.is_some_and(|page| page.sparse),
            cert_end: home.cert_end.as_deref(),
            at,
        })
    }

    fn backlink(&self, seen: &Seen, class: Class) -> Backlink {
        if !self.requires_backlink() {
            return Backlink::default();
        }
        let page = seen.final_url.clone().unwrap_or_else(|| self.address().to_owned());
        match seen.page.as_ref().and_then(|p: &PageFacts| p.found.clone()) {
            Some(found) => Backlink {
                state: BacklinkState::Found,
                href: Some(found.href),
                page: Some(page),
                rel: found.rel,
                via: Some(found.via),
                hidden: found.hidden,
            },
            None => {
                let state = match class {
                    Class::BacklinkMissing => BacklinkState::Missing,
                    Class::ScriptOnly | Class::BodyTooLarge | Class::DecodeFailure => BacklinkState::Unreadable,
                    _ if self.home.is_some() => BacklinkState::Missing,
                    _ => BacklinkState::NotChecked,
                };
                let page = (state != BacklinkState::NotChecked).then_some(page);
                Backlink { state, page, ..Backlink::default() }
            }
        }
    }
}
