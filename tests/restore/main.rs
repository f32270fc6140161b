//! Databases that are damaged, cut short, missing or somebody else's: doctor names it, a restore brings the roll back, and
//! whatever it is killed in, the one or the other database is there.
//!
//! ROLLCALL_KILLS and ROLLCALL_SEED say how many kills and which; `make kill` makes more of them.

mod doctor;
mod kills;
#[path = "../support/mod.rs"]
mod support;

use rollcall::store::{Store, sqlite::SqliteStore};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use support::desk::Desk;

const LINKS: usize = 600;

/// A desk with a roll, which is backed up, and the backup.
fn backed_up() -> (Desk, String) {
    let desk = Desk::new();
    let rows: Vec<String> =
        (0..LINKS).map(|n| format!("friend{n},https://f{n}.test/,{}", "words ".repeat(20))).collect();
    desk.out(&["import", &desk.file("roll.csv", format!("name,url,note\n{}\n", rows.join("\n")).as_bytes())]);
    let backup = desk.path().join("good.db").display().to_string();
    desk.out(&["backup", &backup]);
    (desk, backup)
}

fn database(desk: &Desk) -> PathBuf {
    desk.path().join("data/rollcall.db")
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// The names beside the database.
fn beside(desk: &Desk) -> Vec<String> {
    let files = std::fs::read_dir(desk.path().join("data")).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// How many rows each table has.
async fn rows(path: &Path) -> BTreeMap<String, i64> {
    let mut connection = SqliteConnectOptions::new().filename(path).read_only(true).connect().await.unwrap();
    let query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let tables: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
    let mut counts = BTreeMap::new();
    for table in tables {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        counts.insert(table, sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap());
    }
    connection.close().await.unwrap();
    counts
}

/// Not one row fewer than the backup, and the note that it was restored.
async fn assert_restored(desk: &Desk, backup: &str, case: &str) {
    let mut held = rows(Path::new(backup)).await;
    *held.get_mut("audit").unwrap() += 1;
    assert_eq!(rows(&database(desk)).await, held, "{case}");
    assert_eq!(desk.out(&["export", "--format", "csv"]).lines().count(), LINKS + 1, "{case}");
}

fn doctor(desk: &Desk) -> (i32, String) {
    let output = desk.run(&["doctor"]);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn line<'a>(said: &'a str, what: &str) -> &'a str {
    said.lines().find(|line| line.contains(&format!(" {what}: "))).unwrap_or_else(|| panic!("{what} is not in {said}"))
}

/// What may become of a file, by name; the last ones by chance.
fn damages(sound: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut rng = fastrand::Rng::with_seed(3);
    let page = 4096;
    let mut noise = |from: usize, len: usize| {
        let mut bytes = sound.to_vec();
        bytes[from..from + len].fill_with(|| rng.u8(..));
        bytes
    };
    let end = sound.len();
    let mut all = vec![
        ("header", noise(0, 100)),
        ("first page", noise(0, page)),
        ("schema", noise(100, page - 100)),
        ("a root page", noise(page, page)),
        ("the middle", noise(end / 2 / page * page, 4 * page)),
        ("the end", noise(end - 3 * page, 3 * page)),
        ("cut in half", sound[..end / 2].to_vec()),
        ("cut to 100 bytes", sound[..100].to_vec()),
        ("a byte short", sound[..end - 1].to_vec()),
        ("a page short", sound[..end - page].to_vec()),
        ("empty", Vec::new()),
        ("a text", "this is no database, however long it is made to be. ".repeat(40).into_bytes()),
        ("zeros", vec![0; end]),
        ("zeros after two pages", [&sound[..2 * page], &vec![0; end - 2 * page]].concat()),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .collect::<Vec<_>>();
    for seed in 0..6 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes = sound.to_vec();
        for _ in 0..200 {
            let at = rng.usize(..end);
            bytes[at] ^= 1 << rng.u8(..8);
        }
        all.push((format!("200 flipped bits of seed {seed}"), bytes));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_damaged_doctor_names_it_and_a_restore_mends_it() {
    let (desk, backup) = backed_up();
    let sound = std::fs::read(&backup).unwrap();
    for (case, bytes) in damages(&sound) {
        std::fs::remove_dir_all(desk.path().join("data")).unwrap();
        std::fs::create_dir(desk.path().join("data")).unwrap();
        std::fs::write(database(&desk), &bytes).unwrap();
        let (code, said) = doctor(&desk);
        let told = line(&said, "database");
        assert!(code == 1 && told.starts_with("✗ database: "), "{case}: {said}");
        assert!(told.contains("rollcall restore") && !told.contains("code:"), "{case}: {told}");
        line(&said, "disk");
        // An empty file is one that was not begun yet, and is begun.
        if !bytes.is_empty() {
            let copy = desk.path().join(format!("{case}.db"));
            let output = desk.run(&["backup", &copy.display().to_string()]);
            let said = String::from_utf8_lossy(&output.stderr);
            if output.status.success() {
                // Damage to what is made anew in a copy, such as an index.
                assert_eq!(rows(&copy).await, rows(Path::new(&backup)).await, "{case}");
            } else {
                assert!(said.contains("rollcall restore") && !said.contains("folder"), "{case}: {said}");
                assert!(!copy.exists(), "{case}");
            }
        }
        desk.out(&["restore", &backup]);
        let kept: Vec<String> = beside(&desk).into_iter().filter(|name| name.contains(".replaced-")).collect();
        assert_eq!(kept.len(), 1, "{case}: {kept:?}");
        assert_restored(&desk, &backup, &case).await;
        assert!(doctor(&desk).1.contains("✓ database: "), "{case}");
    }
}

/// A log with changes that are not in the file, as a program that was killed leaves it; and the file.
async fn with_log(desk: &Desk) -> (Vec<u8>, Vec<u8>) {
    let database = database(desk);
    let mut writer = SqliteConnection::connect(&desk.database()).await.unwrap();
    for statement in [
        "PRAGMA journal_mode = WAL",
        "PRAGMA wal_autocheckpoint = 0",
        "INSERT INTO link_days VALUES (1, 1, 1, 1, 1, 1)",
    ] {
        sqlx::query(statement).execute(&mut writer).await.unwrap();
    }
    let files = (std::fs::read(&database).unwrap(), std::fs::read(with(&database, "-wal")).unwrap());
    writer.close().await.unwrap();
    files
}

fn lay(desk: &Desk, file: Option<&[u8]>, log: &[u8]) {
    let database = database(desk);
    std::fs::remove_dir_all(desk.path().join("data")).unwrap();
    std::fs::create_dir(desk.path().join("data")).unwrap();
    if let Some(bytes) = file {
        std::fs::write(&database, bytes).unwrap();
    }
    std::fs::write(with(&database, "-wal"), log).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_left_is_kept_and_never_played_into_the_restored_database() {
    let (desk, backup) = backed_up();
    let (file, log) = with_log(&desk).await;
    let sound = std::fs::read(&backup).unwrap();
    let header = [&[0xA5; 100], &file[100..]].concat();
    for (case, main) in [
        ("missing", None),
        ("emptied", Some(&[][..])),
        ("cut", Some(&file[..5000])),
        ("header", Some(&header[..])),
        ("another's log", Some(&sound[..])),
    ] {
        lay(&desk, main, &log);
        let (code, said) = doctor(&desk);
        if case != "another's log" {
            assert!(code == 1 && line(&said, "database").starts_with("✗ database: "), "{case}: {said}");
        }
        if matches!(case, "missing" | "emptied") {
            assert!(desk.fails(&["link", "list"]).1.contains("rollcall.db-wal"), "{case}: no new one is made");
        }
        lay(&desk, main, &log);
        desk.out(&["restore", &backup]);
        assert_restored(&desk, &backup, case).await;
        if case != "another's log" {
            let kept = beside(&desk).into_iter().find(|name| name.contains(".replaced-") && name.ends_with("-wal"));
            let kept = std::fs::read(desk.path().join("data").join(kept.expect(case))).unwrap();
            assert!(kept == log, "{case}: kept as it was");
        }
    }
    // A sound one is kept with all that is in its log.
    lay(&desk, Some(&file), &log);
    desk.out(&["restore", &backup]);
    let names = beside(&desk);
    let [restored, kept] = &names[..] else { panic!("{names:?}") };
    assert_eq!(restored, "rollcall.db");
    assert_eq!(rows(&desk.path().join("data").join(kept)).await["link_days"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_with_a_log_comes_back_with_it_and_stays_as_it_is() {
    let (desk, _) = backed_up();
    let (file, log) = with_log(&desk).await;
    let folder = desk.path().join("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let backup = folder.join("b.db");
    std::fs::write(&backup, &file).unwrap();
    std::fs::write(with(&backup, "-wal"), &log).unwrap();
    desk.out(&["restore", &backup.display().to_string()]);
    assert_eq!(rows(&database(&desk)).await["link_days"], 1);
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(std::fs::read(&backup).unwrap() == file && std::fs::read(with(&backup, "-wal")).unwrap() == log);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sound_backup_is_named_and_changes_nothing() {
    let (desk, backup) = backed_up();
    let sound = std::fs::read(&backup).unwrap();
    let before = std::fs::read(database(&desk)).unwrap();
    let other = desk.path().join("other.db");
    let mut made = SqliteConnectOptions::new().filename(&other).create_if_missing(true).connect().await.unwrap();
    for statement in [
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT, installed_on TIMESTAMP,
             success BOOLEAN, checksum BLOB, execution_time BIGINT)",
        "INSERT INTO _sqlx_migrations VALUES (1, 'first', '2026-01-01', 1, x'00', 1)",
        "CREATE TABLE links (id)",
    ] {
        sqlx::query(statement).execute(&mut made).await.unwrap();
    }
    made.close().await.unwrap();
    let mut cases = vec![
        (other.display().to_string(), "it is not a Rollcall database"),
        (desk.path().join("nowhere.db").display().to_string(), "there is no such file"),
        (database(&desk).display().to_string(), "it is the database itself"),
        (desk.path().join("data").display().to_string(), "it is not a file"),
        (desk.file("empty.db", b""), "it is empty"),
        (desk.file("text.db", &b"no database, ".repeat(99)), "it is not a Rollcall database"),
    ];
    for (n, (_, bytes)) in damages(&sound).into_iter().filter(|(_, bytes)| bytes.len() > 4096).enumerate() {
        cases.push((desk.file(&format!("damaged{n}.db"), &bytes), " "));
    }
    for (file, why) in cases {
        let (code, said) = desk.fails(&["restore", &file]);
        assert!(code == 1 && said.contains(&file) && said.contains(why), "{file}: {said}");
        assert!(said.contains("Nothing was changed") && !said.contains("--database"), "{said}");
        assert_eq!(beside(&desk), ["rollcall.db"], "{file}");
        assert!(std::fs::read(database(&desk)).unwrap() == before, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_a_program_has_open_is_not_replaced_damaged_or_not() {
    let (desk, backup) = backed_up();
    let mut server = desk.serve(&[]);
    assert!(desk.fails(&["restore", &backup]).1.contains("Stop the server first"));
    // Its beginning goes while it is open.
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::options().write(true).open(database(&desk)).unwrap();
    file.write_all_at(&[0xA5; 100], 0).unwrap();
    assert!(desk.fails(&["restore", &backup]).1.contains("Stop the server first"));
    server.kill();
    desk.out(&["restore", &backup]);
    assert_restored(&desk, &backup, "once it is stopped").await;
}

#[test]
fn a_restored_database_belongs_to_whom_the_one_before_it_or_the_folder_does() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let (desk, backup) = backed_up();
    let folder = desk.path().join("data");
    let of = |path: &Path| std::fs::metadata(path).map(|file| (file.uid(), file.mode() & 0o777)).unwrap();
    if chown(&folder, Some(4321), None).is_err() {
        return println!("only root gives files to others");
    }
    std::fs::remove_file(database(&desk)).unwrap();
    desk.out(&["restore", &backup]);
    assert_eq!(of(&database(&desk)), (4321, 0o600));
    chown(database(&desk), Some(1234), None).unwrap();
    std::fs::set_permissions(database(&desk), std::fs::Permissions::from_mode(0o640)).unwrap();
    desk.out(&["restore", &backup]);
    assert_eq!(of(&database(&desk)), (1234, 0o640));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_leaves_all_that_was_written_in_the_one_file() {
    let desk = Desk::new();
    desk.out(&["link", "add", "https://a.test", "--name", "a"]);
    assert_eq!(beside(&desk), ["rollcall.db"]);
    assert_eq!(desk.fails(&["link", "add", "https://a.test", "--name", "a"]).0, 1, "it is there");
    assert_eq!(beside(&desk), ["rollcall.db"], "also where the command failed");
    let (mut server, mut browser) = desk.serve_first_signed_in();
    let link = [("url", "https://b.test"), ("name", "b"), ("active", "on")];
    assert_eq!(browser.post("/api/fn/save_link", &link).status, 200);
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert_eq!(beside(&desk), ["rollcall.db"]);
    assert_eq!(rows(&database(&desk)).await["links"], 2);
    let list = desk.file("list.csv", b"name,url\nc,https://c.test\n");
    let other = Desk::new();
    assert!(other.out(&["import", "--dry-run", &list]).contains("would be: added 1"));
    assert!(doctor(&other).1.contains("! database: there is none yet"));
    assert!(!other.path().join("data").exists(), "neither makes a database");
}

#[tokio::test]
async fn space_that_another_program_made_is_asked_for_and_left_at_that() {
    let (desk, _) = backed_up();
    let mut made = SqliteConnection::connect(&desk.database()).await.unwrap();
    for statement in ["PRAGMA journal_mode = DELETE", "PRAGMA auto_vacuum = NONE", "VACUUM"] {
        sqlx::query(statement).execute(&mut made).await.unwrap();
    }
    sqlx::query(
        "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
                 SELECT randomblob(4000) FROM n",
    )
    .execute(&mut made)
    .await
    .unwrap();
    sqlx::query("DROP TABLE filler").execute(&mut made).await.unwrap();
    made.close().await.unwrap();
    let store = SqliteStore::open(&desk.database()).await.unwrap();
    assert!(store.size().await.unwrap().free > 4_000_000);
    assert!(!store.shrink().await.unwrap(), "there is nothing more that can be given");
    // A restore has it give space back again.
    let copy = desk.path().join("none.db");
    store.backup(&copy).await.unwrap();
    store.close().await;
    desk.out(&["restore", &copy.display().to_string()]);
    let mut restored = SqliteConnection::connect(&desk.database()).await.unwrap();
    let mode: i64 = sqlx::query_scalar("PRAGMA auto_vacuum").fetch_one(&mut restored).await.unwrap();
    assert_eq!(mode, 2);
}
