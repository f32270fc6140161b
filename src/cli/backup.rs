//! `backup`: a copy of the database, taken while it is in use.

use super::{Context, Outcome};
use clap::Args;
use std::{path::PathBuf, process::ExitCode};

/// Copy the database into a new file, also while it is in use, and read the copy back.
#[derive(Args)]
#[command(after_help = "Example:
  rollcall backup rollcall-$(date +%F).db")]
pub struct BackupArgs {
    /// The file to make; it must not exist yet
    file: PathBuf,
}

pub async fn run(context: &Context, args: BackupArgs) -> Outcome {
    context.tell_of_new_database()?;
    context.store().await?.backup(&args.file).await?;
    eprintln!("copied to {}", args.file.display());
    Ok(ExitCode::SUCCESS)
}
