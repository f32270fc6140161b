//! Which flags are read from the environment as well. Nothing that changes data is: what is set for one command would
//! change what another does. So is each name's meaning: `check` has names of its own.

use super::Cli;
use clap::{Arg, CommandFactory};

/// What the names of `check` begin with.
const OF_CHECK: &str = "ROLLCALL_CHECK_";
/// What they began with before they were its own.
const BEFORE: &str = "ROLLCALL_";

/// Says which names are set that `check` read once, and what they are called now.
pub fn tell_of_old_names() {
    let command = Cli::command();
    let names =
        command.find_subcommand("check").into_iter().flat_map(|check| check.get_arguments()).filter_map(name_of);
    for name in names {
        let Some(rest) = name.strip_prefix(OF_CHECK) else { continue };
        let old = format!("{BEFORE}{rest}");
        let is_set = |name: &str| std::env::var_os(name).is_some();
        if is_set(&old) && !is_set(&name) {
            eprintln!("{old} is not read any more; it is called {name} now");
        }
    }
}

fn name_of(arg: &Arg) -> Option<String> {
    Some(arg.get_env()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Command;
    use std::collections::BTreeSet;

    /// Every name with the commands that read it.
    fn names(command: &Command, path: &str, found: &mut BTreeSet<(String, String)>) {
        found.extend(command.get_arguments().filter_map(name_of).map(|name| (name, path.to_owned())));
        for below in command.get_subcommands() {
            names(below, format!("{path} {}", below.get_name()).trim(), found);
        }
    }

    #[test]
    fn only_the_way_it_runs_comes_from_the_environment() {
        let mut found = BTreeSet::new();
        names(&Cli::command(), "", &mut found);
        for (name, path) in &found {
            let allowed = match path.as_str() {
                "" => ["DATABASE", "LOG", "LOG_LEVEL", "LANG"].iter().any(|own| *name == format!("{BEFORE}{own}")),
                "serve" | "healthcheck" if name == "ROLLCALL_ADDR" => true,
                "serve" | "doctor" => ["ROLLCALL_ALLOW_NET", "ROLLCALL_DNS"].contains(&name.as_str()),
                "check" => {
                    name.starts_with(OF_CHECK) || ["ROLLCALL_ALLOW_NET", "ROLLCALL_DNS"].contains(&name.as_str())
                }
                _ => false,
            };
            assert!(allowed, "{path:?} reads {name}");
        }
        assert!(found.contains(&("ROLLCALL_CHECK_FORMAT".to_owned(), "check".to_owned())), "{found:?}");
        assert!(found.contains(&("ROLLCALL_DATABASE".to_owned(), String::new())));
    }
}
