//! A database of an earlier version is copied, brought up to date, and keeps what it held.

mod support;

use rollcall::store::{Config, Links, Store, StoreError, sqlite::SqliteStore};
use sqlx::{
    Connection, SqliteConnection,
    migrate::Migrator,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode},
};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use support::desk::Desk;

/// A database as the version that knew so many migrations left it.
async fn of_version(file: &Path, known: usize) -> SqliteConnection {
    let folder = tempfile::tempdir().unwrap();
    let mut files: Vec<_> = std::fs::read_dir("migrations/sqlite").unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files.iter().take(known) {
        std::fs::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let options = options.auto_vacuum(SqliteAutoVacuum::Incremental).journal_mode(SqliteJournalMode::Wal);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    Migrator::new(folder.path()).await.unwrap().run(&mut connection).await.unwrap();
    connection
}

#[tokio::test]
async fn evidence_of_version_3_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roll.db");
    let mut old = of_version(&file, 3).await;
    for statement in [
        "INSERT INTO links (id, name, url, url_key, since, created_at) VALUES (1, 'a', 'https://a.test', 'a.test', 0, 0)",
        "INSERT INTO runs (id, started_by, state, started_at, finished_at, owner, heartbeat, plan, counts)
         VALUES (1, 'click', 'done', 0, 9, 'me', 0, '{}', '{}')",
        "INSERT INTO run_items (run_id, link_id, state, at, class, ms, attempts, change, final_url, evidence)
         VALUES (1, 1, 'done', 5, 'ok', 12, 1, 'none', 'https://a.test/blog',
             '{\"backlink\":{\"state\":\"found\"},\"evidence\":{\"title\":\"A friend\"}}')",
    ] {
        sqlx::query(statement).execute(&mut old).await.unwrap();
    }
    old.close().await.unwrap();

    let store = SqliteStore::open(&format!("sqlite:{}", file.display())).await.unwrap();
    let (run, seen) = store.checks(1, 5).await.unwrap().remove(0);
    assert_eq!((run, seen.final_url.as_deref()), (1, Some("https://a.test/blog")));
    assert_eq!(seen.evidence.title.as_deref(), Some("A friend"));
    let copies: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("before-"))
        .collect();
    let [copy] = &copies[..] else { panic!("copied once: {copies:?}") };
    let time = copy.strip_prefix("roll.db.before-3-").unwrap_or_else(|| panic!("of version 3: {copy}"));
    assert!(chrono::NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ").is_ok(), "with its time: {copy}");
    let mut copy =
        SqliteConnection::connect(&format!("sqlite:{}", folder.path().join(&copies[0]).display())).await.unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM run_items WHERE evidence IS NOT NULL")
        .fetch_one(&mut copy)
        .await
        .unwrap();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn every_earlier_version_can_be_opened() {
    for known in 1..=4 {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roll.db");
        of_version(&file, known).await.close().await.unwrap();
        let store = SqliteStore::open(&format!("sqlite:{}", file.display())).await.unwrap();
        assert!(store.links().await.unwrap().is_empty(), "{known}");
    }
}

#[tokio::test]
async fn what_is_too_long_in_version_4_is_cut_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roll.db");
    let mut old = of_version(&file, 4).await;
    let long = "长".repeat(5000);
    let url = format!("https://a.test/{}", "a".repeat(4000));
    for (statement, values) in [
        ("INSERT INTO groups (id, name) VALUES (1, ?), (2, ?)", vec![long.clone(), format!("{long}!")]),
        (
            "INSERT INTO links (id, name, url, url_key, group_id, note, since, created_at)
             VALUES (1, ?, ?, 'a.test', 1, ?, 0, 0), (2, 'b', 'https://b.test', 'b.test', 2, '', 0, 0)",
            vec![long.clone(), url.clone(), long.clone()],
        ),
        (
            "INSERT INTO whitelist (kind, pattern, created_at) VALUES ('name', ?, 0), ('name', ?, 0)",
            vec![long.clone(), format!("{long}!")],
        ),
        ("INSERT INTO audit (at, who, deed, about) VALUES (0, ?, 'imported', ?)", vec![long.clone(), long.clone()]),
        ("INSERT INTO settings (key, value) VALUES ('my_sites', ?)", vec![long.repeat(10)]),
    ] {
        let query = values.iter().fold(sqlx::query(statement), |query, value| query.bind(value));
        query.execute(&mut old).await.unwrap();
    }
    old.close().await.unwrap();

    let store = SqliteStore::open(&format!("sqlite:{}", file.display())).await.unwrap();
    let links = store.links().await.unwrap();
    let [a, b] = &links[..] else { panic!("{links:?}") };
    assert_eq!((a.about.name.chars().count(), a.about.note.chars().count()), (200, 1000));
    assert_eq!(a.about.url, url, "an address that is cut is another's");
    assert_eq!((a.about.group.chars().count(), &a.about.group), (1000, &b.about.group), "one group now");
    assert_eq!(store.groups().await.unwrap().len(), 1);
    let entries = store.whitelist().await.unwrap();
    assert_eq!((entries.len(), entries[0].names(&a.about.name, &a.about.url)), (1, true), "it is still exempt");
    // The address stays while other fields are changed, and no other one as long is taken.
    let mut about = a.about.clone();
    about.note = "n".into();
    store.set_link(1, &about, true).await.unwrap();
    about.url.push('b');
    assert!(matches!(store.set_link(1, &about, true).await, Err(StoreError::TooLong { .. })));
}

