//! Whether a database is ours, and whether all of it can be read.

use super::{
    super::{Result, StoreError},
    fixed, upgrade,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{io::Read, path::Path};

/// Faults that are listed at most.
const LISTED: usize = 20;
/// Tables that every version of ours has.
const TABLES: [&str; 6] = ["links", "groups", "runs", "run_items", "settings", "schedules"];

/// The version of a database, the newest change that it has seen: 0 where it is empty. A file that says it is ours and
/// was changed by other hands than ours is not.
///
/// # Errors
/// [`StoreError::NotADatabase`] where it is another program's, [`StoreError::Newer`] where a newer Rollcall made it.
pub async fn ours(connection: &mut SqliteConnection, path: &Path) -> Result<i64> {
    let shown = || path.display().to_string();
    let query = "SELECT name FROM sqlite_schema WHERE type = 'table'";
    let tables: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut *connection).await?;
    if tables.is_empty() {
        return Ok(0);
    }
    let has = |name: &str| tables.iter().any(|table| table == name);
    if !has("_sqlx_migrations") {
        return Err(StoreError::NotADatabase(shown()));
    }
    let query = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    let seen: Vec<(i64, Vec<u8>)> = sqlx::query_as(query).fetch_all(&mut *connection).await?;
    let known = upgrade::known();
    for (version, checksum) in &seen {
        match upgrade::checksum(*version) {
            Some(ours) if ours == checksum.as_slice() => {}
            // What came before it was ours.
            None if *version > known && *version != seen[0].0 => {
                let found = seen.last().map_or(*version, |(newest, _)| *newest);
                return Err(StoreError::Newer { file: shown(), found, known });
            }
            _ => return Err(StoreError::NotADatabase(shown())),
        }
    }
    if !seen.is_empty() && !TABLES.into_iter().all(has) {
        return Err(StoreError::Corrupt("tables are missing".to_owned()));
    }
    Ok(seen.last().map_or(0, |(newest, _)| *newest))
}

/// Reads everything; what is wrong with it, empty where nothing is.
///
/// # Errors
/// Where it cannot be read so far that faults could be listed.
pub async fn examine(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    let mut wrong = integrity(connection).await?;
    let dangling: Vec<(String, Option<i64>, String)> =
        sqlx::query_as("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 20")
            .fetch_all(&mut *connection)
            .await?;
    wrong.extend(dangling.into_iter().map(|(table, row, parent)| {
        format!("row {} of {table} names a row of {parent} that is not there", row.unwrap_or_default())
    }));
    Ok(wrong)
}

/// As [`examine`], without asking whether rows name rows that are there: a copy is as good as what it was made of.
async fn integrity(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    let query = format!("PRAGMA integrity_check({LISTED})");
    let found: Vec<String> = sqlx::query_scalar(fixed(query)).fetch_all(&mut *connection).await?;
    // A row may have many lines, the first of which names the database.
    let lines = found.iter().flat_map(|row| row.lines());
    Ok(lines.filter(|line| *line != "ok" && !line.starts_with("***")).take(LISTED).map(str::to_owned).collect())
}

/// How many rows each table has.
///
/// # Errors
/// Where they cannot be read.
pub async fn rows(connection: &mut SqliteConnection) -> Result<Vec<(String, i64)>> {
    let query =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY 1";
    let tables: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut *connection).await?;
    let mut counts = Vec::with_capacity(tables.len());
    for table in tables {
        // An index that has lost entries would count fewer.
        let query = format!("SELECT count(*) FROM \"{}\" NOT INDEXED", table.replace('"', "\"\""));
        let count = sqlx::query_scalar(fixed(query)).fetch_one(&mut *connection).await?;
        counts.push((table, count));
    }
    Ok(counts)
}

/// Reads a backup of ours, from a file that nothing else has open: whether it can be restored.
///
/// # Errors
/// [`StoreError::BadBackup`], with what is wrong with it.
pub async fn check_backup(path: &Path) -> Result<()> {
    check(path, true).await
}

/// Reads a copy back that was just made: one that cannot be read is none.
///
/// # Errors
/// [`StoreError::BadBackup`], with what is wrong with it.
pub async fn check_copy(path: &Path) -> Result<()> {
    check(path, false).await
}

async fn check(path: &Path, with_references: bool) -> Result<()> {
    let bad = |why: String| StoreError::BadBackup { file: path.display().to_string(), why };
    if !is_whole(path) {
        return Err(bad("it is empty, cut short, or no database".to_owned()));
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
    let mut connection = options.connect().await.map_err(|error| bad(StoreError::from(error).to_string()))?;
    let examined = async {
        let version = ours(&mut connection, path).await?;
        let wrong = if with_references { examine(&mut connection).await } else { integrity(&mut connection).await };
        Ok::<_, StoreError>((version, wrong?))
    };
    let examined = examined.await;
    // What was read is read; a connection that cannot be closed changes nothing of it.
    let _ = connection.close().await;
    match examined {
        Ok((0, _)) | Err(StoreError::NotADatabase(_)) => Err(bad("it is not a Rollcall database".to_owned())),
        Ok((_, wrong)) => wrong.into_iter().next().map_or(Ok(()), |first| Err(bad(format!("it is damaged ({first})")))),
        Err(StoreError::Corrupt(what)) => Err(bad(format!("it is damaged ({what})"))),
        Err(newer @ StoreError::Newer { .. }) => Err(newer),
        Err(other) => Err(bad(other.to_string())),
    }
}

/// Whether a file begins as a database does and is as long as it says: a look that costs nothing, at a file that nothing
/// has open.
pub fn is_whole(path: &Path) -> bool {
    // sqlite.org/fileformat.html, 1.3: the page size at 16, the number of pages at 28, both big-endian.
    let mut head = [0; 100];
    let read = std::fs::File::open(path).and_then(|mut file| {
        file.read_exact(&mut head)?;
        file.metadata()
    });
    let Ok(file) = read else { return false };
    let page = match u16::from_be_bytes([head[16], head[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages = u64::from(u32::from_be_bytes([head[28], head[29], head[30], head[31]]));
    head.starts_with(b"SQLite format 3\0") && page >= 512 && pages > 0 && file.len() == page * pages
}
