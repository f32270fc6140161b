//! Files that are the owner's alone: the database holds password hashes and e-mail addresses, and so do its copies.

use std::{
    fs::{File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown},
    path::Path,
};

/// Makes a file that is not there yet, for its owner alone whatever the umask.
///
/// # Errors
/// Where it is there, or cannot be made.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600);
    let file = options.open(path)?;
    // Not by its name, which another process may have taken away again.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Makes a folder, with those above it, for its owner alone; one that is there stays as it is.
///
/// # Errors
/// Where it cannot be made.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        create_folder(above)?;
    }
    let mut builder = std::fs::DirBuilder::new();
    match builder.mode(0o700).create(path) {
        Ok(()) => set_mode(path, 0o700),
        // Another process was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes a file that is ours from everybody else. One that is not is left alone: doctor names it.
pub fn tighten(path: &Path) {
    let ours = rustix::process::geteuid().as_raw();
    let wide = std::fs::metadata(path).is_ok_and(|file| file.uid() == ours && file.mode() & 0o077 != 0);
    if wide && let Err(error) = set_mode(path, 0o600) {
        tracing::warn!(%error, file = %path.display(), "others may open it, and that could not be changed");
    }
}

/// Gives `to` the owner of `from`, where we may, so that who could open the one can open the other.
pub fn same_owner(from: &Path, to: &Path) {
    // Where we may not, it stays ours.
    let _ = give_to_owner_of(from, to);
}

/// As [`same_owner`].
///
/// # Errors
/// Where `to` belongs to somebody else than `from`, and that cannot be changed.
pub fn give_to_owner_of(from: &Path, to: &Path) -> io::Result<()> {
    let (held, given) = (std::fs::metadata(from)?, std::fs::metadata(to)?);
    if held.uid() != given.uid() {
        chown(to, Some(held.uid()), None)?;
    }
    if held.gid() != given.gid() {
        // The owner can open it whatever its group is.
        let _ = chown(to, None, Some(held.gid()));
    }
    Ok(())
}

/// Gives `to` the permissions that owner and group have on `from`; all others get none.
///
/// # Errors
/// Where they cannot be set.
pub fn same_mode(from: &Path, to: &Path) -> io::Result<()> {
    set_mode(to, std::fs::metadata(from)?.mode() & 0o770 | 0o600)
}

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}
