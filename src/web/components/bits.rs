//! Small things that many pages show.

use crate::{
    domain::{counts::Counts, link::RECENT_CHECKS, observation::Standing},
    web::{
        dto::{ChangeNote, LinkRow, Stamp},
        words::{Words, use_words},
    },
};
use leptos::prelude::*;

/// A time; the browser says how long ago that is.
#[component]
pub fn When(stamp: Stamp) -> impl IntoView {
    view! {
        <time datetime=stamp.iso data-ago="">
            {stamp.text}
        </time>
    }
    .into_any()
}

/// A time, as it is written.
#[component]
pub fn At(stamp: Stamp) -> impl IntoView {
    view! { <time datetime=stamp.iso>{stamp.text}</time> }.into_any()
}

/// The newest checks, oldest first: a bar each, its height telling as well as its colour.
#[component]
pub fn Strip(recent: Vec<Standing>) -> impl IntoView {
    let words = use_words();
    let good = recent.iter().filter(|standing| **standing == Standing::Good).count();
    let label = format!("{}: {good} / {}", words.last_checks, recent.len());
    let before = RECENT_CHECKS.saturating_sub(recent.len());
    // One path a kind keeps a table of many rows small.
    let bars = |wanted: Option<Standing>, y: u32, height: u32| {
        let slots = (0..before).map(|_| None).chain(recent.iter().copied().map(Some)).enumerate();
        let fitting = slots.filter(|(_, slot)| *slot == wanted);
        fitting.map(|(at, _)| format!("M{} {y}v{height}", at * 4 + 2)).collect::<String>()
    };
    view! {
        <svg class="strip" viewBox="0 0 120 16" width="120" height="16" role="img" aria-label=label.clone()>
            <title>{label.clone()}</title>
            <path class="none" d=bars(None, 5, 6) />
            <path class="good" d=bars(Some(Standing::Good), 2, 12) />
            <path class="unsure" d=bars(Some(Standing::Unverifiable), 5, 9) />
            <path class="bad" d=bars(Some(Standing::Bad), 8, 6) />
        </svg>
    }
    .into_any()
}

/// A run's outcomes as one bar: good, exempt, unsure, bad.
#[component]
pub fn OutcomeBar(counts: Counts) -> impl IntoView {
    let words = use_words();
    let share = |n: u32| n * 1000 / counts.total.max(1);
    let parts = [
        ("good", counts.ok),
        ("exempt", counts.whitelisted),
        ("unsure", counts.unverifiable),
        ("bad", counts.bad + counts.failed),
    ];
    let mut before = 0;
    let bars: Vec<_> = parts
        .into_iter()
        .map(|(class, n)| {
            let (x, width) = (share(before), share(before + n) - share(before));
            before += n;
            view! { <rect class=class x=x.to_string() y="0" width=width.to_string() height="6" /> }
        })
        .collect();
    view! {
        <svg class="outcome" viewBox="0 0 1000 6" preserveAspectRatio="none" role="img" aria-label=counts_line(words, &counts)>
            {bars}
        </svg>
    }
    .into_any()
}

/// The picture of a friend, or the first letter of the name.
#[component]
pub fn Avatar(name: String, logo: String) -> impl IntoView {
    let initial: String = name.chars().next().map(String::from).unwrap_or_default();
    let picture = (!logo.is_empty()).then(|| {
        view! { <img src=logo alt="" width="32" height="32" loading="lazy" referrerpolicy="no-referrer" decoding="async" /> }
    });
    view! {
        <span class="avatar" aria-hidden="true">
            {initial}
            {picture}
        </span>
    }
    .into_any()
}

/// An address to follow; one that is not safe to follow is text.
#[component]
pub fn Away(url: String, href: String) -> impl IntoView {
    let words = use_words();
    let shown = url.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let href = (!href.is_empty()).then_some(href);
    view! {
        <a class="url" href=href target="_blank" rel="noopener noreferrer nofollow" title=words.opens_new>
            {shown}
        </a>
    }
    .into_any()
}

