//! The command line, one file a subcommand.
//!
//! Data goes to standard output, talk and progress to standard error. Exit 0 done, 1 failed, 2 usage.

/// In place of the library's, which panics where standard error is closed or full, and waits for whoever reads it.
macro_rules! eprintln {
    ($($talk:tt)*) => { crate::stderr::say(format_args!($($talk)*)) };
}

mod backup;
mod check;
mod context;
mod demo;
mod doctor;
mod environment;
mod healthcheck;
mod import;
mod link;
mod log;
mod output;
mod restore;
mod run;
mod schedule;
mod serve;
mod setting;
mod until;
mod user;
mod whitelist;

use crate::{
    clock::SystemClock,
    config,
    domain::{lang::Lang, settings},
    lifecycle,
    service::ServiceError,
    stderr,
    store::StoreError,
};
use anstream::{AutoStream, ColorChoice};
use clap::{Args, Parser, Subcommand, ValueEnum};
use context::Context;
use ipnet::IpNet;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Calls the roll of a blogroll: checks every friend link, hides the dead with a reason, restores the recovered.
#[derive(Parser)]
#[command(name = "rollcall", version, about, long_about = None, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  rollcall import link.yml                        take a blogroll in
  rollcall setting set my_sites https://me.example
  rollcall check                                  check every link once
  rollcall serve                                  the dashboard, on http://127.0.0.1:3000
  rollcall demo                                   a made-up ring to click on, no internet needed

These are read from the environment as well: --database, --log, --log-level and --lang as ROLLCALL_DATABASE and so
on, what `serve --help` names, and the options of `check`, as ROLLCALL_CHECK_FORMAT and so on.
Exit status: 0 done, 1 failed, 2 wrong usage.";

