//! `import` and `export`.

use super::{Context, Failure, NetworkArgs, Outcome};
use crate::{
    domain::{audit::Deed, lang::Lang},
    engine::guard::Allowed,
    formats::{Format, MAX_BYTES, NOTE_MAX, Notes, Watch},
    lifecycle,
    service::{ImportReport, List, Service, ServiceError},
    store::sqlite,
};
use clap::Args;
use futures::TryStreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{Read, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

/// Take a list of friends in. New ones are added, known ones updated with what the file says; what is shown or
/// hidden stays as it is. Importing twice changes nothing.
#[derive(Args)]
#[command(after_help = "Reads hexo, butterfly and anzhiyu link.yml, friend.json, check-flink's link_list, CSV with and
without a header, OPML 1 and 2, and Rollcall's own JSON. The format is found by the content.

Examples:
  rollcall import source/_data/link.yml
  rollcall import --dry-run blogs.csv             say what would happen, change nothing
  curl https://example.com/friend.json | rollcall import -")]
pub struct ImportArgs {
    /// The file, or - for standard input
    #[arg(value_name = "FILE|-")]
    file: String,
    /// The format, where it should not be found by the content
    #[arg(long)]
    format: Option<Format>,
    /// Change nothing, only say what would happen
    #[arg(long)]
    dry_run: bool,
}

/// Write the list of friends to standard output.
#[derive(Args)]
#[command(after_help = "Examples:
  rollcall export > backup.json
  rollcall export --format link-yml --shown > source/_data/link.yml")]
pub struct ExportArgs {
    /// The format
    #[arg(long, default_value = "json")]
    format: Format,
    /// Only the links that are shown
    #[arg(long)]
    shown: bool,
}

/// Smaller files are read before a bar could be seen, in bytes.
const BAR_FROM: usize = 1 << 20;
/// How often the bar moves.
const BAR_STEP: Duration = Duration::from_millis(100);

pub async fn import(context: &Context, args: ImportArgs) -> Outcome {
    let bytes = read(&args.file)?;
    // Held until the end, where it stands in for a database that is not there yet: trying makes none.
    let stand_in = if args.dry_run && !sqlite::path_of(&context.database)?.exists() {
        Some(tempfile::tempdir().map_err(|error| Failure::Failed(format!("cannot make a temporary folder: {error}")))?)
    } else {
        None
    };
    let store = match &stand_in {
        Some(folder) => context.store_at(&format!("sqlite:{}", folder.path().join("tried.db").display())).await?,
        None => context.store().await?,
    };
    let network = NetworkArgs::default();
    let service = context.service_with(store, Allowed::default(), &network, false).await?;
    let list = List { bytes: bytes.into(), format: args.format };
    let report = attended(&service, list, args.dry_run).await.map_err(|e| match e {
        ServiceError::Format(error) => Failure::Failed(format!("{}: {error}", args.file)),
        other => other.into(),
    })?;
    if !args.dry_run && report.added + report.updated > 0 {
        service.note_here(Deed::Imported, format!("+{} ~{}", report.added, report.updated)).await;
    }
    let mut out = std::io::stdout().lock();
    tell(&mut out, "bad", &report.bad)?;
    tell(&mut out, "shortened", &report.shortened)?;
    tell(&mut out, "skipped", &report.duplicates)?;
    let would = if args.dry_run { "would be: " } else { "" };
    let skipped = report.unchanged + report.duplicates.count();
    let (added, updated, bad) = (report.added, report.updated, report.bad.count());
    writeln!(out, "{would}added {added}, updated {updated}, skipped {skipped}, bad {bad}")?;
    let nothing = added + updated + skipped == 0;
    Ok(if nothing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Imports, with a bar on a terminal.
async fn attended(service: &Arc<Service>, list: List, dry_run: bool) -> Result<ImportReport, ServiceError> {
    let bar = if list.bytes.len() < BAR_FROM { ProgressBar::hidden() } else { ProgressBar::new(0) };
    let style = ProgressStyle::with_template("{bar:24} {percent} %  {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let progress = Arc::new(Watch::default());
    let mut import = std::pin::pin!(service.import(list, dry_run, &progress));
    let mut stopped = std::pin::pin!(lifecycle::stop_signal());
    let mut stopping = false;
    let mut step = tokio::time::interval(BAR_STEP);
    let report = loop {
        tokio::select! {
            report = &mut import => break report,
            // What was begun is not dropped: it may be written for good at this very moment, and says what came of it.
            () = &mut stopped, if !stopping => {
                stopping = true;
                progress.stop();
            }
            _ = step.tick() => {
                let (done, total) = progress.progress();
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            }
        }
    };
    bar.finish_and_clear();
    report
}

fn tell(out: &mut impl Write, what: &str, notes: &Notes) -> std::io::Result<()> {
    for note in notes {
        writeln!(out, "line {}: {what}: {}", note.line, super::output::plain(&note.remark.words(Lang::En), NOTE_MAX))?;
    }
    if notes.more() > 0 {
        writeln!(out, "and {} more: {what}", notes.more())?;
    }
    Ok(())
}

pub async fn export(context: &Context, args: ExportArgs) -> Outcome {
    if args.format == Format::LinkList {
        return Err(Failure::Usage(
            "link-list can only be imported; export as json, friend-json or another format".into(),
        ));
    }
    context.tell_of_new_database()?;
    let service = context.service(&NetworkArgs::default()).await?;
    if args.shown {
        service.end_first().await;
    }
    let mut parts = std::pin::pin!(service.export(args.format, args.shown));
    while let Some(part) = parts.try_next().await? {
        std::io::stdout().lock().write_all(&part)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &str) -> Result<Vec<u8>, Failure> {
    let cannot = |error: std::io::Error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
            _ => error.to_string(),
        };
        Failure::Failed(format!("cannot read {file}: {why}"))
    };
    let mut bytes = Vec::new();
    // One byte more than is taken, so that a longer file is told.
    let limit = MAX_BYTES as u64 + 1;
    if file == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        std::fs::File::open(file).and_then(|f| f.take(limit).read_to_end(&mut bytes)).map_err(cannot)?;
    }
    Ok(bytes)
}
