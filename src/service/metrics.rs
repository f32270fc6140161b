//! What the program counts about itself, in the text that Prometheus reads.

use super::{Result, Service};
use crate::{
    domain::{class::Class, progress::RunState},
    supervisor::Report,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Seconds: from a quick site to the longest time limit.
const CHECK_BUCKETS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];
const STORE_BUCKETS: [f64; 7] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByClass {
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByTask {
    task: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByState {
    state: &'static str,
}

/// Counters since the start, and gauges that are set when they are asked for.
pub struct Metrics {
    registry: Registry,
    checks: Family<ByClass, Counter>,
    check_time: Histogram,
    runs: Family<ByState, Counter>,
    write_time: Histogram,
    in_flight: Gauge,
    queued: Gauge,
    running: Gauge,
    links: Family<ByState, Gauge>,
    size: Gauge,
    free: Gauge,
    wal: Gauge,
    read_time: Seconds,
    lost_lines: Counter,
    restarts: Family<ByTask, Counter>,
    silence: Family<ByTask, Seconds>,
}

type Seconds = Gauge<f64, AtomicU64>;

impl Default for Metrics {
    fn default() -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("rollcall"),
            checks: Family::default(),
            check_time: Histogram::new(CHECK_BUCKETS),
            runs: Family::default(),
            write_time: Histogram::new(STORE_BUCKETS),
            in_flight: Gauge::default(),
            queued: Gauge::default(),
            running: Gauge::default(),
            links: Family::default(),
            size: Gauge::default(),
            free: Gauge::default(),
            wal: Gauge::default(),
            read_time: Gauge::default(),
            lost_lines: Counter::default(),
            restarts: Family::default(),
            silence: Family::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("checks", "Checks that ended, by class", metrics.checks.clone());
        let (seconds, bytes) = (|| Unit::Seconds, || Unit::Bytes);
        registry.register_with_unit("check", "How long checks took", seconds(), metrics.check_time.clone());
        registry.register("runs", "Runs that ended, by state", metrics.runs.clone());
        registry.register("runs_going_on", "Runs that are going on", metrics.running.clone());
        registry.register("checks_in_flight", "Checks that are being made", metrics.in_flight.clone());
        registry.register("checks_queued", "Checks that wait for their turn", metrics.queued.clone());
        registry.register("links", "Active links, by state", metrics.links.clone());
        let writes = metrics.write_time.clone();
        registry.register_with_unit(
            "database_write",
            "How long batches of outcomes took to be written",
            seconds(),
            writes,
        );
        let reads = metrics.read_time.clone();
        registry.register_with_unit("database_read", "How long the database took to answer just now", seconds(), reads);
        registry.register_with_unit("database_size", "The database file", bytes(), metrics.size.clone());
        registry.register_with_unit("database_free", "Of these unused", bytes(), metrics.free.clone());
        registry.register_with_unit("database_wal", "Written and not yet in the file", bytes(), metrics.wal.clone());
        let lost = metrics.lost_lines.clone();
        registry.register("log_lines_dropped", "Lines of the log that could not be written", lost);
        let restarts = metrics.restarts.clone();
        registry.register("background_restarts", "How often work in the background was begun again", restarts);
        let silence = metrics.silence.clone();
        registry.register_with_unit("background_silence", "Since it last came round", seconds(), silence);
        metrics
    }
}

impl Metrics {
    pub(super) fn checked(&self, class: Class, ms: u32) {
        self.checks.get_or_create(&ByClass { class: class.code() }).inc();
        self.check_time.observe(f64::from(ms) / 1000.0);
    }

    pub(super) fn wrote(&self, took: Duration) {
        self.write_time.observe(took.as_secs_f64());
    }

    pub(super) fn run_ended(&self, state: RunState) {
        self.runs.get_or_create(&ByState { state: state.code() }).inc();
    }
}

impl Service {
    /// Everything that is counted, as Prometheus reads it.
    ///
    /// # Errors
    /// Where the store is at fault.
    pub async fn metrics_text(&self) -> Result<String> {
        let metrics = &self.metrics;
        let (mut in_flight, mut left) = (0, 0);
        let live = self.registry.snapshots();
        for snapshot in &live {
            let flying = snapshot.in_flight.len();
            in_flight += flying;
            left += (snapshot.counts.total.saturating_sub(snapshot.counts.finished()) as usize).saturating_sub(flying);
        }
        let whole = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        metrics.running.set(whole(live.len()));
        metrics.in_flight.set(whole(in_flight));
        metrics.queued.set(whole(left));
        let asked = Instant::now();
        let totals = self.store.totals().await?;
        metrics.read_time.set(asked.elapsed().as_secs_f64());
        for (state, links) in [("shown", totals.shown), ("hidden", totals.hidden)] {
            metrics.links.get_or_create(&ByState { state }).set(links.into());
        }
        let size = self.store.size().await?;
        for (gauge, bytes) in [(&metrics.size, size.file), (&metrics.free, size.free), (&metrics.wal, size.wal)] {
            gauge.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        metrics.lost_lines.inner().store(crate::stderr::lost(), Relaxed);
        for Report { name: task, silence, restarts, .. } in self.supervisor.reports() {
            metrics.restarts.get_or_create(&ByTask { task }).inner().store(restarts, Relaxed);
            metrics.silence.get_or_create(&ByTask { task }).set(silence.as_secs_f64());
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &metrics.registry);
        Ok(text)
    }
}