#[derive(Args)]
struct Global {
    /// The database; made on first use
    #[arg(long, global = true, env = "ROLLCALL_DATABASE", value_name = "URL", default_value = config::DEFAULT_DATABASE)]
    database: String,
    /// How log lines on standard error are written
    #[arg(long, global = true, env = "ROLLCALL_LOG", default_value = "text")]
    log: LogFormat,
    /// How much is logged; debug names every check [default: info for servers, warn for others]
    #[arg(long, global = true, env = "ROLLCALL_LOG_LEVEL")]
    log_level: Option<LogLevel>,
    /// Language of reasons and tables [default: by LC_ALL and LANG]
    #[arg(long, global = true, env = "ROLLCALL_LANG")]
    lang: Option<LangArg>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

impl LogLevel {
    fn level(self) -> tracing::Level {
        match self {
            LogLevel::Error => tracing::Level::ERROR,
            LogLevel::Warn => tracing::Level::WARN,
            LogLevel::Info => tracing::Level::INFO,
            LogLevel::Debug => tracing::Level::DEBUG,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum LangArg {
    Zh,
    En,
}

/// What checks may reach.
#[derive(Args, Clone, Default)]
struct NetworkArgs {
    /// Open a net beyond the public internet, such as 127.0.0.0/8 (repeatable; never stored)
    #[arg(long, env = "ROLLCALL_ALLOW_NET", value_name = "CIDR", value_delimiter = ',', value_parser = parse_net)]
    allow_net: Vec<IpNet>,
    /// Ask this name server instead of the system's own (repeatable)
    #[arg(long, env = "ROLLCALL_DNS", value_name = "IP[:PORT]", value_delimiter = ',', value_parser = parse_dns)]
    dns: Vec<SocketAddr>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the dashboard and run the schedules
    Serve(serve::ServeArgs),
    /// Serve a made-up ring of 24 friends, ready to click
    Demo(demo::DemoArgs),
    /// Check links now and print what came of it
    Check(Box<check::CheckArgs>),
    /// Take a list of friends in
    Import(import::ImportArgs),
    /// Write the list of friends out
    Export(import::ExportArgs),
    /// Show, cancel, apply or discard runs
    #[command(subcommand)]
    Run(run::RunCommand),
    /// Show or change when all links are checked
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    /// Add, change, remove or list links
    #[command(subcommand)]
    Link(link::LinkCommand),
    /// Exempt links from checking
    #[command(subcommand)]
    Whitelist(whitelist::WhitelistCommand),
    /// Show or change settings
    #[command(subcommand)]
    Setting(setting::SettingCommand),
    /// Add accounts, set passwords
    #[command(subcommand)]
    User(user::UserCommand),
    /// Copy the database into a file, also while it is in use
    Backup(backup::BackupArgs),
    /// Put a backup in the database's place
    Restore(restore::RestoreArgs),
    /// Say what is wrong with the set-up: names, clock, network, disk, permissions
    Doctor(doctor::DoctorArgs),
    /// Ask a running server whether it is well
    Healthcheck(healthcheck::HealthcheckArgs),
}

/// Why a command ended badly, and how the process is to exit.
#[derive(Debug)]
enum Failure {
    /// Exit 2, with what to do instead.
    Usage(String),
    /// Exit 1.
    Failed(String),
    /// The reader of our output has gone: exit quietly.
    Quiet,
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Failure {
        match error {
            ServiceError::UnknownName(_)
            | ServiceError::Setting(_)
            | ServiceError::Site(_)
            | ServiceError::Pattern(_)
            | ServiceError::TooLong(_)
            | ServiceError::Invalid(_)
            | ServiceError::NoSites
            | ServiceError::EmptyPattern
            | ServiceError::UserName
            | ServiceError::NoEntry(_)
            | ServiceError::ShortPassword
            | ServiceError::UserExists(_)
            | ServiceError::NoUser(_)
            | ServiceError::Store(StoreError::Address(_) | StoreError::BadAddress(_) | StoreError::TooLong { .. }) => {
                Failure::Usage(error.to_string())
            }
            other => Failure::Failed(other.to_string()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        ServiceError::from(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Quiet,
            _ => Failure::Failed(format!("cannot write the output: {error}")),
        }
    }
}

type Outcome = Result<ExitCode, Failure>;

/// What was said last is written within this time before the process ends.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Parses the command line, runs the command, and says in one line what went wrong.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Servers tell what they do; other commands speak up only where something is amiss.
    let serves = matches!(cli.command, Command::Serve(_) | Command::Demo(_));
    let usual = if serves { tracing::Level::INFO } else { tracing::Level::WARN };
    log::start(cli.global.log, cli.global.log_level.map_or(usual, LogLevel::level));
    log::tell_panics();
    let code = run(cli, serves);
    stderr::flush(LAST_WORDS);
    code
}

fn run(cli: Cli, serves: bool) -> ExitCode {
    lifecycle::raise_open_files();
    if let Err(error) = lifecycle::try_threads(if serves { 2 } else { 1 }) {
        return say(&Failure::Failed(format!(
            "cannot start: threads cannot be had ({error}); raise the limit of processes (ulimit -u, TasksMax)"
        )));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let checks = serves.then(lifecycle::check_threads).transpose();
    let (runtime, checks) = match runtime.and_then(|runtime| Ok((runtime, checks?))) {
        Ok(both) => both,
        Err(error) => return say(&Failure::Failed(format!("cannot start: {error}"))),
    };
    {
        let _within = runtime.enter();
        lifecycle::outlive_writes();
    }
    let lang = match cli.global.lang {
        Some(LangArg::Zh) => Lang::Zh,
        Some(LangArg::En) => Lang::En,
        None => config::language(),
    };
    let threads = checks.as_ref().map(|checks| checks.handle().clone());
    let clock = Arc::new(SystemClock);
    let context = Context { database: cli.global.database, lang, clock, threads, opened: Mutex::default() };
    let outcome = runtime.block_on(async {
        let outcome = dispatch(&context, cli.command).await;
        context.close().await;
        outcome
    });
    // What still runs in the background is left: it is stored, and the next process goes on with it.
    if let Some(checks) = checks {
        checks.shutdown_background();
    }
    runtime.shutdown_background();
    outcome.unwrap_or_else(|failure| say(&failure))
}

async fn dispatch(context: &Context, command: Command) -> Outcome {
    match command {
        Command::Serve(args) => serve::run(context, args).await,
        Command::Demo(args) => demo::run(context, args).await,
        Command::Check(args) => {
            environment::tell_of_old_names();
            check::run(context, *args).await
        }
        Command::Import(args) => import::import(context, args).await,
        Command::Export(args) => import::export(context, args).await,
        Command::Run(command) => run::run(context, command).await,
        Command::Schedule(command) => schedule::run(context, command).await,
        Command::Link(command) => link::run(context, command).await,
        Command::Whitelist(command) => whitelist::run(context, command).await,
        Command::Setting(command) => setting::run(context, command).await,
        Command::User(command) => user::run(context, command).await,
        Command::Backup(args) => backup::run(context, args).await,
        Command::Restore(args) => restore::run(context, args).await,
        Command::Doctor(args) => doctor::run(context, args).await,
        Command::Healthcheck(args) => healthcheck::run(args).await,
    }
}

fn say(failure: &Failure) -> ExitCode {
    let (text, code) = match failure {
        Failure::Usage(text) => (text, 2),
        Failure::Failed(text) => (text, 1),
        Failure::Quiet => return ExitCode::SUCCESS,
    };
    let text: Vec<String> = text.lines().map(|line| output::plain(line, usize::MAX)).collect();
    let (red, end) = match AutoStream::choice(&io::stderr()) {
        ColorChoice::Never => (String::new(), String::new()),
        _ => (output::RED.render().to_string(), output::RED.render_reset().to_string()),
    };
    eprintln!("{red}error:{end} {}", text.join("\n"));
    ExitCode::from(code)
}

fn parse_net(text: &str) -> Result<IpNet, String> {
    settings::parse_net(text).ok_or_else(|| "write an address with a prefix, such as 127.0.0.0/8".to_owned())
}

fn parse_dns(text: &str) -> Result<SocketAddr, String> {
    let bare = || text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
    text.parse().or_else(|_| bare()).map_err(|_| "write an address, such as 9.9.9.9 or 127.0.0.1:5353".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
