//! The live state of a page: runs as they go, kept up to date by one stream.

use crate::domain::progress::{Event, Message, Outcome, Snapshot};
use leptos::prelude::*;
use std::collections::HashMap;

/// What the stream has told so far.
#[derive(Default)]
pub struct Told {
    /// The live runs, newest last; a finished one stays until the page has caught up.
    pub runs: Vec<Snapshot>,
    /// The newest outcome of each link that was checked while the page was open.
    pub outcomes: HashMap<i64, Outcome>,
    /// The stream is lost and being sought.
    pub offline: bool,
    /// Goes up by one whenever a run has ended: what the server drew is out of date then.
    pub ended: u32,
}

/// The live state of a page. One signal for all of it: every further kind of signal costs the browser 3 kB.
#[derive(Clone, Copy)]
pub struct Live(RwSignal<Told>);

impl Live {
    /// The live state of a page that was drawn with these runs going on.
    pub fn new(drawn: Vec<Snapshot>) -> Live {
        Live(RwSignal::new(Told { runs: drawn, ..Told::default() }))
    }

    /// Reads, and follows from then on.
    pub fn with<T>(&self, read: impl FnOnce(&Told) -> T) -> T {
        self.0.with(read)
    }

    /// Reads as it is now.
    pub fn with_untracked<T>(&self, read: impl FnOnce(&Told) -> T) -> T {
        self.0.with_untracked(read)
    }

    pub fn set_offline(&self, offline: bool) {
        if self.0.with_untracked(|told| told.offline != offline) {
            self.0.update(|told| told.offline = offline);
        }
    }

    /// Takes one message in. False where it does not follow on what came before: a new stream is needed then.
    pub fn take(&self, message: Message) -> bool {
        let mut follows = true;
        self.0.update(|told| follows = told.take(message));
        follows
    }
}

impl Told {
    /// Whether the link is being asked right now.
    pub fn is_checking(&self, link_id: i64) -> bool {
        self.runs.iter().any(|run| run.in_flight.iter().any(|site| site.link_id == link_id))
    }

    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Idle => {
                self.ended += u32::from(self.runs.iter().any(|run| !run.is_over()));
                self.runs.clear();
                true
            }
            Message::Snapshot { snapshot } => {
                self.remember(&snapshot.recent);
                self.ended += u32::from(snapshot.is_over());
                self.runs.retain(|run| run.run_id != snapshot.run_id && !run.is_over());
                self.runs.push(snapshot);
                true
            }
            Message::Events { run_id, seq, elapsed_ms, events } => self.fold(run_id, seq, elapsed_ms, &events),
        }
    }

    fn fold(&mut self, run_id: i64, seq: u64, elapsed_ms: i64, events: &[Event]) -> bool {
        let Some(run) = self.runs.iter_mut().find(|run| run.run_id == run_id) else { return false };
        if run.seq != seq {
            // Older news than the snapshot is no gap.
            return run.seq >= seq + events.len() as u64;
        }
        run.elapsed_ms = elapsed_ms;
        events.iter().for_each(|event| run.fold(event));
        for event in events {
            match event {
                Event::Checked(outcome) => self.remember(std::slice::from_ref(outcome)),
                Event::Finished { .. } => self.ended += 1,
                _ => {}
            }
        }
        true
    }

    fn remember(&mut self, outcomes: &[Outcome]) {
        self.outcomes.extend(outcomes.iter().map(|outcome| (outcome.link_id, outcome.clone())));
    }
}
