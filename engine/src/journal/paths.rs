//! Paths in a journal. Most are text; the rest is kept byte for byte where the system has bytes.

use std::path::{Path, PathBuf};

use rusqlite::types::{Value, ValueRef};
use serde::{Deserialize, Serialize};

/// A path as JSON has it: a string, or bytes if it is no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum StoredPath {
    Text(String),
    Bytes { bytes: Vec<u8> },
}

impl From<&Path> for StoredPath {
    fn from(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => StoredPath::Text(text.to_string()),
            None => StoredPath::Bytes { bytes: path.as_os_str().as_encoded_bytes().to_vec() },
        }
    }
}

impl From<StoredPath> for PathBuf {
    fn from(path: StoredPath) -> Self {
        match path {
            StoredPath::Text(text) => text.into(),
            StoredPath::Bytes { bytes } => of_bytes(&bytes),
        }
    }
}

/// A path as a column has it: a text, or a blob if it is none.
pub(super) fn to_column(path: &Path) -> Value {
    match path.to_str() {
        Some(text) => Value::Text(text.to_string()),
        None => Value::Blob(path.as_os_str().as_encoded_bytes().to_vec()),
    }
}

/// The path in a column; none if there is none, or something that is no path.
pub(super) fn of_column(value: ValueRef<'_>) -> Option<PathBuf> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(of_bytes(bytes)),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    }
}

#[cfg(unix)]
fn of_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;

    std::ffi::OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn of_bytes(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn paths_that_are_no_text_come_back() {
        for bytes in [&b"a/b.ron"[..], b"caf\xe9/\xff.png", b""] {
            let path = Path::new(std::ffi::OsStr::from_bytes(bytes));
            let json = serde_json::to_string(&StoredPath::from(path)).expect("it can be written");
            let back: StoredPath = serde_json::from_str(&json).expect("it can be read");
            assert_eq!(PathBuf::from(back), path);
            assert_eq!(of_column(ValueRef::from(&to_column(path))).as_deref(), Some(path));
        }
        assert_eq!(of_column(ValueRef::Integer(3)), None);
    }
}
