//! `doctor`: what is wrong with the set-up.

use super::{Context, NetworkArgs, Outcome, output};
use crate::{
    domain::settings::Settings,
    service::doctor::{Finding, Level, Opening, Place, not_started, open_files, sites},
    store::sqlite,
};
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
    let lang = context.lang;
    let place = Place::new(sqlite::path_of(&context.database)?, context.clock.now(), lang).await;
    let without = |finding| {
        let rest = [place.backups(&Settings::default()), open_files(lang)];
        std::iter::once(finding).chain(place.around()).chain(rest).collect::<Vec<_>>()
    };
    match place.look() {
        Opening::Open => match context.service(&args.network).await {
            Ok(service) => found.extend(service.doctor(&place, lang).await),
            Err(error) => found.extend(without(not_started(&error, &place, lang))),
        },
        Opening::None(finding) => {
            found.extend(without(finding));
            found.push(sites(&Settings::default(), lang));
        }
        Opening::Never(finding) => found.extend(without(finding)),
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
