//! A list in, and the roll out.

use super::query;
use crate::web::{
    api::roll::read_import,
    components::{bits::number, form::Form, frame::Frame, load::loaded},
    dto::{ImportPage, ImportProgress, Preview, PreviewRow},
    words::{import_words, use_words},
};
use leptos::prelude::*;

#[component]
pub fn Import() -> impl IntoView {
    let words = use_words();
    let token = query("list");
    view! {
        <Frame at="/import" title=words.nav_import>
            {loaded(move || {
                let token = token.clone();
                async move { read_import(token).await.map(|page| view! { <Whole page /> }.into_any()) }
            })}
        </Frame>
    }
}

#[component]
fn Whole(page: ImportPage) -> impl IntoView {
    let words = use_words();
    let body = if let Some(progress) = page.progress {
        view! { <Progress progress /> }.into_any()
    } else if let Some(preview) = page.preview {
        view! { <Look preview /> }.into_any()
    } else {
        view! {
            {page.imported.map(|(added, changed)| view! { <Imported added changed /> })}
            {page.failure.map(|why| view! { <p class="form-error" role="alert">{why}</p> })}
            <div class="columns">
                <Take />
                <Give links=page.links />
            </div>
        }
        .into_any()
    };
    view! {
        <header class="head">
            <h1 tabindex="-1">{words.nav_import}</h1>
        </header>
        {body}
    }
    .into_any()
}

/// How far the work on a list is. The page looks again by itself, with JavaScript and without.
#[component]
fn Progress(progress: ImportProgress) -> impl IntoView {
    let words = import_words();
    let doing = if progress.writing { words.writing } else { words.reading };
    view! {
        <section class="card" data-refresh="" aria-labelledby="doing">
            <header>
                <h2 id="doing">{doing}</h2>
            </header>
            <progress max="1000" value=progress.permille aria-labelledby="doing"></progress>
            <Form name="cancel" action="/api/fn/cancel_import">
                <input type="hidden" name="token" value=progress.token />
                <button type="submit">{words.cancel}</button>
            </Form>
        </section>
    }
    .into_any()
}

#[component]
fn Imported(added: u32, changed: u32) -> impl IntoView {
    let words = use_words();
    view! {
        <section class="card" role="status">
            <header>
                <h2>{import_words().imported}</h2>
            </header>
            <p>
                {format!("{} {added} · {} {changed} ", words.added, words.changed)} <a href="/links">{words.links}</a>
            </p>
        </section>
    }
    .into_any()
}

#[component]
fn Take() -> impl IntoView {
    let words = use_words();
    view! {
        <section class="card" aria-labelledby="take">
            <header>
                <h2 id="take">{words.import_list}</h2>
            </header>
            <form method="post" action="/api/fn/preview_import" enctype="multipart/form-data" data-drop="">
                <p class="field">
                    <label for="import-file">{words.choose_file}</label>
                    <input id="import-file" type="file" name="file" aria-describedby="import-help" />
                    <small id="import-help">{words.formats_read}</small>
                </p>
                <p class="field">
                    <label for="import-text">{words.paste}</label>
                    <textarea id="import-text" name="text" rows="10" spellcheck="false"></textarea>
                </p>
                <button type="submit" class="primary">
                    {words.preview}
                </button>
            </form>
        </section>
    }
    .into_any()
}

