//! The parser's handlers: which elements and texts are looked at.

use super::{Nowhere, TITLE_MAX, lock, state::State};
use crate::domain::observation::clip;
use lol_html::{
    MemorySettings,
    html_content::{TextChunk, TextType},
    send::{DocumentContentHandlers, Element, ElementContentHandlers, HtmlRewriter, Settings},
};
use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
};

/// Where the common frameworks put what they draw.
const MOUNTS: [&str; 7] = ["root", "app", "__next", "__nuxt", "___gatsby", "q-app", "svelte"];
/// Style rules under which nobody sees anything.
const HIDING: [&str; 6] =
    ["display:none", "visibility:hidden", "visibility:collapse", "opacity:0", "font-size:0", "font-size:0px"];
const NOSCRIPT_MAX: usize = 64 * 1024;
const PARSER_MEMORY: usize = 512 * 1024;

/// The handlers. `outermost` is off for the content of a noscript, which is parsed again.
pub fn settings(state: &Arc<Mutex<State>>, outermost: bool) -> Settings<'static, 'static> {
    let memory = MemorySettings::new().with_max_allowed_memory_usage(PARSER_MEMORY);
    let mut settings = Settings::new_send()
        .with_strict(false)
        .with_memory_settings(memory)
        .append_element_content_handler(on("a[href], area[href]", state, |state, el| {
            let href = el.get_attribute("href").unwrap_or_default();
            let hidden = el.has_attribute("hidden") || hides(el);
            lock(state).link(&href, el.get_attribute("rel"), hidden);
        }))
        .append_element_content_handler(on("template", state, |state, el| within(state, el, |s| &mut s.templates)))
        .append_element_content_handler(on("[hidden]", state, |state, el| within(state, el, |s| &mut s.hidden)))
        .append_element_content_handler(on("[style]", state, |state, el| {
            if hides(el) {
                within(state, el, |s| &mut s.hidden);
            }
        }));
    if outermost {
        settings = settings
            .append_element_content_handler(on("base[href]", state, |state, el| {
                let mut state = lock(state);
                if state.base.is_none() {
                    let href = el.get_attribute("href").unwrap_or_default();
                    state.base = state.page.join(htmlize::unescape_attribute(href.trim()).as_ref()).ok();
                }
            }))
            .append_element_content_handler(on("meta[http-equiv]", state, |state, el| {
                let kind = el.get_attribute("http-equiv").unwrap_or_default();
                if kind.trim().eq_ignore_ascii_case("refresh") {
                    lock(state).refresh(&el.get_attribute("content").unwrap_or_default());
                }
            }))
            .append_element_content_handler(on("script[src], div[id]", state, |state, el| {
                let mounts = |id: String| MOUNTS.contains(&id.to_ascii_lowercase().as_str());
                if el.has_attribute("src") || el.get_attribute("id").is_some_and(mounts) {
                    lock(state).scripted = true;
                }
            }))
            .append_document_content_handler(DocumentContentHandlers::default().text(text_handler(state)))
            .append_element_content_handler(in_text("title", state, |state, chunk| {
                let mut state = lock(state);
                if state.title.len() < TITLE_MAX {
                    state.title.push_str(chunk.as_str());
                    clip(&mut state.title, TITLE_MAX);
                }
            }))
            .append_element_content_handler(in_text("noscript", state, |state, chunk| {
                let mut held = lock(state);
                if held.noscript.len() < NOSCRIPT_MAX {
                    held.noscript.push_str(chunk.as_str());
                }
                if chunk.last_in_text_node() {
                    let content = std::mem::take(&mut held.noscript);
                    drop(held);
                    parse_again(state, &content);
                }
            }));
    }
    settings
}

type Handlers = (Cow<'static, lol_html::Selector>, ElementContentHandlers<'static>);

fn on(
    selector: &'static str,
    state: &Arc<Mutex<State>>,
    act: impl Fn(&Arc<Mutex<State>>, &mut Element<'_, '_>) + Send + 'static,
) -> Handlers {
    let state = state.clone();
    let handler = move |el: &mut Element<'_, '_>| {
        act(&state, el);
        Ok(())
    };
    (Cow::Owned(selector.parse().expect("a fixed selector")), ElementContentHandlers::default().element(handler))
}

fn in_text(
    selector: &'static str,
    state: &Arc<Mutex<State>>,
    act: impl Fn(&Arc<Mutex<State>>, &TextChunk<'_>) + Send + 'static,
) -> Handlers {
    let state = state.clone();
    let handler = move |chunk: &mut TextChunk<'_>| {
        act(&state, chunk);
        Ok(())
    };
    (Cow::Owned(selector.parse().expect("a fixed selector")), ElementContentHandlers::default().text(handler))
}

fn text_handler(state: &Arc<Mutex<State>>) -> impl FnMut(&mut TextChunk<'_>) -> lol_html::HandlerResult + use<> {
    let state = state.clone();
    move |chunk| {
        if chunk.text_type() == TextType::Data && !chunk.as_str().is_empty() {
            lock(&state).text(chunk.as_str());
        }
        Ok(())
    }
}

/// Counts an element as open until its end tag; one that is never closed stays open to the end of the page.
fn within(state: &Arc<Mutex<State>>, el: &mut Element<'_, '_>, depth: fn(&mut State) -> &mut u32) {
    if !el.can_have_content() {
        return;
    }
    *depth(&mut lock(state)) += 1;
    let state = state.clone();
    // Fails only for elements without content, which were turned away above.
    let _ = el.on_end_tag(Box::new(move |_| {
        let mut state = lock(&state);
        let open = depth(&mut state);
        *open = open.saturating_sub(1);
        Ok(())
    }));
}

/// Whether the element's own style hides it.
fn hides(el: &Element<'_, '_>) -> bool {
    let Some(style) = el.get_attribute("style") else { return false };
    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    style.split(';').any(|rule| HIDING.contains(&rule.trim_end_matches("!important")))
}

/// A noscript's content counts, although the parser saw it as text.
fn parse_again(state: &Arc<Mutex<State>>, content: &str) {
    let mut rewriter = HtmlRewriter::new(settings(state, false), Nowhere);
    if rewriter.write(content.as_bytes()).is_ok() {
        let _ = rewriter.end();
    }
}
