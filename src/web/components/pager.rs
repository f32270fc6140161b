//! From page to page.

use crate::web::{components::bits::number, dto::Pages, words::use_words};
use leptos::prelude::*;

/// `path` and `query` are the address without its `page`.
#[component]
pub fn Pager(pages: Pages, path: String, query: Vec<(&'static str, String)>) -> impl IntoView {
    let words = use_words();
    let step = move |to: u32, label: &'static str, rel: &'static str| {
        if (1..=pages.pages).contains(&to) && to != pages.page {
            let href = address(&path, &query, &[("page", to.to_string())]);
            view! {
                <a href=href rel=rel>
                    {label}
                </a>
            }
            .into_any()
        } else {
            view! { <span class="off">{label}</span> }.into_any()
        }
    };
    (pages.pages > 1).then(|| {
        view! {
            <nav class="pager" aria-label=words.page_of>
                {step(pages.page.saturating_sub(1), words.previous, "prev")}
                <span>{format!("{} / {}", number(pages.page), number(pages.pages))}</span>
                {step(pages.page + 1, words.next, "next")}
            </nav>
        }
        .into_any()
    })
}

/// An address with a query: `with` takes the place of what `query` holds under the same keys; empty values are left
/// out.
pub fn address(path: &str, query: &[(&'static str, String)], with: &[(&'static str, String)]) -> String {
    let kept = query.iter().filter(|(key, _)| !with.iter().any(|(other, _)| other == key));
    let pairs: Vec<String> = kept
        .chain(with)
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{key}={}", escaped(value)))
        .collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

fn escaped(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn the_query_is_kept_but_for_what_changes() {
        let query = [("q", "友 链&x".to_owned()), ("status", "hidden".to_owned()), ("page", "3".to_owned())];
        let to = address("/links", &query, &[("page", "4".to_owned()), ("status", String::new())]);
        assert_eq!(to, "/links?q=%E5%8F%8B%20%E9%93%BE%26x&page=4");
        assert_eq!(address("/links", &[], &[]), "/links");
    }
}