#[component]
fn Give(links: u32) -> impl IntoView {
    let words = use_words();
    let formats = [
        ("json", "JSON", words.export_json),
        ("csv", "CSV", words.export_csv),
        ("link-yml", "link.yml", words.export_yml),
        ("friend-json", "friend.json", words.export_friend),
        ("opml", "OPML", words.export_opml),
    ];
    view! {
        <section class="card" aria-labelledby="give">
            <header>
                <h2 id="give">{words.export_list}</h2>
                <span class="count">{number(links)}</span>
            </header>
            <table class="exports">
                <caption class="quiet">{words.export_list}</caption>
                <thead class="quiet">
                    <tr>
                        <th scope="col">{words.format}</th>
                        <th scope="col">{words.all}</th>
                        <th scope="col">{words.shown}</th>
                    </tr>
                </thead>
                <tbody>
                    {formats
                        .into_iter()
                        .map(|(code, name, what)| {
                            view! {
                                <tr>
                                    <th scope="row">
                                        <strong>{name}</strong>
                                        <small>{what}</small>
                                    </th>
                                    <td>
                                        <a class="button small" href=format!("/export/{code}") download="">
                                            {words.all}
                                        </a>
                                    </td>
                                    <td>
                                        <a class="button small" href=format!("/export/{code}?shown=yes") download="">
                                            {words.only_shown}
                                        </a>
                                    </td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
            <p class="soft">
                {words.public_list} " " <a href="/links.json">"/links.json"</a>
            </p>
        </section>
    }
    .into_any()
}

/// What the list would do, before anything is written.
#[component]
fn Look(preview: Preview) -> impl IntoView {
    let words = use_words();
    let [added, changed, same, bad] = preview.counts;
    let tiles = [
        ("good", words.added, added),
        ("unsure", words.changed, changed),
        ("", words.unchanged, same),
        ("bad", words.bad_rows, bad),
    ];
    let nothing = added + changed == 0;
    view! {
        <p class="hint">{format!("{} {}", words.read_as, preview.format)}</p>
        <ul class="totals">
            {tiles
                .into_iter()
                .map(|(class, label, n)| {
                    view! {
                        <li>
                            <span class=format!("tile {}", if n > 0 { class } else { "" })>
                                <strong>{number(n)}</strong>
                                " "
                                <span>{label}</span>
                            </span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
        <Form name="apply" action="/api/fn/apply_import" class="pair">
            <input type="hidden" name="token" value=preview.token />
            <button type="submit" class="primary" disabled=nothing>
                {words.apply_import}
            </button>
            <a class="button" href="/import">
                {words.back}
            </a>
        </Form>
        <div class="columns">
            <Rows title=words.added rows=preview.added all=added />
            <Rows title=words.changed rows=preview.changed all=changed />
        </div>
        <div class="columns">
            <Notes title=words.bad_rows notes=preview.bad />
            <Notes title=words.duplicates notes=preview.duplicates />
            <Notes title=import_words().shortened notes=preview.shortened />
        </div>
    }
    .into_any()
}

#[component]
fn Rows(title: &'static str, rows: Vec<PreviewRow>, all: u32) -> impl IntoView {
    let words = use_words();
    let more = usize::try_from(all).unwrap_or_default().saturating_sub(rows.len());
    (!rows.is_empty()).then(|| {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let changes: Vec<_> = row
                    .changes
                    .into_iter()
                    .map(|(field, old, new)| {
                        view! {
                            <span class="diff">
                                {words.field(&field)} ": " <del>{old}</del> " " <ins>{new}</ins>
                            </span>
                        }
                    })
                    .collect();
                view! {
                    <li>
                        <span class="line-no">{row.line}</span>
                        <span>
                            <strong>{row.name}</strong>
                            " "
                            <span class="url">{row.url}</span>
                            {changes}
                        </span>
                    </li>
                }
            })
            .collect();
        view! {
            <section class="card">
                <header>
                    <h2>{title}</h2>
                </header>
                <ul class="rows">{rows}</ul>
                {(more > 0).then(|| view! { <p class="soft">{format!("+{more}")}</p> })}
            </section>
        }
        .into_any()
    })
}

#[component]
fn Notes(title: &'static str, notes: Vec<(u32, String)>) -> impl IntoView {
    (!notes.is_empty()).then(|| {
        let notes: Vec<_> = notes
            .into_iter()
            .map(|(line, why)| view! { <li><span class="line-no">{line}</span><span>{why}</span></li> })
            .collect();
        view! {
            <section class="card">
                <header>
                    <h2>{title}</h2>
                </header>
                <ul class="rows">{notes}</ul>
            </section>
        }
        .into_any()
    })
}
