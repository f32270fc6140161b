//! When links are checked by themselves.

use crate::{
    domain::schedule,
    web::{
        components::{
            bits::At,
            form::{Field, Form, Kind, typed},
            links_tools::Select,
        },
        dto::ScheduleNote,
        words::{Words, use_words},
    },
};
use leptos::prelude::*;

#[component]
pub fn Schedules(schedules: Vec<ScheduleNote>, groups: Vec<String>, timezone: String) -> impl IntoView {
    let words = use_words();
    let scopes = scopes(words, &groups);
    let rows: Vec<_> =
        schedules.into_iter().map(|schedule| view! { <OneSchedule schedule scopes=scopes.clone() /> }).collect();
    view! {
        <section class="card" id="schedules" aria-labelledby="schedules-title">
            <header>
                <h2 id="schedules-title">{words.schedules}</h2>
                <span class="soft">{timezone}</span>
            </header>
            {rows}
            <Form name="schedule" action="/api/fn/save_schedule" class="inline-form">
                <Field form="schedule" name="cron" label=words.add_schedule help=words.h_cron kind=Kind::NEEDED />
                <Scope scopes chosen=typed("schedule", "scope", "all") />
                <button type="submit" class="small">
                    {words.add}
                </button>
            </Form>
        </section>
    }
    .into_any()
}

/// Code and words of everything that a schedule can be over.
fn scopes(words: &Words, groups: &[String]) -> Vec<(String, String)> {
    let codes = ["all".to_owned(), "hidden".to_owned()].into_iter();
    let codes = codes.chain(groups.iter().filter(|name| !name.is_empty()).map(|name| format!("group:{name}")));
    let in_words = |code: String| {
        let scope = schedule::Scope::parse(&code)?.in_words(words.lang);
        Some((code, scope))
    };
    codes.filter_map(in_words).collect()
}

/// The choice of what a schedule is over.
#[component]
fn Scope(mut scopes: Vec<(String, String)>, chosen: String) -> impl IntoView {
    let words = use_words();
    // A group that has no links left is still what the schedule is over.
    if let Some(scope) = schedule::Scope::parse(&chosen).filter(|_| !scopes.iter().any(|(code, _)| *code == chosen)) {
        scopes.push((chosen.clone(), scope.in_words(words.lang)));
    }
    view! { <Select name="scope" label=words.scope options=scopes chosen=chosen /> }
}

#[component]
fn OneSchedule(schedule: ScheduleNote, scopes: Vec<(String, String)>) -> impl IntoView {
    let words = use_words();
    let id = schedule.id.to_string();
    let name = format!("schedule-{id}");
    view! {
        <div class="schedule">
            <p>
                <strong>{schedule.words}</strong>
            </p>
            <form method="post" action="/api/fn/save_schedule" class="pair">
                <input type="hidden" name="id" value=id.clone() />
                <input id=name name="cron" value=schedule.cron aria-label=words.cron autocomplete="off" required=true />
                <Scope scopes chosen=schedule.scope />
                <button type="submit" class="small">
                    {words.save}
                </button>
                <button type="submit" class="small" formaction="/api/fn/remove_schedule">
                    {words.delete}
                </button>
            </form>
            <ol class="next">
                {schedule.next.into_iter().map(|stamp| view! { <li><At stamp /></li> }).collect_view()}
            </ol>
        </div>
    }
    .into_any()
}
