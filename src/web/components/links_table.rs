//! The table of links.

use crate::{
    domain::{
        class::Class,
        observation::Standing,
        progress::Outcome,
        reason::{Params, Reason},
        verdict::Change,
    },
    web::{
        api::links::{Recheck, recheck},
        components::{
            act::{Act, Call},
            now::{Now, fixed, now, shown},
            status::{Look, Status},
        },
        dto::{LinkRow, RecheckOutcome},
        live::{Live, use_live},
        words::{Words, use_words},
    },
};
use leptos::{prelude::*, server_fn::ServerFn};
use std::sync::Arc;

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

/// A row as the server drew it, and what has happened since.
#[derive(Clone)]
struct Cell {
    row: Arc<LinkRow>,
    live: Live,
}

impl Cell {
    /// Reads the row together with the news of it, if there are any that have not taken effect there yet.
    fn read<T>(&self, read: impl FnOnce(&LinkRow, Option<&Outcome>) -> T) -> T {
        self.live.with(|told| {
            let news = told.outcomes.get(&self.row.id);
            let news = news.filter(|news| news.standing != Standing::Exempt && !is_applied(&self.row, news));
            read(&self.row, news)
        })
    }

    fn is_checking(&self) -> bool {
        self.live.with(|told| told.is_checking(self.row.id))
    }

    /// A cell's text, kept up to date.
    fn text(&self, read: impl Fn(&LinkRow, Option<&Outcome>) -> String + Send + Sync + 'static) -> Now<String> {
        let cell = self.clone();
        now(move || cell.read(&read))
    }
}

#[component]
fn Row(row: LinkRow) -> impl IntoView {
    let words = use_words();
    let cell = Cell { row: Arc::new(row), live: use_live() };
    let (looked, worded) = (cell.clone(), cell.clone());
    let look = now(move || if looked.is_checking() { Look::Busy } else { looked.read(look_of) });
    let word = now(move || match worded.is_checking() {
        true => words.checking.to_owned(),
        false => worded.read(|row, news| word_of(words, row, news)),
    });
    let why = cell.text(|row, news| why_of(words, row, news));
    let took = cell.text(|row, news| {
        let ms = news.map(|news| news.ms).or(row.ms);
        ms.map(|ms| format!("{ms} ms")).unwrap_or_default()
    });
    let stamp = cell.row.checked.clone();
    let drawn = stamp.as_ref().map(|stamp| stamp.text.clone()).unwrap_or_default();
    let when = cell.text(move |_, news| if news.is_some() { words.just_now.to_owned() } else { drawn.clone() });
    let row = cell.row.clone();
    let may_ask = row.active && !row.whitelisted;
    view! {
        <tr class=if row.active { "" } else { "off" }>
            <th scope="row" class="site">
                <span class="who">
                    <Site row=row.clone() />
                </span>
            </th>
            <td class="state">
                <Status look word />
            </td>
            <td class="why">{shown(why)}</td>
            <td class="took">{shown(took)}</td>
            <td class="when">
                <time datetime=stamp.map(|stamp| stamp.iso)>{shown(when)}</time>
            </td>
            <td class="act">{may_ask.then(|| view! { <RecheckButton cell /> })}</td>
        </tr>
    }
    .into_any()
}

#[component]
fn Site(row: Arc<LinkRow>) -> impl IntoView {
    let words = use_words();
    let initial: String = row.name.chars().next().map(String::from).unwrap_or_default();
    let shown = row.url.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/').to_owned();
    // Without an address the element is text.
    let href = (!row.href.is_empty()).then(|| row.href.clone());
    view! {
        <span class="avatar" aria-hidden="true">
            {initial}
        </span>
        <span class="names">
            <span class="name">{row.name.clone()}</span>
            <span class="group" hidden=row.group.is_empty()>
                {row.group.clone()}
            </span>
            <a class="url" href=href target="_blank" rel="noopener noreferrer nofollow" title=words.opens_new>
                {shown}
            </a>
        </span>
    }
}

#[component]
fn RecheckButton(cell: Cell) -> impl IntoView {
    let words = use_words();
    let id = cell.row.id;
    let name = cell.row.name.clone();
    let call: Call = Box::new(move || {
        Box::pin(async move {
            Ok(match recheck(id).await? {
                RecheckOutcome::Started => None,
                RecheckOutcome::Whitelisted => Some(words.whitelisted),
                RecheckOutcome::Inactive => Some(words.inactive),
            })
        })
    });
    let busy = now(move || cell.is_checking());
    view! { <Act url=Recheck::PATH fields=vec![("link_id", fixed(id.to_string()))] call label=words.recheck about=name class="small" busy /> }
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
            Standing::Good => Look::Good,
            Standing::Bad => Look::Bad,
            Standing::Unverifiable => Look::Unsure,
            Standing::Exempt => Look::Exempt,
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
        Some((code, status)) => Reason { code, params: Params { status } }.words(words.lang),
    }
}
