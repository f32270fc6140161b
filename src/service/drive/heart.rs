//! The sign of life of a run, for other processes and for those who watch: it goes on whatever else the run waits for.

use crate::{domain::pulse::BEAT_EVERY, engine::registry::TICK, service::Service};
use std::sync::Arc;
use tokio::time::{MissedTickBehavior, interval};
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
        let beating = beat(service.clone(), run_id, cancel, lost.clone());
        Heart { lost, _beating: AbortOnDropHandle::new(tokio::spawn(beating)) }
    }
}

async fn beat(service: Arc<Service>, run_id: i64, cancel: CancellationToken, lost: CancellationToken) {
    let [mut beat, mut tick] = [BEAT_EVERY, TICK].map(interval);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            _ = tick.tick() => {
                service.registry.tick(run_id, |snapshot| service.age(snapshot));
                continue;
            }
        }
        match service.store.beat(run_id, &service.owner).await {
            Ok(beat) if !beat.mine => return lost.cancel(),
            Ok(beat) if beat.cancel => cancel.cancel(),
            Ok(_) => {}
            Err(error) => tracing::warn!(run = run_id, %error, "heartbeat failed"),
        }
    }
}
