//! Why an action or a page could not be done, as the browser is told.

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::codec::JsonEncoding,
};
use serde::{Deserialize, Serialize};

/// Each carries words in the page's language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Fault {
    /// Nobody is signed in.
    #[error("sign in first")]
    SignIn,
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// What was asked cannot be; says what to do instead.
    #[error("{0}")]
    Refused(String),
    /// It is not so any more, or not yet: somebody else was first. Says what is so.
    #[error("{0}")]
    Conflict(String),
    /// The disk takes no more.
    #[error("{0}")]
    NoRoom(String),
    /// Not now: the machine or the database is short of something, or cannot be used as it is. Says of what.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of our own, under this id in the log.
    #[error("{0}")]
    Broken(String),
}

impl FromServerFnError for Fault {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            // What was sent makes no sense.
            ServerFnErrorErr::Args(words)
            | ServerFnErrorErr::MissingArg(words)
            | ServerFnErrorErr::Deserialization(words)
            | ServerFnErrorErr::Request(words)
            | ServerFnErrorErr::UnsupportedRequestMethod(words) => Fault::Refused(words),
            other => Fault::Broken(other.to_string()),
        }
    }
}
