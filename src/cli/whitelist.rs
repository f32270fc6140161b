//! `whitelist`: links that are exempt from checking.

use super::{Context, NetworkArgs, Outcome, output, until};
use crate::{
    domain::{
        audit::Deed,
        whitelist::{Kind, guess_kind},
    },
    formats,
};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use std::process::ExitCode;

#[derive(Subcommand)]
#[command(after_help = "Examples:
  rollcall whitelist add Alice                          by the link's name
  rollcall whitelist add '*.github.io' --note \"slow from here\"
  rollcall whitelist add example.com --until 2027-01-31
  rollcall whitelist off Alice

What looks like a host is taken for one; --kind says otherwise.")]
pub enum WhitelistCommand {
    /// Add an entry, switched on: its links are shown at once
    Add {
        /// A link's name, or a host: example.com or *.example.com
        pattern: String,
        #[arg(long)]
        kind: Option<KindArg>,
        #[arg(long, default_value = "")]
        note: String,
        /// When it ends: a day, or a time such as 2027-01-31T08:00:00Z
        #[arg(long, value_name = "TIME", value_parser = until::parse)]
        until: Option<DateTime<Utc>>,
    },
    /// Switch an entry on: its links are shown at once
    On(Pattern),
    /// Switch an entry off
    Off(Pattern),
    /// Remove an entry
    Rm(Pattern),
    /// Every entry
    List,
}

#[derive(Args)]
pub struct Pattern {
    /// The entry's pattern
    pattern: String,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum KindArg {
    Name,
    Host,
}

pub async fn run(context: &Context, command: WhitelistCommand) -> Outcome {
    let service = context.service(&NetworkArgs::default()).await?;
    match command {
        WhitelistCommand::Add { pattern, kind, note, until } => {
            let until = until::ahead(until, context.clock.now())?;
            let kind = match kind {
                Some(KindArg::Name) => Kind::Name,
                Some(KindArg::Host) => Kind::Host,
                None => guess_kind(&pattern),
            };
            let shown = service.put_entry(kind, &pattern, true, &note, until).await?;
            service.note_here(Deed::EntrySet, format!("{pattern}: on")).await;
            say_shown(shown);
        }
        WhitelistCommand::On(Pattern { pattern }) => {
            let shown = service.switch_entry(&pattern, true).await?;
            service.note_here(Deed::EntrySet, format!("{pattern}: on")).await;
            say_shown(shown);
        }
        WhitelistCommand::Off(Pattern { pattern }) => {
            service.switch_entry(&pattern, false).await?;
            service.note_here(Deed::EntrySet, format!("{pattern}: off")).await;
        }
        WhitelistCommand::Rm(Pattern { pattern }) => {
            service.remove_entry(&pattern).await?;
            service.note_here(Deed::EntryRemoved, pattern).await;
        }
        WhitelistCommand::List => {
            let rows: Vec<Vec<String>> = service
                .store()
                .whitelist()
                .await?
                .iter()
                .map(|entry| {
                    vec![
                        match entry.kind {
                            Kind::Name => "name".to_owned(),
                            Kind::Host => "host".to_owned(),
                        },
                        output::plain(&entry.pattern, 60),
                        output::yes(entry.enabled, context.lang),
                        entry.expires_at.map(formats::rfc3339).unwrap_or_default(),
                        output::plain(&entry.note, 40),
                    ]
                })
                .collect();
            output::table(&["kind", "pattern", "on", "until", "note"], &rows)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn say_shown(links: u32) {
    if links > 0 {
        eprintln!("{links} hidden link(s) shown again");
    }
}
