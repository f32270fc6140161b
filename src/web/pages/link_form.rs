//! Adding a link, and changing one.

use super::path_id;
use crate::web::{
    api::links::read_link_form,
    components::{
        form::{Field, Form, Kind, Tick, typed},
        frame::Frame,
        load::loaded,
    },
    dto::LinkForm,
    words::use_words,
};
use leptos::prelude::*;

/// The form's name.
const FORM: &str = "link";

#[component]
pub fn NewLink() -> impl IntoView {
    let words = use_words();
    view! {
        <Frame at="/links" title=words.add_link>
            {loaded(|| async { read_link_form(0).await.map(|form| view! { <Sheet form /> }.into_any()) })}
        </Frame>
    }
}

#[component]
pub fn EditLink() -> impl IntoView {
    let words = use_words();
    let id = path_id();
    view! {
        <Frame at="/links" title=words.edit>
            {loaded(move || async move { read_link_form(id).await.map(|form| view! { <Sheet form /> }.into_any()) })}
        </Frame>
    }
}

#[component]
fn Sheet(form: LinkForm) -> impl IntoView {
    let words = use_words();
    let new = form.id == 0;
    let (title, back, out) = if new {
        (words.add_link, "/links/new".to_owned(), "/links".to_owned())
    } else {
        (words.edit, format!("/links/{}/edit", form.id), format!("/links/{}", form.id))
    };
    let web = Kind { r#type: "text", ..Kind::TEXT };
    let grouped = Kind { list: "form-groups", ..Kind::TEXT };
    let note = typed(FORM, "note", &form.note);
    let differs = !form.timeout.is_empty() || !form.accept.is_empty() || form.backlink_off;
    view! {
        <section class="sheet">
            <h1 tabindex="-1">{title}</h1>
            <Form name=FORM action="/api/fn/save_link" back=back>
                <input type="hidden" name="id" value=form.id.to_string() />
                <Field form=FORM name="url" label=words.f_url value=form.url help=words.h_url kind=Kind::NEEDED />
                <Field form=FORM name="name" label=words.f_name value=form.name help=words.h_name />
                <Field form=FORM name="group" label=words.col_group value=form.group kind=grouped />
                <datalist id="form-groups">
                    {form.groups.into_iter().map(|name| view! { <option value=name></option> }).collect_view()}
                </datalist>
                <Field
                    form=FORM
                    name="backlink_page"
                    label=words.f_backlink_page
                    value=form.backlink_page
                    help=words.h_backlink_page
                    kind=web
                />
                <p class="field">
                    <label for="link-note">{words.f_note}</label>
                    <input id="link-note" name="note" value=note autocomplete="off" />
                </p>
                <details>
                    <summary>{words.more_fields}</summary>
                    <Field form=FORM name="description" label=words.f_description value=form.description />
                    <Field form=FORM name="logo" label=words.f_logo value=form.logo kind=web />
                    <Field form=FORM name="feed" label=words.f_feed value=form.feed kind=web />
                    <Field form=FORM name="email" label=words.f_email value=form.email />
                </details>
                <details open=differs>
                    <summary>{words.overrides}</summary>
                    <Field form=FORM name="timeout" label=words.f_timeout value=form.timeout help=words.h_timeout />
                    <Field form=FORM name="accept" label=words.f_accept value=form.accept help=words.h_accept />
                    <Tick
                        form=FORM
                        name="backlink_off"
                        label=words.f_backlink_off
                        help=words.h_backlink_off
                        on=form.backlink_off
                    />
                </details>
                <Tick form=FORM name="active" label=words.f_active help=words.h_active on=form.active />
                <p class="pair">
                    <button type="submit" class="primary">
                        {words.save}
                    </button>
                    <a class="button" href=out data-close="">
                        {words.back}
                    </a>
                </p>
            </Form>
        </section>
    }
    .into_any()
}
