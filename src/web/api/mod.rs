//! Server functions: authorise, parse, ask the service, answer. They are public endpoints.
//!
//! Pages call the reading ones while they are drawn. The changing ones are what forms post to: `server::forms`
//! turns their answer into a redirect and a word on the next page.

pub mod fault;
pub mod watch;

#[cfg(feature = "ssr")]
pub mod account;
#[cfg(feature = "ssr")]
pub mod gate;
#[cfg(feature = "ssr")]
pub mod links;
#[cfg(feature = "ssr")]
pub mod review;
#[cfg(feature = "ssr")]
pub mod roll;
#[cfg(feature = "ssr")]
pub mod runs;
#[cfg(feature = "ssr")]
pub mod settings;
