//! The program as its user runs it: shapes, exit codes, and one clear line for every kind of bad input.

mod support;

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};
use support::{ME, desk::Desk, forgetful, friendly, says, status};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

const CHECK: [&str; 4] = ["check", "--allow-net", "127.0.0.0/8", "--retries=0"];

fn check<'a>(more: &[&'a str]) -> Vec<&'a str> {
    CHECK.iter().chain(more).copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_is_imported_checked_and_exported() {
    let desk = Desk::new();
    let (fine, dead, rude) = (says(friendly()).await, says(status(404, "")).await, says(forgetful()).await);
    let wall = says(status(403, "cf-mitigated: challenge\r\n")).await;
    let list = format!(
        "name,url\nfine,{}\ndead,{}\nrude,{}\nwall,{}\nold,http://127.0.0.1:9/\n",
        fine.url(),
        dead.url(),
        rude.url(),
        wall.url()
    );
    let file = desk.file("friends.csv", list.as_bytes());
    assert_eq!(desk.out(&["import", &file]), "added 5, updated 0, skipped 0, bad 0\n");
    assert_eq!(desk.out(&["import", &file]), "added 0, updated 0, skipped 5, bad 0\n");

    let args = check(&["--site-link", ME, "--whitelist", "old", "--format", "json", "--details"]);
    let envelope = json(&desk.out(&args));
    assert_eq!(envelope["code"], 0);
    assert_eq!((envelope["message"].as_str(), envelope["error"].as_str()), (Some(""), Some("")));
    assert!(envelope["time"].as_f64().is_some());
    let data = &envelope["data"];
    for (key, value) in
        [("active_num", 4), ("to_not_show", 2), ("to_show", 0), ("unverifiable", 1), ("whitelisted", 1), ("run_id", 1)]
    {
        assert_eq!(data[key], value, "{key}");
    }
    assert_eq!((&data["held"], data["version"].is_string()), (&Value::Bool(false), true));
    let by_name = |name: &str| data["links"].as_array().unwrap().iter().find(|l| l["name"] == name).unwrap().clone();
    let dead_link = by_name("dead");
    assert_eq!(
        dead_link["reason"],
        serde_json::json!({"code": "http_status", "params": {"status": 404}, "text": "HTTP 404"})
    );
    assert_eq!(
        (&dead_link["shown"], &dead_link["changed"], &dead_link["status"]),
        (&false.into(), &true.into(), &404.into())
    );
    let fine_link = by_name("fine");
    assert_eq!(
        (&fine_link["class"], &fine_link["reason"], &fine_link["attempts"]),
        (&"ok".into(), &Value::Null, &1.into())
    );
    assert_eq!(fine_link["backlink"]["state"], "found");
    assert_eq!(fine_link["backlink"]["href"], format!("{ME}/"));
    assert_eq!(by_name("rude")["class"], "backlink_missing");
    assert_eq!((&by_name("wall")["class"], &by_name("wall")["shown"]), (&"bot_challenge".into(), &true.into()));
    assert_eq!(by_name("old")["class"], "whitelisted");

    let export = json(&desk.out(&["export"]));
    let row = export.as_array().unwrap().iter().find(|l| l["name"] == "dead").unwrap();
    assert_eq!(
        (&row["shown"], &row["state"]["bad_streak"], &row["last_check"]["status"]),
        (&false.into(), &1.into(), &404.into())
    );
    assert!(row["last_check"]["at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(json(&desk.out(&["export", "--shown"])).as_array().unwrap().len(), 3);
    assert!(desk.out(&["link", "list", "--lang", "zh"]).contains("网站未设置本站外链"));
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_three_says_that_a_link_was_newly_hidden() {
    let desk = Desk::new();
    let dead = says(status(500, "")).await;
    desk.out(&["link", "add", &dead.url(), "--name", "dead"]);
    assert_eq!(desk.run(&check(&["--exit-code"])).status.code(), Some(3));
    assert_eq!(desk.run(&check(&["--exit-code"])).status.code(), Some(0), "not newly");
}

#[tokio::test(flavor = "multi_thread")]
async fn ndjson_is_events_and_the_envelope_last() {
    let desk = Desk::new();
    let fine = says(friendly()).await;
    desk.out(&["link", "add", &fine.url(), "--name", "fine"]);
    let out = desk.out(&check(&["--format", "ndjson"]));
    let lines: Vec<Value> = out.lines().map(json).collect();
    let events: Vec<&str> = lines.iter().filter_map(|l| l["event"].as_str()).collect();
    assert_eq!(events, ["checking", "checked", "finished"]);
    assert_eq!(lines.last().unwrap()["data"]["active_num"], 1);
}

#[test]
fn no_links_and_unknown_names() {
    let desk = Desk::new();
    let envelope = json(&desk.out(&check(&["--format", "json"])));
    assert_eq!((&envelope["code"], &envelope["data"]["active_num"]), (&0.into(), &0.into()));
    let (code, said) = desk.fails(&["check", "--name", "nobody"]);
    assert_eq!((code, said.contains("nobody")), (2, true));
}

#[test]
fn bad_input_gets_one_clear_line() {
    let desk = Desk::new();
    let (empty, odd, nothing) =
        (desk.file("e.csv", b""), desk.file("o.txt", b"hello there"), desk.file("n.json", b"[]"));
    let missing = desk.path().join("none.yml").display().to_string();
    for (args, code, words) in [
        (vec!["import", missing.as_str()], 1, "no such file"),
        (vec!["import", &empty], 1, "empty"),
        (vec!["import", &odd], 1, "no known format"),
        (vec!["import", &nothing], 1, "no friend"),
        (vec!["link", "add", "ftp://a.test"], 2, "not http or https"),
        (vec!["link", "rm", "99"], 1, "no link 99"),
        (vec!["check", "--site-link-regex", "("], 2, "regular expression"),
        (vec!["check", "--timeout", "0"], 2, "--timeout"),
        (vec!["setting", "set", "concurrency", "many"], 2, "whole number"),
        (vec!["setting", "set", "colour", "red"], 2, "no setting"),
        (vec!["schedule", "set", "sometimes"], 2, "cron"),
        (vec!["schedule", "set", "0 0 4 * * *"], 2, "five"),
        (vec!["schedule", "set", "0 0 30 2 *"], 2, "never comes"),
        (vec!["schedule", "set", "@reboot"], 2, "@daily"),
        (vec!["setting", "set", "backup_cron", "0 0 31 4 *"], 2, "never comes"),
        (vec!["setting", "set", "my_site_patterns", r"[\s\S]{1,1000}me"], 2, "too long"),
        (vec!["whitelist", "off", "nobody"], 2, "no whitelist entry"),
        (vec!["run", "apply", "7"], 1, "no run 7"),
        (vec!["demo", "--addr", "0.0.0.0:3000"], 2, "loopback"),
        (vec!["user", "passwd", "nobody"], 2, "too short"),
        (vec!["healthcheck", "--addr", "127.0.0.1:9"], 1, "nothing answers"),
        (vec!["check", "--allow-net", "nonsense"], 2, "allow-net"),
    ] {
        let (got, said) = desk.fails(&args);
        assert_eq!(got, code, "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
}

#[test]
fn odd_databases_are_refused_untouched() {
    let desk = Desk::new();
    let text = desk.file("text.db", &b"this is no database at all. ".repeat(100));
    let before = std::fs::read(&text).unwrap();
    let (code, said) = desk.fails(&["link", "list", "--database", &format!("sqlite:{text}")]);
    assert_eq!((code, said.contains("not a Rollcall database")), (1, true), "{said}");
    assert_eq!(std::fs::read(&text).unwrap(), before);

    desk.out(&["link", "list"]);
    let file = desk.path().join("data/rollcall.db");
    run_sql(
        &file,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', 1, x'00', 1)",
    );
    let (code, said) = desk.fails(&["link", "list"]);
    assert_eq!((code, said.contains("newer")), (1, true), "{said}");
    let (code, said) = desk.fails(&["link", "list", "--database", "postgres://x"]);
    assert_eq!((code, said.contains("sqlite:FILE")), (2, true), "{said}");
}

/// Runs SQL on a file by Python's own sqlite3, as another program would.
fn run_sql(file: &Path, sql: &str) {
    let script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()";
    let done = Command::new("python3").args(["-c", script]).arg(file).arg(sql).status();
    assert!(done.is_ok_and(|status| status.success()), "python3 with sqlite3 is needed for this test");
}

#[test]
fn rows_that_are_bad_are_named_and_the_rest_goes_in() {
    let desk = Desk::new();
    let list = "name,url\na,https://a.test\nb,ftp://b.test\nc,\nd,https://www.a.test/\n";
    let mut child =
        desk.command(&["import", "-", "--dry-run"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(
        out.contains("line 3: bad: b:") && out.contains("line 4: bad:") && out.contains("line 5: skipped:"),
        "{out}"
    );
    assert!(out.ends_with("would be: added 1, updated 0, skipped 1, bad 2\n"), "{out}");
    assert_eq!(desk.out(&["export", "--format", "csv"]).lines().count(), 1);
}

#[test]
fn backup_copies_and_refuses_to_overwrite() {
    let desk = Desk::new();
    desk.out(&["link", "add", "https://a.test", "--name", "a"]);
    let copy = desk.path().join("copy.db").display().to_string();
    desk.out(&["backup", &copy]);
    assert!(desk.out(&["link", "list", "--database", &format!("sqlite:{copy}")]).contains("https://a.test"));
    assert_eq!(desk.fails(&["backup", &copy]).0, 1);
    let nowhere = desk.path().join("no/such/folder.db").display().to_string();
    assert_eq!(desk.fails(&["backup", &nowhere]).0, 1);
}

#[test]
fn restore_checks_first_and_keeps_what_was_there() {
    let desk = Desk::new();
    let file = |name: &str| desk.path().join(name).display().to_string();
    desk.out(&["link", "add", "https://a.test", "--name", "a"]);
    desk.out(&["backup", &file("copy.db")]);
    desk.out(&["link", "add", "https://b.test", "--name", "b"]);

    std::fs::write(file("junk.db"), "this is no database, however long it is made to be for that").unwrap();
    assert_eq!(desk.fails(&["restore", &file("junk.db")]).0, 1);
    assert_eq!(desk.fails(&["restore", &file("nowhere.db")]).0, 1);
    let mut server = desk.serve(&[]);
    let (code, said) = desk.fails(&["restore", &file("copy.db")]);
    assert!(code == 1 && said.contains("locked"), "while a server has it: {said}");
    server.kill();
    assert!(desk.out(&["link", "list"]).contains("https://b.test"), "nothing was changed so far");

    desk.out(&["restore", &file("copy.db")]);
    let now = desk.out(&["link", "list"]);
    assert!(now.contains("https://a.test") && !now.contains("https://b.test"), "{now}");
    let kept = std::fs::read_dir(desk.path().join("data")).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = kept.filter(|path| path.to_string_lossy().contains(".replaced-")).collect();
    assert_eq!(kept.len(), 1);
    let before = desk.out(&["link", "list", "--database", &format!("sqlite:{}", kept[0].display())]);
    assert!(before.contains("https://b.test"), "{before}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_check_loses_nothing_and_the_server_goes_on_with_it() {
    let desk = Desk::new();
    let fine = says(friendly()).await;
    let slow = support::site(|mut stream, n| async move {
        support::head(&mut stream).await?;
        if n == 0 {
            // The first time it stalls until its asker is killed.
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        }
        tokio::io::AsyncWriteExt::write_all(&mut stream, friendly().as_bytes()).await
    })
    .await;
    desk.out(&["link", "add", &fine.url(), "--name", "fine"]);
    desk.out(&["link", "add", &slow.url(), "--name", "slow"]);
    let args = check(&["--format", "ndjson", "--timeout", "60"]);
    let mut child = desk.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reported = lines.any(|line| line.is_ok_and(|line| line.contains("\"checked\"")));
    assert!(reported, "one is reported done");
    child.kill().unwrap();
    child.wait().unwrap();

    let mut server = desk.serve(&[]);
    let address = server.addr.clone();
    assert_eq!(desk.run(&["healthcheck", "--addr", &address]).status.code(), Some(0));
    let finished = || desk.out(&["run", "show", "1"]).contains("done");
    let waiting = std::time::Instant::now();
    while !finished() {
        assert!(waiting.elapsed().as_secs() < 15, "{}", desk.out(&["run", "show", "1"]));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!((fine.hits(), slow.hits()), (1, 2), "what was done is not done again");
    let port_in_use = desk.fails(&["serve", "--addr", &address]);
    assert_eq!((port_in_use.0, port_in_use.1.contains("in use")), (1, true));
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success(), "SIGTERM ends it with 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_hostile_reaches_the_terminal_or_a_spreadsheet() {
    let desk = Desk::new();
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[31mred\u{202e}=\u{9b}2J";
    let site = says(support::ok(&format!("<title>{evil}</title>"))).await;
    let formula = "=HYPERLINK(\"http://evil.test\")";
    let list = serde_json::json!([
        { "name": evil, "url": site.url(), "group": evil, "note": evil },
        { "name": formula, "url": format!("{}2", site.url()), "note": "@SUM(A1)" },
        { "name": evil, "url": format!("ftp://{evil}") },
    ]);
    let file = desk.file("evil.json", list.to_string().as_bytes());
    desk.out(&["whitelist", "add", evil, "--kind", "name", "--note", evil]);
    desk.out(&["whitelist", "off", evil]);
    desk.out(&["schedule", "set", "0 5 * * *", "--add", "--scope", &format!("group:{evil}")]);
    for args in [
        vec!["import", file.as_str()],
        check(&[]),
        vec!["link", "list"],
        vec!["whitelist", "list"],
        vec!["schedule", "list"],
        vec!["run", "show", "1"],
        vec!["run", "list"],
        vec!["setting", "set", "my_sites", evil],
        vec!["link", "add", evil],
        vec!["check", "--name", evil],
        vec!["import", evil],
        vec!["whitelist", "rm", "\u{1b}[2Jgone"],
    ] {
        let output = desk.run(&args);
        for (stream, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
            let text = String::from_utf8(bytes).unwrap();
            let odd = text.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
            assert_eq!(odd, None, "{args:?} {stream}: {text:?}");
        }
    }
    let table = desk.out(&["export", "--format", "csv"]);
    assert!(table.contains("\"'=HYPERLINK(") && table.contains("'@SUM(A1)"), "{table}");
    let other = Desk::new();
    other.out(&["import", &other.file("back.csv", table.as_bytes())]);
    let back = other.out(&["export"]);
    assert!(back.contains("\"=HYPERLINK(") && back.contains("\"@SUM(A1)\""), "it comes back as it was: {back}");
}

#[test]
fn what_is_set_for_one_command_does_not_change_another() {
    let desk = Desk::new();
    let list = desk.file("list.csv", b"name,url\na,https://a.test\n");
    let with = |args: &[&str], name: &str, value: &str| desk.command(args).env(name, value).output().unwrap();
    assert!(with(&["import", &list], "ROLLCALL_FORMAT", "json").status.success());
    assert!(with(&["export"], "ROLLCALL_FORMAT", "ndjson").status.success());
    assert!(with(&["link", "set", "1", "--note", "x"], "ROLLCALL_TIMEOUT", "9").status.success());
    let exported: Value = serde_json::from_str(&desk.out(&["export"])).unwrap();
    assert!(!exported.to_string().contains("9000"), "{exported}");
    desk.out(&["link", "rm", "1"]);
    let checked = with(&["check"], "ROLLCALL_CHECK_FORMAT", "json");
    assert_eq!(json(&String::from_utf8(checked.stdout).unwrap())["code"], 0);
    let old = with(&["check"], "ROLLCALL_FORMAT", "json");
    let said = String::from_utf8(old.stderr).unwrap();
    assert!(said.contains("ROLLCALL_FORMAT is not read any more; it is called ROLLCALL_CHECK_FORMAT now"), "{said}");
}
