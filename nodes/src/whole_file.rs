//! Files that appear whole or not at all.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};

/// Writes a file beside its place and renames it, over one that is there. Its folder is created.
///
/// Nobody ever sees half a file, and an error, a full disk among them, leaves nothing behind.
pub(crate) fn write_whole_file(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(|source| io_error("cannot create", folder, source))?;
    let cannot_write = |source| io_error("cannot write", path, source);
    // Dropped on every error below, which removes it.
    let mut file = temporary_in(folder).map_err(cannot_write)?;
    write(file.as_file_mut()).map_err(cannot_write)?;
    file.as_file().sync_all().map_err(cannot_write)?;
    file.persist(path).map_err(|error| cannot_write(error.error))?;
    Ok(())
}

/// A file in the folder where it will stay, so that renaming it is one step; with the permissions of any new file
/// (temporary ones are private by default).
pub(crate) fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".easel-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// An [`Error::Io`].
pub(crate) fn io_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { action, path: PathBuf::from(path), source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/file");
        write_whole_file(&path, |file| file.write_all(b"first")).unwrap();
        let error = write_whole_file(&path, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        let error = error.unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
        assert!(error.hint().unwrap().contains("space"));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(path.parent().unwrap()), ["file"]);
    }
}
