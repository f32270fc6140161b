//! An answer's body, as far as it is needed, and what it makes of the answer.

use super::{Probe, Seen, text_of};
use crate::{
    domain::{class::Class, guard::NETWORK_LOGIN, observation::Doubt, walls},
    engine::{
        body::{Body, Broken},
        failure::Failure,
        page::{Appetite, PageFacts, PageReader, Want},
        probe::{MAX_BODY, Request},
        trace::{TRACE, millis},
    },
};
use reqwest::{Response, header::HeaderMap};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// Where no backlink is wanted, only the head of a page is read, for its title …
const HEAD_ONLY_BODY: u64 = 64 << 10;
/// … and for no longer than this.
const HEAD_ONLY_TIME: Duration = Duration::from_secs(1);
/// A body in more pieces than this is not read to its end: each costs time, however small it is.
const MAX_PIECES: u32 = 5_000;
/// The first bytes of gzip (RFC 1952).
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

impl Probe {
    /// What an answer other than a page comes to: a wall's, a rate limit, or the site's own status.
    pub(super) async fn refused(&self, url: &Url, response: Response, deadline: Instant, seen: &mut Seen) -> Failure {
        let status = response.status().as_u16();
        let (response, headers) = apart(response);
        if walls::may_be_refusal(status) {
            // Whatever breaks in this body, the status has been answered.
            let want = Want { marks: true, ..Want::default() };
            let broken = self.take_in(want, url, (response, &headers), deadline, seen).await.err();
            if let Some(hit) = wall_on(status, &headers, seen.page.as_ref()) {
                return seen.walled(hit);
            }
            // A wall may have stood in what was not read.
            if let Some(Broken { failure: failure @ Failure { own: Some(_), .. }, .. }) = broken {
                return failure;
            }
        }
        match status {
            429 => Class::RateLimited.into(),
            // It is the network that speaks, and not the site.
            NETWORK_LOGIN => Failure { doubt: Some(Doubt::NetworkLogin), ..Class::HttpStatus.into() },
            _ => Class::HttpStatus.into(),
        }
    }

    /// Reads a page as far as needed. Some where a meta refresh leads on.
    pub(super) async fn read(
        &self,
        request: &Request,
        url: &Url,
        response: Response,
        deadline: Instant,
        seen: &mut Seen,
    ) -> Result<Option<Url>, Failure> {
        let wanted = request.want.sites.is_some();
        let status = response.status().as_u16();
        let (response, headers) = apart(response);
        let broken = self.take_in(request.want.clone(), url, (response, &headers), deadline, seen).await.err();
        let page = seen.page.as_ref();
        if page.is_some_and(|page| page.found.is_some()) {
            return Ok(None);
        }
        let refresh = page.and_then(|page| page.refresh.clone());
        if let Some(hit) = wall_on(status, &headers, page) {
            return Err(seen.walled(hit));
        }
        match broken {
            Some(Broken { failure: Failure { class: Class::BodyTooLarge, .. }, .. }) => {
                seen.cut = true;
                Ok(refresh)
            }
            Some(broken) => {
                seen.detail = Some(broken.detail).filter(|detail| !detail.is_empty());
                // Where status alone decides, a broken body is evidence only.
                if wanted && refresh.is_none() { Err(broken.failure) } else { Ok(refresh) }
            }
            None => Ok(refresh),
        }
    }

    /// Takes a body in, up to its caps; what it showed is in `seen` even where it broke.
    async fn take_in(
        &self,
        want: Want,
        url: &Url,
        (response, headers): (Response, &HeaderMap),
        deadline: Instant,
        seen: &mut Seen,
    ) -> Result<(), Broken> {
        let content_type = text_of(headers, "content-type");
        let wanted = want.sites.is_some();
        let mut reader = PageReader::new(url.clone(), content_type, want);
        let (cap, until) =
            if wanted { (MAX_BODY, deadline) } else { (HEAD_ONLY_BODY, deadline.min(Instant::now() + HEAD_ONLY_TIME)) };
        let start = Instant::now();
        seen.bytes = 0;
        (seen.cut, seen.broken_off) = (false, false);
        let feeding = async {
            let body = Body::of(response, headers, &self.costly).await?;
            feed(body, &mut reader, cap, seen).await
        };
        let fed = match timeout_at(until, feeding).await {
            Ok(fed) => fed,
            Err(_) => Err(Broken { failure: Class::Timeout.into(), detail: String::new() }),
        };
        if let Some(stages) = &mut seen.stages {
            stages.body = Some(millis(start.elapsed()));
        }
        seen.broken_off = fed.as_ref().is_err_and(|broken| !broken.failure.class.implies_http_answer());
        let page = reader.finish();
        seen.cut |= page.given_up;
        seen.page = Some(page);
        fed
    }
}

/// An answer's body and its headers.
fn apart(mut response: Response) -> (Response, HeaderMap) {
    let headers = std::mem::take(response.headers_mut());
    (response, headers)
}

/// Feeds a body to the reader until either has had enough.
async fn feed(mut body: Body, reader: &mut PageReader, cap: u64, seen: &mut Seen) -> Result<(), Broken> {
    let stage = TRACE.with(|trace| trace.stage());
    let mut pieces = 0;
    while let Some(bytes) = body.next(stage).await? {
        if seen.bytes == 0 && bytes.starts_with(&GZIP_MAGIC) {
            let detail = "compressed once more than it says".to_owned();
            return Err(Broken { failure: Class::DecodeFailure.into(), detail });
        }
        let room = usize::try_from(cap - seen.bytes).unwrap_or(usize::MAX);
        let piece = &bytes[..bytes.len().min(room)];
        seen.bytes += piece.len() as u64;
        if reader.feed(piece) == Appetite::Enough {
            break;
        }
        pieces += 1;
        if bytes.len() > room || pieces > MAX_PIECES {
            seen.cut = true;
            break;
        }
    }
    Ok(())
}

/// The bot wall that a page is, if it is one.
fn wall_on(status: u16, headers: &HeaderMap, page: Option<&PageFacts>) -> Option<walls::Hit> {
    let page = page?;
    walls::by_page(status, |name| text_of(headers, name), &page.marks, page.sparse)
}
