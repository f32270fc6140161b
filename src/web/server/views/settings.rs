//! Settings, schedules, and the box that tries a page.

use super::{Times, at_hand};
use crate::{
    config,
    domain::{
        audit::Deed,
        field::{URL_MAX, cut},
        schedule::{self, Schedule, Scope},
        settings::{SECRET_SHOWN, Settings, change_words, is_secret},
    },
    service::{Result, ServiceError},
    web::{
        api::{fault::Fault, gate::Caller},
        dto::{Done, ScheduleNote, SettingField, SettingsPage, Stamp, Trial},
    },
};
use std::collections::BTreeMap;

/// Times that a schedule shows ahead.
const AHEAD: usize = 5;
/// Schedules at most: more are a mistake.
const SCHEDULES: usize = 20;

pub async fn page(caller: &Caller, trial: &str) -> Result<SettingsPage> {
    let (settings, times) = at_hand(caller).await?;
    let zone = config::timezone(&settings);
    let plain = Settings::default();
    let default = |key: &str| plain.get(key).unwrap_or_default();
    let fields = settings
        .list()
        .into_iter()
        .map(|(key, value, _)| {
            // Secrets stay here: a page is kept by browsers, and compressed.
            let value = if is_secret(&key) && !value.is_empty() { SECRET_SHOWN.to_owned() } else { value };
            SettingField { default: default(&key), key, value }
        })
        .collect();
    let mut schedules = Vec::new();
    for row in caller.service.store().schedules().await? {
        schedules.push(ScheduleNote {
            id: row.id,
            words: format!("{} · {}", schedule::in_words(&row.cron, caller.lang), row.scope.in_words(caller.lang)),
            next: ahead(&row.cron, &zone, caller, times),
            cron: row.cron,
            scope: row.scope.to_string(),
        });
    }
    let sessions = super::account::sessions(caller, times).await?;
    let groups = caller.service.store().groups().await?.into_iter().map(|(name, _)| name).collect();
    let trial = caller.state.trials.look(trial);
    Ok(SettingsPage { fields, schedules, groups, timezone: zone, user: caller.name.clone(), sessions, trial })
}

fn ahead(cron: &str, zone: &str, caller: &Caller, times: Times) -> Vec<Stamp> {
    let Ok(schedule) = Schedule::stored(cron, zone) else { return Vec::new() };
    schedule.ahead(caller.service.clock().now(), AHEAD).into_iter().map(|at| times.stamp(at)).collect()
}

/// Looks at a page as a check would, and keeps what came of it for the settings page.
pub async fn try_page(caller: &Caller, url: String, sites: String) -> std::result::Result<Done, Fault> {
    // An address of the roll is no longer, and neither are the owner's own together.
    let (url, sites) = (cut(&url, URL_MAX).to_owned(), cut(&sites, URL_MAX).to_owned());
    let settings = caller.service.settings().await?;
    let mut mine: Vec<String> = sites.split_whitespace().map(str::to_owned).collect();
    let mut patterns = Vec::new();
    if mine.is_empty() {
        mine.clone_from(&settings.my_sites);
        patterns.clone_from(&settings.my_site_patterns);
    }
    let trial = match caller.service.try_page(&url, &mine, &patterns).await {
        Ok(seen) => Trial { url, sites, seen: Some(seen), error: String::new() },
        Err(error) => Trial { url, sites, seen: None, error: Fault::from(error).to_string() },
    };
    let bytes = serde_json::to_string(&trial).map_or(usize::MAX, |text| text.len());
    let kept = caller.state.trials.put(trial, bytes);
    Ok(Done::quiet().then(format!("/settings?trial={}", kept.unwrap_or_default())))
}

/// Changes what differs, all or nothing: one wrong value leaves everything as it was.
pub async fn save(caller: &Caller, set: BTreeMap<String, String>) -> std::result::Result<Done, Fault> {
    let held = caller.service.settings().await?;
    let mut tried = held.clone();
    let (mut changed, mut wrong) = (Vec::new(), Vec::new());
    let untouched = |key: &str, value: &str| is_secret(key) && value == SECRET_SHOWN;
    for (key, value) in set.into_iter().filter(|(key, value)| !untouched(key, value)) {
        if let Err(error) = tried.set(&key, &value) {
            wrong.push(error.words(caller.lang));
        } else if tried.get(&key).ok() != held.get(&key).ok() {
            changed.push(key);
        }
    }
    if !wrong.is_empty() {
        return Err(Fault::Refused(wrong.join(caller.lang.pick("；", "; "))));
    }
    caller.service.keep_settings(&tried, &changed).await?;
    for key in changed {
        let value = tried.get(&key).map_err(ServiceError::from)?;
        let old = held.get(&key).map_err(ServiceError::from)?;
        caller.note(Deed::SettingChanged, change_words(&key, &old, &value)).await;
    }
    caller.state.use_settings(&tried);
    Ok(Done::said(caller.words().said_saved))
}

pub async fn save_schedule(caller: &Caller, id: i64, cron: &str, scope: &str) -> std::result::Result<Done, Fault> {
    let words = caller.words();
    let cron = cron.trim();
    let zone = config::timezone(&caller.service.settings().await?);
    Schedule::new(cron, &zone).map_err(|error| Fault::Refused(error.words(caller.lang)))?;
    let scope = if scope.is_empty() { Some(Scope::All) } else { Scope::parse(scope) };
    let scope = scope.ok_or_else(|| Fault::Refused(words.bad_request.to_owned()))?;
    let store = caller.service.store();
    if id == 0 && store.schedules().await?.len() >= SCHEDULES {
        return Err(Fault::Refused(words.too_many.to_owned()));
    }
    store.put_schedule((id != 0).then_some(id), cron, &scope, caller.service.clock().now()).await?;
    caller.note(Deed::ScheduleSet, format!("{cron} · {scope}")).await;
    Ok(Done::said(format!("{} · {}", schedule::in_words(cron, caller.lang), words.said_saved)))
}

pub async fn remove_schedule(caller: &Caller, id: i64) -> std::result::Result<Done, Fault> {
    let words = caller.words();
    let store = caller.service.store();
    let row = store.schedules().await?.into_iter().find(|row| row.id == id);
    let row = row.ok_or_else(|| Fault::NotFound(words.no_schedule.to_owned()))?;
    store.remove_schedule(id).await?;
    caller.note(Deed::ScheduleRemoved, format!("{} · {}", row.cron, row.scope)).await;
    let fields = vec![("cron", row.cron), ("scope", row.scope.to_string())];
    Ok(Done::said(words.said_deleted).or_undo("/api/fn/save_schedule", fields))
}
