//! `schedule`: when links are checked by themselves.

use super::{Context, Failure, NetworkArgs, Outcome, output};
use crate::{
    config,
    domain::{
        audit::Deed,
        schedule::{Schedule, Scope, in_words},
    },
    formats,
    store::ScheduleRow,
};
use clap::Subcommand;
use std::process::ExitCode;

#[derive(Subcommand)]
#[command(after_help = "Examples:
  rollcall schedule list
  rollcall schedule set \"0 4 * * *\"                      four in the morning, in the setting timezone
  rollcall schedule set --id 1 \"0 */6 * * *\"             change schedule 1 to every six hours
  rollcall schedule set --add --scope hidden \"0 * * * *\" the hidden ones every hour as well
  rollcall schedule set --add --scope group:Friends \"0 12 * * 1-5\"
  rollcall schedule rm 1

`rollcall serve` runs the schedules. The settings timezone, jitter and back_off go with them.")]
pub enum ScheduleCommand {
    /// The schedules and when each is next due
    List,
    /// Set a schedule: the only one there is, or the one with --id
    Set {
        /// Five fields: minute, hour, day of month, month, day of week
        cron: String,
        /// Which one to change
        #[arg(long, conflicts_with = "add")]
        id: Option<i64>,
        /// Add one more instead of changing one
        #[arg(long)]
        add: bool,
        /// Which links: all, hidden, or group:NAME [default: as it is, all for a new one]
        #[arg(long, value_parser = parse_scope)]
        scope: Option<Scope>,
    },
    /// Remove a schedule
    Rm {
        /// The schedule's number
        id: i64,
    },
}

/// Times that are told ahead.
const AHEAD: usize = 5;

pub async fn run(context: &Context, command: ScheduleCommand) -> Outcome {
    let service = context.service(&NetworkArgs::default()).await?;
    let zone = config::timezone(&service.settings().await?);
    let (store, now) = (service.store(), context.clock.now());
    match command {
        ScheduleCommand::List => {
            let row = |row: &ScheduleRow| {
                let due = Schedule::stored(&row.cron, &zone).ok().and_then(|schedule| schedule.next_after(now));
                let due = due.map_or_else(|| "never".to_owned(), formats::rfc3339);
                let words = in_words(&row.cron, context.lang);
                vec![row.id.to_string(), row.cron.clone(), words, row.scope.to_string(), zone.clone(), due]
            };
            let rows: Vec<Vec<String>> = store.schedules().await?.iter().map(row).collect();
            output::table(&["id", "cron", "in words", "scope", "timezone", "next (UTC)"], &rows)?;
        }
        ScheduleCommand::Set { cron, id, add, scope } => {
            let schedule = Schedule::new(&cron, &zone).map_err(|e| Failure::Usage(e.to_string()))?;
            let rows = store.schedules().await?;
            let held = match (id, add, rows.as_slice()) {
                (Some(id), ..) => Some(rows.iter().find(|row| row.id == id).ok_or_else(|| no_schedule(id))?),
                (None, true, _) | (None, false, []) => None,
                (None, false, [only]) => Some(only),
                (None, false, _) => {
                    return Err(Failure::Usage("there are several schedules; name one with --id, or use --add".into()));
                }
            };
            let scope = scope.or_else(|| held.map(|row| row.scope.clone())).unwrap_or_default();
            let id = store.put_schedule(held.map(|row| row.id), cron.trim(), &scope, now).await?;
            service.note_here(Deed::ScheduleSet, format!("{id}: {} · {scope}", cron.trim())).await;
            let words = in_words(cron.trim(), context.lang);
            eprintln!("schedule {id}: {words} ({zone}), {}; next:", scope.in_words(context.lang));
            for due in schedule.ahead(now, AHEAD) {
                eprintln!("  {}", schedule.local(due));
            }
        }
        ScheduleCommand::Rm { id } => {
            if !store.remove_schedule(id).await? {
                return Err(no_schedule(id));
            }
            service.note_here(Deed::ScheduleRemoved, id.to_string()).await;
            eprintln!("schedule {id} removed");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn no_schedule(id: i64) -> Failure {
    Failure::Failed(format!("there is no schedule {id}; `rollcall schedule list` shows them all"))
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| "write all, hidden, or group: and a name, such as group:Friends".to_owned())
}
