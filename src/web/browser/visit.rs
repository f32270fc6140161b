//! Links and forms, in place: asks the server for the page that follows and takes over what has changed.

use super::{around, dialog, find, find_all, focus, morph::morph, paint, stream::sleep, target, times};
use crate::web::{live::Live, words::live_words};
use leptos::{leptos_dom::helpers::window_event_listener_untyped, prelude::*, task::spawn_local};
use std::{
    cell::{Cell, RefCell},
    time::Duration,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Document, DomParser, Element, Event, FormData, Headers, HtmlFormElement, HtmlInputElement, KeyboardEvent,
    MouseEvent, RequestInit, Response, SubmitEvent, SupportedType, Url, UrlSearchParams,
};

/// After the last letter typed, before the search is sent.
const TYPING: Duration = Duration::from_millis(250);
/// A page that shows work being done is drawn anew after so long. `server/views/import.rs` has the same for
/// browsers without JavaScript.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// A toast goes by itself after so long.
const TOAST: Duration = Duration::from_secs(12);

thread_local! {
    static LIVE: RefCell<Option<Live>> = const { RefCell::new(None) };
    /// Goes up with each visit: only the newest one's answer is shown.
    static VISIT: Cell<u32> = const { Cell::new(0) };
    static TYPED: Cell<u32> = const { Cell::new(0) };
    /// Whether the page is to be drawn anew soon, as it asked.
    static LOOKING: Cell<bool> = const { Cell::new(false) };
}

/// Where a page was asked for, and how.
pub struct Answer {
    pub page: Document,
    pub url: String,
}

pub fn start(live: Live) {
    LIVE.set(Some(live));
    let _ = window_event_listener_untyped("submit", |event| submitted(&event));
    let _ = window_event_listener_untyped("click", |event| clicked(&event));
    let _ = window_event_listener_untyped("change", |event| changed(&event, false));
    let _ = window_event_listener_untyped("input", |event| changed(&event, true));
    let _ = window_event_listener_untyped("popstate", |_| spawn_local(go(here(), Mark::Leave)));
    let _ = window_event_listener_untyped("keydown", |event| {
        if let Some(key) = event.dyn_ref::<KeyboardEvent>() {
            super::keys::pressed(key);
        }
    });
    dialog::start();
    fade_toasts();
}

fn here() -> String {
    window().location().href().unwrap_or_default()
}

/// What becomes of the address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Push,
    Replace,
    Leave,
}

fn clicked(event: &Event) {
    let Some(mouse) = event.dyn_ref::<MouseEvent>() else { return };
    let plain = mouse.button() == 0 && !(mouse.ctrl_key() || mouse.meta_key() || mouse.shift_key() || mouse.alt_key());
    let Some(from) = target(event) else { return };
    if let Some(all) = around(&from, "[data-select-all]").and_then(|all| all.dyn_into::<HtmlInputElement>().ok()) {
        for one in find_all("input[name='ids[]']") {
            one.unchecked_into::<HtmlInputElement>().set_checked(all.checked());
        }
    }
    if let Some(close) = around(&from, "[data-close]") {
        if let Some(toast) = around(&close, ".toast") {
            toast.remove();
        }
        dialog::close();
    }
    let Some(link) = around(&from, "a[href]") else { return };
    let href = link.get_attribute("href").unwrap_or_default();
    let ours = href.starts_with('/')
        && !href.starts_with("//")
        && !href.starts_with("/export")
        && !href.starts_with("/links.json");
    if !plain || !ours || link.has_attribute("target") || event.default_prevented() {
        return;
    }
    event.prevent_default();
    if link.has_attribute("data-dialog") {
        spawn_local(dialog::open(href));
    } else {
        spawn_local(go(href, Mark::Push));
    }
}

/// Filters send themselves.
fn changed(event: &Event, typing: bool) {
    let Some(from) = target(event) else { return };
    let Some(form) = around(&from, "form[data-auto]") else { return };
    let is_text = from.get_attribute("type").is_some_and(|kind| kind == "search");
    if is_text != typing {
        return;
    }
    let turn = TYPED.get() + 1;
    TYPED.set(turn);
    spawn_local(async move {
        if typing {
            sleep(TYPING).await;
        }
        if TYPED.get() == turn {
            let _ = form.unchecked_into::<HtmlFormElement>().request_submit();
        }
    });
}

