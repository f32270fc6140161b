//! One thing done to some links.

use crate::{
    domain::{audit::Deed, link::Manual},
    store::StoreError,
    web::{
        api::{fault::Fault, gate::Caller},
        dto::Done,
    },
};

/// Links at once at most.
const MANY: usize = 10_000;
const RESTORE: &str = "/api/fn/restore_links";

/// `12:on` puts link 12 on the whitelist, `12:off` takes it off.
pub async fn exempt_one(caller: &Caller, set: &str) -> Result<Done, Fault> {
    let words = caller.words();
    let wanted = set.split_once(':').and_then(|(id, how)| Some((id.parse().ok()?, how == "on")));
    let Some((id, on)) = wanted else { return Err(Fault::Refused(words.bad_request.to_owned())) };
    let link = caller.service.store().link(id).await?.ok_or(StoreError::NoSuch { what: "link", id })?;
    caller.service.exempt_links(&[id], on).await?;
    caller.note(if on { Deed::LinksExempted } else { Deed::LinksUnexempted }, link.about.name.as_str()).await;
    let back = format!("{id}:{}", if on { "off" } else { "on" });
    let said = if on { words.said_exempted } else { words.said_unexempted };
    Ok(Done::said(format!("{} · {said}", link.about.name)).or_undo("/api/fn/exempt_link", vec![("set", back)]))
}

pub async fn judge(caller: &Caller, id: i64, verdict: &str) -> Result<Done, Fault> {
    let (words, now) = (caller.words(), caller.service.clock().now());
    let manual = |shown| Some(Manual { shown, until: None, set_at: now, set_by: caller.name.clone() });
    let (manual, said) = match verdict {
        "show" => (manual(true), words.said_manual_show),
        "hide" => (manual(false), words.said_manual_hide),
        "auto" => (None, words.said_manual_lifted),
        _ => return Err(Fault::Refused(words.bad_request.to_owned())),
    };
    caller.service.set_verdict(id, manual).await?;
    caller.note(Deed::VerdictSet, format!("{}: {verdict}", caller.service.name_list(&[id]).await)).await;
    Ok(Done::said(said))
}

pub async fn bulk(caller: &Caller, ids: &[i64], action: &str, group: &str) -> Result<Done, Fault> {
    let words = caller.words();
    if ids.is_empty() {
        return Err(Fault::Refused(words.none_selected.to_owned()));
    }
    if ids.len() > MANY {
        return Err(Fault::Refused(words.too_many.to_owned()));
    }
    let service = &caller.service;
    let count = |n: u32| words.count_links(n);
    let all = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let names = service.name_list(ids).await;
    let (deed, done) = match action {
        "recheck" => {
            service.recheck_many(ids).await?;
            (Deed::RunStarted, Done::quiet())
        }
        "whitelist" => {
            let exempted = count(service.exempt_links(ids, true).await?);
            (Deed::LinksExempted, Done::said(format!("{exempted} · {}", words.said_exempted)))
        }
        "unwhitelist" => {
            let unexempted = count(service.exempt_links(ids, false).await?);
            (Deed::LinksUnexempted, Done::said(format!("{unexempted} · {}", words.said_unexempted)))
        }
        "activate" => {
            service.store().set_active(ids, true).await?;
            (Deed::LinksActivated, Done::said(format!("{} · {}", count(all), words.said_activated)))
        }
        "deactivate" => {
            service.store().set_active(ids, false).await?;
            (Deed::LinksDeactivated, Done::said(format!("{} · {}", count(all), words.said_deactivated)))
        }
        "group" => {
            let group = group.trim();
            service.store().set_group(ids, group).await?;
            let name = if group.is_empty() { words.no_group } else { group };
            (Deed::LinksGrouped, Done::said(format!("{} → {name}", count(all))))
        }
        "delete" => {
            let removed = service.remove_links(ids).await?;
            let listed: Vec<String> = ids.iter().map(i64::to_string).collect();
            let done = Done::said(format!("{} · {}", count(removed), words.said_deleted));
            // From a link's own page there is nothing to go back to.
            let done = if all == 1 { done.then("/links") } else { done };
            (Deed::LinksRemoved, done.or_undo(RESTORE, vec![("ids", listed.join(","))]))
        }
        _ => return Err(Fault::Refused(words.bad_request.to_owned())),
    };
    caller.note(deed, if deed == Deed::LinksGrouped { format!("{names} → {group}") } else { names }).await;
    Ok(done)
}

pub async fn restore(caller: &Caller, ids: &str) -> Result<Done, Fault> {
    let words = caller.words();
    let ids: Vec<i64> = ids.split(',').filter_map(|id| id.trim().parse().ok()).take(MANY).collect();
    match caller.service.store().restore_links(&ids).await? {
        0 => Err(Fault::Refused(words.cannot_restore.to_owned())),
        restored => {
            caller.note(Deed::LinksRestored, caller.service.name_list(&ids).await).await;
            Ok(Done::said(format!("{} · {}", words.count_links(restored), words.said_restored)))
        }
    }
}
