//! The table of links.

use crate::{
    domain::{
        class::Class,
        progress::Outcome,
        progress::Tone,
        reason::{Reason, class_words},
        verdict::Change,
    },
    web::{
        api::links::Recheck,
        components::status::{Look, Status},
        dto::{LinkRow, RecheckOutcome},
        live::use_live,
        words::{Words, use_words},
    },
};
use leptos::{form::ActionForm, prelude::*};

#[component]
pub fn LinksTable(rows: Vec<LinkRow>) -> impl IntoView {
    let words = use_words();
    let head = |class: &'static str, text: &'static str| {
        view! {
            <th scope="col" class=class>
                {text}
            </th>
        }
    };
    view! {
        <table class="links">
            <caption class="quiet">{words.table_caption}</caption>
            <thead>
                <tr>
                    {head("site", words.col_site)} {head("state", words.col_status)} {head("why", words.col_reason)}
                    {head("took", words.col_time)} {head("when", words.col_last)} {head("act", words.col_action)}
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
    let live = use_live();
    let id = row.id;
    let row = StoredValue::new(row);
    let outcome = Memo::new(move |_| live.outcomes.with(|held| held.get(&id).cloned()));
    let checking = Memo::new(move |_| live.is_checking(id));
    // What the server drew is newer than an outcome that it has applied already.
    let news = Memo::new(move |_| {
        outcome.get().filter(|news| row.with_value(|row| row.checked.is_none() || !is_applied(row, news)))
    });
    let look = Signal::derive(move || {
        if checking.get() { Look::Busy } else { row.with_value(|row| look_of(row, news.get().as_ref())) }
    });
    let word = Signal::derive(move || {
        if checking.get() {
            words.checking.to_owned()
        } else {
            row.with_value(|row| word_of(words, row, news.get().as_ref()))
        }
    });
    let why = move || row.with_value(|row| why_of(words, row, news.get().as_ref()));
    let took = move || {
        let ms = news.get().map(|news| news.ms).or(row.with_value(|row| row.ms));
        ms.map(|ms| format!("{ms} ms")).unwrap_or_default()
    };
    let when = move || {
        if news.get().is_some() {
            return view! { <span>{words.just_now}</span> }.into_any();
        }
        match row.with_value(|row| row.checked.clone()) {
            Some(stamp) => view! { <time datetime=stamp.iso>{stamp.text}</time> }.into_any(),
            None => ().into_any(),
        }
    };
    view! {
        <tr class:off=row.with_value(|row| !row.active)>
            <th scope="row" class="site">
                {row.with_value(|row| view! { <Site name=row.name.clone() url=row.url.clone() href=row.href.clone() group=row.group.clone() /> })}
            </th>
            <td class="state">
                <Status look word />
            </td>
            <td class="why">{why}</td>
            <td class="took">{took}</td>
            <td class="when">{when}</td>
            <td class="act">
                {row.with_value(|row| row.active && !row.whitelisted).then(|| view! { <RecheckButton id name=row.with_value(|row| row.name.clone()) checking /> })}
            </td>
        </tr>
    }
    .into_any()
}

#[component]
fn Site(name: String, url: String, href: String, group: String) -> impl IntoView {
    let words = use_words();
    let initial: String = name.chars().next().map(String::from).unwrap_or_default();
    let address = if href.is_empty() {
        view! { <span class="url">{url}</span> }.into_any()
    } else {
        let shown = url.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/').to_owned();
        view! {
            <a class="url" href=href target="_blank" rel="noopener noreferrer nofollow" title=words.opens_new>
                {shown}
            </a>
        }
        .into_any()
    };
    view! {
        <span class="avatar" aria-hidden="true">
            {initial}
        </span>
        <span class="names">
            <span class="name">{name}</span>
            {(!group.is_empty()).then(|| view! { <span class="group">{group}</span> })}
            {address}
        </span>
    }
}

#[component]
fn RecheckButton(id: i64, name: String, checking: Memo<bool>) -> impl IntoView {
    let words = use_words();
    let action = ServerAction::<Recheck>::new();
    let busy = move || checking.get() || action.pending().get();
    let said = move || match action.value().get() {
        Some(Ok(RecheckOutcome::Whitelisted)) => Some(words.whitelisted.to_owned()),
        Some(Ok(RecheckOutcome::Inactive)) => Some(words.inactive.to_owned()),
        Some(Err(error)) => Some(error.to_string()),
        Some(Ok(RecheckOutcome::Started)) | None => None,
    };
    view! {
        <ActionForm action>
            <input type="hidden" name="link_id" value=id.to_string() />
            <button type="submit" class="small" disabled=busy aria-label=format!("{} {name}", words.recheck)>
                {words.recheck}
            </button>
        </ActionForm>
        <span class="said" role="status">
            {said}
        </span>
    }
}

/// Whether the row was drawn after this outcome took effect.
fn is_applied(row: &LinkRow, news: &Outcome) -> bool {
    let shown_after = match news.change {
        Change::Hide => false,
        Change::Show => true,
        Change::None => row.shown,
    };
    row.class == Some(news.class) && row.ms == Some(news.ms) && row.shown == shown_after
}

fn look_of(row: &LinkRow, news: Option<&Outcome>) -> Look {
    match news {
        Some(news) => match news.standing {
            Tone::Good => Look::Good,
            Tone::Bad => Look::Bad,
            Tone::Unverifiable => Look::Unsure,
            Tone::Exempt => Look::Exempt,
        },
        None if !row.active => Look::Idle,
        None if row.whitelisted => Look::Exempt,
        None if !row.shown => Look::Bad,
        None => match row.class {
            None => Look::Idle,
            Some(class) if class.is_unverifiable() => Look::Unsure,
            Some(_) => Look::Good,
        },
    }
}

fn word_of(words: &Words, row: &LinkRow, news: Option<&Outcome>) -> String {
    let standing = match (row.active, row.whitelisted, row.shown) {
        (false, ..) => words.inactive,
        (_, true, _) => words.whitelisted,
        (.., true) => words.shown,
        (.., false) => words.hidden,
    };
    match news.map(|news| news.change) {
        Some(Change::Hide) if row.shown => format!("{standing} · {}", words.will_hide),
        Some(Change::Show) if !row.shown => format!("{standing} · {}", words.will_show),
        _ => standing.to_owned(),
    }
}

fn why_of(words: &Words, row: &LinkRow, news: Option<&Outcome>) -> String {
    let seen = match news {
        Some(news) => Some((news.class, news.status)),
        None => row.class.map(|class| (class, row.status)),
    };
    if let (None, Some(reason)) = (news, &row.reason) {
        return reason.words(words.lang);
    }
    match seen {
        None if row.active && !row.whitelisted => words.unchecked.to_owned(),
        None | Some((Class::Ok | Class::Whitelisted, _)) => String::new(),
        Some((class @ Class::HttpStatus, status)) => {
            Reason { code: class, params: crate::domain::reason::Params { status } }.words(words.lang)
        }
        Some((class, _)) => class_words(class, words.lang).to_owned(),
    }
}
