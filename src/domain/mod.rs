//! Pure rules: what a link is, what a check saw, and what follows from it.
//!
//! **Architecture Invariant:** nothing here does I/O, reads a clock, draws a random number or imports from the
//! rest of this crate. Time comes in as an argument. tests/layering.rs holds this.

pub mod class;
pub mod counts;
pub mod guard;
pub mod lang;
pub mod link;
pub mod observation;
pub mod own_failure;
pub mod policy;
pub mod progress;
pub mod reason;
pub mod verdict;

#[cfg(feature = "ssr")]
pub mod address;
#[cfg(feature = "ssr")]
pub mod audit;
#[cfg(feature = "ssr")]
pub mod backlink;
#[cfg(feature = "ssr")]
pub mod field;
#[cfg(feature = "ssr")]
pub mod flags;
#[cfg(feature = "ssr")]
pub mod marks;
#[cfg(feature = "ssr")]
pub mod pattern;
#[cfg(feature = "ssr")]
pub mod pulse;
#[cfg(feature = "ssr")]
pub mod run;
#[cfg(feature = "ssr")]
pub mod schedule;
#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
pub mod walls;
#[cfg(feature = "ssr")]
pub mod whitelist;
