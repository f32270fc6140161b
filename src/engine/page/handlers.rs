//! The parser's handlers: which elements and texts are looked at.

use super::{Found, Nowhere, TITLE_MAX, lock, state::State};
use crate::domain::{address, observation::clip};
use lol_html::{
    MemorySettings,
    html_content::{TextChunk, TextType},
    send::{DocumentContentHandlers, Element, ElementContentHandlers, HtmlRewriter, Settings},
};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
};

/// Where the common frameworks put what they draw.
const MOUNTS: [&str; 7] = ["root", "app", "__next", "__nuxt", "___gatsby", "q-app", "svelte"];
/// Style rules under which nobody sees anything.
const HIDING: [&str; 6] =
    ["display:none", "visibility:hidden", "visibility:collapse", "opacity:0", "font-size:0", "font-size:0px"];
/// Without one of these nothing is hidden; in both cases, as people write them.
const HIDING_WORDS: [&str; 10] =
    ["hidden", "HIDDEN", "Hidden", "display", "DISPLAY", "Display", "visibility", "VISIBILITY", "opacity", "font-size"];
const PARSER_MEMORY: usize = 512 * 1024;

/// Elements that are looked at, parsed once. Names alone where they will do: lol_html compiles the selectors anew for
/// each page.
static SELECTORS: LazyLock<BTreeMap<&'static str, lol_html::Selector>> = LazyLock::new(|| {
    let all = [LINKS, "template", "[hidden]", "[style]", "base", "a", "meta", SCRIPTED, "title", "noscript"];
    all.into_iter().map(|selector| (selector, selector.parse().expect("a fixed selector"))).collect()
});
const LINKS: &str = "a, area";
const SCRIPTED: &str = "script[src], div[id]";

/// What is parsed, and how closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Off for the content of a noscript, which is parsed again.
    pub outermost: bool,
    /// Whether elements are hidden is told, which costs a look at the attributes of all of them.
    pub hiding: bool,
}

/// The handlers.
pub fn settings(state: &Arc<Mutex<State>>, reading: Reading) -> Settings<'static, 'static> {
    let mut settings = plain_settings()
        .append_element_content_handler(on(LINKS, state, move |state, el| {
            let more = || (el.get_attribute("rel"), el.has_attribute("hidden") || hides(el));
            match el.get_attribute("href") {
                Some(href) => lock(state).link(&href, more, reading.hiding),
                None => lock(state).no_link(),
            }
        }))
        .append_element_content_handler(on("template", state, |state, el| within(state, el, |s| &mut s.templates)));
    if reading.hiding {
        settings = settings
            .append_element_content_handler(on("[hidden]", state, |state, el| within(state, el, |s| &mut s.hidden)))
            .append_element_content_handler(on("[style]", state, |state, el| {
                if hides(el) {
                    within(state, el, |s| &mut s.hidden);
                }
            }));
    }
    if lock(state).want.friend_pages {
        settings = settings.append_element_content_handler(in_text("a", state, |state, chunk| {
            lock(state).link_text(chunk.as_str());
        }));
    }
    if reading.outermost {
        settings = settings
            .append_element_content_handler(on("base", state, |state, el| {
                let mut state = lock(state);
                if state.base.is_none()
                    && let Some(href) = el.get_attribute("href")
                {
                    state.base = address::join(&state.page, htmlize::unescape_attribute(href.trim()).as_ref()).ok();
                }
            }))
            .append_element_content_handler(on("meta", state, |state, el| {
                let kind = el.get_attribute("http-equiv").unwrap_or_default();
                if kind.trim().eq_ignore_ascii_case("refresh") {
                    lock(state).refresh(&el.get_attribute("content").unwrap_or_default());
                }
            }))
            .append_element_content_handler(in_text("title", state, |state, chunk| {
                let mut state = lock(state);
                if state.title.len() < TITLE_MAX {
                    state.title.push_str(chunk.as_str());
                    clip(&mut state.title, TITLE_MAX);
                }
            }))
            .append_element_content_handler(in_text("noscript", state, |state, chunk| {
                lock(state).noscript(chunk.as_str(), chunk.last_in_text_node());
            }));
    }
    settings
}

/// The handlers that take in the page's words, until there are enough of them. They are apart, because looking at all
/// text makes the parser several times slower.
pub fn words(state: &Arc<Mutex<State>>) -> Settings<'static, 'static> {
    let text = {
        let state = state.clone();
        move |chunk: &mut TextChunk<'_>| {
            let mut state = lock(&state);
            if chunk.text_type() == TextType::Data {
                state.text(chunk.as_str());
            }
            if state.has_words() { Err("enough".into()) } else { Ok(()) }
        }
    };
    plain_settings()
        .append_document_content_handler(DocumentContentHandlers::default().text(text))
        .append_element_content_handler(on("template", state, |state, el| within(state, el, |s| &mut s.unread)))
        .append_element_content_handler(on(SCRIPTED, state, |state, el| {
            let mounts = |id: String| MOUNTS.contains(&id.to_ascii_lowercase().as_str());
            if el.has_attribute("src") || el.get_attribute("id").is_some_and(mounts) {
                lock(state).scripted = true;
            }
        }))
}

fn plain_settings() -> Settings<'static, 'static> {
    let memory = MemorySettings::new().with_max_allowed_memory_usage(PARSER_MEMORY);
    Settings::new_send().with_strict(false).with_memory_settings(memory)
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
    (Cow::Borrowed(&SELECTORS[selector]), ElementContentHandlers::default().element(handler))
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
    (Cow::Borrowed(&SELECTORS[selector]), ElementContentHandlers::default().text(handler))
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

/// The link that was found on this page, read more closely: its rel, and whether an element around it hides it. `None`
/// where it stands past what was kept of the page.
pub fn found_closely(page: State, text: &str) -> Option<Found> {
    let state = Arc::new(Mutex::new(page));
    let mut rewriter = HtmlRewriter::new(settings(&state, Reading { outermost: true, hiding: true }), Nowhere);
    rewriter.write(text.as_bytes()).ok()?;
    let _ = rewriter.end();
    parse_noscripts(&state, true);
    let mut state = lock(&state);
    state.settle_pending();
    state.facts.found.take()
}

/// Whether something on a page may be hidden: a quick look before the close one.
pub fn may_hide(text: &str) -> bool {
    HIDING_WORDS.iter().any(|word| text.contains(word))
}

/// Whether the element's own style hides it.
fn hides(el: &Element<'_, '_>) -> bool {
    let Some(style) = el.get_attribute("style") else { return false };
    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    style.split(';').any(|rule| HIDING.contains(&rule.trim_end_matches("!important")))
}

/// What stood in noscripts counts, although the parser saw it as text.
pub fn parse_noscripts(state: &Arc<Mutex<State>>, hiding: bool) {
    let (shown, hidden) = lock(state).take_noscripts();
    for (content, is_hidden) in [(shown, false), (hidden, true)] {
        if content.is_empty() {
            continue;
        }
        let mut held = lock(state);
        held.templates = 0;
        held.hidden = u32::from(is_hidden);
        drop(held);
        let mut rewriter = HtmlRewriter::new(settings(state, Reading { outermost: false, hiding }), Nowhere);
        if rewriter.write(content.as_bytes()).is_ok() {
            let _ = rewriter.end();
        }
    }
}
