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

/// Makes the live state; in the browser it starts listening once the page is alive.
pub fn provide_live() {
    let live = Live(RwSignal::new(Told::default()));
    provide_context(live);
    #[cfg(feature = "hydrate")]
    Effect::new(move || stream::listen(live));
}

/// The live state of this page.
pub fn use_live() -> Live {
    expect_context()
}

impl Live {
    /// Reads, and follows from then on.
    pub fn with<T>(&self, read: impl FnOnce(&Told) -> T) -> T {
        self.0.with(read)
    }

    /// Says that what the server drew is out of date.
    pub fn expire(&self) {
        self.0.update(|told| told.ended += 1);
    }

    #[cfg(feature = "hydrate")]
    fn set_offline(&self, offline: bool) {
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

#[cfg(feature = "hydrate")]
mod stream {
    use super::Live;
    use crate::{domain::progress::Message, web::api::runs::watch};
    use futures::{
        StreamExt,
        channel::oneshot,
        future::{LocalBoxFuture, select},
    };
    use leptos::{ev, leptos_dom::helpers::set_timeout, prelude::*, task::spawn_local};
    use std::{cell::RefCell, rc::Rc, time::Duration};

    const RETRY_FIRST: Duration = Duration::from_millis(500);
    const RETRY_MAX: Duration = Duration::from_secs(8);

    /// Listens while the page is visible: browsers open few connections to a host, and a hidden page needs none.
    pub fn listen(live: Live) {
        let running: Rc<RefCell<Option<oneshot::Sender<()>>>> = Rc::default();
        let follow_visibility = move || {
            let mut running = running.borrow_mut();
            if document().visibility_state() == web_sys::VisibilityState::Hidden {
                // Dropping the sender ends the listening.
                running.take();
            } else if running.is_none() {
                let (held, dropped) = oneshot::channel::<()>();
                *running = Some(held);
                spawn_local(async move {
                    let listening: LocalBoxFuture<'static, ()> = Box::pin(keep_listening(live));
                    select(listening, dropped).await;
                });
            }
        };
        follow_visibility();
        let _ = window_event_listener(ev::visibilitychange, move |_| follow_visibility());
    }

    async fn keep_listening(live: Live) {
        let mut wait = RETRY_FIRST;
        loop {
            if listen_once(live).await {
                wait = RETRY_FIRST;
            }
            live.set_offline(true);
            sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
    }

    /// One stream from its first message to its end; whether it brought any.
    async fn listen_once(live: Live) -> bool {
        let Ok(stream) = watch().await else { return false };
        let mut stream = std::pin::pin!(stream.into_inner());
        let mut held: Vec<u8> = Vec::new();
        let mut any = false;
        while let Some(Ok(bytes)) = stream.next().await {
            held.extend_from_slice(&bytes);
            // A chunk may end in the middle of a line, and of a character.
            while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = held.drain(..=end).collect();
                // By way of text, as resources are read: one decoder less in the browser.
                let text = String::from_utf8_lossy(&line);
                if let Ok(message) = serde_json::from_str::<Message>(&text) {
                    any = true;
                    live.set_offline(false);
                    if !live.take(message) {
                        return any;
                    }
                }
            }
        }
        any
    }

    async fn sleep(duration: Duration) {
        let (wake, woken) = oneshot::channel();
        set_timeout(
            move || {
                let _ = wake.send(());
            },
            duration,
        );
        let _ = woken.await;
    }
}
