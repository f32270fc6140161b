//! The table of links, one link, and its form.

use super::{Times, at_hand, line};
use crate::{
    domain::{address, audit::Deed, class::Class, link::Link, run::Transition, verdict::Change, whitelist::InForce},
    service::{LinkEdit, Result, ServiceError, told},
    store::{Among, Draft, Sort, Status, StoreError, Wanted},
    web::{
        api::{fault::Fault, gate::Caller},
        dto::{
            ChangeNote, CheckNote, Done, LinkForm, LinkPage, LinkRow, LinksPage, LinksQuery, ManualNote, Pages, Span,
        },
    },
};
use chrono::{DateTime, TimeDelta, Utc};

/// Rows on a page, and the sizes on offer.
pub const SIZES: [u32; 4] = [25, 50, 100, 200];
const SIZE: u32 = 50;
/// Checks that a link's page lists, and transitions.
const CHECKS: u32 = 30;
const CHANGES: u32 = 50;

pub async fn links(caller: &Caller, query: LinksQuery) -> Result<LinksPage> {
    let service = &caller.service;
    let store = service.store();
    let (settings, times) = at_hand(caller).await?;
    let entries = store.whitelist().await?;
    let size = if SIZES.contains(&query.size) { query.size } else { SIZE };
    let among = match (query.whitelist.as_str(), query.status.as_str()) {
        ("yes", _) => Some(Among::Only(service.exempt_ids(&entries).await?)),
        // What is whitelisted needs no review.
        ("no", _) | (_, "review") => Some(Among::Except(service.exempt_ids(&entries).await?)),
        _ => None,
    };
    let mut wanted = wanted(&query);
    wanted.among = among;
    wanted.now = service.clock().now();
    wanted.limit = size;
    wanted.offset = query.page.saturating_sub(1).saturating_mul(size);
    let mut found = store.search(&wanted).await?;
    let pages = Pages::of(query.page, found.total, size);
    if pages.offset() != wanted.offset {
        // Past the end: the last page there is.
        wanted.offset = pages.offset();
        found = store.search(&wanted).await?;
    }
    let ids: Vec<i64> = found.links.iter().map(|link| link.id).collect();
    let pending = store.pending(&ids).await?;
    let now = service.clock().now();
    let drawing = Drawing { in_force: InForce::of(&entries, now), now, times, avatars: settings.avatars };
    let rows = found.links.into_iter().map(|link| drawing.row(link, &pending)).collect();
    Ok(LinksPage { query, rows, pages, groups: store.groups().await?, links: store.totals().await?.links })
}

fn wanted(query: &LinksQuery) -> Wanted {
    let status = match query.status.as_str() {
        "shown" => Some(Status::Shown),
        "hidden" => Some(Status::Hidden),
        "review" => Some(Status::Review),
        "unchecked" => Some(Status::Unchecked),
        "inactive" => Some(Status::Inactive),
        _ => None,
    };
    let (descending, key) = match query.sort.strip_prefix('-') {
        Some(key) => (true, key),
        None => (false, query.sort.as_str()),
    };
    let sort = match key {
        "name" => Sort::Name,
        "group" => Sort::Group,
        "latency" => Sort::Latency,
        "checked" => Sort::Checked,
        "since" => Sort::Since,
        _ => Sort::State,
    };
    let group = match query.group.as_str() {
        "" => None,
        "-" => Some(String::new()),
        name => Some(name.to_owned()),
    };
    let class = Class::from_code(&query.reason);
    Wanted { status, group, class, text: query.q.trim().to_owned(), sort, descending, ..Wanted::default() }
}

/// What rows are drawn with.
struct Drawing {
    in_force: InForce,
    now: DateTime<Utc>,
    times: Times,
    avatars: bool,
}

impl Drawing {
    fn row(&self, link: Link, pending: &[(i64, Change)]) -> LinkRow {
        let about = link.about;
        let last = link.last_check;
        LinkRow {
            id: link.id,
            whitelisted: self.in_force.exempt(&about.name, &about.url),
            href: address::safe_href(&about.url),
            logo: if self.avatars { address::safe_href(&about.logo) } else { String::new() },
            name: about.name,
            url: about.url,
            group: about.group,
            active: link.active,
            shown: link.state.shown,
            manual: link.state.manual.is_some_and(|manual| manual.holds(self.now)),
            reason: link.state.reason,
            class: last.as_ref().map(|last| last.class),
            status: last.as_ref().and_then(|last| last.status),
            ms: last.as_ref().map(|last| last.ms),
            checked: last.map(|last| self.times.stamp(last.at)),
            recent: link.recent,
            flags: link.flags,
            pending: pending.iter().rev().find(|(id, _)| *id == link.id).map(|(_, c)| *c).unwrap_or_default(),
        }
    }
}

