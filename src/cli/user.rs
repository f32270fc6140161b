//! `user`: accounts, for when nobody can sign in.

use super::{Context, Failure, NetworkArgs, Outcome};
use crate::domain::audit::Deed;
use clap::Subcommand;
use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
};

/// Add accounts, set passwords.
#[derive(Subcommand)]
#[command(after_help = "Examples:
  rollcall user add me
  rollcall user passwd me
  echo 'a long password' | rollcall user passwd me")]
pub enum UserCommand {
    /// Add an account; the password is asked for, or read from standard input
    Add {
        /// Its name
        name: String,
    },
    /// Set an account's password, which ends all of its sessions
    Passwd {
        /// Its name
        name: String,
    },
    /// List the accounts
    List,
}

pub async fn run(context: &Context, command: UserCommand) -> Outcome {
    let service = context.service(&NetworkArgs::default()).await?;
    match command {
        UserCommand::Add { name } => {
            service.add_user(&name, &read_password()?).await?;
            service.note_here(Deed::AccountAdded, name).await;
        }
        UserCommand::Passwd { name } => {
            service.set_password(&name, &read_password()?).await?;
            service.note_here(Deed::PasswordSet, name).await;
        }
        UserCommand::List => {
            let mut out = io::stdout().lock();
            for user in service.store().users().await? {
                writeln!(out, "{}", super::output::plain(&user.name, 64))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for it twice on a terminal, without showing it; elsewhere takes the first line.
fn read_password() -> Result<String, Failure> {
    let cannot = |error: io::Error| Failure::Failed(format!("cannot read the password: {error}"));
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(cannot)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let terminal = console::Term::stderr();
    let ask = |words: &str| terminal.write_str(words).and_then(|()| terminal.read_secure_line()).map_err(cannot);
    let password = ask("New password: ")?;
    if ask("Once more: ")? != password {
        return Err(Failure::Usage("the two differ; try again".into()));
    }
    Ok(password)
}
