//! The whitelist: who is exempt, and what an entry would match before it is saved.

use super::query;
use crate::{
    domain::whitelist::Kind as On,
    web::{
        api::roll::read_whitelist,
        components::{
            bits::{At, Switch, head, number},
            form::{Field, Form, Kind, Tick, typed},
            frame::Frame,
            links_tools::Select,
            load::loaded,
            pager::address,
        },
        dto::{EntryForm, EntryPreview, EntryRow, WhitelistPage},
        words::use_words,
    },
};
use leptos::prelude::*;

const FORM: &str = "entry";

#[component]
pub fn Whitelist() -> impl IntoView {
    let words = use_words();
    let asked = !query("pattern").is_empty();
    let form = EntryForm {
        kind: query("kind"),
        pattern: query("pattern"),
        note: query("note"),
        expires: query("expires"),
        enabled: !asked || query("enabled") == "on",
        known: false,
    };
    view! {
        <Frame at="/whitelist" title=words.whitelist>
            {loaded(move || {
                let form = form.clone();
                async move { read_whitelist(form, asked).await.map(|page| view! { <Whole page /> }.into_any()) }
            })}
        </Frame>
    }
}

#[component]
fn Whole(page: WhitelistPage) -> impl IntoView {
    let words = use_words();
    let table = if page.entries.is_empty() {
        view! { <p class="soft">{words.no_entries}</p> }.into_any()
    } else {
        view! { <Entries entries=page.entries /> }.into_any()
    };
    view! {
        <header class="head">
            <h1 tabindex="-1">{words.whitelist}</h1>
        </header>
        <p class="hint">{words.whitelist_text}</p>
        {table}
        <EntrySheet form=page.form preview=page.preview />
    }
    .into_any()
}

#[component]
fn Entries(entries: Vec<EntryRow>) -> impl IntoView {
    let words = use_words();
    view! {
        <form id="switch" method="post" action="/api/fn/switch_entry" hidden=true></form>
        <form id="remove" method="post" action="/api/fn/remove_entry" hidden=true></form>
        <table class="entries">
            <caption class="quiet">{words.whitelist}</caption>
            <thead>
                <tr>
                    {head("free", words.col_on)} {head("site", words.f_pattern)} {head("kind", words.f_kind)}
                    {head("n", words.col_matches)} {head("when", words.f_expires)} {head("why", words.f_note)}
                    {head("act", words.col_action)}
                </tr>
            </thead>
            <tbody>{entries.into_iter().map(|entry| view! { <EntryLine entry /> }).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn EntryLine(entry: EntryRow) -> impl IntoView {
    let words = use_words();
    let (code, kind) = match entry.kind {
        On::Name => ("name", words.kind_name),
        On::Host => ("host", words.kind_host),
    };
    let to = if entry.enabled { "off" } else { "on" };
    let edit = address("/whitelist", &[], &[("kind", code.to_owned()), ("pattern", entry.pattern.clone())]);
    let expires = entry.expires.map(|stamp| view! { <At stamp /> });
    let expired = entry.expired.then(|| view! { <span class="held">{words.expired}</span> });
    view! {
        <tr data-key=entry.id.to_string() data-row="" tabindex="-1" class=if entry.enabled && !entry.expired { "" } else { "off" }>
            <td class="free">
                <Switch
                    form="switch"
                    value=format!("{}:{to}", entry.id)
                    on=entry.enabled
                    label=entry.pattern.clone()
                />
            </td>
            <th scope="row" class="site">
                <a class="name" href=edit.clone() data-dialog="">
                    {entry.pattern.clone()}
                </a>
            </th>
            <td class="kind">{kind}</td>
            <td class="n" data-label=words.col_matches>
                {number(entry.matches)}
            </td>
            <td class="when">{expires} " " {expired}</td>
            <td class="why">{entry.note}</td>
            <td class="act">
                <a class="button small" href=edit data-dialog="" aria-label=format!("{} {}", words.edit, entry.pattern)>
                    {words.edit}
                </a>
                <button
                    type="submit"
                    class="small"
                    form="remove"
                    name="id"
                    value=entry.id.to_string()
                    aria-label=format!("{} {}", words.delete, entry.pattern)
                >
                    {words.delete}
                </button>
            </td>
        </tr>
    }
    .into_any()
}

/// The form of an entry, with a preview of what it would match.
#[component]
fn EntrySheet(form: EntryForm, preview: Option<EntryPreview>) -> impl IntoView {
    let words = use_words();
    let kinds = [("", words.kind_guess), ("name", words.kind_name), ("host", words.kind_host)];
    let kinds = kinds.map(|(value, label)| (value.to_owned(), label.to_owned())).to_vec();
    let day = Kind { r#type: "date", ..Kind::TEXT };
    let title = if form.known { words.edit } else { words.add_entry };
    let back = address("/whitelist", &[], &[("kind", form.kind.clone()), ("pattern", form.pattern.clone())]);
    let chosen = typed(FORM, "kind", &form.kind);
    view! {
        <section class="card sheet" id="entry-form">
            <h2>{title}</h2>
            <Form name=FORM action="/api/fn/save_entry" back=back>
                <Field form=FORM name="pattern" label=words.f_pattern value=form.pattern help=words.h_pattern kind=Kind::NEEDED />
                <p class="field">
                    <span class="label">{words.f_kind}</span>
                    <Select name="kind" label=words.f_kind options=kinds chosen=chosen />
                </p>
                <Field form=FORM name="note" label=words.f_note value=form.note />
                <Field form=FORM name="expires" label=words.f_expires value=form.expires help=words.h_expires kind=day />
                <Tick form=FORM name="enabled" label=words.col_on on=form.enabled />
                <p class="pair">
                    <button type="submit" class="primary">
                        {words.save}
                    </button>
                    <button type="submit" formmethod="get" formaction="/whitelist">
                        {words.preview}
                    </button>
                    <a class="button" href="/whitelist" data-close="">
                        {words.back}
                    </a>
                </p>
            </Form>
            {preview.map(|preview| view! { <Matches preview /> })}
        </section>
    }
    .into_any()
}

#[component]
fn Matches(preview: EntryPreview) -> impl IntoView {
    let words = use_words();
    let hidden = (preview.hidden > 0).then(|| format!(" · {} {}", words.said_restored_by, preview.hidden));
    view! {
        <div class="preview" role="status">
            <p>
                <strong>{format!("{} {}", words.would_match, number(preview.matches))}</strong>
                {hidden}
            </p>
            <ul>
                {preview
                    .some
                    .into_iter()
                    .map(|(id, name, url)| {
                        view! {
                            <li>
                                <a href=format!("/links/{id}")>{name}</a>
                                " "
                                <span class="url">{url}</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </div>
    }
    .into_any()
}
