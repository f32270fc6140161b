//! `check`: one run, printed.

mod details;
mod result;

use super::{Context, Failure, NetworkArgs, Outcome, output};
use crate::{
    domain::{
        backlink::MySites,
        counts::Counts,
        lang::Lang,
        own_failure::OwnFailure,
        progress::{Event, RunState, Trigger},
        run::{Plan, Run},
        settings::Settings,
    },
    service::{Pick, Service, ServiceError, Started},
    store::{Settled, StoreError},
};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use result::print_text;
pub use result::{held_words, in_words};
use serde::Serialize;
use serde_json::{Value, json};
use std::{io::Write, process::ExitCode, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

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
    loop {
        service.close_silent_runs().await?;
        let events = if shows_events(args) { service.registry().tap() } else { mpsc::unbounded_channel().1 };
        let started = service.start_run(Trigger::CommandLine, pick.clone(), plan.clone()).await?;
        let Started { run_id, elsewhere, held, done } = started;
        if let Some(done) = done {
            for run in &elsewhere {
                eprintln!("some links are in run {run}'s hands already; `rollcall run show {run}` tells of them");
            }
            let settled = attend(&service, args, run_id, events, done).await?;
            let left = service.left_unchecked(&elsewhere, &held).await?;
            return report(service, run_id, settled, left).await;
        }
        // Someone else is at it: wait for them. A run whose process died is ended, and the links are ours then.
        eprintln!("run {run_id} is checking these links already; waiting for it");
        let run = service.follow(run_id).await?;
        if !service.is_own(&run) {
            return report(service, run_id, settled(&run), 0).await;
        }
    }
}

/// What a run came to that another process has ended.
fn settled(run: &Run) -> Settled {
    Settled { state: run.state, hold: run.hold, counts: run.counts }
}

/// Gathers what a run came to, with `left` links that others held and did not check, and says on standard error what was
/// not checked.
async fn report(service: Arc<Service>, run_id: i64, settled: Settled, left: u32) -> Result<Report, Failure> {
    let Counts { cancelled, failed, .. } = settled.counts;
    if cancelled > 0 {
        eprintln!("cancelled: {cancelled} links were not checked; what was found so far is kept");
    }
    if left > 0 {
        eprintln!("{left} links were in other runs' hands and were not checked there");
    }
    let failures = if failed > 0 { service.store().failures(run_id).await? } else { Vec::new() };
    for (own, links) in &failures {
        eprintln!("{}", own.notice(*links, Lang::En));
    }
    Ok(Report { service, run_id, settled, failures, unchecked: cancelled + failed + left })
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

/// Shows the run's progress until it is over. The first signal, or an output that nobody takes any more, ends it with
/// what is in flight; a second signal ends the process. A run that another process takes over is followed to its end.
async fn attend(
    service: &Arc<Service>,
    args: &CheckArgs,
    run_id: i64,
    mut events: mpsc::UnboundedReceiver<(i64, Event)>,
    mut done: tokio::sync::oneshot::Receiver<Result<Settled, ServiceError>>,
) -> Result<Settled, Failure> {
    let bar = progress_bar(args, service, run_id);
    let end = CancellationToken::new();
    let stop = async {
        tokio::select! {
            () = crate::lifecycle::stop_signal() => {}
            () = end.cancelled() => {}
        }
        service.stop().await;
    };
    let mut stop = std::pin::pin!(stop);
    let (mut stopped, mut unheard) = (false, None);
    let mut tell = |id: i64, event: &Event| {
        if id == run_id
            && unheard.is_none()
            && let Err(failure) = show(args, &bar, event)
        {
            unheard = Some(failure);
            end.cancel();
        }
    };
    let outcome = loop {
        tokio::select! {
            biased;
            Some((id, event)) = events.recv() => tell(id, &event),
            outcome = &mut done => break outcome,
            () = &mut stop, if !stopped => stopped = true,
        }
    };
    while let Ok((id, event)) = events.try_recv() {
        tell(id, &event);
    }
    bar.finish_and_clear();
    let outcome = match outcome.map_err(|_| Failure::Failed("the run broke off; see the log above".into()))? {
        Ok(settled) => settled,
        Err(ServiceError::Store(StoreError::NotOwner(_))) => {
            eprintln!("run {run_id} has been taken over by another process; waiting for it");
            settled(&service.follow(run_id).await?)
        }
        Err(error) => {
            let ended = service.call_off(run_id).await;
            if ended.is_err() {
                // It cannot be ended here and now, such as on a full disk: whoever comes next does.
                let _ = service.let_runs_go().await;
            }
            if matches!(error, ServiceError::Stopping) { ended? } else { return Err(error.into()) }
        }
    };
    match unheard {
        Some(Failure::Quiet) if outcome.counts.cancelled > 0 => Err(Failure::Failed(format!(
            "nobody reads the output any more: the run was ended, {} links were not checked",
            outcome.counts.cancelled
        ))),
        Some(failure) => Err(failure),
        None => Ok(outcome),
    }
}

/// Whether anyone sees single events: as lines, or as a bar on a terminal.
fn shows_events(args: &CheckArgs) -> bool {
    args.format == OutputFormat::Ndjson || console::user_attended_stderr()
}

/// A bar on a terminal, nothing in a pipe.
fn progress_bar(args: &CheckArgs, service: &Arc<Service>, run_id: i64) -> ProgressBar {
    if args.format == OutputFormat::Ndjson {
        return ProgressBar::hidden();
    }
    let snapshot = service.registry().snapshots().into_iter().find(|s| s.run_id == run_id);
    let bar = ProgressBar::new(snapshot.map_or(0, |s| u64::from(s.counts.total)));
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {elapsed}  {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn show(args: &CheckArgs, bar: &ProgressBar, event: &Event) -> Result<(), Failure> {
    if args.format == OutputFormat::Ndjson {
        return print_json(&flat(event));
    }
    match event {
        Event::Checking(site) => bar.set_message(output::plain(&site.name, 40)),
        Event::Checked(_) | Event::Failed { .. } => bar.inc(1),
        Event::Added { links } => bar.inc_length(u64::from(*links)),
        Event::Unanswered { .. } | Event::Finished { .. } => {}
    }
    Ok(())
}

/// An event as one flat object: `{"event": "checked", "link_id": …}`.
fn flat(event: &Event) -> Value {
    let Ok(Value::Object(tagged)) = serde_json::to_value(event) else { return Value::Null };
    let Some((name, Value::Object(mut fields))) = tagged.into_iter().next() else { return Value::Null };
    fields.insert("event".to_owned(), name.into());
    Value::Object(fields)
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
            let cancelled = state == RunState::Cancelled;
            let error = match report.nothing_checked() {
                Some(error) => error,
                None if cancelled => "the run was cancelled".to_owned(),
                None => String::new(),
            };
            let envelope = Envelope { code: u8::from(!error.is_empty()), data, message, error, time };
            if args.details {
                details::print(&envelope, report.service.store(), report.run_id, context.lang).await?;
            } else {
                print_json(&envelope)?;
            }
        }
    }
    Ok(match () {
        () if state == RunState::Cancelled || report.nothing_checked().is_some() => ExitCode::FAILURE,
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
