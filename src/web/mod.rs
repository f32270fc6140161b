//! The dashboard: pages and components that the server draws, server functions behind them, and the part that
//! brings them to life in the browser.
//!
//! **Architecture Invariant:** pages and components know `api`, `dto` and `domain`, and nothing of the server.

pub mod api;
pub mod components;
pub mod live;
pub mod words;

#[cfg(feature = "hydrate")]
pub mod browser;

#[cfg(feature = "ssr")]
pub mod app;
#[cfg(feature = "ssr")]
pub mod dto;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod server;
