//! The table of links.

use super::{
    bits::{Avatar, Away, ExemptSwitch, Strip, When},
    look::Look,
    pager::address,
    status::{Status, why_of_link, word_of_link},
};
use crate::web::{
    dto::{LinkRow, LinksQuery},
    words::use_words,
};
use leptos::prelude::*;

/// The forms that the buttons in the rows send: one for each kind instead of one for each row.
#[component]
pub fn SharedForms() -> impl IntoView {
    view! {
        <form id="recheck" method="post" action="/api/fn/recheck" hidden=true></form>
        <form id="exempt" method="post" action="/api/fn/exempt_link" hidden=true></form>
    }
    .into_any()
}

/// `query` is what the table was asked for; the heads of its columns sort it anew.
#[component]
pub fn LinksTable(rows: Vec<LinkRow>, query: LinksQuery) -> impl IntoView {
    let words = use_words();
    let pairs = query.pairs();
    let head = |class: &'static str, label: &'static str, key: &'static str| {
        let (up, down) = (query.sort == key && !key.is_empty(), query.sort.strip_prefix('-') == Some(key));
        let to = if up { format!("-{key}") } else { key.to_owned() };
        let sorted = if up {
            Some("ascending")
        } else if down {
            Some("descending")
        } else {
            None
        };
        let inner = if key.is_empty() {
            view! { {label} }.into_any()
        } else {
            let href = address("/links", &pairs, &[("sort", to), ("page", String::new())]);
            view! { <a href=href>{label}</a> }.into_any()
        };
        view! {
            <th scope="col" class=class aria-sort=sorted>
                {inner}
            </th>
        }
        .into_any()
    };
    view! {
        <table class="links">
            <caption class="quiet">{words.table_caption}</caption>
            <thead>
                <tr>
                    <th scope="col" class="tick-cell">
                        <input type="checkbox" class="js-only" data-select-all="" aria-label=words.select_all />
                    </th>
                    {head("site", words.col_site, "name")} {head("state", words.col_status, "state")}
                    {head("why", words.col_reason, "")} {head("trail", words.last_checks, "")}
                    {head("took", words.col_time, "latency")} {head("when", words.col_last, "checked")}
                    {head("free", words.whitelist, "")} {head("act", words.col_action, "")}
                </tr>
            </thead>
            <tbody>{rows.into_iter().map(|row| view! { <Row row /> }).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Row(row: LinkRow) -> impl IntoView {
    let words = use_words();
    let (look, word) = (Look::of_link(&row), word_of_link(words, &row));
    let why = why_of_link(words, &row);
    let took = row.ms.map(|ms| format!("{ms} ms")).unwrap_or_default();
    let at = row.checked.as_ref().and_then(|stamp| millis(&stamp.iso));
    let may_ask = row.active && !row.whitelisted;
    let group = (!row.group.is_empty()).then(|| {
        view! {
            <a class="group" href=address("/links", &[], &[("group", row.group.clone())])>
                {row.group.clone()}
            </a>
        }
    });
    let href = format!("/links/{}", row.id);
    view! {
        <tr
            class=if row.active { "" } else { "off" }
            data-key=row.id.to_string()
            data-row=""
            data-link=row.id.to_string()
            data-shown=row.shown.then_some("")
            data-at=at
            tabindex="-1"
        >
            <td class="tick-cell">
                <input
                    type="checkbox"
                    name="ids[]"
                    value=row.id.to_string()
                    form="bulk"
                    aria-label=format!("{} {}", words.select, row.name)
                />
            </td>
            <th scope="row" class="site">
                <span class="who">
                    <Avatar name=row.name.clone() logo=row.logo.clone() />
                    <span class="names">
                        <a class="name" href=href>
                            {row.name.clone()}
                        </a>
                        {group}
                        <Away url=row.url.clone() href=row.href.clone() />
                    </span>
                </span>
            </th>
            <td class="state">
                <Status look word />
            </td>
            <td class="why">{why}</td>
            <td class="trail">
                <Strip recent=row.recent.clone() />
            </td>
            <td class="took">{took}</td>
            <td class="when">{row.checked.clone().map(|stamp| view! { <When stamp /> })}</td>
            <td class="free">
                <ExemptSwitch row=row.clone() />
            </td>
            <td class="act">{may_ask.then(|| view! { <Recheck id=row.id name=row.name.clone() /> })}</td>
        </tr>
    }
    .into_any()
}

/// A button of the shared form.
#[component]
pub fn Recheck(id: i64, name: String) -> impl IntoView {
    let words = use_words();
    view! {
        <button
            type="submit"
            class="small"
            form="recheck"
            name="link_id"
            value=id.to_string()
            aria-label=format!("{} {name}", words.recheck)
        >
            {words.recheck}
        </button>
    }
    .into_any()
}

/// Unix milliseconds of a time, for the browser to tell older from newer.
fn millis(iso: &str) -> Option<String> {
    chrono::DateTime::parse_from_rfc3339(iso).ok().map(|at| at.timestamp_millis().to_string())
}
