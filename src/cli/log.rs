//! The log: what is told, how, and how often.

use super::LogFormat;
use crate::stderr::{self, LogWriter};
use std::{
    backtrace::{Backtrace, BacktraceStatus},
    collections::HashMap,
    io::{self, IsTerminal},
    panic::PanicHookInfo,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tracing::{Event, Level, Metadata, callsite::Identifier};
use tracing_subscriber::{
    Layer,
    filter::LevelFilter,
    layer::{Context, Filter, SubscriberExt},
    util::SubscriberInitExt,
};

/// Warnings and errors of one kind that are told in [`WINDOW`]: what somebody outside can cause as often as he likes must
/// not fill the disk.
const OF_ONE_KIND: u32 = 60;
const WINDOW: Duration = Duration::from_secs(60);

/// Starts the log on standard error, where panics are told as well.
pub fn start(format: LogFormat, level: Level) {
    stderr::start();
    // What goes wrong within the log would be told by the library itself, which panics where it cannot.
    let layer = tracing_subscriber::fmt::layer().with_writer(LogWriter).with_target(false).log_internal_errors(false);
    let filter = Sparing { level, told: Mutex::default() };
    let registry = tracing_subscriber::registry();
    match format {
        LogFormat::Text => registry.with(layer.with_ansi(io::stderr().is_terminal()).with_filter(filter)).init(),
        LogFormat::Json => registry.with(layer.json().with_filter(filter)).init(),
    }
}

/// Has panics told in the log: the library's own words go straight to standard error, and wait for its reader.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(panicked));
}

fn panicked(about: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let place = about.location().map(ToString::to_string).unwrap_or_default();
    let why = about.payload_as_str().unwrap_or("not in words");
    // Where RUST_BACKTRACE asks for it.
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        tracing::error!(thread, place, why, %trace, "the program has panicked");
    } else {
        tracing::error!(thread, place, why, "the program has panicked");
    }
}

/// Lets through what is of the level, and of each kind of warning only so many a minute.
struct Sparing {
    level: Level,
    told: Mutex<HashMap<Identifier, Told>>,
}

struct Told {
    since: Instant,
    lines: u32,
}

impl Sparing {
    /// Whether another line of this kind is told, and how many were left out of the minute before.
    fn allows(&self, kind: Identifier, now: Instant) -> (bool, u32) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let told = told.entry(kind).or_insert(Told { since: now, lines: 0 });
        let mut left_out = 0;
        if now.duration_since(told.since) >= WINDOW {
            left_out = told.lines.saturating_sub(OF_ONE_KIND);
            *told = Told { since: now, lines: 0 };
        }
        told.lines = told.lines.saturating_add(1);
        (told.lines <= OF_ONE_KIND, left_out)
    }
}

impl<S> Filter<S> for Sparing {
    fn enabled(&self, about: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        *about.level() <= self.level
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        if *event.metadata().level() > Level::WARN {
            return true;
        }
        let (allowed, left_out) = self.allows(event.metadata().callsite(), Instant::now());
        if left_out > 0 {
            tracing::warn!(left_out, "more lines like the one that follows were left out");
        }
        allowed
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_of_warning_does_not_fill_the_log() {
        let sparing = Sparing { level: Level::INFO, told: Mutex::default() };
        let event = tracing::callsite!(name: "a", kind: tracing::metadata::Kind::EVENT, fields: message);
        let kind = Identifier(event);
        let now = Instant::now();
        let told = (0..1000).filter(|_| sparing.allows(kind.clone(), now).0).count();
        assert_eq!(told, OF_ONE_KIND as usize);
        assert_eq!(sparing.allows(kind, now + WINDOW), (true, 1000 - OF_ONE_KIND));
    }
}
