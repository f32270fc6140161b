//! Lists on their way in: looked at, imported, dropped; at the command line, in the service and through the forms.

mod support;

use rollcall::{
    formats::{self, FormatError, Watch},
    service::{ImportState, List, Service, ServiceError},
};
use std::{sync::Arc, time::Duration};
use support::desk::{Browser, Desk};

const LIMIT: Duration = Duration::from_secs(30);

fn list(text: &str) -> List {
    List { bytes: text.to_owned().into(), format: None }
}

async fn looked_at(service: &Arc<Service>, token: &str, text: &str) -> ImportState {
    service.begin_preview(token, list(text)).unwrap();
    service.wait_for_import(token, LIMIT).await.unwrap()
}

#[tokio::test]
async fn a_list_is_looked_at_then_written_once() {
    let (_folder, service) = support::service().await;
    let state = looked_at(&service, "a", "name,url\nA,http://a.test\nB,http://b.test\nC,ftp://c\n").await;
    let ImportState::Looked(found) = state else { panic!("{state:?}") };
    assert_eq!((found.added.count, found.bad.count()), (2, 1));
    assert!(service.store().links().await.unwrap().is_empty(), "only looked at");
    assert!(service.begin_import("a", "owner"));
    let state = service.wait_for_import("a", LIMIT).await.unwrap();
    assert!(matches!(&state, ImportState::Imported(report) if report.added == 2), "{state:?}");
    assert_eq!(service.store().links().await.unwrap().len(), 2);
    assert!(!service.begin_import("a", "owner"), "it is in already");
    let state = looked_at(&service, "b", "[[[[").await;
    let ImportState::Failed(error) = state else { panic!("{state:?}") };
    assert!(matches!(*error, ServiceError::Format(FormatError::Broken { .. })));
    assert!(!service.begin_import("b", "owner"));
}

#[tokio::test]
async fn the_oldest_makes_room_and_what_is_dropped_is_gone() {
    let (_folder, service) = support::service().await;
    for token in ["a", "b", "c", "d", "e"] {
        looked_at(&service, token, "A,http://a.test\n").await;
    }
    let held: Vec<bool> = ["a", "b", "e"].iter().map(|token| service.import_state(token).is_some()).collect();
    assert_eq!(held, [false, true, true]);
    assert!(service.drop_import("e") && !service.drop_import("e"));
    // Whether it was read by then or not: nothing is written, and nobody waits for it any more.
    service.begin_preview("f", list("A,http://a.test\n")).unwrap();
    assert!(service.drop_import("f") && service.wait_for_import("f", LIMIT).await.is_none());
}

#[test]
fn reading_stops_when_it_is_asked_to() {
    let watch = Watch::default();
    watch.stop();
    for text in ["name,url\nA,http://a.test\n", "[[1]]", "- a\n", "<opml><outline url='a.test'/>"] {
        assert_eq!(formats::read_watched(text.as_bytes(), None, &watch), Err(FormatError::Stopped), "{text}");
    }
}

#[test]
fn the_command_line_tells_what_it_did_not_take() {
    let desk = Desk::new();
    let bad = desk.file("bad.csv", b"name,url\nA,ftp://a\nB,\n");
    let output = desk.run(&["import", &bad]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("line 2: bad: A: ") && said.contains("line 3: bad: "), "{said}");
    assert!(said.ends_with("added 0, updated 0, skipped 0, bad 2\n"), "{said}");
    let long = desk.file("long.csv", format!("name,url\n{},http://a.test\n", "x".repeat(300)).as_bytes());
    let said = desk.out(&["import", &long]);
    assert!(said.starts_with("line 2: shortened: the name "), "{said}");
    assert_eq!(desk.out(&["import", &long]).lines().last(), Some("added 0, updated 0, skipped 1, bad 0"));
}

/// Hands a list in; returns the page it leads to and the name of the list.
fn hand_in(browser: &mut Browser, text: &str) -> (String, String) {
    let answer = browser.upload("/api/fn/preview_import", "text", text);
    let page = answer.body.split('"').find(|part| part.starts_with("/import?list=")).map(str::to_owned);
    let page = page.unwrap_or_else(|| panic!("{} {}", answer.status, answer.body));
    let token = page.split('=').nth(1).unwrap().to_owned();
    (page, token)
}

