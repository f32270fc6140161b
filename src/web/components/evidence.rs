//! What one check saw, as a time line and a list.

use super::{
    look::Look,
    status::{Status, flags_in_words, in_words},
};
use crate::{
    domain::observation::{Backlink, BacklinkState, Stages, Via},
    web::{
        components::bits::{Facts, When},
        dto::CheckNote,
        words::{Words, use_words},
    },
};
use leptos::prelude::*;

#[component]
pub fn Evidence(check: CheckNote) -> impl IntoView {
    let words = use_words();
    let CheckNote { run_id, at, seen } = check;
    let held = seen.evidence;
    let facts = vec![
        (words.e_doubt, held.doubt.map(|doubt| doubt.words(words.lang).to_owned()).unwrap_or_default()),
        (words.e_status, seen.status.map(|status| status.to_string()).unwrap_or_default()),
        (words.e_final, seen.final_url.unwrap_or_default()),
        (words.e_remote, held.remote.unwrap_or_default()),
        (words.e_cert, held.cert_end.unwrap_or_default()),
        (words.e_title, held.title.unwrap_or_default()),
        (words.e_charset, held.charset.unwrap_or_default()),
        (words.e_bytes, held.bytes.map(|bytes| format!("{bytes} B")).unwrap_or_default()),
        (words.e_backlink, backlink_words(words, &seen.backlink)),
        (words.e_wall, held.wall.map(|wall| format!("{} · {}", wall.name, wall.mark)).unwrap_or_default()),
        (words.e_flags, flags_in_words(words, &seen.flags)),
        (words.e_detail, held.detail.unwrap_or_default()),
        (words.col_attempts, seen.attempts.to_string()),
    ];
    let hops: Vec<_> = held
        .hops
        .into_iter()
        .map(|hop| view! { <li>{format!("{} ", hop.status)} <span class="url">{hop.url}</span></li> })
        .collect();
    let earlier: Vec<_> = held
        .earlier
        .into_iter()
        .map(|one| {
            view! {
                <li>
                    {in_words(words, one.class, one.status)} {format!(" · {} ms ", one.ms)}
                    <span class="url">{one.url}</span>
                </li>
            }
        })
        .collect();
    let headers: Vec<_> =
        held.headers.into_iter().map(|(name, value)| view! { <li>{format!("{name}: {value}")}</li> }).collect();
    view! {
        <p class="pair">
            <Status look=Look::of(crate::domain::observation::Standing::of(seen.class, seen.inconclusive)) word=in_words(words, seen.class, seen.status) />
            {(run_id > 0)
                .then(|| {
                    view! {
                        <When stamp=at />
                        <a class="faint" href=format!("/runs/{run_id}")>
                            {format!("#{run_id}")}
                        </a>
                    }
                })}
        </p>
        {held
            .stages
            .filter(|stages| *stages != Stages::default())
            .map(|stages| view! { <TimeLine stages total=seen.ms /> })}
        <Facts rows=facts />
        {held
            .excerpt
            .map(|text| {
                view! {
                    <h3>{words.e_excerpt}</h3>
                    <blockquote class="excerpt">{text}</blockquote>
                }
            })}
        {(!hops.is_empty()).then(|| view! { <h3>{words.e_redirects}</h3> <ol class="hops">{hops}</ol> })}
        {(!earlier.is_empty()).then(|| view! { <h3>{words.e_earlier}</h3> <ol class="hops">{earlier}</ol> })}
        {(!headers.is_empty())
            .then(|| {
                view! {
                    <details class="headers">
                        <summary>{words.e_headers}</summary>
                        <ul>{headers}</ul>
                    </details>
                }
            })}
    }
    .into_any()
}

/// Which address matched, where, and how.
fn backlink_words(words: &Words, backlink: &Backlink) -> String {
    match backlink.state {
        BacklinkState::NotChecked => words.b_not_checked.to_owned(),
        BacklinkState::Missing => format!("{} · {}", words.b_missing, backlink.page.as_deref().unwrap_or_default()),
        BacklinkState::Unreadable => {
            format!("{} · {}", words.b_unreadable, backlink.page.as_deref().unwrap_or_default())
        }
        BacklinkState::Found => {
            let via = match backlink.via {
                Some(Via::Wrapper) => format!(" · {}", words.b_wrapper),
                Some(Via::Pattern) => format!(" · {}", words.b_pattern),
                _ => String::new(),
            };
            let rel = backlink.rel.as_ref().map(|rel| format!(" · rel={rel}")).unwrap_or_default();
            let hidden = if backlink.hidden { format!(" · {}", words.b_hidden) } else { String::new() };
            let href = backlink.href.as_deref().unwrap_or_default();
            let page = backlink.page.as_deref().unwrap_or_default();
            format!("{href} ← {page}{via}{rel}{hidden}")
        }
    }
}

/// DNS, connection, TLS, first byte and body, one after the other.
#[component]
fn TimeLine(stages: Stages, total: u32) -> impl IntoView {
    let words = use_words();
    let parts = [
        ("dns", "DNS", stages.dns),
        ("connect", words.s_connect, stages.connect),
        ("tls", "TLS", stages.tls),
        ("first", words.s_first_byte, stages.first_byte),
        ("body", words.s_body, stages.body),
    ];
    let sum: u32 = parts.iter().filter_map(|(.., ms)| *ms).sum::<u32>().max(1);
    let mut before = 0;
    let bars: Vec<_> = parts
        .iter()
        .filter_map(|(class, _, ms)| ms.map(|ms| (*class, ms)))
        .map(|(class, ms)| {
            let x = before * 1000 / sum;
            before += ms;
            let width = (before * 1000 / sum - x).max(2);
            view! { <rect class=class x=x.to_string() y="0" width=width.to_string() height="10" /> }
        })
        .collect();
    let legend: Vec<_> = parts
        .into_iter()
        .filter_map(|(class, label, ms)| ms.map(|ms| (class, label, ms)))
        .map(|(class, label, ms)| {
            view! {
                <li class=class>
                    <span>{label}</span>
                    <strong>{format!("{ms} ms")}</strong>
                </li>
            }
        })
        .collect();
    view! {
        <div class="timeline">
            <svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
                {bars}
            </svg>
            <ul aria-label=format!("{} {total} ms", words.col_time)>{legend}</ul>
        </div>
    }
    .into_any()
}
