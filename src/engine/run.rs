//! Runs as they are handed to the dispatcher, and what it says of them.

mod dispatcher;

use super::{
    check::Course,
    probe::{Probe, Request, Seen},
};
use crate::{
    clock::SharedClock,
    domain::{observation::Observation, own_failure::OwnFailure},
};
use dispatcher::Dispatcher;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::{runtime::Handle, sync::mpsc, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Makes one attempt. [`Probe`] is the real one; tests wrap it to break it.
pub trait Ask: Send + Sync + 'static {
    fn ask(&self, request: Request, clock: SharedClock) -> BoxFuture<'static, Seen>;
}

impl Ask for Probe {
    fn ask(&self, request: Request, clock: SharedClock) -> BoxFuture<'static, Seen> {
        let probe = self.clone();
        Box::pin(async move { probe.ask(&request, clock.now()).await })
    }
}

/// What the dispatcher says of a run's links.
#[derive(Debug)]
pub enum Report {
    Started {
        link_id: i64,
    },
    Ended {
        link_id: i64,
        seen: Box<Observation>,
        /// The site, or a page of it that counts, did not answer to the end: it looks the same where our own network
        /// fails.
        unanswered: bool,
        /// When it was last asked, and when that ended.
        asked: Instant,
        ended: Instant,
    },
    /// The check could not be made, or broke, on a fault of our own; nothing was seen of the site.
    Broken {
        link_id: i64,
        own: OwnFailure,
    },
}

/// A handle to the dispatcher. It ends when the last handle is dropped.
#[derive(Clone)]
pub struct Engine {
    commands: mpsc::UnboundedSender<Command>,
}

/// A run in the dispatcher's hands. The reports end when all its links have, or it was cancelled.
pub struct Running {
    pub reports: mpsc::UnboundedReceiver<Report>,
    /// Cancelled at its end: no more reports come than there are.
    pub over: CancellationToken,
}

enum Command {
    Begin {
        run: i64,
        courses: Vec<Course>,
        urgent: bool,
        cancel: CancellationToken,
        reports: mpsc::UnboundedSender<Report>,
        over: DropGuard,
    },
    Add {
        run: i64,
        courses: Vec<Course>,
    },
    Cancel {
        run: i64,
    },
    WindDown {
        run: i64,
    },
    Limits {
        concurrency: u32,
        per_host: u32,
    },
}

impl Engine {
    /// Starts the dispatcher and all that it starts on `threads`. `rng` spreads the waits between attempts; `limits` are
    /// checks at once, and at once of one host.
    pub fn start(
        ask: Arc<dyn Ask>,
        clock: SharedClock,
        rng: fastrand::Rng,
        limits: (u32, u32),
        threads: &Handle,
    ) -> Engine {
        let (commands, inbox) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher::new(ask, clock, rng, limits);
        threads.spawn(dispatcher.serve(inbox));
        Engine { commands }
    }

    /// Begins a run. Urgent ones, such as a click on one link, go before what is queued.
    pub fn begin(&self, run: i64, courses: Vec<Course>, urgent: bool, cancel: CancellationToken) -> Running {
        let (reports, inbox) = mpsc::unbounded_channel();
        let over = CancellationToken::new();
        let guard = over.clone().drop_guard();
        // Where the dispatcher is gone the reports end at once, which says the same.
        let _ = self.commands.send(Command::Begin { run, courses, urgent, cancel, reports, over: guard });
        Running { reports: inbox, over }
    }

    /// Adds links to a run. Those that come after its end are dropped; the run's owner looks for them in the store.
    pub fn add(&self, run: i64, courses: Vec<Course>) {
        let _ = self.commands.send(Command::Add { run, courses });
    }

    /// Ends a run now: what is queued is dropped, what is in flight is broken off.
    pub fn cancel(&self, run: i64) {
        let _ = self.commands.send(Command::Cancel { run });
    }

    /// Lets a run end with what is in flight: nothing of it is started any more.
    pub fn wind_down(&self, run: i64) {
        let _ = self.commands.send(Command::WindDown { run });
    }

    /// Changes the limits for what is started from now on.
    pub fn set_limits(&self, concurrency: u32, per_host: u32) {
        let _ = self.commands.send(Command::Limits { concurrency, per_host });
    }
}
