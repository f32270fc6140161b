//! What SQLite says went wrong, in words that say what to do.

use super::super::StoreError;

/// Characters of SQLite's words that are told.
const WORDS_MAX: usize = 120;

/// Extended result codes (sqlite.org/rescode.html) that want other words than the primary code in their low byte.
mod code {
    pub const IOERR_SHORT_READ: i32 = 10 | 2 << 8;
    pub const IOERR_READ: i32 = 10 | 1 << 8;
    pub const IOERR_NOMEM: i32 = 10 | 12 << 8;
    pub const IOERR_SHMSIZE: i32 = 10 | 19 << 8;
    pub const IOERR_DATA: i32 = 10 | 32 << 8;
    pub const IOERR_CORRUPTFS: i32 = 10 | 33 << 8;
    pub const READONLY_DBMOVED: i32 = 8 | 4 << 8;
    pub const CANTOPEN_DIRTYWAL: i32 = 14 | 5 << 8;
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        if let sqlx::Error::ColumnDecode { index, .. } = &error {
            return StoreError::Corrupt(format!("column {index} holds what cannot be read"));
        }
        let told = error.as_database_error().map(|told| (told.code(), told.message().to_owned()));
        let Some((Some(full), message)) = told else {
            return if matches!(error, sqlx::Error::PoolTimedOut) {
                StoreError::Locked
            } else {
                StoreError::Database(error)
            };
        };
        let Ok(full) = full.parse::<i32>() else { return StoreError::Database(error) };
        match (full, full & 0xff) {
            // The index of the log is made as large as it may become, which a full disk refuses.
            (code::IOERR_SHMSIZE, _) | (_, 13) => StoreError::Full,
            (code::IOERR_READ | code::IOERR_SHORT_READ, _) => StoreError::NotRead,
            (code::IOERR_CORRUPTFS | code::IOERR_DATA | code::CANTOPEN_DIRTYWAL, _) | (_, 11) => {
                // It may quote pieces of the file.
                let line = message.lines().next().unwrap_or_default();
                StoreError::Corrupt(line.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect())
            }
            (code::IOERR_NOMEM, _) => StoreError::Database(error),
            (code::READONLY_DBMOVED, _) => StoreError::Moved,
            (_, 5 | 6 | 15) => StoreError::Locked,
            (_, 8) => StoreError::ReadOnly,
            (_, 10) => StoreError::NotWritten,
            (_, 14) => StoreError::CannotOpen("file".to_owned()),
            (_, 26) => StoreError::NotADatabase("the file".to_owned()),
            _ => StoreError::Database(error),
        }
    }
}
