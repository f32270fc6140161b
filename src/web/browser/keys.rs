//! Keys: `/` search, j and k along the rows, r re-check, w whitelist, x select, ? all of them, Esc back.

use super::{around, dialog, find, find_all, focus};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent};

pub fn pressed(event: &KeyboardEvent) {
    let on = document().active_element();
    let key = event.key();
    if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() {
        return;
    }
    if key == "Escape" {
        return escape(on.as_ref());
    }
    let typing = on
        .as_ref()
        .is_some_and(|on| on.matches("input:not([type=checkbox]), textarea, select, dialog *").unwrap_or_default());
    if typing {
        return;
    }
    let done = match key.as_str() {
        "/" => find("input[type=search]").map(|field| focus(&field)),
        "j" => step(1),
        "k" => step(-1),
        "r" => press("[form=recheck]"),
        "w" => press("[role=switch]"),
        "x" => press("input[type=checkbox]"),
        "?" => find("#keys").and_then(|keys| keys.unchecked_into::<HtmlDialogElement>().show_modal().ok()),
        _ => None,
    };
    let done = done.or_else(|| hotkey(&key));
    if done.is_some() {
        event.prevent_default();
    }
}

/// What the page itself gives a letter to.
fn hotkey(key: &str) -> Option<()> {
    let is_letter = key.len() == 1 && key.chars().all(|c| c.is_ascii_lowercase());
    let button = is_letter.then(|| find(&format!("[data-hotkey={key}]"))).flatten()?;
    button.unchecked_into::<HtmlElement>().click();
    Some(())
}

/// The row that has focus, or holds what has.
fn current() -> Option<Element> {
    around(&document().active_element()?, "[data-row]")
}

fn step(by: isize) -> Option<()> {
    let rows = find_all("[data-row]");
    let at = current().and_then(|row| rows.iter().position(|one| *one == row));
    let next = match at {
        Some(at) => at.checked_add_signed(by)?,
        None => 0,
    };
    let row = rows.get(next)?;
    focus(row);
    row.scroll_into_view_with_scroll_into_view_options(&nearest());
    Some(())
}

fn nearest() -> web_sys::ScrollIntoViewOptions {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    options
}

fn press(selector: &str) -> Option<()> {
    let button = current()?.query_selector(selector).ok()??;
    button.unchecked_into::<HtmlElement>().click();
    Some(())
}

fn escape(on: Option<&Element>) {
    dialog::close();
    if let Some(field) = on.and_then(|on| on.dyn_ref::<HtmlElement>()) {
        let _ = field.blur();
    }
    for one in find_all("input[name='ids[]']:checked") {
        one.unchecked_into::<HtmlInputElement>().set_checked(false);
    }
}
