//! Forms: fields with a label, a line of help and the error beside them; what was typed comes back with it.

use crate::web::{dto::Flash, words::use_words};
use leptos::{children::Children, prelude::*};

fn use_flash() -> Flash {
    use_context().unwrap_or_default()
}

/// What was typed into a field of a form that was refused, or else its value.
pub fn typed(form: &str, name: &str, value: &str) -> String {
    use_flash().typed(form, name).unwrap_or_else(|| value.to_owned())
}

/// Text for the inside of a `<textarea>`, which Leptos writes down as it is.
pub fn inside_textarea(text: &str) -> String {
    // A line break right after the tag would be taken for part of the tag.
    format!("\n{}", htmlize::escape_text(text))
}

/// Whether a box was ticked when its form was refused, or else as it is.
pub fn ticked(form: &str, name: &str, value: bool) -> bool {
    let flash = use_flash();
    match flash.error(form) {
        Some(_) => flash.typed(form, name).is_some(),
        None => value,
    }
}

/// A form that changes something. `name` tells it from the others; `back` is its page, where that is not the one it
/// is sent from.
#[component]
pub fn Form(
    name: &'static str,
    action: &'static str,
    #[prop(default = "")] class: &'static str,
    #[prop(optional, into)] back: String,
    children: Children,
) -> impl IntoView {
    let error = use_flash().error(name);
    let back = (!back.is_empty()).then(|| view! { <input type="hidden" name="back" value=back /> });
    view! {
        <form method="post" action=action class=class>
            <input type="hidden" name="form" value=name />
            {back}
            {error
                .map(|error| {
                    view! {
                        <p class="form-error" role="alert" tabindex="-1">
                            {error}
                        </p>
                    }
                })}
            {children()}
        </form>
    }
    .into_any()
}

/// How a text field is.
#[derive(Clone, Copy, Default)]
pub struct Kind {
    pub r#type: &'static str,
    pub autocomplete: &'static str,
    pub required: bool,
    pub list: &'static str,
}

impl Kind {
    pub const TEXT: Kind = Kind { r#type: "text", autocomplete: "off", required: false, list: "" };
    pub const NEEDED: Kind = Kind { required: true, ..Kind::TEXT };
}

/// One field with its label and help.
#[component]
pub fn Field(
    form: &'static str,
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] help: String,
    #[prop(default = Kind::TEXT)] kind: Kind,
) -> impl IntoView {
    let id = format!("{form}-{name}");
    let help_id = format!("{id}-help");
    let secret = kind.r#type == "password";
    let value = if secret { String::new() } else { typed(form, name, &value) };
    let list = (!kind.list.is_empty()).then_some(kind.list);
    let has_help = !help.is_empty();
    view! {
        <p class="field">
            <label for=id.clone()>{label}</label>
            <input
                id=id
                name=name
                type=kind.r#type
                value=value
                autocomplete=kind.autocomplete
                required=kind.required
                list=list
                aria-describedby=has_help.then(|| help_id.clone())
            />
            {has_help.then(|| view! { <small id=help_id>{help}</small> })}
        </p>
    }
    .into_any()
}

/// A box to tick.
#[component]
pub fn Tick(
    form: &'static str,
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] help: String,
    on: bool,
) -> impl IntoView {
    let id = format!("{form}-{name}");
    let help_id = format!("{id}-help");
    let has_help = !help.is_empty();
    view! {
        <p class="field tick-field">
            <input
                id=id.clone()
                type="checkbox"
                name=name
                value="on"
                checked=ticked(form, name, on)
                aria-describedby=has_help.then(|| help_id.clone())
            />
            <label for=id>{label}</label>
            {has_help.then(|| view! { <small id=help_id>{help}</small> })}
        </p>
    }
    .into_any()
}

/// What came of the last action, with the way back where there is one.
#[component]
pub fn Toasts() -> impl IntoView {
    let words = use_words();
    let flash = use_flash();
    let stray = flash.stray().map(|error| {
        view! {
            <div class="toast bad" role="alert">
                <span>{error}</span>
                <Close />
            </div>
        }
    });
    let done = flash.outcome.and_then(Result::ok).filter(|done| !done.said.is_empty()).map(|done| {
        let undo = done.undo.map(|undo| {
            let fields: Vec<_> = undo
                .fields
                .into_iter()
                .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
                .collect();
            view! {
                <form method="post" action=undo.action>
                    {fields}
                    <button type="submit" class="link">
                        {words.undo}
                    </button>
                </form>
            }
        });
        view! {
            <div class="toast">
                <span>{done.said}</span>
                {undo}
                <Close />
            </div>
        }
    });
    view! {
        <div id="toasts" role="status" aria-live="polite">
            {stray}
            {done}
        </div>
    }
    .into_any()
}

#[component]
fn Close() -> impl IntoView {
    let words = use_words();
    view! {
        <button type="button" class="close js-only" data-close="" aria-label=words.close>
            <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
                <path d="M4 4l8 8M12 4l-8 8" />
            </svg>
        </button>
    }
}