/// Reads a form by its attributes: its properties may be hidden by fields of the same name.
fn submitted(event: &Event) {
    let Some(submit) = event.dyn_ref::<SubmitEvent>() else { return };
    let Some(form) = target(event).and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) else { return };
    let by = submit.submitter();
    let Ok(data) = FormData::new_with_form(&form) else { return };
    if let Some(by) = by.as_ref().and_then(|by| by.get_attribute("name")) {
        let value = submit.submitter().and_then(|by| by.get_attribute("value")).unwrap_or_default();
        let _ = data.append_with_str(&by, &value);
    }
    event.prevent_default();
    // A button may send its form elsewhere, and otherwise.
    let own = |name: &str| by.as_ref().and_then(|by| by.get_attribute(name));
    let action = own("formaction").or_else(|| form.get_attribute("action")).unwrap_or_default();
    let method = own("formmethod").or_else(|| form.get_attribute("method")).unwrap_or_default();
    if !method.eq_ignore_ascii_case("post") {
        let Ok(pairs) = UrlSearchParams::new_with_str_sequence_sequence(&data) else { return };
        drop_empty(&pairs);
        let query = String::from(pairs.to_string());
        let url = if query.is_empty() { action } else { format!("{action}?{query}") };
        if around(&form, "dialog").is_some() {
            return spawn_local(dialog::open(url));
        }
        let mark = if form.has_attribute("data-auto") { Mark::Replace } else { Mark::Push };
        spawn_local(go(url, mark));
        return;
    }
    if form.has_attribute("data-sending") {
        return;
    }
    let _ = form.set_attribute("data-sending", "");
    guess(&form, by.as_deref());
    spawn_local(send(form, action, data));
}

fn drop_empty(pairs: &UrlSearchParams) {
    let empty: Vec<String> = js_sys::Array::from(pairs)
        .iter()
        .map(|pair| js_sys::Array::from(&pair))
        .filter(|pair| pair.get(1).as_string().is_some_and(|value| value.is_empty()))
        .filter_map(|pair| pair.get(0).as_string())
        .collect();
    empty.iter().for_each(|name| pairs.delete(name));
}

/// Shows what will most likely come of it, at once.
fn guess(form: &HtmlFormElement, by: Option<&Element>) {
    let Some(by) = by else { return };
    if by.get_attribute("role").as_deref() == Some("switch") {
        let on = by.get_attribute("aria-checked").as_deref() == Some("true");
        let _ = by.set_attribute("aria-checked", if on { "false" } else { "true" });
    }
    let value = by.get_attribute("value").unwrap_or_default();
    let id = form.get_attribute("id").unwrap_or_default();
    if id == "recheck" {
        paint::checking(&value);
    }
    if id == "bulk" && matches!(value.as_str(), "recheck" | "delete") {
        for one in find_all("input[name='ids[]']:checked") {
            let id = one.get_attribute("value").unwrap_or_default();
            if value == "recheck" {
                paint::checking(&id);
            } else if let Some(row) = around(&one, "[data-link]") {
                let _ = row.set_attribute("data-leaving", "");
            }
        }
    }
}

async fn send(form: HtmlFormElement, action: String, data: FormData) {
    let answer = if form.get_attribute("enctype").is_some_and(|kind| kind.starts_with("multipart")) {
        fetch(&action, Some(data.into())).await
    } else {
        match UrlSearchParams::new_with_str_sequence_sequence(&data) {
            Ok(pairs) => fetch(&action, Some(pairs.into())).await,
            Err(error) => Err(error),
        }
    };
    let _ = form.remove_attribute("data-sending");
    let Ok(answer) = answer else {
        return tell(&form);
    };
    if around(&form, "dialog").is_some() {
        return dialog::answered(&form, answer).await;
    }
    // What was typed has arrived; where it was refused the answer brings it back, unless it only says so in a toast.
    if answer.page.query_selector("#toasts .bad").ok().flatten().is_none() {
        form.reset();
    }
    let mark = if path_and_query(&answer.url) == path_and_query(&here()) { Mark::Leave } else { Mark::Push };
    show(&answer, mark);
}

/// Says beside the form that it could not be sent. What was typed is still there, and so is the button.
fn tell(form: &HtmlFormElement) {
    let words = live_words().not_sent;
    let held = form.query_selector(".form-error").ok().flatten().or_else(|| {
        let made = document().create_element("p").ok()?;
        let _ = made.set_attribute("class", "form-error");
        let _ = made.set_attribute("role", "alert");
        // A form that holds nothing is not seen: its buttons stand elsewhere.
        if form.child_element_count() > 0 {
            form.append_child(&made).ok()?;
        } else {
            find("#toasts")?.append_child(&made).ok()?;
        }
        Some(made)
    });
    if let Some(held) = held {
        held.set_text_content(Some(words));
    }
    spawn_local(refresh());
}

