//! Pieces that pages are made of. The first two live in the browser as well; the others only the server draws.

pub mod look;
pub mod run_bar;

#[cfg(feature = "ssr")]
pub mod bits;
#[cfg(feature = "ssr")]
pub mod chart;
#[cfg(feature = "ssr")]
pub mod evidence;
#[cfg(feature = "ssr")]
pub mod form;
#[cfg(feature = "ssr")]
pub mod frame;
#[cfg(feature = "ssr")]
pub mod links_table;
#[cfg(feature = "ssr")]
pub mod links_tools;
#[cfg(feature = "ssr")]
pub mod load;
#[cfg(feature = "ssr")]
pub mod pager;
#[cfg(feature = "ssr")]
pub mod runs_table;
#[cfg(feature = "ssr")]
pub mod status;
