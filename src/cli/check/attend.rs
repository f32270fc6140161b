//! Attending to a run of a check, and waiting for those of others, until a signal.

use super::{CheckArgs, OutputFormat, print_json, settled};
use crate::{
    cli::{Failure, output},
    domain::progress::Event,
    lifecycle::StopSignals,
    service::{Service, ServiceError},
    store::{Settled, StoreError},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first signal that asks for an end; a second one ends the process at once. To be asked
/// for once in a command: a signal that was listened to once is never left to the system again, so that each wait from
/// then on has to heed the token.
pub fn stop_at_a_signal() -> CancellationToken {
    let (stop, signals) = (CancellationToken::new(), StopSignals::listen());
    let stopped = stop.clone();
    tokio::spawn(async move {
        signals.first().await;
        stopped.cancel();
    });
    stop
}

/// Waits for something of other processes' runs. A signal ends the wait, and what is said then names those of `runs` that
/// go on without this process.
pub async fn unless_stopped<T>(
    service: &Service,
    stop: &CancellationToken,
    runs: &[i64],
    wait: impl Future<Output = Result<T, ServiceError>>,
) -> Result<T, Failure> {
    match stop.run_until_cancelled(wait).await {
        Some(outcome) => Ok(outcome?),
        None => Err(Failure::Failed(stopped(service, runs).await?)),
    }
}

/// What is said where a signal ends a wait: which of `runs` go on without this process.
pub async fn stopped(service: &Service, runs: &[i64]) -> Result<String, ServiceError> {
    let running = if runs.is_empty() { Vec::new() } else { service.store().running().await? };
    let going_on: Vec<i64> = running.iter().map(|run| run.id).filter(|id| runs.contains(id)).collect();
    Ok(match going_on[..] {
        [] => "stopped by a signal".to_owned(),
        [run] => format!(
            "stopped by a signal; run {run} goes on in another process: `rollcall run show {run}` tells of it, \
             `rollcall run cancel {run}` ends it"
        ),
        _ => format!(
            "stopped by a signal; runs {} go on in other processes: `rollcall run show` tells of each, \
             `rollcall run cancel` ends it",
            list(&going_on)
        ),
    })
}

/// Tells that others are at it.
pub fn tell_waiting(runs: &[i64]) {
    match runs {
        [run] => eprintln!("run {run} is checking these links already; waiting for it"),
        runs => eprintln!("runs {} are checking these links already; waiting for them", list(runs)),
    }
}

fn list(runs: &[i64]) -> String {
    runs.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// Shows the run's progress until it is over. The first signal, or an output that nobody takes any more, ends it with
/// what is in flight. A run that another process takes over is followed to its end, or to a signal.
pub async fn attend(
    service: &Arc<Service>,
    args: &CheckArgs,
    run_id: i64,
    stop: &CancellationToken,
    mut events: mpsc::UnboundedReceiver<(i64, Event)>,
    mut done: tokio::sync::oneshot::Receiver<Result<Settled, ServiceError>>,
) -> Result<Settled, Failure> {
    let bar = progress_bar(args, service, run_id);
    let end = stop.child_token();
    let stopping = async {
        end.cancelled().await;
        service.stop().await;
    };
    let mut stopping = std::pin::pin!(stopping);
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
            () = &mut stopping, if !stopped => stopped = true,
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
            settled(&unless_stopped(service, stop, &[run_id], service.follow(run_id)).await?)
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
pub fn shows_events(args: &CheckArgs) -> bool {
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
