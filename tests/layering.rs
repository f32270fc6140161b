//! The directions of the architecture, held by looking at what each file names.

use std::{fs, path::Path};

/// Every source file below a folder or file of src/, with its text.
fn sources(place: &str) -> Vec<(String, String)> {
    fn walk(path: &Path, found: &mut Vec<(String, String)>) {
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                walk(&entry.unwrap().path(), found);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(path).unwrap()));
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(place), &mut found);
    assert!(!found.is_empty(), "nothing at src/{place}: has the layout changed?");
    found
}

/// The code without comments and without its test module.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn forbid(place: &str, words: &[&str], except: &[&str]) {
    for (path, text) in sources(place) {
        if except.iter().any(|part| path.contains(part)) {
            continue;
        }
        let code = code(&text);
        for word in words {
            assert!(!code.contains(word), "{path} names {word}");
        }
    }
}

#[test]
fn domain_is_pure() {
    let outside = ["engine", "store", "service", "web", "cli", "formats", "clock", "config", "lifecycle", "scheduler"];
    let ours: Vec<String> =
        outside.iter().flat_map(|m| [format!("crate::{m}"), format!("super::super::{m}")]).collect();
    forbid("domain", &ours.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    forbid("domain", &["Utc::now", "SystemTime", "Instant", "tokio", "std::fs", "std::env::var", "std::net::Tcp"], &[]);
}

#[test]
fn engine_and_store_do_not_know_each_other_nor_the_web() {
    forbid("engine", &["crate::store", "crate::service", "crate::web", "leptos", "axum", "sqlx"], &[]);
    forbid("store", &["crate::engine", "crate::service", "crate::web", "leptos", "axum", "reqwest"], &[]);
}

#[test]
fn pages_and_components_know_nothing_of_the_server() {
    for place in ["web/pages", "web/components"] {
        forbid(
            place,
            &["sqlx", "reqwest", "tokio", "crate::service", "crate::store", "crate::engine", "web::server"],
            &[],
        );
    }
}

#[test]
fn components_know_no_page() {
    forbid("web/components", &["pages::"], &[]);
}

#[test]
fn sqlx_stays_in_the_store_and_reqwest_at_the_probe() {
    forbid("", &["sqlx"], &["/store/"]);
    let probe = ["/engine/probe.rs", "/engine/probe/", "/engine/body.rs", "/engine/guard.rs"];
    forbid("", &["reqwest"], &[&probe[..], &["/engine/resolver.rs", "/engine/tls.rs"]].concat());
}

#[test]
fn the_service_knows_neither_leptos_nor_axum() {
    forbid("service.rs", &["leptos", "axum"], &[]);
    forbid("service", &["leptos", "axum"], &[]);
    forbid("scheduler.rs", &["leptos", "axum", "crate::engine"], &[]);
}

#[test]
fn files_stay_under_four_hundred_lines() {
    for (path, text) in sources("") {
        let lines = text.lines().count();
        assert!(lines < 400, "{path} has {lines} lines");
    }
}
