//! The stream of news: listened to while the page is visible, sought again when it is lost.

use super::paint;
use crate::{
    domain::progress::Message,
    web::{api::watch::watch, live::Live},
};
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
    let mut lost = false;
    loop {
        if listen_once(live, lost).await {
            wait = RETRY_FIRST;
        }
        lost = true;
        live.set_offline(true);
        sleep(wait).await;
        wait = (wait * 2).min(RETRY_MAX);
    }
}

/// One stream from its first message to its end; whether it brought any.
async fn listen_once(live: Live, mut lost: bool) -> bool {
    let Ok(stream) = watch().await else { return false };
    let mut stream = std::pin::pin!(stream.into_inner());
    let mut held: Vec<u8> = Vec::new();
    let mut any = false;
    while let Some(Ok(bytes)) = stream.next().await {
        held.extend_from_slice(&bytes);
        // A chunk may end in the middle of a line, and of a character.
        while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = held.drain(..=end).collect();
            let text = String::from_utf8_lossy(&line);
            let Ok(message) = serde_json::from_str::<Message>(&text) else { continue };
            any = true;
            live.set_offline(false);
            let follows = live.take(message);
            paint::follow(live, std::mem::take(&mut lost));
            if !follows {
                return any;
            }
        }
    }
    any
}

pub async fn sleep(duration: Duration) {
    let (wake, woken) = oneshot::channel();
    set_timeout(
        move || {
            let _ = wake.send(());
        },
        duration,
    );
    let _ = woken.await;
}
