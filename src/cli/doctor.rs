//! `doctor`: what is wrong with the set-up.

use super::{Context, NetworkArgs, Outcome, output};
use crate::service::doctor::{Finding, Level};
use clap::Args;
use std::{io::Write, process::ExitCode};

/// Say what is wrong with the set-up, and what to do: database, disk, permissions, backups, names, network, clock.
#[derive(Args)]
#[command(after_help = "Examples:
  rollcall doctor
  rollcall doctor --dns 9.9.9.9        try other name servers

Asks my_sites, witnesses and friends that were well, three at most. Exit status: 0 where nothing is wrong, also with
doubts (!); 1 where something is.")]
pub struct DoctorArgs {
    #[command(flatten)]
    network: NetworkArgs,
}

pub async fn run(context: &Context, args: DoctorArgs) -> Outcome {
    let mut found = vec![Finding {
        level: Level::Fine,
        what: "version",
        words: format!("Rollcall {} · {}", env!("CARGO_PKG_VERSION"), context.database),
    }];
    match context.service(&args.network).await {
        Ok(service) => found.extend(service.doctor(context.lang).await?),
        Err(error) => found.push(Finding { level: Level::Wrong, what: "database", words: error.to_string() }),
    }
    let mut out = anstream::stdout().lock();
    for Finding { level, what, words } in &found {
        let (style, mark) = match level {
            Level::Fine => (output::GREEN, "✓"),
            Level::Doubtful => (output::YELLOW, "!"),
            Level::Wrong => (output::RED, "✗"),
        };
        writeln!(out, "{}{mark}{} {what}: {}", style.render(), style.render_reset(), output::plain(words, 400))?;
    }
    let worst = found.iter().map(|finding| finding.level).max();
    Ok(if worst == Some(Level::Wrong) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
