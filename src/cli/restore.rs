//! `restore`: a backup in the database's place.

use super::{Context, Outcome};
use crate::{
    domain::audit::{COMMAND_LINE, Deed, Note},
    store::sqlite,
};
use clap::Args;
use std::{path::PathBuf, process::ExitCode};

/// Put a backup in the database's place. The backup is checked first; what was there, damaged or not, is kept beside it,
/// and every session ends. Stop the server first.
#[derive(Args)]
#[command(after_help = "Example:
  systemctl stop rollcall
  rollcall restore rollcall-2026-11-21.db
  systemctl start rollcall")]
pub struct RestoreArgs {
    /// The backup
    file: PathBuf,
}

pub async fn run(context: &Context, args: RestoreArgs) -> Outcome {
    let note = Note {
        at: context.clock.now(),
        who: COMMAND_LINE.to_owned(),
        deed: Deed::Restored.code().to_owned(),
        about: args.file.display().to_string(),
    };
    let restored = sqlite::restore(&context.database, &args.file, &note).await?;
    eprintln!("restored from {}", args.file.display());
    eprintln!("everyone is signed out ({} sessions ended); sign in anew", restored.sessions);
    if let Some(kept) = restored.kept {
        eprintln!("what was there before is kept as {}", kept.display());
    }
    Ok(ExitCode::SUCCESS)
}