#[tokio::test]
async fn the_schema_refuses_what_is_too_long_by_whichever_way_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roll.db");
    let store = SqliteStore::open(&format!("sqlite:{}", file.display())).await.unwrap();
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    let add =
        "INSERT INTO links (name, url, url_key, since, created_at) VALUES ('a', 'https://a.test', 'a.test', 0, 0)";
    sqlx::query(add).execute(&mut other).await.unwrap();
    for (statement, chars) in [
        ("UPDATE links SET name = ?", 200),
        ("UPDATE links SET url = ?", 2048),
        ("UPDATE links SET logo = ?", 1000),
        ("UPDATE links SET description = ?", 1000),
        ("UPDATE links SET feed = ?", 1000),
        ("UPDATE links SET backlink_page = ?", 1000),
        ("UPDATE links SET email = ?", 1000),
        ("UPDATE links SET note = ?", 1000),
        ("UPDATE links SET last_final_url = ?", 2048),
        ("UPDATE links SET good_title = ?", 1000),
        ("INSERT INTO groups (name) VALUES (?)", 1000),
        ("INSERT INTO whitelist (kind, pattern, created_at) VALUES ('name', ?, 0)", 261),
        ("UPDATE whitelist SET note = ?", 1000),
        ("INSERT INTO settings (key, value) VALUES ('policy', ?)", 16_384),
        ("UPDATE schedules SET scope_group = ?", 1000),
        ("INSERT INTO audit (at, who, deed, about) VALUES (0, ?, '', '')", 200),
        ("INSERT INTO audit (at, who, deed, about) VALUES (0, '', '', ?)", 1000),
        ("INSERT INTO users (name, password, created_at) VALUES (?, '', 0)", 64),
    ] {
        let text = "𠮷".repeat(chars);
        sqlx::query(statement).bind(&text).execute(&mut other).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
        for longer in [format!("{text}𠮷"), format!("\0{text}")] {
            let refused = sqlx::query(statement).bind(longer).execute(&mut other).await;
            assert!(refused.is_err_and(|e| e.to_string().contains("longer than its column holds")), "{statement}");
        }
    }
    drop(store);
}

/// The copies beside a database, by name.
fn copies(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut copies: Vec<PathBuf> = files.filter(|file| file.to_string_lossy().contains(".before-")).collect();
    copies.sort();
    copies
}

async fn links(file: &Path) -> i64 {
    let mut copy = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    let found: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut copy).await.unwrap();
    assert_eq!(found, "ok");
    let count = sqlx::query_scalar("SELECT count(*) FROM links").fetch_one(&mut copy).await.unwrap();
    copy.close().await.unwrap();
    count
}

/// A database of version 4 with so many links.
async fn old_roll(file: &Path, count: i64) {
    let mut old = of_version(file, 4).await;
    let add = "INSERT INTO links (name, url, url_key, since, created_at)
               WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
               SELECT 'n' || i, 'https://n' || i || '.test', 'n' || i || '.test', 0, 0 FROM n";
    sqlx::query(add).bind(count).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
}

