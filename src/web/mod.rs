//! The dashboard: pages and components for server and browser, server functions between them.
//!
//! **Architecture Invariant:** pages and components know `api`, `dto` and `domain`, and nothing of the server.

pub mod api;
pub mod app;
pub mod components;
pub mod dto;
pub mod live;
pub mod pages;
pub mod words;

#[cfg(feature = "ssr")]
pub mod server;
