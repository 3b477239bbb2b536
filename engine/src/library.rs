//! Where workflows come from: the one door to their files.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::source::Source;

/// Gives the workflows that others include.
pub trait Library: Send + Sync {
    /// The workflow at that path.
    ///
    /// # Errors
    /// There is none, or it cannot be read: a diagnostic without a place.
    fn read(&self, path: &Path) -> Result<Source, Diagnostic>;

    /// What tells files apart: two paths that lead to the same file give the same.
    fn identity(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

/// Workflows on this machine's disks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Library for Disk {
    fn read(&self, path: &Path) -> Result<Source, Diagnostic> {
        Source::read(path)
    }

    fn identity(&self, path: &Path) -> PathBuf {
        std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
    }
}

/// Workflows in memory: those that a plan was made from, kept to make the same plan again.
///
/// ```
/// use easel_engine::{Library, Texts};
///
/// let texts = Texts::new([("flows/draw.ron", "Workflow(version: 1, nodes: {})")]);
/// assert!(texts.read("flows/draw.ron".as_ref()).is_ok());
/// assert!(texts.read("flows/paint.ron".as_ref()).is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Texts {
    by_path: HashMap<PathBuf, Arc<str>>,
}

impl Texts {
    /// Texts by path, written as [`Plan::texts`](crate::Plan::texts) writes them.
    pub fn new(texts: impl IntoIterator<Item = (impl Into<PathBuf>, impl Into<Arc<str>>)>) -> Self {
        Texts { by_path: texts.into_iter().map(|(path, text)| (path.into(), text.into())).collect() }
    }
}

impl Library for Texts {
    fn read(&self, path: &Path) -> Result<Source, Diagnostic> {
        let name = path.display().to_string();
        match self.by_path.get(path) {
            Some(text) => Ok(Source { name, path: Some(path.to_path_buf()), text: Arc::clone(text) }),
            None => Err(Diagnostic::error("unreadable-file", format!("cannot read `{name}`: it was not kept"))),
        }
    }
}

/// `folder/path`, without steps that lead nowhere.
pub(crate) fn join(folder: &Path, path: &str) -> PathBuf {
    folder.join(path).components().filter(|part| *part != Component::CurDir).collect()
}
