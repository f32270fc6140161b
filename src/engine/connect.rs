//! The connector below every request: it marks its progress and keeps to its limit.

use super::{failure::ConnectLimit, trace::TRACE};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// A connector that marks its progress in [`TRACE`] and keeps to its limit.
#[derive(Clone)]
pub struct Watched<S>(pub S);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<S, R> tower::Service<R> for Watched<S>
where
    S: tower::Service<R, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let _ = TRACE.try_with(|trace| trace.connecting());
        let connecting = self.0.call(target);
        Box::pin(async move {
            let limit = TRACE.try_with(|trace| trace.connect_limit()).unwrap_or(Duration::MAX);
            let connection = timeout(limit, connecting).await.map_err(|_| ConnectLimit)??;
            let _ = TRACE.try_with(|trace| trace.connected());
            Ok(connection)
        })
    }
}
