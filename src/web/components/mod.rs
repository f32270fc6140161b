//! Pieces that pages are made of.

pub mod act;
pub mod decide;
pub mod header;
pub mod links_table;
pub mod now;
pub mod pager;
pub mod run_panel;
pub mod status;
pub mod totals;