pub async fn link(caller: &Caller, id: i64, span: Span) -> std::result::Result<LinkPage, Fault> {
    let service = &caller.service;
    let store = service.store();
    let (settings, times) = at_hand(caller).await?;
    let link = store.link(id).await?.ok_or(StoreError::NoSuch { what: "link", id })?;
    let now = service.clock().now();
    let entries = store.whitelist().await?;
    let pending = store.pending(&[id]).await?;
    let checks: Vec<CheckNote> = store
        .checks(id, CHECKS)
        .await?
        .into_iter()
        .map(|(run_id, seen)| CheckNote { run_id, at: times.stamp(seen.at), seen })
        .collect();
    let changes = store.transitions(id, CHANGES).await?;
    let since = now - TimeDelta::days(span.days());
    let points = store.points(id, since).await?;
    let state = link.state.clone();
    let form = form_of(&link, Vec::new());
    let drawing = Drawing { in_force: InForce::of(&entries, now), now, times, avatars: settings.avatars };
    let name = link.about.name.clone();
    Ok(LinkPage {
        since: times.stamp(state.since),
        bad_streak: state.bad_streak,
        good_streak: state.good_streak,
        manual: state.manual.filter(|manual| manual.holds(now)).map(|manual| ManualNote {
            shown: manual.shown,
            set_by: manual.set_by,
            set_at: times.stamp(manual.set_at),
            until: manual.until.map(|until| times.stamp(until)),
        }),
        row: drawing.row(link, &pending),
        form,
        last: checks.iter().find(|check| check.seen.class != Class::Whitelisted).cloned(),
        checks,
        changes: changes.into_iter().map(|change| change_note(name.clone(), change, times)).collect(),
        span,
        line: line::draw(&points, since, now, times),
    })
}

pub fn change_note(name: String, change: Transition, times: Times) -> ChangeNote {
    ChangeNote {
        link_id: change.link_id,
        name,
        run_id: change.run_id,
        at: times.stamp(change.at),
        shown: change.shown,
        reason: change.reason,
        cause: change.cause,
    }
}

pub async fn form(caller: &Caller, id: i64) -> std::result::Result<LinkForm, Fault> {
    let store = caller.service.store();
    let groups = store.groups().await?.into_iter().map(|(name, _)| name).collect();
    if id == 0 {
        return Ok(LinkForm { active: true, groups, ..LinkForm::default() });
    }
    let link = store.link(id).await?.ok_or(StoreError::NoSuch { what: "link", id })?;
    Ok(form_of(&link, groups))
}

fn form_of(link: &Link, groups: Vec<String>) -> LinkForm {
    let about = link.about.clone();
    let accept: Vec<String> = about.overrides.accept.iter().map(u16::to_string).collect();
    LinkForm {
        id: link.id,
        name: about.name,
        url: about.url,
        group: about.group,
        logo: about.logo,
        description: about.description,
        feed: about.feed,
        backlink_page: about.backlink_page,
        email: about.email,
        note: about.note,
        active: link.active,
        backlink_off: about.overrides.backlink_off,
        timeout: about.overrides.timeout_ms.map(|ms| (f64::from(ms) / 1000.0).to_string()).unwrap_or_default(),
        accept: accept.join(" "),
        groups,
    }
}

pub async fn save(caller: &Caller, form: LinkForm) -> std::result::Result<Done, Fault> {
    let (words, service) = (caller.words(), &caller.service);
    let id = form.id;
    let edit = edit(form, caller)?;
    if id == 0 {
        let id = service.add_link(edit).await?;
        caller.note(Deed::LinkAdded, service.name_list(&[id]).await).await;
        return Ok(Done::said(words.said_added).then(format!("/links/{id}")));
    }
    let changes = service.edit_link(id, edit).await?;
    if !changes.is_empty() {
        caller.note(Deed::LinkChanged, format!("{}: {}", service.name_list(&[id]).await, told(&changes))).await;
    }
    Ok(Done::said(words.said_saved).then(format!("/links/{id}")))
}

fn edit(form: LinkForm, caller: &Caller) -> Result<LinkEdit> {
    let lang = caller.lang;
    let timeout_ms = match form.timeout.trim() {
        "" => None,
        text => Some(crate::domain::settings::seconds(text).map_err(|why| {
            ServiceError::Invalid(lang.pick(format!("时限：{}", why.zh), format!("Time limit: {}", why.en)))
        })?),
    };
    let statuses = form.accept.split([' ', ',', '，', ';']).filter(|part| !part.is_empty());
    let accept = statuses
        .map(|part| part.parse::<u16>().ok().filter(|code| (100..600).contains(code)))
        .collect::<Option<Vec<u16>>>()
        .ok_or_else(|| {
            let text =
                lang.pick("接受的状态码：请填写 100 到 599 的数字", "Accepted statuses: write numbers from 100 to 599");
            ServiceError::Invalid(text.to_owned())
        })?;
    let trimmed = |text: String| Some(text.trim().to_owned());
    Ok(LinkEdit {
        name: trimmed(form.name),
        url: trimmed(form.url),
        active: Some(form.active),
        backlink: Some(!form.backlink_off),
        timeout_ms: Some(timeout_ms),
        accept: Some(accept),
        fields: Draft {
            group: trimmed(form.group),
            logo: trimmed(form.logo),
            description: trimmed(form.description),
            feed: trimmed(form.feed),
            backlink_page: trimmed(form.backlink_page),
            email: trimmed(form.email),
            note: trimmed(form.note),
            ..Draft::default()
        },
    })
}
