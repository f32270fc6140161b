//! `check`: one run, printed.

mod attend;
mod details;
mod result;

use super::{Context, Failure, NetworkArgs, Outcome, output};
use crate::{
    domain::{
        backlink::MySites,
        counts::Counts,
        lang::Lang,
        own_failure::OwnFailure,
        progress::{RunState, Trigger},
        run::{Plan, Run},
        settings::Settings,
    },
    service::{Pick, Service, ServiceError, Started},
    store::Settled,
};
use attend::{attend, shows_events, stop_at_a_signal, stopped, tell_waiting, unless_stopped};
use clap::{Args, ValueEnum};
use result::print_text;
pub use result::{held_words, in_words};
use serde::Serialize;
use serde_json::{Value, json};
use std::{io::Write, process::ExitCode, sync::Arc};
use tokio::{sync::mpsc, time::Instant};

/// Check links once and print what came of it.
#[derive(Args)]
#[command(after_help = "Examples:
  rollcall check                                   all links, by the stored settings
  rollcall check --name Alice --name Bob           these two
  rollcall check --format json --details           for a script: counts and every link
  rollcall check --format ndjson                   events as they happen, the result last
  rollcall check --exit-code || mail -s gone me    exit status 3 where a link was newly hidden

All options hold for this run only. Exit status: 0 done, 1 the run could not be done or was cancelled, 2 wrong usage,
3 with --exit-code where a link was newly hidden, 4 some links could not be checked.")]
pub struct CheckArgs {
    /// Only the link of this name (repeatable)
    #[arg(long = "name", env = "ROLLCALL_CHECK_NAME", value_delimiter = '\n', value_name = "NAME")]
    names: Vec<String>,
    /// My site, instead of the stored my_sites (repeatable)
    #[arg(long, env = "ROLLCALL_CHECK_SITE_LINK", value_delimiter = ',', value_name = "URL")]
    site_link: Vec<String>,
    /// A regular expression that counts as a backlink where it matches the page's text (repeatable)
    #[arg(long, env = "ROLLCALL_CHECK_SITE_LINK_REGEX", value_delimiter = '\n', value_name = "RE")]
    site_link_regex: Vec<String>,
    /// Exempt this name or host pattern as well (repeatable)
    #[arg(long, env = "ROLLCALL_CHECK_WHITELIST", value_delimiter = ',', value_name = "NAME")]
    whitelist: Vec<String>,
    /// Checks at once, 1-1000
    #[arg(long, env = "ROLLCALL_CHECK_CONCURRENCY", value_name = "N")]
    concurrency: Option<String>,
    /// Checks at once of one host and port, 1-1000
    #[arg(long, env = "ROLLCALL_CHECK_PER_HOST", value_name = "N")]
    per_host: Option<String>,
    /// Time limit of one attempt, 0.1-300
    #[arg(long, env = "ROLLCALL_CHECK_TIMEOUT", value_name = "SECONDS")]
    timeout: Option<String>,
    /// Further attempts after a failure that may pass, 0-100
    #[arg(long, env = "ROLLCALL_CHECK_RETRIES", value_name = "N")]
    retries: Option<String>,
    /// strict: one bad check hides; patient: two or three in a row
    #[arg(long, env = "ROLLCALL_CHECK_POLICY", value_name = "strict|patient")]
    policy: Option<String>,
    #[command(flatten)]
    network: NetworkArgs,
    /// How the result is printed
    #[arg(long, env = "ROLLCALL_CHECK_FORMAT", default_value = "text")]
    format: OutputFormat,
    /// With json and ndjson: every link as well
    #[arg(long, env = "ROLLCALL_CHECK_DETAILS")]
    details: bool,
    /// Exit with 3 where a link was newly hidden
    #[arg(long, env = "ROLLCALL_CHECK_EXIT_CODE")]
    exit_code: bool,
}

/// Exit status with --exit-code where a link was newly hidden.
const NEWLY_HIDDEN: u8 = 3;
/// Exit status where the run is over and some links were not checked.
const UNCHECKED: u8 = 4;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    Text,
    Json,
    Ndjson,
}

