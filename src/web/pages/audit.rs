//! Who changed what, and when.

use super::page_number;
use crate::web::{
    api::account::read_audit,
    components::{bits::At, frame::Frame, load::loaded, pager::Pager},
    dto::AuditPage,
    words::use_words,
};
use leptos::prelude::*;

#[component]
pub fn Audit() -> impl IntoView {
    let words = use_words();
    let page = page_number();
    view! {
        <Frame at="/settings" title=words.audit>
            {loaded(move || async move { read_audit(page).await.map(|page| view! { <All page /> }.into_any()) })}
        </Frame>
    }
}

#[component]
fn All(page: AuditPage) -> impl IntoView {
    let words = use_words();
    let rows: Vec<_> = page
        .rows
        .into_iter()
        .map(|row| {
            view! {
                <tr>
                    <td class="when">
                        <At stamp=row.at />
                    </td>
                    <td class="who">{row.who}</td>
                    <td class="deed">{row.deed}</td>
                    <td class="about">{row.about}</td>
                </tr>
            }
        })
        .collect();
    let body = if rows.is_empty() {
        view! { <p class="empty soft">{words.audit_none}</p> }.into_any()
    } else {
        view! {
            <table class="audit">
                <thead>
                    <tr>
                        <th scope="col">{words.col_when}</th>
                        <th scope="col">{words.col_who}</th>
                        <th scope="col">{words.col_deed}</th>
                        <th scope="col">{words.col_about}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <Pager pages=page.pages path="/audit".to_owned() query=Vec::new() />
        }
        .into_any()
    };
    view! {
        <header class="head">
            <h1 tabindex="-1">{words.audit}</h1>
            <a class="button" href="/audit.csv">
                {words.audit_export}
            </a>
        </header>
        {body}
    }
    .into_any()
}
