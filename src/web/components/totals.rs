//! The roll in four numbers.

use crate::web::{dto::Totals, words::use_words};
use leptos::prelude::*;

#[component]
pub fn TotalsBar(totals: Totals) -> impl IntoView {
    let words = use_words();
    let tile = |class: &'static str, label: &'static str, number: u32| {
        view! {
            <div class=format!("tile {class}")>
                <dd>{number}</dd>
                <dt>{label}</dt>
            </div>
        }
    };
    view! {
        <dl class="totals">
            {tile("all", words.links, totals.links)} {tile("good", words.shown, totals.shown)}
            {tile("bad", words.hidden, totals.hidden)} {tile("unsure", words.review, totals.review)}
        </dl>
    }
}