/// The seed system's envelope.
#[derive(Clone, Serialize)]
struct Envelope {
    code: u8,
    data: Value,
    message: String,
    error: String,
    /// Seconds.
    time: f64,
}

/// What a run came to, for printing.
struct Report {
    service: Arc<Service>,
    run_id: i64,
    settled: Settled,
    /// What checks that could not be made failed of, and how many each.
    failures: Vec<(OwnFailure, u32)>,
    /// Links that were wanted and not checked, whatever the reason.
    unchecked: u32,
    /// A signal ended the wait for those who check the others: what was said of it.
    stopped: Option<String>,
}

impl Report {
    /// Why the whole run came to nothing: checks failed on our side, and not one was made.
    fn nothing_checked(&self) -> Option<String> {
        let Counts { failed, active_num, .. } = self.settled.counts;
        let (own, _) = self.failures.first().filter(|_| failed > 0 && active_num == 0)?;
        Some(format!("no link could be checked: {}; {}", own.words(Lang::En), own.advice(Lang::En)))
    }
}

pub async fn run(context: &Context, args: CheckArgs) -> Outcome {
    let start = Instant::now();
    let outcome = make(context, &args).await;
    let time = (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    match outcome {
        Ok(report) => print(context, &args, &report, time).await,
        Err(failure @ (Failure::Failed(_) | Failure::Usage(_))) if args.format != OutputFormat::Text => {
            let (Failure::Failed(text) | Failure::Usage(text)) = &failure else { return Err(failure) };
            let envelope = Envelope { code: 1, data: Value::Null, message: String::new(), error: text.clone(), time };
            // What went wrong is said in any case.
            let _ = print_json(&envelope);
            Err(failure)
        }
        Err(failure) => Err(failure),
    }
}

async fn make(context: &Context, args: &CheckArgs) -> Result<Report, Failure> {
    let service = context.service(&args.network).await?;
    service.end_first().await;
    let mut plan = service.plan().await?;
    apply(args, &mut plan)?;
    service.use_settings(&plan.settings);
    let pick = if args.names.is_empty() { Pick::All } else { Pick::Names(args.names.clone()) };
    let stop = stop_at_a_signal();
    loop {
        unless_stopped(&service, &stop, &[], service.close_silent_runs()).await?;
        let events = if shows_events(args) { service.registry().tap() } else { mpsc::unbounded_channel().1 };
        let started = service.start_run(Trigger::CommandLine, pick.clone(), plan.clone()).await?;
        let Started { run_id, elsewhere, held, done } = started;
        if let Some(done) = done {
            for run in &elsewhere {
                eprintln!("some links are in run {run}'s hands already; `rollcall run show {run}` tells of them");
            }
            let settled = attend(&service, args, run_id, &stop, events, done).await?;
            // What was found here is told even where a signal ends the wait for what others find.
            let waited = stop.run_until_cancelled(service.follow_all(&elsewhere)).await.transpose()?;
            let stopped = match waited {
                None if !elsewhere.is_empty() => Some(stopped(&service, &elsewhere).await?),
                _ => None,
            };
            let left = service.left_unchecked(&elsewhere, &held).await?;
            return report(service, run_id, settled, left, stopped).await;
        }
        // Others are at it: wait for them. A run whose process died is ended, and its links are ours then.
        tell_waiting(&elsewhere);
        let runs = unless_stopped(&service, &stop, &elsewhere, service.follow_all(&elsewhere)).await?;
        if !runs.iter().any(|run| service.is_own(run)) {
            // What the first one left unchecked is in its own counts.
            let left = service.left_unchecked(elsewhere.get(1..).unwrap_or_default(), &held).await?;
            let first = runs.first().ok_or(ServiceError::NoRun(run_id))?;
            return report(service, run_id, settled(first), left, None).await;
        }
    }
}

/// What a run came to that another process has ended.
fn settled(run: &Run) -> Settled {
    Settled { state: run.state, hold: run.hold, counts: run.counts }
}

/// Gathers what a run came to, with `left` links that others held and did not check, and says on standard error what was
/// not checked.
async fn report(
    service: Arc<Service>,
    run_id: i64,
    settled: Settled,
    left: u32,
    stopped: Option<String>,
) -> Result<Report, Failure> {
    let Counts { cancelled, failed, .. } = settled.counts;
    if cancelled > 0 {
        eprintln!("cancelled: {cancelled} links were not checked; what was found so far is kept");
    }
    if left > 0 {
        eprintln!("{left} links were in other runs' hands and were not checked there");
    }
    if let Some(stopped) = &stopped {
        eprintln!("{stopped}");
    }
    let failures = if failed > 0 { service.store().failures(run_id).await? } else { Vec::new() };
    for (own, links) in &failures {
        eprintln!("{}", own.notice(*links, Lang::En));
    }
    Ok(Report { service, run_id, settled, failures, unchecked: cancelled + failed + left, stopped })
}

/// Puts the options over the stored settings, for this run only.
fn apply(args: &CheckArgs, plan: &mut Plan) -> Result<(), Failure> {
    let settings: &mut Settings = &mut plan.settings;
    let texts = [
        ("concurrency", "--concurrency", &args.concurrency),
        ("per_host", "--per-host", &args.per_host),
        ("timeout", "--timeout", &args.timeout),
        ("retries", "--retries", &args.retries),
        ("policy", "--policy", &args.policy),
    ];
    for (key, flag, value) in texts {
        if let Some(value) = value {
            settings.set(key, value).map_err(|e| Failure::Usage(e.to_string().replacen(key, flag, 1)))?;
        }
    }
    if !args.site_link.is_empty() || !args.site_link_regex.is_empty() {
        settings.my_sites.clone_from(&args.site_link);
        settings.my_site_patterns.clone_from(&args.site_link_regex);
        MySites::new(&args.site_link, &args.site_link_regex).map_err(|e| Failure::Usage(e.to_string()))?;
    }
    settings.sites().map_err(|e| Failure::Usage(e.to_string()))?;
    plan.whitelist.clone_from(&args.whitelist);
    Ok(())
}

async fn print(context: &Context, args: &CheckArgs, report: &Report, time: f64) -> Outcome {
    let Settled { state, hold, counts } = report.settled;
    let held = state == RunState::Held;
    match args.format {
        OutputFormat::Text => print_text(context.lang, report, time).await?,
        OutputFormat::Json | OutputFormat::Ndjson => {
            let data = json!({
                "active_num": counts.active_num,
                "to_not_show": counts.to_not_show,
                "to_show": counts.to_show,
                "unverifiable": counts.unverifiable,
                "whitelisted": counts.whitelisted,
                "failed": counts.failed,
                "unchecked": report.unchecked,
                "held": held,
                "run_id": report.run_id,
                "version": env!("CARGO_PKG_VERSION"),
            });
            let held_words = hold.map(|hold| held_words(hold, report.run_id, &counts, Lang::En));
            let left = (report.unchecked > 0).then(|| format!("{} links were not checked", report.unchecked));
            let message = held_words.into_iter().chain(left).collect::<Vec<_>>().join("; ");
            let cancelled = || (state == RunState::Cancelled).then(|| "the run was cancelled".to_owned());
            let error = report.nothing_checked().or_else(cancelled).or_else(|| report.stopped.clone());
            let error = error.unwrap_or_default();
            let envelope = Envelope { code: u8::from(!error.is_empty()), data, message, error, time };
            if args.details {
                details::print(&envelope, report.service.store(), report.run_id, context.lang).await?;
            } else {
                print_json(&envelope)?;
            }
        }
    }
    Ok(match () {
        () if state == RunState::Cancelled || report.nothing_checked().is_some() || report.stopped.is_some() => {
            ExitCode::FAILURE
        }
        () if args.exit_code && !held && counts.to_not_show > 0 => ExitCode::from(NEWLY_HIDDEN),
        () if report.unchecked > 0 => ExitCode::from(UNCHECKED),
        () => ExitCode::SUCCESS,
    })
}

fn print_json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let text = serde_json::to_string(value).map_err(|e| Failure::Failed(e.to_string()))?;
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}
