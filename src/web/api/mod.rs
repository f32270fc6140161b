//! Server functions: authorise, parse, ask the service, answer. They are public endpoints.

pub mod links;
pub mod runs;
mod text;

#[cfg(feature = "ssr")]
mod gate {
    use crate::{service::Service, web::server::AppState};
    use leptos::prelude::*;
    use std::sync::Arc;

    /// Lets the admin in and hands out the use cases. Until there is a login, `serve` listens on loopback only and
    /// answers to loopback names only, so whoever gets here is at the machine.
    pub fn require_admin() -> Result<Arc<Service>, ServerFnError> {
        state().map(|state| state.service)
    }

    pub fn state() -> Result<AppState, ServerFnError> {
        use_context::<AppState>().ok_or_else(|| ServerFnError::new("the server is not ready"))
    }

    /// Puts a fault into words for the page; the log has the same.
    pub fn told(error: impl std::fmt::Display) -> ServerFnError {
        tracing::warn!(%error, "a request could not be done");
        ServerFnError::new(error.to_string())
    }
}