#[test]
fn the_forms_show_import_and_drop_a_list() {
    let desk = Desk::new();
    let (_server, mut browser) = desk.serve_first_signed_in();
    browser.headers.push(("Accept-Language", "en".to_owned()));
    let long = "y".repeat(2000);
    let (page, token) = hand_in(&mut browser, &format!("name,url,note\nAlice,http://a.test,{long}\n"));
    let shown = browser.get(&page);
    assert!(shown.body.contains("Alice") && shown.body.contains("the note is longer than"), "{}", shown.body);
    assert_eq!(shown.header("refresh"), None, "nothing is going on");
    let done = browser.post("/api/fn/apply_import", &[("token", &token)]);
    assert!(done.status == 200 && done.body.contains("/links"), "{}", done.body);
    assert!(browser.get("/links").body.contains("Alice"));
    assert_ne!(browser.post("/api/fn/apply_import", &[("token", &token)]).status, 200, "once");

    let (page, token) = hand_in(&mut browser, "Bob,http://b.test\n");
    let done = browser.post("/api/fn/cancel_import", &[("token", &token)]);
    assert!(done.status == 200 && done.body.contains("Cancelled"), "{}", done.body);
    assert!(!browser.get(&page).body.contains("Bob"));
    let refused = browser.upload("/api/fn/preview_import", "text", "[[[[");
    assert!(refused.status != 200 && refused.body.contains("not valid JSON"), "{}", refused.body);
}

#[test]
fn a_hostile_list_stops_nobody() {
    let desk = Desk::new();
    let (server, mut browser) = desk.serve_first_signed_in();
    for text in ["[".repeat(100_000), format!("name,url\n{}", "   \n".repeat(100_000)), "- [".repeat(30_000)] {
        let mut other = browser.clone();
        let reading = std::thread::spawn(move || other.upload("/api/fn/preview_import", "text", &text).status);
        assert_eq!(server.browser().get("/healthz").status, 200);
        assert_ne!(reading.join().unwrap(), 200);
    }
    assert_eq!(browser.get("/import").status, 200);
}

#[test]
fn a_list_that_is_too_large_says_so_in_the_reader_s_language() {
    let desk = Desk::new();
    let (_server, mut browser) = desk.serve_first_signed_in();
    let text = "x".repeat(33 << 20);
    let answer = browser.upload("/api/fn/preview_import", "text", &text);
    assert!(answer.status == 413 && answer.body.contains("larger than 32 MB"), "{} {}", answer.status, answer.body);
    // As browsers send forms, which show a page only once all is sent.
    browser.headers = vec![("Accept", "text/html".to_owned()), ("Accept-Language", "zh".to_owned())];
    let answer = browser.upload("/api/fn/preview_import", "text", &text);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{}", answer.body);
    assert!(browser.get("/import").body.contains("文件超过 32 MB"));
}

#[test]
fn a_form_whose_part_has_no_beginning_costs_nothing() {
    let desk = Desk::new();
    let (server, mut browser) = desk.serve_first_signed_in();
    let before = server.processor_time();
    // The name of the part goes on for as long as a list may be.
    let answer = browser.upload("/api/fn/preview_import", &"x".repeat(24 << 20), "A,http://a.test\n");
    assert_eq!(answer.status, 422, "{}", answer.body);
    let took = server.processor_time() - before;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn files_are_for_who_is_signed_in_whatever_is_asked_for() {
    let desk = Desk::new();
    let (server, mut owner) = desk.serve_first_signed_in();
    for path in ["/export/csv", "/export/%ff", "/export/csv?shown=a&shown=b", "/export/no-such", "/audit.csv"] {
        let answer = server.browser().get(path);
        let to = if path.starts_with("/audit") { "/login?next=%2Faudit" } else { "/login?next=%2Fimport" };
        assert_eq!((answer.status, answer.header("location")), (303, Some(to)), "{path}");
    }
    assert_eq!(owner.get("/export/csv").status, 200);
    assert_eq!(owner.get("/export/no-such").status, 404);
}
