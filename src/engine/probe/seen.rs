//! What one attempt saw.

use crate::{
    domain::{
        class::Class,
        observation::{Doubt, Hop, Stages, Wall},
        own_failure::OwnFailure,
        walls,
    },
    engine::{
        failure::{self, Failure, deepest},
        guard::Refusal,
        page::PageFacts,
        trace::TRACE,
    },
};
use chrono::{DateTime, Utc};
use std::{net::SocketAddr, time::Duration};

/// What one attempt saw.
#[derive(Debug)]
pub struct Seen {
    /// [`Class::Ok`] for a page that came whole or far enough; what is on it is not judged here.
    pub class: Class,
    /// Why it says nothing about the site, although the class could.
    pub doubt: Option<Doubt>,
    /// The attempt broke on this machine's own fault: nothing was seen of the site, whatever the class says.
    pub own: Option<OwnFailure>,
    pub status: Option<u16>,
    pub final_url: Option<String>,
    pub hops: Vec<Hop>,
    pub remote: Option<SocketAddr>,
    pub detail: Option<String>,
    pub retry_after: Option<Duration>,
    pub page: Option<PageFacts>,
    /// Decoded bytes read.
    pub bytes: u64,
    /// The page goes on past what is read.
    pub cut: bool,
    /// The body ended before its end, or it is a proxy's answer that could not reach the site.
    pub broken_off: bool,
    pub ms: u32,
    /// Of the last page asked for.
    pub stages: Option<Stages>,
    pub cert_end: Option<String>,
    /// What the other side takes for the time.
    pub date: Option<DateTime<Utc>>,
    /// Of the last answer, those that say something about it.
    pub headers: Vec<(String, String)>,
    pub wall: Option<Wall>,
}

impl Seen {
    pub(super) fn new() -> Seen {
        Seen {
            class: Class::Ok,
            doubt: None,
            own: None,
            status: None,
            final_url: None,
            hops: Vec::new(),
            remote: None,
            detail: None,
            retry_after: None,
            page: None,
            bytes: 0,
            cut: false,
            broken_off: false,
            ms: 0,
            stages: None,
            cert_end: None,
            date: None,
            headers: Vec::new(),
            wall: None,
        }
    }

    /// Whether it did not come to the end of an answer, which looks the same where our own network fails.
    pub fn is_unanswered(&self) -> bool {
        !self.class.implies_http_answer() || (self.class != Class::Ok && self.broken_off)
    }

    pub(super) fn walled(&mut self, hit: walls::Hit) -> Failure {
        self.wall = Some(Wall { name: hit.wall.to_owned(), mark: hit.mark });
        Class::BotChallenge.into()
    }

    pub(super) fn refused(&mut self, refusal: &Refusal) -> Failure {
        self.detail = Some(refusal.to_string());
        refusal.into()
    }

    pub(super) fn failed(&mut self, error: &reqwest::Error) -> Failure {
        self.detail = Some(deepest(error));
        let stage = TRACE.with(|trace| trace.stage());
        failure::of_error(error, stage, error.is_decode())
    }
}
