//! `restore`: a backup in the database's place.

use super::{Context, NetworkArgs, Outcome};
use crate::{domain::audit::Deed, store::sqlite};
use clap::Args;
use std::{path::PathBuf, process::ExitCode};

/// Put a backup in the database's place. The backup is checked first, the database that was there is kept beside it,
/// and every session ends.
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
    let restored = sqlite::restore(&context.database, &args.file, context.clock.now()).await?;
    // Opening brings an older backup up to date, and shows that it can be opened.
    let service = context.service(&NetworkArgs::default()).await?;
    service.note_here(Deed::Restored, args.file.display().to_string()).await;
    eprintln!("restored from {}", args.file.display());
    eprintln!("everyone is signed out ({} sessions ended); sign in anew", restored.sessions);
    if let Some(kept) = restored.kept {
        eprintln!("what was there before is kept as {}", kept.display());
    }
    Ok(ExitCode::SUCCESS)
}
