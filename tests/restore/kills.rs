//! Killed in the middle of it: restores, backups, settings.

use super::{LINKS, backed_up, beside, database, lay, rows, support::desk::Desk, with, with_log};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

/// A number from the environment.
fn number(key: &str, default: u64) -> u64 {
    std::env::var(key).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs a command and kills it at some time before it would end; whether it ended before.
fn killed(desk: &Desk, args: &[&str], rng: &mut fastrand::Rng, takes: Duration) -> bool {
    let mut child = desk.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(takes.mul_f64(rng.f64() * 1.1));
    child.kill().unwrap();
    child.wait().unwrap().success()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_a_restore_leaves_the_one_or_the_other() {
    let (desk, backup) = backed_up();
    let restored = rows(Path::new(&backup)).await;
    let mut rng = fastrand::Rng::with_seed(number("ROLLCALL_SEED", 5));
    // The roll is another since, and its last change is in the log.
    desk.out(&["link", "add", "https://new.test", "--name", "new"]);
    let (file, log) = with_log(&desk).await;
    let takes = |desk: &Desk| {
        lay(desk, Some(&file), &log);
        let start = Instant::now();
        desk.out(&["restore", &backup]);
        start.elapsed()
    };
    let takes = takes(&desk);
    for n in 0..number("ROLLCALL_KILLS", 6) {
        let damaged = [&[0xA5; 100], &file[100..]].concat();
        let is_damaged = n % 4 == 3;
        lay(&desk, Some(if is_damaged { &damaged } else { &file }), &log);
        let ended = killed(&desk, &["restore", &backup], &mut rng, takes);
        let output = desk.run(&["export", "--format", "csv"]);
        if is_damaged && !ended && !output.status.success() {
            assert!(std::fs::read(database(&desk)).unwrap() == damaged, "as it was");
            assert!(std::fs::read(with(&database(&desk), "-wal")).unwrap() == log, "with its log");
        } else {
            let held = rows(&database(&desk)).await;
            let before = held["links"] == restored["links"] + 1 && held["link_days"] == 1;
            let after = held["links"] == restored["links"] && held["audit"] == restored["audit"] + 1;
            assert!(after || (before && !ended && !is_damaged), "{n}: {held:?}");
        }
        // And the next one goes through.
        desk.out(&["restore", &backup]);
        let names = beside(&desk);
        assert!(!names.iter().any(|name| name.contains("restor") || name.ends_with("lock")), "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_a_backup_is_whole_or_not_there() {
    let (desk, _) = backed_up();
    let mut rng = fastrand::Rng::with_seed(number("ROLLCALL_SEED", 6));
    let start = Instant::now();
    desk.out(&["backup", &desk.path().join("timed.db").display().to_string()]);
    let takes = start.elapsed();
    for n in 0..number("ROLLCALL_KILLS", 2) {
        let to = desk.path().join(format!("copy{n}.db"));
        killed(&desk, &["backup", &to.display().to_string()], &mut rng, takes);
        if to.exists() {
            assert_eq!(rows(&to).await["links"], i64::try_from(LINKS).unwrap());
        }
        assert_eq!(desk.out(&["export", "--format", "csv"]).lines().count(), LINKS + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_settings_are_saved_all_or_none() {
    let desk = Desk::new();
    let (mut server, mut browser) = desk.serve_first_signed_in();
    let mut rng = fastrand::Rng::with_seed(number("ROLLCALL_SEED", 7));
    for n in 1..=number("ROLLCALL_KILLS", 2) {
        let value = (n % 9 + 1).to_string();
        let keys = ["backups_keep", "keep_days", "per_host", "retries"];
        let names = keys.map(|key| format!("set[{key}]"));
        let wait = Duration::from_micros(rng.u64(0..40_000));
        let child = Pid::from_child(&server.child);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(wait);
            kill_process(child, Signal::KILL).unwrap();
        });
        let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), value.as_str())).collect();
        // Its answer may never come.
        let mut asked = browser.clone();
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| asked.post("/api/fn/save_settings", &fields)));
        killer.join().unwrap();
        server.kill();
        let held = keys.map(|key| desk.out(&["setting", "get", key]).trim() == value);
        assert!(held.iter().all(|new| *new) || !held.iter().any(|new| *new), "{value}: {held:?}");
        server = desk.serve(&[]);
        browser = browser.at(&server);
    }
}
