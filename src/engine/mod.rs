//! Fetches pages and says what was seen.
//!
//! **Architecture Invariant:** only `probe`, its `body`, `resolver` and `tls`, and `guard` name reqwest; nothing here knows
//! the store or the web.
//! **Architecture Invariant:** every address that is asked, at every redirect, has passed `guard` first.

pub mod body;
pub mod charset;
pub mod check;
mod connect;
pub mod dns;
pub mod failure;
pub mod guard;
pub mod hosts;
mod pace;
pub mod page;
mod pauses;
pub mod probe;
pub mod registry;
pub mod resolver;
pub mod retry;
pub mod run;
pub mod shortage;
pub mod tls;
pub mod trace;