#[tokio::test]
async fn each_upgrade_has_a_copy_of_its_own_and_the_newest_three_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roll.db");
    // What an earlier version left, and what is none of ours.
    for (name, bytes) in [("roll.db.before-7", &b""[..]), ("roll.db.before-friday", b"mine")] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    for (n, time) in ["20260101T000000Z", "20260201T000000Z", "20260301T000000Z"].into_iter().enumerate() {
        let copy = folder.path().join(format!("roll.db.before-3-{time}"));
        let made = std::time::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + 86_400 * 31 * n as u64);
        std::fs::File::create(copy).unwrap().set_modified(made).unwrap();
    }
    old_roll(&file, 5).await;
    std::fs::File::options()
        .write(true)
        .open(folder.path().join("roll.db.before-7"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    SqliteStore::open(&format!("sqlite:{}", file.display())).await.unwrap().close().await;
    let held = copies(folder.path());
    let names: Vec<String> = held.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(names[..2], ["roll.db.before-3-20260201T000000Z", "roll.db.before-3-20260301T000000Z"]);
    assert!(names[2].starts_with("roll.db.before-4-2") && names[3] == "roll.db.before-friday", "{names:?}");
    assert_eq!(links(&held[2]).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_an_upgrade_has_a_whole_copy_first() {
    let number = |key: &str| std::env::var(key).ok().and_then(|text| text.parse::<u64>().ok());
    let mut rng = fastrand::Rng::with_seed(number("ROLLCALL_SEED").unwrap_or(8));
    let desk = Desk::new();
    let folder = desk.path().join("data");
    let file = folder.join("rollcall.db");
    let mut takes = Duration::ZERO;
    for n in 0..=number("ROLLCALL_KILLS").unwrap_or(2) {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        old_roll(&file, 3000).await;
        let start = Instant::now();
        let mut child = desk.command(&["run", "list"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if n > 0 {
            std::thread::sleep(takes.mul_f64(rng.f64()));
            child.kill().unwrap();
        }
        child.wait().unwrap();
        takes = if n == 0 { start.elapsed() } else { takes };
        for copy in copies(&folder) {
            assert_eq!(links(&copy).await, 3000, "{}", copy.display());
        }
        assert_eq!(desk.out(&["export", "--format", "csv"]).lines().count(), 3001);
        assert!(!copies(&folder).is_empty(), "there is one by now");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_backup_is_brought_up_to_date_before_it_replaces_anything() {
    let desk = Desk::new();
    desk.out(&["link", "add", "https://now.test", "--name", "now"]);
    let backup = desk.path().join("old.db");
    old_roll(&backup, 50).await;
    let held = std::fs::read(&backup).unwrap();
    desk.out(&["restore", &backup.display().to_string()]);
    let file = desk.path().join("data/rollcall.db");
    let mut restored = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    let newest: i64 =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut restored).await.unwrap();
    assert!(newest > 4, "without having been opened since");
    restored.close().await.unwrap();
    assert_eq!(links(&file).await, 50);
    assert!(std::fs::read(&backup).unwrap() == held, "the backup stays as it is");
    // One of a newer program is refused, and what is there stays.
    let mut newer = SqliteConnection::connect(&format!("sqlite:{}", backup.display())).await.unwrap();
    let mark = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                VALUES (9999, 'to come', 1, x'00', 0)";
    sqlx::query(mark).execute(&mut newer).await.unwrap();
    newer.close().await.unwrap();
    let (code, said) = desk.fails(&["restore", &backup.display().to_string()]);
    assert!(code == 1 && said.contains("newer Rollcall"), "{said}");
    assert_eq!(links(&file).await, 50);
}

/// What the program says as a user to whom all of a folder may be read, and nothing in it made.
fn as_a_reader(desk: &Desk, args: &[&str]) -> std::io::Result<std::process::Output> {
    use std::os::unix::process::CommandExt;
    let mut command = desk.command(args);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.output()
}

const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn in_a_folder_that_may_not_be_written_a_current_database_is_read_and_no_other_waited_for() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let desk = Desk::new();
    desk.out(&["link", "add", "https://a.test", "--name", "a"]);
    let folder = desk.path().join("data");
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let database = folder.join("rollcall.db");
    // What a program leaves that was killed, and what a restore does.
    std::fs::hard_link(&database, folder.join("rollcall.db.replaced-20261125T190000Z")).unwrap();
    for name in ["rollcall.db", "rollcall.db-wal", "rollcall.db-shm"] {
        let file = folder.join(name);
        drop(std::fs::File::options().append(true).create(true).open(&file).unwrap());
        if is_root() {
            chown(&file, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    mode(desk.path(), 0o755);
    mode(&folder, 0o555);
    let listed = match as_a_reader(&desk, &["link", "list"]) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            mode(&folder, 0o755);
            return println!("others may not run the program here");
        }
        listed => listed.unwrap(),
    };
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let written = as_a_reader(&desk, &["export", "--format", "csv"]).unwrap();
    assert!(String::from_utf8_lossy(&written.stdout).contains("https://a.test"));
    let said = as_a_reader(&desk, &["doctor"]).unwrap();
    assert!(String::from_utf8_lossy(&said.stdout).contains("✓ database: sound"), "{said:?}");
    assert!(folder.join("rollcall.db.replaced-20261125T190000Z").exists());
    mode(&folder, 0o755);
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    mode(&folder, 0o555);
    for args in [&["link", "list"][..], &["link", "add", "https://a.test"]] {
        let failed = as_a_reader(&desk, args).unwrap();
        let said = String::from_utf8_lossy(&failed.stderr);
        assert!(failed.status.code() == Some(1) && said.contains("check that the folder may be written"), "{said}");
    }
    mode(&folder, 0o755);
}
