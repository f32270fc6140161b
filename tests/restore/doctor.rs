//! What doctor finds besides damage.

use super::{backed_up, database, doctor, line, with};
use rollcall::{
    clock::{Clock, SystemClock},
    domain::{progress::Trigger, run::Plan, settings::Settings},
    store::{Runs, Store, sqlite::SqliteStore},
};
use sqlx::{Connection, SqliteConnection};

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reads_backups_back_tries_a_write_and_names_runs_that_were_left() {
    let (desk, backup) = backed_up();
    let folder = desk.path().join("data/backups");
    std::fs::create_dir(&folder).unwrap();
    let made = |days: i64| {
        let at = SystemClock.now() - chrono::TimeDelta::days(days);
        folder.join(at.format("rollcall-%Y%m%dT%H%M%SZ.db").to_string())
    };
    std::fs::copy(&backup, made(53)).unwrap();
    let (code, said) = doctor(&desk);
    assert!(code == 1 && line(&said, "backups").starts_with("✗ backups: the newest is "), "{said}");
    std::fs::copy(&backup, made(3)).unwrap();
    assert!(line(&doctor(&desk).1, "backups").starts_with("! backups: "));
    std::fs::copy(&backup, made(0)).unwrap();
    assert!(line(&doctor(&desk).1, "backups").starts_with("✓ backups: "));
    for (days, bytes) in [(-1, &b""[..]), (-2, b"no database")] {
        let newest = made(days);
        std::fs::write(&newest, bytes).unwrap();
        let (code, said) = doctor(&desk);
        let told = line(&said, "backups");
        assert!(code == 1 && told.contains("is no good") && told.contains("the newest sound one is "), "{said}");
        std::fs::remove_file(newest).unwrap();
    }
    let store = SqliteStore::open(&desk.database()).await.unwrap();
    let plan = Plan { settings: Settings::default(), whitelist: Vec::new(), widened: false };
    let at = SystemClock.now() - chrono::TimeDelta::hours(20);
    let begun = store.begin_run(Trigger::Click, &plan, "gone", &[1], at).await.unwrap();
    store.close().await;
    let said = doctor(&desk).1;
    assert!(said.contains(&format!("rollcall run show {}", begun.run_id.unwrap())), "{said}");
    let mut other = SqliteConnection::connect(&desk.database()).await.unwrap();
    sqlx::query("UPDATE runs SET state = 'held'").execute(&mut other).await.unwrap();
    sqlx::query("DELETE FROM schedules").execute(&mut other).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let (code, said) = doctor(&desk);
    assert!(code == 1 && line(&said, "writing").contains("locked by another program"), "{said}");
    assert!(said.contains("rollcall run apply 1 or rollcall run discard 1"), "{said}");
    assert!(line(&said, "schedules").starts_with("! schedules: none"), "{said}");
    // Its log is taken away while somebody has it open.
    std::fs::remove_file(with(&database(&desk), "-wal")).unwrap();
    let (code, said) = doctor(&desk);
    assert!(code == 1 && line(&said, "database").contains("log (-wal or -shm) was removed"), "{said}");
    other.close().await.unwrap();
}

#[test]
fn a_database_that_was_moved_away_under_a_program_is_told() {
    let (desk, backup) = backed_up();
    let mut server = desk.serve(&[]);
    std::fs::rename(database(&desk), desk.path().join("moved.db")).unwrap();
    for replaced in [false, true] {
        if replaced {
            std::fs::copy(&backup, database(&desk)).unwrap();
        }
        let (code, said) = doctor(&desk);
        assert!(code == 1 && line(&said, "database").contains("was moved away or replaced"), "{said}");
        assert!(desk.fails(&["restore", &backup]).1.contains("Stop the server first"));
    }
    server.kill();
}
