//! A database as files: what is there, and whether another process has it open. Nothing here asks SQLite, so that it
//! can be told of a damaged file as well.

use rustix::{
    fs::{FlockOperation, fcntl_lock},
    process::{Flock, FlockType, fcntl_getlk},
};
use std::{
    fs::File,
    io::{self, Seek},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What lies at a database's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Bytes of the file; `None` where there is none.
    pub bytes: Option<u64>,
    /// Bytes of the write-ahead log; `None` where there is none.
    pub wal: Option<u64>,
    /// The index of the write-ahead log is there.
    pub shm: bool,
    /// The process that has it open, where one has.
    pub held_by: Option<u32>,
    /// The process that has the log open: another one, or one whose database was moved away, where it does not hold this.
    pub log_held_by: Option<u32>,
}

/// Looks at a database's files, before this process opens it: closing a file gives up the locks that a process has on it.
///
/// # Errors
/// Where it is there and is no file, or cannot be read.
pub fn look(path: &Path) -> io::Result<Found> {
    let size = |path: &Path| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
    let path = &super::open::real_path(path);
    let [wal, shm, _] = logs(path);
    if path.exists() && size(path).is_none() {
        return Err(io::Error::other("it is not a file"));
    }
    let bytes = size(path);
    let (held_by, log_held_by) = (locked_by(path)?, locked_by(&shm)?);
    Ok(Found { bytes, wal: size(&wal), shm: size(&shm).is_some(), held_by, log_held_by })
}

/// What SQLite keeps beside a database while it is open: write-ahead log, its index, rollback journal.
pub fn logs(path: &Path) -> [PathBuf; 3] {
    ["-wal", "-shm", "-journal"].map(|suffix| with_suffix(path, suffix))
}

/// A path with letters after its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// `FILE.SUFFIX`, beside the file.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    with_suffix(path, &format!(".{suffix}"))
}

/// What names a time in the name of a file, to the second.
pub const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// The files beside one whose names begin with its own and go on with `mark`.
pub fn all_beside(path: &Path, mark: &str) -> Vec<PathBuf> {
    let mark = with_suffix(path, mark);
    let files = std::fs::read_dir(folder_of(path)).into_iter().flatten().flatten();
    let named = files.map(|file| path.with_file_name(file.file_name()));
    named.filter(|file| file.as_os_str().as_encoded_bytes().starts_with(mark.as_os_str().as_encoded_bytes())).collect()
}

/// The folder that a file lies in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The files that SQLite locks while it has a database open: in WAL mode both, for as long as it is open.
fn locked_files(path: &Path) -> [PathBuf; 2] {
    [path.to_path_buf(), with_suffix(path, "-shm")]
}

/// Another process that has the database open, by the locks that SQLite holds on it.
///
/// # Errors
/// Where a file is there and cannot be opened.
pub fn holder(path: &Path) -> io::Result<Option<u32>> {
    for file in locked_files(path) {
        if let Some(process) = locked_by(&file)? {
            return Ok(Some(process));
        }
    }
    Ok(None)
}

/// Another process that has a lock on a file; none has on one that is not there.
fn locked_by(file: &Path) -> io::Result<Option<u32>> {
    let file = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let lock = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))?;
    Ok(lock.map(|lock| lock.pid.map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs())))
}

/// Keeps every other process from the database until it is dropped, by the locks that SQLite asks for. These are the
/// process's: closing any other handle of the same files gives them up.
pub struct Hold {
    files: Vec<File>,
}

impl Hold {
    /// Calls `read` with a file, from its beginning, without giving up a lock on it.
    ///
    /// # Errors
    /// Where it cannot be opened, or as `read`.
    pub fn read<T>(&self, path: &Path, read: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
        match self.files.iter().find(|file| is_at(file, path)) {
            Some(mut held) => {
                held.rewind()?;
                read(held)
            }
            None => read(&File::open(path)?),
        }
    }
}

/// Takes hold of a database; `None` where another process has it open.
///
/// # Errors
/// Where a file is there and cannot be opened.
pub fn hold(path: &Path) -> io::Result<Option<Hold>> {
    let mut files = Vec::new();
    for file in locked_files(path) {
        let opened = match File::options().read(true).write(true).open(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // One that may only be read can be asked, and not be locked.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                // This file alone: asking of the other would give up the lock on it.
                if locked_by(&file)?.is_some() {
                    return Ok(None);
                }
                continue;
            }
            other => other?,
        };
        match fcntl_lock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => files.push(opened),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(Hold { files }))
}

/// What tells a file from every other, whatever its name; `None` where there is none.
pub fn id(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Whether both names are of one file.
pub fn same_file(one: &Path, other: &Path) -> bool {
    id(one).is_some_and(|one| id(other) == Some(one))
}

/// Has the disk keep a file, and its name in its folder, also where power is lost.
///
/// # Errors
/// Where the disk does not take it.
pub fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    sync_folder(path)
}

/// Has the disk keep the names in the folder of a file.
///
/// # Errors
/// Where the disk does not take it.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(folder_of(path))?.sync_all() {
        // Some file systems know no such thing of folders.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

/// Whether an open file is still the one of that name.
pub fn is_at(file: &File, path: &Path) -> bool {
    file.metadata().is_ok_and(|file| id(path) == Some((file.dev(), file.ino())))
}
