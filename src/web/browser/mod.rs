//! What only the browser does: it brings the pages that the server drew to life. Forms and links work without it;
//! with it they do the same in place.
//!
//! **Architecture Invariant:** no page's content is made here. What a page shows comes from the server, as HTML; this
//! sends forms, takes over what the page that follows has changed, and shows what the stream tells in between.

mod dialog;
mod keys;
mod morph;
mod paint;
mod stream;
mod times;
mod visit;

use super::live::Live;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// Takes the page over. Called once, by the run bar, which every page has.
pub fn start(live: Live) {
    stream::listen(live);
    visit::start(live);
    times::start();
    mark_alive();
}

/// Pages without a run bar, the log-in's, have nothing to be brought to life.
pub fn mark_bare() {
    if find("leptos-island").is_none() {
        mark_alive();
    }
}

/// Style sheet and browser specs go by this.
fn mark_alive() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-alive", "yes");
    }
}

/// The first element that fits.
fn find(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok().flatten()
}

/// Every element that fits.
fn find_all(selector: &str) -> Vec<Element> {
    let Ok(list) = document().query_selector_all(selector) else { return Vec::new() };
    (0..list.length()).filter_map(|at| list.item(at)?.dyn_into().ok()).collect()
}

fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.focus();
    }
}

/// What an event came from.
fn target(event: &web_sys::Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// The nearest element around, or itself, that fits.
fn around(element: &Element, selector: &str) -> Option<Element> {
    element.closest(selector).ok().flatten()
}
