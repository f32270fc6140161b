//! A database of an earlier version is copied, brought up to date, and keeps what it held.

use rollcall::store::{Links, sqlite::SqliteStore};
use sqlx::{
    Connection, SqliteConnection,
    migrate::Migrator,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode},
};
use std::path::Path;

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
    assert_eq!(copies, ["roll.db.before-6"], "copied first");
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
    for known in 1..=3 {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roll.db");
        of_version(&file, known).await.close().await.unwrap();
        let store = SqliteStore::open(&format!("sqlite:{}", file.display())).await.unwrap();
        assert!(store.links().await.unwrap().is_empty(), "{known}");
    }
}
