//! The live runs of this process, and who watches them.
//!
//! A run belongs here and never to a request: closing the browser does not stop it.

use crate::domain::progress::{Event, Message, Snapshot};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

/// Watchers are told at most ten times a second. Design.md, Facts.
pub const TICK: Duration = Duration::from_millis(100);
/// With more events than this in one tick a snapshot says the same in less.
const EVENTS_MAX: usize = 100;
/// Messages that a slow watcher may lag behind before it gets a snapshot instead.
const BACKLOG: usize = 64;

/// One serialised message, shared by all watchers.
pub type Line = bytes::Bytes;

/// The live runs.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    runs: Mutex<BTreeMap<i64, Live>>,
    lines: broadcast::Sender<Line>,
    taps: Mutex<Vec<mpsc::UnboundedSender<(i64, Event)>>>,
}

struct Live {
    snapshot: Snapshot,
    /// Folded into the snapshot, but not yet sent.
    unsent: Vec<Event>,
    /// Absent for a run of another process.
    cancel: Option<CancellationToken>,
}

impl Default for Registry {
    fn default() -> Self {
        let (lines, _) = broadcast::channel(BACKLOG);
        Registry { inner: Arc::new(Inner { runs: Mutex::default(), lines, taps: Mutex::default() }) }
    }
}

impl Registry {
    /// Enters a run of this process.
    pub fn enter(&self, snapshot: Snapshot, cancel: CancellationToken) {
        self.send(&Message::Snapshot { snapshot: snapshot.clone() });
        self.runs().insert(snapshot.run_id, Live { snapshot, unsent: Vec::new(), cancel: Some(cancel) });
    }

    /// Says what happened in a run. Watchers hear of it at the next [`Registry::tick`].
    pub fn publish(&self, run_id: i64, event: Event) {
        self.taps().retain(|tap| tap.send((run_id, event.clone())).is_ok());
        if let Some(live) = self.runs().get_mut(&run_id) {
            live.snapshot.fold(&event);
            live.unsent.push(event);
        }
    }

    /// Every event of every run of this process from now on, one by one; for the command line.
    pub fn tap(&self) -> mpsc::UnboundedReceiver<(i64, Event)> {
        let (tap, events) = mpsc::unbounded_channel();
        self.taps().push(tap);
        events
    }

    /// Brings in how a run of another process stands.
    pub fn mirror(&self, snapshot: Snapshot) {
        let mut runs = self.runs();
        if runs.get(&snapshot.run_id).is_some_and(|live| live.cancel.is_some() || live.snapshot == snapshot) {
            return;
        }
        self.send(&Message::Snapshot { snapshot: snapshot.clone() });
        if snapshot.is_over() {
            runs.remove(&snapshot.run_id);
        } else {
            runs.insert(snapshot.run_id, Live { snapshot, unsent: Vec::new(), cancel: None });
        }
    }

    /// Takes a run out, telling watchers its last news first.
    pub fn leave(&self, run_id: i64) {
        let mut runs = self.runs();
        if let Some(mut live) = runs.remove(&run_id) {
            self.flush(&mut live);
        }
    }

    /// Sends what has happened in a run since its last tick.
    pub fn tick(&self, run_id: i64, elapsed_ms: impl Fn(&Snapshot) -> i64) {
        if let Some(live) = self.runs().get_mut(&run_id) {
            if !live.snapshot.is_over() {
                live.snapshot.elapsed_ms = elapsed_ms(&live.snapshot);
            }
            self.flush(live);
        }
    }

    /// Asks a run of this process to end; false where there is none such.
    pub fn cancel(&self, run_id: i64) -> bool {
        match self.runs().get(&run_id).and_then(|live| live.cancel.clone()) {
            Some(cancel) => {
                cancel.cancel();
                true
            }
            None => false,
        }
    }

    /// The runs of this process.
    pub fn mine(&self) -> Vec<i64> {
        self.runs().iter().filter(|(_, live)| live.cancel.is_some()).map(|(id, _)| *id).collect()
    }

