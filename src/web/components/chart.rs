//! Latency over time: a line, with the periods shaded in which the site was down.

use crate::web::{components::bits::At, dto::Line, words::use_words};
use leptos::prelude::*;

const HEIGHT: u32 = 160;
/// The line keeps so far from the upper edge.
const HEAD_ROOM: u32 = 12;

#[component]
pub fn Chart(line: Line) -> impl IntoView {
    let words = use_words();
    if line.checks == 0 {
        return view! { <p class="soft chart-empty">{words.no_checks_then}</p> }.into_any();
    }
    let top = line.max_ms.max(1);
    let y = |ms: u32| HEIGHT - ms * (HEIGHT - HEAD_ROOM) / top;
    let path: Vec<String> = line
        .points
        .iter()
        .enumerate()
        .map(|(at, (x, ms))| format!("{}{x} {}", if at == 0 { 'M' } else { 'L' }, y(*ms)))
        .collect();
    let dots: Vec<_> = if line.points.len() <= 60 {
        line.points.iter().map(|(x, ms)| view! { <path class="dot" d=format!("M{x} {}h0", y(*ms)) /> }).collect()
    } else {
        Vec::new()
    };
    let down: Vec<_> = line
        .down
        .iter()
        .map(|(from, to)| {
            view! { <rect class="down" x=from.to_string() y="0" width=(to - from).max(3).to_string() height=HEIGHT.to_string() /> }
        })
        .collect();
    let summary = format!(
        "{} {} · {} {} ms · {} {} ms · {} {}",
        words.checked, line.checks, words.median, line.median_ms, words.slowest_one, line.max_ms, words.bad, line.bad
    );
    view! {
        <figure class="chart">
            <svg viewBox=format!("0 0 1000 {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=summary.clone()>
                {down}
                <path class="line" d=path.join("") />
                {dots}
            </svg>
            <figcaption class="soft">
                <At stamp=line.from />
                <span>{summary}</span>
                <At stamp=line.to />
            </figcaption>
        </figure>
    }
    .into_any()
}