/// A switch that sends its `form` with the new state as the value of `set`.
#[component]
pub fn Switch(form: &'static str, value: String, on: bool, label: String) -> impl IntoView {
    view! {
        <button
            type="submit"
            class="switch"
            role="switch"
            form=form
            name="set"
            value=value
            aria-checked=if on { "true" } else { "false" }
            aria-label=label
        >
            <span aria-hidden="true"></span>
        </button>
    }
    .into_any()
}

/// A switch for one link's place on the whitelist; the form is [`super::links_table::SharedForms`]'s.
#[component]
pub fn ExemptSwitch(row: LinkRow) -> impl IntoView {
    let words = use_words();
    let to = if row.whitelisted { "off" } else { "on" };
    let label = format!("{} {}", words.whitelist, row.name);
    view! { <Switch form="exempt" value=format!("{}:{to}", row.id) on=row.whitelisted label /> }
}

/// The button that checks every link.
#[component]
pub fn CheckAll(#[prop(default = "primary")] class: &'static str) -> impl IntoView {
    let words = use_words();
    view! {
        <form method="post" action="/api/fn/check_all">
            <button type="submit" class=class>
                {words.check_all}
            </button>
        </form>
    }
    .into_any()
}

/// A column's head.
pub fn head(class: &'static str, label: &'static str) -> AnyView {
    view! {
        <th scope="col" class=class>
            {label}
        </th>
    }
    .into_any()
}

/// Facts by name; those that are empty are left out.
#[component]
pub fn Facts(rows: Vec<(&'static str, String)>) -> impl IntoView {
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| {
            view! {
                <div>
                    <dt>{label}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
        .collect();
    view! { <dl class="facts">{rows}</dl> }.into_any()
}

/// Something that was hidden or shown again.
#[component]
pub fn Change(change: ChangeNote, #[prop(default = true)] named: bool) -> impl IntoView {
    use super::{look::Look, status::Status};
    use crate::domain::run::Cause;
    let words = use_words();
    let look = if change.shown { Look::Good } else { Look::Bad };
    let word = if change.shown { words.shown_again } else { words.hidden };
    let why = match (change.reason, change.cause) {
        (Some(reason), _) => reason.words(words.lang),
        (None, Cause::Whitelist) => words.whitelisted.to_owned(),
        (None, Cause::Manual) => words.manual.to_owned(),
        (None, Cause::Run) => String::new(),
    };
    let name = named.then(|| view! { <a class="name" href=format!("/links/{}", change.link_id)>{change.name}</a> });
    let run = change.run_id.map(|id| view! { <a class="faint" href=format!("/runs/{id}")>{format!("#{id}")}</a> });
    view! {
        <li class="change">
            <Status look word />
            {name}
            <span class="why">{why}</span>
            {run}
            <When stamp=change.at />
        </li>
    }
    .into_any()
}

/// Whole seconds and a tenth.
pub fn seconds(words: &Words, ms: i64) -> String {
    format!("{}.{} {}", ms / 1000, ms % 1000 / 100, words.seconds)
}

/// A number with its thousands told apart.
pub fn number(n: u32) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A run's counts in a line.
pub fn counts_line(words: &Words, counts: &Counts) -> String {
    let always = [
        (counts.active_num, words.checked),
        (counts.to_not_show, words.to_hide),
        (counts.to_show, words.to_show),
        (counts.unverifiable, words.unverifiable),
        (counts.whitelisted, words.exempt),
    ];
    let seldom = [(counts.cancelled, words.cancelled), (counts.failed, words.failed)];
    let parts: Vec<String> = always
        .into_iter()
        .chain(seldom.into_iter().filter(|(n, _)| *n > 0))
        .map(|(n, word)| format!("{word} {}", number(n)))
        .collect();
    parts.join(" · ")
}