    /// Whether this process runs it.
    pub fn is_mine(&self, run_id: i64) -> bool {
        self.runs().get(&run_id).is_some_and(|live| live.cancel.is_some())
    }

    /// How every live run stands.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.runs().values().map(|live| live.snapshot.clone()).collect()
    }

    /// The runs of other processes that are mirrored here.
    pub fn mirrored(&self) -> Vec<i64> {
        self.runs().iter().filter(|(_, live)| live.cancel.is_none()).map(|(id, _)| *id).collect()
    }

    /// How things stand, and all that comes after, without a gap between.
    pub fn watch(&self) -> (Vec<Line>, broadcast::Receiver<Line>) {
        let mut runs = self.runs();
        runs.values_mut().for_each(|live| self.flush(live));
        let mut first: Vec<Line> =
            runs.values().map(|live| line(&Message::Snapshot { snapshot: live.snapshot.clone() })).collect();
        if first.is_empty() {
            first.push(line(&Message::Idle));
        }
        (first, self.inner.lines.subscribe())
    }

    /// Whether anyone watches.
    pub fn is_watched(&self) -> bool {
        self.inner.lines.receiver_count() > 0
    }

    fn flush(&self, live: &mut Live) {
        if live.unsent.is_empty() {
            return;
        }
        let events = std::mem::take(&mut live.unsent);
        let snapshot = &live.snapshot;
        if events.len() > EVENTS_MAX {
            self.send(&Message::Snapshot { snapshot: snapshot.clone() });
        } else {
            let seq = snapshot.seq - events.len() as u64;
            self.send(&Message::Events { run_id: snapshot.run_id, seq, elapsed_ms: snapshot.elapsed_ms, events });
        }
    }

    fn send(&self, message: &Message) {
        if self.is_watched() {
            // Nobody left to hear it is no fault.
            let _ = self.inner.lines.send(line(message));
        }
    }

    fn taps(&self) -> MutexGuard<'_, Vec<mpsc::UnboundedSender<(i64, Event)>>> {
        self.inner.taps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<i64, Live>> {
        self.inner.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message as one line of JSON.
pub fn line(message: &Message) -> Line {
    let mut text = serde_json::to_string(message).expect("plain data");
    text.push('\n');
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::progress::{InFlight, Trigger};

    fn checking(id: i64) -> Event {
        Event::Checking(InFlight { link_id: id, name: id.to_string() })
    }

    #[test]
    fn a_watcher_misses_nothing_and_hears_nothing_twice() {
        let registry = Registry::default();
        registry.enter(Snapshot::new(7, Trigger::Click, 9, 0), CancellationToken::new());
        registry.publish(7, checking(1));
        let (first, mut later) = registry.watch();
        registry.publish(7, checking(2));
        registry.tick(7, |_| 40);
        let Message::Snapshot { mut snapshot } = serde_json::from_slice(&first[0]).unwrap() else {
            panic!("{first:?}")
        };
        assert_eq!(snapshot.seq, 1);
        let Message::Events { seq, events, .. } = serde_json::from_slice(&later.try_recv().unwrap()).unwrap() else {
            panic!("events were due")
        };
        assert_eq!(seq, snapshot.seq);
        events.iter().for_each(|event| snapshot.fold(event));
        assert_eq!(snapshot.in_flight.len(), 2);
        assert!(later.try_recv().is_err());
    }

    #[test]
    fn a_flood_becomes_a_snapshot() {
        let registry = Registry::default();
        registry.enter(Snapshot::new(7, Trigger::Click, 1000, 0), CancellationToken::new());
        let (_, mut later) = registry.watch();
        (0..500).for_each(|id| registry.publish(7, checking(id)));
        registry.tick(7, |_| 0);
        assert!(later.try_recv().unwrap().starts_with(b"{\"snapshot\""));
        assert!(later.try_recv().is_err());
    }

    #[test]
    fn with_no_run_watchers_hear_so() {
        let (first, _) = Registry::default().watch();
        assert_eq!(first[0], "\"idle\"\n");
    }
}
