//! Around the table of links: search, filters, sorting, and what is done to many at once.

use crate::{
    domain::{class::Class, reason::class_words},
    web::{dto::LinksQuery, words::use_words},
};
use leptos::prelude::*;

/// Search and filters: a form whose answer can be bookmarked.
#[component]
pub fn Tools(query: LinksQuery, groups: Vec<(String, u32)>) -> impl IntoView {
    let words = use_words();
    let statuses = [
        ("", words.any_status),
        ("shown", words.shown),
        ("hidden", words.hidden),
        ("review", words.review),
        ("unchecked", words.unchecked),
        ("inactive", words.inactive),
    ];
    let whitelist = [("", words.any_whitelist), ("yes", words.whitelisted), ("no", words.not_whitelisted)];
    let sorts = [
        ("", words.sort_state),
        ("name", words.sort_name),
        ("-latency", words.sort_slowest),
        ("latency", words.sort_fastest),
        ("-checked", words.sort_newest_check),
        ("checked", words.sort_oldest_check),
        ("-since", words.sort_changed),
        ("group", words.col_group),
    ];
    let owned = |options: &[(&str, &str)]| {
        options.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect::<Vec<_>>()
    };
    let mut by_group = vec![(String::new(), words.any_group.to_owned()), ("-".to_owned(), words.no_group.to_owned())];
    by_group.extend(groups.into_iter().map(|(name, n)| (name.clone(), format!("{name} ({n})"))));
    let mut reasons = vec![(String::new(), words.any_reason.to_owned())];
    let classes = Class::ALL.into_iter().filter(|class| !matches!(class, Class::Ok | Class::Whitelisted));
    reasons.extend(classes.map(|class| (class.code().to_owned(), class_words(class, words.lang).to_owned())));
    let sizes = [("", "50"), ("25", "25"), ("100", "100"), ("200", "200")];
    let size = if query.size == 0 { String::new() } else { query.size.to_string() };
    let narrows = query.narrows();
    view! {
        <form method="get" action="/links" class="tools" role="search" data-auto="">
            <input
                type="search"
                name="q"
                value=query.q
                placeholder=words.search_links
                aria-label=words.search_links
                autocomplete="off"
            />
            <Select name="status" label=words.col_status options=owned(&statuses) chosen=query.status />
            <Select name="group" label=words.col_group options=by_group chosen=query.group />
            <Select name="whitelist" label=words.whitelist options=owned(&whitelist) chosen=query.whitelist />
            <Select name="reason" label=words.col_reason options=reasons chosen=query.reason />
            <Select name="sort" label=words.sort options=owned(&sorts) chosen=query.sort />
            <Select name="size" label=words.page_size options=owned(&sizes) chosen=size />
            <button type="submit" class="no-js">
                {words.filter}
            </button>
            {narrows.then(|| view! { <a href="/links">{words.show_all}</a> })}
        </form>
    }
    .into_any()
}

/// A list to choose from.
#[component]
pub fn Select(
    name: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
    #[prop(into)] chosen: String,
) -> impl IntoView {
    let options: Vec<_> = options
        .into_iter()
        .map(|(value, label)| {
            let selected = value == chosen;
            view! {
                <option value=value selected=selected>
                    {label}
                </option>
            }
        })
        .collect();
    view! {
        <select name=name aria-label=label>
            {options}
        </select>
    }
    .into_any()
}

/// What can be done to the links that are ticked. Their boxes belong to this form.
#[component]
pub fn Bulk(groups: Vec<(String, u32)>) -> impl IntoView {
    let words = use_words();
    let act = |value: &'static str, label: &'static str| {
        view! {
            <button type="submit" class="small" name="action" value=value>
                {label}
            </button>
        }
    };
    view! {
        <form id="bulk" class="bulk" method="post" action="/api/fn/bulk_links" aria-label=words.bulk>
            <span class="soft">{words.bulk}</span>
            {act("recheck", words.recheck)}
            {act("whitelist", words.to_whitelist)}
            {act("unwhitelist", words.off_whitelist)}
            {act("activate", words.activate)}
            {act("deactivate", words.deactivate)}
            <span class="joined">
                <input type="text" name="group" list="groups" placeholder=words.col_group aria-label=words.col_group />
                {act("group", words.move_to_group)}
            </span>
            {act("delete", words.delete)}
            <datalist id="groups">
                {groups.into_iter().map(|(name, _)| view! { <option value=name></option> }).collect_view()}
            </datalist>
        </form>
    }
    .into_any()
}
