//! Who is asking, and in which language.

use super::fault::Fault;
use crate::{
    domain::{audit::Deed, lang::Lang},
    service::{Service, ServiceError},
    store::StoreError,
    web::{
        server::{AppState, auth, document, faults},
        words::Words,
    },
};
use axum::http::StatusCode;
use leptos::prelude::*;
use std::sync::Arc;

/// The admin, who is signed in.
pub struct Caller {
    pub service: Arc<Service>,
    pub state: AppState,
    pub name: String,
    pub lang: Lang,
}

impl Caller {
    pub fn words(&self) -> &'static Words {
        Words::of(self.lang)
    }

    /// Notes what the admin has done.
    pub async fn note(&self, deed: Deed, about: impl Into<String>) {
        self.service.note(&self.name, deed, about).await;
    }
}

/// Lets the admin in and hands out the use cases. Every server function but the public ones begins with this.
pub fn require_admin() -> Result<Caller, Fault> {
    let state = state()?;
    let name = auth::signed_in(&state).ok_or(Fault::SignIn)?;
    Ok(Caller { service: state.service.clone(), state, name, lang: document::request_lang() })
}

pub fn state() -> Result<AppState, Fault> {
    use_context::<AppState>().ok_or_else(|| Fault::Broken("the server is not ready".into()))
}

/// Sends whoever asks for the page being drawn elsewhere.
pub fn go_to(path: &str) {
    document::redirect(path);
}

impl Fault {
    /// Gives the page being drawn its status, or sends whoever asks for it to the log-in.
    pub fn answer(&self) {
        match self {
            Fault::SignIn => document::redirect(&document::way_in()),
            other => document::set_status(other.status()),
        }
    }

    /// The status of an answer that is this error.
    pub fn status(&self) -> StatusCode {
        match self {
            Fault::SignIn => StatusCode::UNAUTHORIZED,
            Fault::NotFound(_) => StatusCode::NOT_FOUND,
            Fault::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Fault::Conflict(_) => StatusCode::CONFLICT,
            Fault::NoRoom(_) => StatusCode::INSUFFICIENT_STORAGE,
            Fault::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Fault {
        faults::told(&error, document::request_lang())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        ServiceError::from(error).into()
    }
}
