//! The settings: my sites with a box to try them, policy, engine, schedules, and the account.

mod account;
mod schedules;

use super::query;
use crate::{
    domain::{
        class::Class,
        lang::Lang,
        reason::class_words,
        settings::{HIDE_AFTER, Input, Key, Section, keys},
    },
    web::{
        api::settings::read_settings,
        components::{
            evidence::Evidence,
            form::{Form, inside_textarea, typed},
            frame::{Choices, Frame},
            load::loaded,
        },
        dto::{CheckNote, SettingField, SettingsPage, Stamp, Trial},
        words::use_words,
    },
};
use account::Account;
use leptos::prelude::*;
use schedules::Schedules;

const FORM: &str = "settings";

#[component]
pub fn SettingsView() -> impl IntoView {
    let words = use_words();
    let trial = query("trial");
    view! {
        <Frame at="/settings" title=words.settings>
            {loaded(move || {
                let trial = trial.clone();
                async move { read_settings(trial).await.map(|page| view! { <Whole page /> }.into_any()) }
            })}
        </Frame>
    }
}

#[component]
fn Whole(page: SettingsPage) -> impl IntoView {
    let words = use_words();
    let SettingsPage { fields, schedules, groups, timezone, user, sessions, trial } = page;
    let by_class = fields.clone();
    let section = move |section: Section, title: &'static str| {
        let fields: Vec<_> = keys()
            .filter(|key| key.section == section)
            .filter_map(|key| fields.iter().find(|field| field.key == key.name).map(|field| (key, field.clone())))
            .map(|(key, field)| view! { <Setting key field /> })
            .collect();
        view! {
            <fieldset>
                <legend>{title}</legend>
                {fields}
            </fieldset>
        }
        .into_any()
    };
    view! {
        <header class="head">
            <h1 tabindex="-1">{words.settings}</h1>
        </header>
        <div class="columns wide-left">
            <Form name=FORM action="/api/fn/save_settings" class="card settings">
                {section(Section::Sites, words.s_sites)} {section(Section::Policy, words.s_policy)}
                <ByClass fields=by_class /> {section(Section::Guard, words.s_guard)}
                {section(Section::Engine, words.s_engine)} {section(Section::Schedule, words.s_schedule)}
                {section(Section::Access, words.s_access)} {section(Section::Dashboard, words.s_dashboard)}
                <p class="pair sticky">
                    <button type="submit" class="primary">
                        {words.save}
                    </button>
                </p>
            </Form>
            <div>
                <TryPage trial />
                <Schedules schedules groups timezone />
                <Look />
                <Account user sessions />
            </div>
        </div>
    }
    .into_any()
}

fn pick(lang: Lang, words: (&'static str, &'static str)) -> &'static str {
    lang.pick(words.0, words.1)
}

/// One setting: label, value, help, default.
#[component]
fn Setting(key: &'static Key, field: SettingField) -> impl IntoView {
    let words = use_words();
    let id = key.name.to_owned();
    let help_id = format!("{id}-help");
    let name = format!("set[{}]", key.name);
    let value = typed(FORM, &name, &field.value);
    let input = match key.input {
        Input::Text => {
            view! { <input id=id.clone() name=name value=value autocomplete="off" aria-describedby=help_id.clone() /> }
                .into_any()
        }
        Input::Number { min, max, step, may_be_empty } => view! {
            <input
                id=id.clone()
                name=name
                type="number"
                min=min
                max=max
                step=step
                required=!may_be_empty
                value=value
                aria-describedby=help_id.clone()
            />
        }
        .into_any(),
        Input::Lines => {
            let lines = if key.name == "my_site_patterns" {
                value
            } else {
                value.split_whitespace().collect::<Vec<_>>().join("\n")
            };
            view! {
                <textarea id=id.clone() name=name rows="3" spellcheck="false" aria-describedby=help_id.clone()>
                    {inside_textarea(&lines)}
                </textarea>
            }
            .into_any()
        }
        Input::OnOff => options(id.clone(), name, &help_id, &[("on", words.on), ("off", words.off)], &value),
        Input::Choice(codes) => {
            let codes: Vec<(&str, &str)> = codes.iter().map(|code| (*code, words.choice(code))).collect();
            options(id.clone(), name, &help_id, &codes, &value)
        }
    };
    let default = if field.default.is_empty() { words.empty_default.to_owned() } else { field.default };
    view! {
        <p class="field">
            <label for=id>{pick(words.lang, key.label)}</label>
            {input}
            <small id=help_id>
                {pick(words.lang, key.help)} " · " {words.default} " " <code>{default}</code>
            </small>
        </p>
    }
    .into_any()
}

fn options(id: String, name: String, help_id: &str, codes: &[(&str, &str)], value: &str) -> AnyView {
    let options: Vec<_> = codes
        .iter()
        .map(|(code, label)| {
            view! {
                <option value=(*code).to_owned() selected=*code == value>
                    {(*label).to_owned()}
                </option>
            }
        })
        .collect();
    view! {
        <select id=id name=name aria-describedby=help_id.to_owned()>
            {options}
        </select>
    }
    .into_any()
}

/// Bad checks before hiding, class by class.
#[component]
fn ByClass(fields: Vec<SettingField>) -> impl IntoView {
    let words = use_words();
    let rows: Vec<_> = fields
        .into_iter()
        .filter_map(|field| {
            let class = Class::from_code(field.key.strip_prefix(HIDE_AFTER)?)?;
            let name = format!("set[{}]", field.key);
            let value = typed(FORM, &name, &field.value);
            let id = format!("hide-after-{class}");
            Some(view! {
                <p class="field narrow">
                    <label for=id.clone()>{class_words(class, words.lang)}</label>
                    <input id=id name=name type="number" min="1" max="100" value=value placeholder=words.by_policy />
                </p>
            })
        })
        .collect();
    view! {
        <details>
            <summary>{words.by_class}</summary>
            <p class="soft">{words.by_class_help}</p>
            <div class="grid">{rows}</div>
        </details>
    }
    .into_any()
}

/// Shows what matches on a page, and why.
#[component]
fn TryPage(trial: Option<Trial>) -> impl IntoView {
    let words = use_words();
    let (url, sites) = trial.as_ref().map(|trial| (trial.url.clone(), trial.sites.clone())).unwrap_or_default();
    let result = trial.map(|trial| match trial.seen {
        Some(seen) => {
            let check = CheckNote { run_id: 0, at: Stamp::default(), seen };
            view! {
                <div class="preview trial" role="status">
                    <Evidence check />
                </div>
            }
            .into_any()
        }
        None => view! {
            <p class="form-error" role="alert" tabindex="-1">
                {trial.error}
            </p>
        }
        .into_any(),
    });
    view! {
        <section class="card" aria-labelledby="try">
            <header>
                <h2 id="try">{words.try_page}</h2>
            </header>
            <form method="post" action="/api/fn/try_page">
                <p class="field">
                    <label for="try-url">{words.try_url}</label>
                    <input id="try-url" name="url" value=url required=true placeholder="https://friend.example/links" />
                </p>
                <p class="field">
                    <label for="try-sites">{words.try_sites}</label>
                    <input id="try-sites" name="sites" value=sites placeholder=words.try_sites_stored />
                </p>
                <button type="submit">{words.try_do}</button>
            </form>
            {result}
        </section>
    }
    .into_any()
}

#[component]
fn Look() -> impl IntoView {
    let words = use_words();
    view! {
        <section class="card" aria-labelledby="look">
            <header>
                <h2 id="look">{words.look}</h2>
            </header>
            <Choices />
        </section>
    }
    .into_any()
}
