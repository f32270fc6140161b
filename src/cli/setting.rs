//! `setting`: what everything goes by.

use super::{Context, NetworkArgs, Outcome, output};
use crate::{
    domain::{audit::Deed, settings::change_words},
    service::ServiceError,
};
use clap::Subcommand;
use std::{io::Write, process::ExitCode};

#[derive(Subcommand)]
#[command(after_help = "Examples:
  rollcall setting set my_sites \"https://me.example https://old.me.example\"
  rollcall setting set policy patient
  rollcall setting get timeout
  rollcall setting list")]
pub enum SettingCommand {
    /// Print one setting
    Get {
        /// The setting's name
        key: String,
    },
    /// Change one setting
    Set {
        /// The setting's name
        key: String,
        /// Its new value; \"\" goes back to none
        value: String,
    },
    /// Every setting with its value and what it is for
    List,
}

pub async fn run(context: &Context, command: SettingCommand) -> Outcome {
    let service = context.service(&NetworkArgs::default()).await?;
    match command {
        SettingCommand::Get { key } => {
            writeln!(std::io::stdout(), "{}", service.settings().await?.get(&key).map_err(ServiceError::from)?)?;
        }
        SettingCommand::Set { key, value } => {
            let old = service.set(&key, &value).await?;
            let new = service.settings().await?.get(&key).map_err(ServiceError::from)?;
            if old != new {
                service.note_here(Deed::SettingChanged, change_words(&key, &old, &new)).await;
            }
        }
        SettingCommand::List => {
            let rows: Vec<Vec<String>> = service
                .settings()
                .await?
                .list()
                .into_iter()
                .map(|(key, value, help)| vec![key, output::plain(&value.replace('\n', " "), 40), help])
                .collect();
            output::table(&["key", "value", "what it is for"], &rows)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
