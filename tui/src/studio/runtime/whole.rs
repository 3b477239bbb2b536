//! Files that are written whole or not at all.

use std::io::{self, Write};
use std::path::Path;

/// Puts content into the place of a file, whole or not at all. A link stays a link, and the file keeps its permissions; one
/// that may not be written to is not replaced either.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.is_symlink() && !path.exists() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is a link that leads nowhere"));
    }
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = std::fs::metadata(path).map(|metadata| metadata.permissions()).ok();
    if permissions.as_ref().is_some_and(std::fs::Permissions::readonly) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let mut file = tempfile::Builder::new();
    #[cfg(unix)]
    let file = file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = file.tempfile_in(folder)?;
    file.write_all(content)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_with_its_permissions() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("a.ron");
        std::fs::write(&path, "old").expect("it can be written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;

            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("they can be set");
        }
        write(&path, b"new").expect("it can be written");
        assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("new"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;

            let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o640);
        }
        assert_eq!(std::fs::read_dir(folder.path()).map(Iterator::count).ok(), Some(1), "nothing is left beside it");
        let mut permissions = std::fs::metadata(&path).expect("it is there").permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&path, permissions).expect("they can be set");
        assert!(write(&path, b"newer").is_err_and(|error| error.to_string() == "it is read-only"));
        assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("new"));
        #[cfg(unix)]
        {
            let link = folder.path().join("link.ron");
            std::os::unix::fs::symlink("nowhere.ron", &link).expect("there is room");
            assert!(write(&link, b"x").is_err_and(|error| error.to_string().contains("leads nowhere")));
            assert!(link.is_symlink());
        }
        assert!(write(&folder.path().join("none/a.ron"), b"x").is_err());
    }
}
