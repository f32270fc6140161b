//! The live state of a page: runs as they go, kept up to date by one stream.

use crate::domain::progress::{Event, Message, Outcome, Snapshot};
use leptos::prelude::*;
use std::collections::HashMap;

/// What the stream has told so far.
#[derive(Clone, Copy)]
pub struct Live {
    /// The live runs, newest last; a finished one stays until the page has caught up.
    pub runs: RwSignal<Vec<Snapshot>>,
    /// The newest outcome of each link that was checked while the page was open.
    pub outcomes: RwSignal<HashMap<i64, Outcome>>,
    /// The stream is lost and being sought.
    pub offline: RwSignal<bool>,
    /// Goes up by one whenever a run has ended: what the server draws is out of date then.
    pub ended: RwSignal<u32>,
}

/// Makes the live state; in the browser it starts listening once the page is alive.
pub fn provide_live() {
    let live = Live {
        runs: RwSignal::new(Vec::new()),
        outcomes: RwSignal::new(HashMap::new()),
        offline: RwSignal::new(false),
        ended: RwSignal::new(0),
    };
    provide_context(live);
    #[cfg(feature = "hydrate")]
    Effect::new(move || stream::listen(live));
}

/// The live state of this page.
pub fn use_live() -> Live {
    expect_context()
}

impl Live {
    /// Whether the link is being asked right now.
    pub fn is_checking(&self, link_id: i64) -> bool {
        self.runs.with(|runs| runs.iter().any(|run| run.in_flight.iter().any(|site| site.link_id == link_id)))
    }

    /// Takes one message in. False where it does not follow on what came before: a new stream is needed then.
    pub fn take(&self, message: Message) -> bool {
        match message {
            Message::Idle => {
                if self.runs.with_untracked(|runs| runs.iter().any(|run| !run.is_over())) {
                    self.end();
                }
                self.runs.set(Vec::new());
                true
            }
            Message::Snapshot { snapshot } => {
                self.remember(&snapshot.recent);
                let over = snapshot.is_over();
                self.runs.update(|runs| {
                    runs.retain(|run| run.run_id != snapshot.run_id && !run.is_over());
                    runs.push(snapshot);
                });
                if over {
                    self.end();
                }
                true
            }
            Message::Events { run_id, seq, elapsed_ms, events } => self.fold(run_id, seq, elapsed_ms, &events),
        }
    }

    fn fold(&self, run_id: i64, seq: u64, elapsed_ms: i64, events: &[Event]) -> bool {
        let known = self.runs.with_untracked(|runs| runs.iter().find(|run| run.run_id == run_id).map(|run| run.seq));
        if known != Some(seq) {
            // Older news than the snapshot is no gap.
            return known.is_some_and(|known| known >= seq + events.len() as u64);
        }
        let outcomes: Vec<Outcome> = events
            .iter()
            .filter_map(|event| match event {
                Event::Checked(outcome) => Some(outcome.clone()),
                _ => None,
            })
            .collect();
        self.remember(&outcomes);
        self.runs.update(|runs| {
            if let Some(run) = runs.iter_mut().find(|run| run.run_id == run_id) {
                run.elapsed_ms = elapsed_ms;
                events.iter().for_each(|event| run.fold(event));
            }
        });
        if events.iter().any(|event| matches!(event, Event::Finished { .. })) {
            self.end();
        }
        true
    }

    fn remember(&self, outcomes: &[Outcome]) {
        if outcomes.is_empty() {
            return;
        }
        self.outcomes.update(|held| {
            held.extend(outcomes.iter().map(|outcome| (outcome.link_id, outcome.clone())));
        });
    }

    fn end(&self) {
        self.ended.update(|n| *n += 1);
    }
}

#[cfg(feature = "hydrate")]
mod stream {
    use super::Live;
    use crate::{domain::progress::Message, web::api::runs::watch};
    use futures::{
        StreamExt,
        channel::oneshot,
        future::{AbortHandle, abortable},
    };
    use leptos::{ev, leptos_dom::helpers::set_timeout, prelude::*, task::spawn_local};
    use std::{cell::RefCell, rc::Rc, time::Duration};

    const RETRY_FIRST: Duration = Duration::from_millis(500);
    const RETRY_MAX: Duration = Duration::from_secs(8);

    /// Listens while the page is visible: browsers open few connections to a host, and a hidden page needs none.
    pub fn listen(live: Live) {
        let running: Rc<RefCell<Option<AbortHandle>>> = Rc::default();
        let follow_visibility = move || {
            let mut running = running.borrow_mut();
            if document().visibility_state() == web_sys::VisibilityState::Hidden {
                if let Some(handle) = running.take() {
                    handle.abort();
                }
            } else if running.is_none() {
                let (listening, handle) = abortable(keep_listening(live));
                *running = Some(handle);
                spawn_local(async move {
                    let _ = listening.await;
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
            live.offline.set(true);
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
                if let Ok(message) = serde_json::from_slice::<Message>(&line) {
                    any = true;
                    live.offline.set(false);
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
