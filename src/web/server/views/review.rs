//! The triage queue: links that want the owner's eye, one at a time.

use super::links;
use crate::{
    domain::{audit::Deed, link::Manual, observation::Standing},
    store::StoreError,
    web::{
        api::{fault::Fault, gate::Caller},
        dto::{Done, Pages, ReviewPage, Span, Why},
    },
};
use chrono::TimeDelta;

/// How long "fine" holds.
const FINE: TimeDelta = TimeDelta::days(30);

pub async fn page(caller: &Caller, at: u32) -> std::result::Result<ReviewPage, Fault> {
    let store = caller.service.store();
    let exempt = caller.service.exempt_ids(&store.whitelist().await?).await?;
    let queue = caller.service.to_review(&exempt).await?;
    // Past the end it is the last one, because that which was asked for has been dealt with.
    let pages = Pages::of(at, u32::try_from(queue.len()).unwrap_or(u32::MAX), 1);
    let wanted = queue.get(pages.offset() as usize).copied();
    let link = match wanted {
        Some(id) => store.link(id).await?,
        None => None,
    };
    let Some(link) = link else { return Ok(ReviewPage { pages, ..ReviewPage::default() }) };
    let mut why = Vec::new();
    if link.recent.last() == Some(&Standing::Unverifiable) {
        why.push(Why::Unverifiable);
    }
    if !link.state.shown {
        why.push(Why::Hidden);
    }
    why.extend(link.flags.iter().map(|flag| Why::Flag(*flag)));
    let link = Some(links::link(caller, link.id, Span::Month).await?);
    Ok(ReviewPage { pages, why, link })
}

/// Deals with one link and goes on to the next, which then stands in its place.
pub async fn decide(caller: &Caller, id: i64, at: u32, verdict: &str) -> std::result::Result<Done, Fault> {
    let (words, service) = (caller.words(), &caller.service);
    let now = service.clock().now();
    let link = service.store().link(id).await?.ok_or(StoreError::NoSuch { what: "link", id })?;
    let (shown, until, said) = match verdict {
        "fine" => (true, Some(now + FINE), words.said_fine),
        "hide" => (false, None, words.said_manual_hide),
        "whitelist" => {
            service.exempt_links(&[id], true).await?;
            caller.note(Deed::LinksExempted, link.about.name.as_str()).await;
            let said = format!("{} · {}", link.about.name, words.said_exempted);
            let done = Done::said(said).then(format!("/review?at={at}"));
            return Ok(done.or_undo("/api/fn/exempt_link", vec![("set", format!("{id}:off"))]));
        }
        _ => return Err(Fault::Refused(words.bad_request.to_owned())),
    };
    let manual = Manual { shown, until, set_at: now, set_by: caller.name.clone() };
    service.set_verdict(id, Some(manual)).await?;
    caller.note(Deed::VerdictSet, format!("{}: {verdict}", link.about.name)).await;
    let done = Done::said(format!("{} · {said}", link.about.name)).then(format!("/review?at={at}"));
    Ok(done.or_undo("/api/fn/judge_link", vec![("id", id.to_string()), ("verdict", "auto".to_owned())]))
}
