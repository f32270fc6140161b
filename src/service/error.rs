//! Why a use case could not be done.

use super::accounts;
use crate::{
    domain::{backlink::SiteError, field::TooLong, settings::SettingError, whitelist},
    engine::probe::ProbeError,
    formats::FormatError,
    store::StoreError,
};

/// Why a use case could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Probe(#[from] ProbeError),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Pattern(#[from] whitelist::PatternError),
    #[error("no link is called {0:?}; `rollcall link list` shows them all")]
    UnknownName(String),
    /// Words in the reader's language.
    #[error("{0}")]
    Invalid(String),
    #[error("name one of your own addresses first")]
    NoSites,
    #[error("the pattern is empty; write a link's name or a host")]
    EmptyPattern,
    #[error("write a name of 1 to {} characters", accounts::USER_NAME_MAX)]
    UserName,
    #[error("there is no whitelist entry {0:?}; `rollcall whitelist list` shows them all")]
    NoEntry(String),
    #[error("other lists are being read; try again when they are done")]
    TooManyLists,
    #[error("there is no run {0}")]
    NoRun(i64),
    #[error("Rollcall is being stopped; try again once it is back")]
    Stopping,
    #[error("run {0} is not going on")]
    NotRunning(i64),
    #[error("the password is too short; write at least {} characters", accounts::PASSWORD_MIN)]
    ShortPassword,
    #[error("there is an account {0:?} already")]
    UserExists(String),
    #[error("there is no account {0:?}; `rollcall user list` shows them all")]
    NoUser(String),
    #[error("the password could not be worked on: {0}")]
    Password(String),
}

pub type Result<T> = std::result::Result<T, ServiceError>;
