//! Runs in a table, and the links of one run.

use super::{
    bits::{OutcomeBar, When, head, number, seconds},
    look::Look,
    status::{Status, why_of_item},
};
use crate::{
    domain::{
        progress::{RunState, Trigger},
        run::ItemState,
        verdict::Change,
    },
    web::{
        dto::{ItemRow, RunRow},
        words::{Words, use_words},
    },
};
use leptos::prelude::*;

#[component]
pub fn RunsTable(rows: Vec<RunRow>) -> impl IntoView {
    let words = use_words();
    view! {
        <table class="runs">
            <caption class="quiet">{words.runs}</caption>
            <thead>
                <tr>
                    {head("run", words.col_run)} {head("state", words.col_status)} {head("bar", words.col_outcome)}
                    {head("n", words.checked)} {head("n", words.to_hide)} {head("n", words.to_show)}
                    {head("n", words.unverifiable)} {head("took", words.col_time)} {head("when", words.col_started)}
                </tr>
            </thead>
            <tbody>{rows.into_iter().map(|run| view! { <RunLine run /> }).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn RunLine(run: RunRow) -> impl IntoView {
    let words = use_words();
    let counts = run.counts;
    let n = |label: &'static str, n: u32| {
        view! {
            <td class="n" data-label=label>
                {number(n)}
            </td>
        }
    };
    view! {
        <tr data-key=run.id.to_string() data-row="" tabindex="-1">
            <th scope="row" class="run">
                <a class="name" href=format!("/runs/{}", run.id)>
                    {format!("#{}", run.id)}
                </a>
                " "
                <span class="soft">{trigger_word(words, run.trigger)}</span>
            </th>
            <td class="state">
                <Status look=look_of_run(&run) word=state_word(words, run.state) />
            </td>
            <td class="bar">
                <OutcomeBar counts />
            </td>
            {n(words.checked, counts.active_num)} {n(words.to_hide, counts.to_not_show)} {n(words.to_show, counts.to_show)}
            {n(words.unverifiable, counts.unverifiable)}
            <td class="took">{seconds(words, run.ms)}</td>
            <td class="when">
                <When stamp=run.started />
            </td>
        </tr>
    }
    .into_any()
}

/// How a run stands.
pub fn look_of_run(run: &RunRow) -> Look {
    match run.state {
        RunState::Running => Look::Busy,
        RunState::Done => Look::Good,
        RunState::Held => Look::Unsure,
        RunState::Cancelled | RunState::Discarded => Look::Idle,
    }
}

#[component]
pub fn ItemsTable(items: Vec<ItemRow>, caption: &'static str) -> impl IntoView {
    let words = use_words();
    view! {
        <table class="items">
            <caption class="quiet">{caption}</caption>
            <thead>
                <tr>
                    {head("site", words.col_site)} {head("state", words.col_outcome)} {head("why", words.col_reason)}
                    {head("change", words.col_change)} {head("took", words.col_time)} {head("n", words.col_attempts)}
                </tr>
            </thead>
            <tbody>{items.into_iter().map(|item| view! { <ItemLine item /> }).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn ItemLine(item: ItemRow) -> impl IntoView {
    let words = use_words();
    let (look, word) = match (item.state, item.standing) {
        (ItemState::Pending, _) => (Look::Idle, words.waiting),
        (ItemState::Cancelled, _) => (Look::Idle, words.cancelled),
        (ItemState::Failed, _) => (Look::Bad, words.failed),
        (ItemState::Done, Some(standing)) => (Look::of(standing), standing_word(words, standing)),
        (ItemState::Done, None) => (Look::Idle, words.waiting),
    };
    let change = match item.change {
        Change::Hide => words.hides,
        Change::Show => words.restores,
        Change::None => "",
    };
    let why = why_of_item(words, &item);
    let attempts = if item.attempts == 0 { String::new() } else { item.attempts.to_string() };
    view! {
        <tr data-key=item.link_id.to_string() data-row="" tabindex="-1">
            <th scope="row" class="site">
                <span class="names">
                    <a class="name" href=format!("/links/{}", item.link_id)>
                        {item.name}
                    </a>
                    <span class="url">{item.url}</span>
                </span>
            </th>
            <td class="state">
                <Status look word />
            </td>
            <td class="why">{why}</td>
            <td class="change">{change}</td>
            <td class="took">{item.ms.map(|ms| format!("{ms} ms"))}</td>
            <td class="n">{attempts}</td>
        </tr>
    }
    .into_any()
}

/// An outcome in a word.
pub fn standing_word(words: &crate::web::words::Words, standing: crate::domain::observation::Standing) -> &'static str {
    use crate::domain::observation::Standing;
    match standing {
        Standing::Good => words.good,
        Standing::Bad => words.bad,
        Standing::Unverifiable => words.unverifiable,
        Standing::Exempt => words.whitelisted,
    }
}

/// How a run stands, in a word or two.
pub fn state_word(words: &Words, state: RunState) -> &'static str {
    match state {
        RunState::Running => words.run_running,
        RunState::Held => words.run_held,
        RunState::Cancelled => words.run_cancelled,
        RunState::Discarded => words.run_discarded,
        RunState::Done => words.run_done,
    }
}

/// What started a run.
pub fn trigger_word(words: &Words, trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Schedule => words.trigger_schedule,
        Trigger::Click => words.trigger_click,
        Trigger::CommandLine => words.trigger_command,
    }
}
