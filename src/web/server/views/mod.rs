//! What the pages are made of, from the service: domain types in, plain data out.

pub mod account;
pub mod bulk;
pub mod import;
pub mod line;
pub mod links;
pub mod overview;
pub mod review;
pub mod runs;
pub mod settings;
pub mod watch;
pub mod whitelist;

use crate::{
    config,
    domain::{lang::Lang, schedule::parse_zone, settings::Settings},
    formats::rfc3339,
    service::Result,
    web::{
        api::gate::Caller,
        dto::{RunRow, Stamp},
    },
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::sync::atomic::Ordering::Relaxed;

/// In which zone and language times are written.
#[derive(Clone, Copy)]
pub struct Times {
    pub zone: Tz,
    pub lang: Lang,
}

impl Times {
    pub fn of(settings: &Settings, lang: Lang) -> Times {
        Times { zone: parse_zone(&config::timezone(settings)).unwrap_or(Tz::UTC), lang }
    }

    pub fn stamp(&self, at: DateTime<Utc>) -> Stamp {
        let local = at.with_timezone(&self.zone);
        let pattern = self.lang.pick("%Y-%m-%d %H:%M", "%-d %b %Y, %H:%M");
        Stamp { iso: rfc3339(at), text: local.format(pattern).to_string() }
    }
}

/// The settings, and how times are written under them.
pub async fn at_hand(caller: &Caller) -> Result<(Settings, Times)> {
    let settings = caller.service.settings().await?;
    caller.state.avatars.store(settings.avatars, Relaxed);
    let times = Times::of(&settings, caller.lang);
    Ok((settings, times))
}

pub fn run_row(run: crate::domain::run::Run, times: Times) -> RunRow {
    RunRow {
        id: run.id,
        trigger: run.trigger,
        state: run.state,
        hold: run.hold,
        counts: run.counts,
        started: times.stamp(run.started_at),
        ms: run.ms,
    }
}
