//! `schedule`: when all links are checked.

use super::{Context, Failure, NetworkArgs, Outcome, output};
use crate::{config, domain::schedule::Schedule, formats};
use clap::Subcommand;
use std::process::ExitCode;

#[derive(Subcommand)]
#[command(after_help = "Examples:
  rollcall schedule list
  rollcall schedule set \"0 4 * * *\"             four in the morning, in the setting timezone
  rollcall schedule set --id 1 \"0 */6 * * *\"    change schedule 1 to every six hours
  rollcall schedule rm 1

`rollcall serve` runs the schedules.")]
pub enum ScheduleCommand {
    /// The schedules and when each is next due
    List,
    /// Set a schedule: the only one there is, or the one with --id
    Set {
        /// Five fields: minute, hour, day of month, month, day of week
        cron: String,
        /// Which one to change
        #[arg(long, env = "ROLLCALL_ID", conflicts_with = "add")]
        id: Option<i64>,
        /// Add one more instead of changing one
        #[arg(long, env = "ROLLCALL_ADD")]
        add: bool,
    },
    /// Remove a schedule
    Rm {
        /// The schedule's number
        id: i64,
    },
}

pub async fn run(context: &Context, command: ScheduleCommand) -> Outcome {
    let service = context.service(&NetworkArgs::default()).await?;
    let zone = config::timezone(&service.settings().await?);
    let store = service.store();
    match command {
        ScheduleCommand::List => {
            let now = context.clock.now();
            let next = |cron: &str| {
                let due = Schedule::new(cron, &zone).ok().and_then(|s| s.next_after(now));
                due.map(formats::rfc3339).unwrap_or_else(|| "never".to_owned())
            };
            let rows: Vec<Vec<String>> = store
                .schedules()
                .await?
                .iter()
                .map(|row| vec![row.id.to_string(), row.cron.clone(), zone.clone(), next(&row.cron)])
                .collect();
            output::table(&["id", "cron", "timezone", "next (UTC)"], &rows)?;
        }
        ScheduleCommand::Set { cron, id, add } => {
            Schedule::new(&cron, &zone).map_err(|e| Failure::Usage(e.to_string()))?;
            let rows = store.schedules().await?;
            let id = match (id, add, rows.as_slice()) {
                (Some(id), ..) => Some(id),
                (None, true, _) | (None, false, []) => None,
                (None, false, [only]) => Some(only.id),
                (None, false, _) => {
                    return Err(Failure::Usage("there are several schedules; name one with --id, or use --add".into()));
                }
            };
            let id = store.put_schedule(id, cron.trim()).await?;
            eprintln!("schedule {id} set to {:?} in {zone}", cron.trim());
        }
        ScheduleCommand::Rm { id } => {
            if !store.remove_schedule(id).await? {
                return Err(Failure::Failed(format!(
                    "there is no schedule {id}; `rollcall schedule list` shows them all"
                )));
            }
            eprintln!("schedule {id} removed");
        }
    }
    Ok(ExitCode::SUCCESS)
}
