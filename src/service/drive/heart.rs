//! The sign of life of a run, for other processes and for those who watch: it goes on whatever else the run waits for.

use crate::{domain::pulse::BEAT_EVERY, engine::registry::TICK, service::Service};
use std::{sync::Arc, time::Duration};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Beats until it is dropped.
pub struct Heart {
    /// Cancelled once the run is another process's.
    pub lost: CancellationToken,
    _beating: AbortOnDropHandle<()>,
}

impl Heart {
    /// Says each second that the run goes on here, and cancels `cancel` where someone asked for its end.
    pub fn start(service: &Arc<Service>, run_id: i64, cancel: CancellationToken) -> Heart {
        let lost = CancellationToken::new();
        let beating = live(service.clone(), run_id, cancel, lost.clone());
        Heart { lost, _beating: AbortOnDropHandle::new(tokio::spawn(beating)) }
    }
}

/// Beats and ticks side by side: a beat may wait long for a database that another process holds, and whoever watches is
/// told of what happens meanwhile. Over once the run is lost.
async fn live(service: Arc<Service>, run_id: i64, cancel: CancellationToken, lost: CancellationToken) {
    tokio::select! {
        () = beat(&service, run_id, cancel, lost) => {}
        () = tick(&service, run_id) => {}
    }
}

/// Until the run is lost.
async fn beat(service: &Service, run_id: i64, cancel: CancellationToken, lost: CancellationToken) {
    let mut beat = every(BEAT_EVERY);
    loop {
        beat.tick().await;
        match service.store.beat(run_id, &service.owner).await {
            Ok(beat) if !beat.mine => return lost.cancel(),
            Ok(beat) if beat.cancel => cancel.cancel(),
            Ok(_) => {}
            Err(error) => tracing::warn!(run = run_id, %error, "heartbeat failed"),
        }
    }
}

/// For ever.
async fn tick(service: &Service, run_id: i64) {
    let mut tick = every(TICK);
    loop {
        tick.tick().await;
        service.registry.tick(run_id, |snapshot| service.age(snapshot));
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
