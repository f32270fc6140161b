//! Forms that are pages of their own, shown in a dialog over the page that one is on.

use super::{find, focus, target, visit};
use leptos::leptos_dom::helpers::window_event_listener_untyped;
use wasm_bindgen::JsCast;
use web_sys::{Document, Element, HtmlDialogElement, HtmlFormElement, HtmlInputElement};

fn dialog() -> Option<HtmlDialogElement> {
    find("#dialog")?.dyn_into().ok()
}

pub fn start() {
    // A click beside a dialog closes it.
    let _ = window_event_listener_untyped("mousedown", |event| {
        if target(&event).is_some_and(|on| on.tag_name() == "DIALOG") {
            close();
        }
    });
    let over = |event: &web_sys::Event| target(event)?.closest("[data-drop]").ok().flatten();
    let _ = window_event_listener_untyped("dragover", move |event| {
        if over(&event).is_some() {
            event.prevent_default();
        }
    });
    // A file dropped on the import form is its file.
    let _ = window_event_listener_untyped("drop", move |event| {
        let Some(form) = over(&event) else { return };
        event.prevent_default();
        let files = event.dyn_ref::<web_sys::DragEvent>().and_then(|drag| drag.data_transfer()?.files());
        let field = form.query_selector("input[type=file]").ok().flatten();
        if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) {
            field.set_files(files.as_ref());
            let _ = form.unchecked_into::<HtmlFormElement>().request_submit();
        }
    });
}

pub fn close() {
    for id in ["#dialog", "#keys"] {
        if let Some(dialog) = find(id).and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok()) {
            dialog.close();
        }
    }
}

/// Shows the form of a page. Where it has none, goes there instead.
pub async fn open(url: String) {
    let answer = visit::fetch(&url, None).await.ok();
    let sheet = answer.as_ref().and_then(|answer| sheet(&answer.page));
    match (dialog(), sheet) {
        (Some(dialog), Some(sheet)) => {
            fill(&dialog, &sheet);
            if !dialog.open() {
                let _ = dialog.show_modal();
            }
        }
        _ => visit::go(url, visit::Mark::Push).await,
    }
}

fn sheet(page: &Document) -> Option<Element> {
    page.query_selector("#content .sheet").ok().flatten()
}

fn fill(dialog: &HtmlDialogElement, sheet: &Element) {
    dialog.set_inner_html("");
    let _ = dialog.append_child(sheet);
    if let Some(heading) = sheet.query_selector("h1").ok().flatten() {
        heading.set_id("dialog-title");
        let _ = dialog.set_attribute("aria-labelledby", "dialog-title");
    }
}

/// A form in the dialog was sent: refused, it comes again with what was typed; else the page behind it is drawn anew.
pub async fn answered(form: &HtmlFormElement, answer: visit::Answer) {
    let refused = answer.page.query_selector("#content .sheet .form-error").ok().flatten().is_some();
    if let (true, Some(dialog), Some(sheet)) = (refused, dialog(), sheet(&answer.page)) {
        fill(&dialog, &sheet);
        if let Ok(Some(error)) = sheet.query_selector("[aria-invalid='true'], .form-error") {
            focus(&error);
        }
        return;
    }
    form.reset();
    close();
    visit::take_toasts(&answer.page);
    visit::refresh().await;
}
