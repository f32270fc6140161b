//! `run`: the runs that were, and what is to become of them.

use super::{Context, Failure, NetworkArgs, Outcome, output};
use crate::{
    domain::{
        audit::Deed,
        progress::{RunState, Trigger},
        run::Run,
    },
    formats,
    service::ServiceError,
};
use clap::{Args, Subcommand};
use std::{io::Write, process::ExitCode};

#[derive(Subcommand)]
#[command(after_help = "Examples:
  rollcall run list
  rollcall run show 12
  rollcall run apply 12        carry out what a held run would do")]
pub enum RunCommand {
    /// The newest runs
    List {
        /// How many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// One run and its links
    Show(Id),
    /// End a run: what was finished stays
    Cancel(Id),
    /// Carry out what a held run would do
    Apply(Id),
    /// Turn a held run down: nothing is changed
    Discard(Id),
}

#[derive(Args)]
pub struct Id {
    /// The run's number
    id: i64,
}

pub async fn run(context: &Context, command: RunCommand) -> Outcome {
    let service = context.service(&NetworkArgs::default()).await?;
    match command {
        RunCommand::List { limit } => {
            let runs = service.store().runs(0, limit).await?;
            output::table(&["run", "started", "by", "state", "checked", "to hide", "to show", "?", "s"], &rows(&runs))?;
        }
        RunCommand::Show(Id { id }) => {
            let run = service.store().run(id).await?.ok_or(ServiceError::NoRun(id))?;
            output::table(
                &["run", "started", "by", "state", "checked", "to hide", "to show", "?", "s"],
                &rows(std::slice::from_ref(&run)),
            )?;
            if let Some(hold) = run.hold.filter(|_| run.state == RunState::Held) {
                eprintln!("{}", super::check::held_words(hold, id, &run.counts, context.lang));
            }
            for (own, links) in service.store().failures(id).await? {
                eprintln!("{}", own.notice(links, context.lang));
            }
            show_items(context, &service.store().items(id).await?)?;
        }
        RunCommand::Cancel(Id { id }) => {
            service.cancel_run(id).await?;
            service.note_here(Deed::RunCancelled, id.to_string()).await;
            eprintln!("run {id} is being cancelled");
            // A run whose process has died hears nothing any more, and is ended here.
            let run = service.follow(id).await?;
            eprintln!("run {id}: {}, {} links not checked", run.state.code(), run.counts.cancelled);
        }
        RunCommand::Apply(Id { id }) => {
            let counts = service.apply(id).await?.counts;
            service.note_here(Deed::RunApplied, id.to_string()).await;
            eprintln!("run {id} applied: {} hidden, {} shown again", counts.to_not_show, counts.to_show);
            if counts.overtaken > 0 {
                let left = counts.overtaken;
                eprintln!("{left} left as they are: checked again since, or given another address");
            }
        }
        RunCommand::Discard(Id { id }) => {
            service.discard(id).await?;
            service.note_here(Deed::RunDiscarded, id.to_string()).await;
            eprintln!("run {id} discarded; no link was changed");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn rows(runs: &[Run]) -> Vec<Vec<String>> {
    runs.iter()
        .map(|run| {
            let by = match run.trigger {
                Trigger::Schedule => "schedule",
                Trigger::Click => "click",
                Trigger::CommandLine => "command",
            };
            let seconds =
                if run.state == RunState::Running { String::new() } else { format!("{:.1}", run.ms as f64 / 1000.0) };
            vec![
                run.id.to_string(),
                formats::rfc3339(run.started_at),
                by.to_owned(),
                run.state.code().to_owned(),
                run.counts.active_num.to_string(),
                run.counts.to_not_show.to_string(),
                run.counts.to_show.to_string(),
                run.counts.unverifiable.to_string(),
                seconds,
            ]
        })
        .collect()
}

fn show_items(context: &Context, items: &[crate::domain::run::Item]) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    for item in items {
        let name = output::plain(&item.name, 40);
        match &item.seen {
            Some(seen) => {
                let (style, mark) = output::mark(seen.standing());
                let words = super::check::in_words(seen, context.lang);
                writeln!(
                    out,
                    "{}{mark}{} {name}  {words}  {} ms  {}",
                    style.render(),
                    style.render_reset(),
                    seen.ms,
                    output::plain(&item.url, 80)
                )?;
            }
            None => {
                let state = serde_json::to_value(item.state).unwrap_or_default();
                let why = item.failure.map(|own| format!(": {}", own.words(context.lang))).unwrap_or_default();
                writeln!(out, "  {name}  {}{why}", state.as_str().unwrap_or_default())?;
            }
        }
    }
    Ok(())
}