/// Goes to a page of this site.
pub async fn go(url: String, mark: Mark) {
    let turn = VISIT.get() + 1;
    VISIT.set(turn);
    let Ok(answer) = fetch(&url, None).await else {
        let _ = window().location().set_href(&url);
        return;
    };
    if VISIT.get() == turn {
        show(&answer, mark);
    }
}

/// Draws the page that is here anew.
pub async fn refresh() {
    let turn = VISIT.get();
    if let Ok(answer) = fetch(&here(), None).await
        && VISIT.get() == turn
    {
        show(&answer, Mark::Leave);
    }
}

/// Asks for a page; with a body, posts it.
pub async fn fetch(url: &str, body: Option<JsValue>) -> Result<Answer, JsValue> {
    let init = RequestInit::new();
    let headers = Headers::new()?;
    headers.set("Accept", "text/html")?;
    init.set_headers(&headers);
    if let Some(body) = &body {
        init.set_method("POST");
        init.set_body(body);
    }
    let response: Response = JsFuture::from(window().fetch_with_str_and_init(url, &init)).await?.dyn_into()?;
    let kind = response.headers().get("Content-Type")?.unwrap_or_default();
    if !kind.starts_with("text/html") {
        return Err(JsValue::NULL);
    }
    let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    let page = DomParser::new()?.parse_from_string(&text, SupportedType::TextHtml)?;
    Ok(Answer { page, url: response.url() })
}

/// Takes a page over.
pub fn show(answer: &Answer, mark: Mark) {
    let (page, ours) = (&answer.page, document());
    let shell = |of: &Document| of.body().and_then(|body| body.get_attribute("data-shell"));
    if shell(page) != shell(&ours) {
        // Signed out, say: another document altogether.
        let _ = window().location().set_href(&answer.url);
        return;
    }
    let moved = mark != Mark::Leave && path(&answer.url) != path(&here());
    let history = window().history();
    if let Ok(history) = history {
        let _ = match mark {
            Mark::Push => history.push_state_with_url(&JsValue::NULL, "", Some(&answer.url)),
            Mark::Replace => history.replace_state_with_url(&JsValue::NULL, "", Some(&answer.url)),
            Mark::Leave => Ok(()),
        };
    }
    ours.set_title(&page.title());
    if let (Some(root), Some(new)) = (ours.document_element(), page.document_element()) {
        for name in ["lang", "data-theme"] {
            let _ = root.set_attribute(name, &new.get_attribute(name).unwrap_or_default());
        }
    }
    for part in ["#top", "#content"] {
        if let (Some(old), Ok(Some(new))) = (find(part), page.query_selector(part)) {
            morph(&old, &new);
        }
    }
    take_toasts(page);
    settle(moved);
}

/// Shows a page's toasts besides those that are there.
pub fn take_toasts(page: &Document) {
    let (Some(held), Ok(Some(new))) = (find("#toasts"), page.query_selector("#toasts")) else { return };
    if new.child_element_count() > 0 {
        held.set_inner_html("");
        while let Some(toast) = new.first_child() {
            let _ = held.append_child(&toast);
        }
        fade_toasts();
    }
}

fn fade_toasts() {
    let Some(toast) = find("#toasts .toast") else { return };
    spawn_local(async move {
        sleep(TOAST).await;
        while toast.matches(":hover, :focus-within").unwrap_or_default() {
            sleep(TOAST / 4).await;
        }
        toast.remove();
    });
}

/// What has to be done whenever the page has changed.
pub fn settle(moved: bool) {
    if let Some(live) = LIVE.with_borrow(Clone::clone) {
        paint::repaint(live);
    }
    times::show();
    look_again();
    if let Some(error) = find("#content .form-error") {
        let field = find("#content [aria-invalid='true']");
        focus(field.as_ref().unwrap_or(&error));
    } else if moved {
        window().scroll_to_with_x_and_y(0.0, 0.0);
        if let Some(heading) = find("#content h1") {
            focus(&heading);
        }
    }
}

/// Draws a page anew that says so of itself, unless another was gone to meanwhile.
fn look_again() {
    if LOOKING.get() || find("#content [data-refresh]").is_none() {
        return;
    }
    LOOKING.set(true);
    let turn = VISIT.get();
    spawn_local(async move {
        sleep(LOOK_AGAIN).await;
        LOOKING.set(false);
        if VISIT.get() == turn {
            refresh().await;
        }
    });
}

fn path(url: &str) -> String {
    Url::new_with_base(url, &here()).map(|url| url.pathname()).unwrap_or_default()
}

fn path_and_query(url: &str) -> String {
    Url::new_with_base(url, &here()).map(|url| url.pathname() + &url.search()).unwrap_or_default()
}
