//! Rollcall: calls the roll of a blogroll. ARCHITECTURE.md walks through the code.

// Views nest their types deeply.
#![recursion_limit = "256"]

// The locks and modes of Unix keep the database from other programs and other users.
#[cfg(all(feature = "ssr", not(unix)))]
compile_error!("Rollcall runs on Unix only");

pub mod domain;

#[cfg(feature = "ssr")]
pub mod background;
#[cfg(feature = "ssr")]
pub mod clock;
#[cfg(feature = "ssr")]
pub mod config;
#[cfg(feature = "ssr")]
pub mod engine;
#[cfg(feature = "ssr")]
pub mod formats;
#[cfg(feature = "ssr")]
pub mod lifecycle;
#[cfg(feature = "ssr")]
pub mod notify;
#[cfg(feature = "ssr")]
pub mod scheduler;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod stderr;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod supervisor;
pub mod web;

#[cfg(feature = "ssr")]
pub mod cli;

/// Checks make and drop many small things on several threads at once: docs/adr/0006-dependencies.md.
#[cfg(all(feature = "ssr", target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Makes the browser part ready. The document's start script calls it, and then each island by its name.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
    web::browser::mark_bare();
}
