//! Where a change can give a path another meaning: not only in the folder of the file.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Links that lead to links: more than any system follows.
const MOST_LINKS: usize = 40;

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// Without links in its path: one folder has one name only.
    pub(super) folder: PathBuf,
    pub(super) name: OsString,
    /// There is a folder of that name: it may be renamed or removed, but what is in it is told there.
    pub(super) is_folder: bool,
}

impl Place {
    /// The path that a change of it is told of.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }
}

/// The way of a path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// Every place that reading it looks at: the file, its folders, symbolic links on the way and what they lead to, up to
    /// the first that is not there.
    pub(super) places: Vec<Place>,
    /// The folder that it leads to, if it leads to one.
    pub(super) folder: Option<PathBuf>,
}

/// Follows a path, which need not lead anywhere.
pub(super) fn way(path: &Path) -> Way {
    // Fails for an empty path, which names nothing, and without a current folder, where nothing is found either.
    let Ok(path) = std::path::absolute(path) else { return Way::default() };
    let mut places = Vec::new();
    let mut folder = PathBuf::new();
    let mut ahead: VecDeque<OsString> = VecDeque::new();
    enter(&path, &mut folder, &mut ahead);
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            folder.pop();
            continue;
        }
        let next = folder.join(&name);
        let metadata = std::fs::symlink_metadata(&next).ok();
        let is_folder = metadata.as_ref().is_some_and(std::fs::Metadata::is_dir);
        places.push(Place { folder: folder.clone(), name, is_folder });
        let Some(metadata) = metadata else { return Way { places, folder: None } };
        if is_folder {
            folder = next;
        } else if metadata.is_symlink() {
            links += 1;
            match std::fs::read_link(&next) {
                Ok(target) if links <= MOST_LINKS => enter(&target, &mut folder, &mut ahead),
                _ => return Way { places, folder: None },
            }
        } else {
            // A file. If there is more ahead, it leads nowhere.
            return Way { places, folder: None };
        }
    }
    Way { places, folder: Some(folder) }
}

/// Goes on with `path`, seen from `folder`, before what is ahead.
fn enter(path: &Path, folder: &mut PathBuf, ahead: &mut VecDeque<OsString>) {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Prefix(_) | Component::RootDir => {
                if names.is_empty() && path.is_absolute() {
                    *folder = path.ancestors().last().map(Path::to_path_buf).unwrap_or_default();
                }
            }
            Component::CurDir => {}
            Component::ParentDir => names.push(OsString::from("..")),
            Component::Normal(name) => names.push(name.to_os_string()),
        }
    }
    names.into_iter().rev().for_each(|name| ahead.push_front(name));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder whose own path has no links.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().canonicalize().expect("it is there");
        (folder, path)
    }

    /// The places inside `top`, seen from there.
    fn inside(top: &Path, path: &Path) -> Vec<String> {
        let inside = way(path).places.into_iter().filter(|place| place.folder.starts_with(top));
        inside.map(|place| place.path().strip_prefix(top).expect("inside").display().to_string()).collect()
    }

    #[test]
    fn a_file_and_its_folders() {
        let (_guard, top) = folder();
        std::fs::create_dir_all(top.join("a/b")).expect("it can be made");
        std::fs::write(top.join("a/b/file"), "").expect("it can be written");
        let file = top.join("a/./b/../b/file");
        assert_eq!(inside(&top, &file), ["a", "a/b", "a/b", "a/b/file"]);
        let all = way(&file).places;
        assert_eq!(all.last().map(|place| place.is_folder), Some(false));
        assert!(all[..all.len() - 1].iter().all(|place| place.is_folder), "{all:?}");
    }

    #[test]
    fn it_ends_at_what_is_not_there() {
        let (_guard, top) = folder();
        std::fs::create_dir(top.join("a")).expect("it can be made");
        assert_eq!(inside(&top, &top.join("a/b/c/file")), ["a", "a/b"]);
        std::fs::write(top.join("a/b"), "").expect("it can be written");
        assert_eq!(inside(&top, &top.join("a/b/c/file")), ["a", "a/b"], "a file leads nowhere");
        assert_eq!(way(Path::new("")), Way::default());
    }

    #[test]
    fn a_path_may_lead_to_a_folder() {
        let (_guard, top) = folder();
        std::fs::create_dir_all(top.join("a/b")).expect("it can be made");
        assert_eq!(way(&top.join("a/b")).folder, Some(top.join("a/b")));
        assert_eq!(way(&top.join("a/b/..")).folder, Some(top.join("a")));
        assert_eq!(way(&top.join("a/c")).folder, None);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_what_they_lead_to() {
        use std::os::unix::fs::symlink;

        let (_guard, top) = folder();
        std::fs::create_dir_all(top.join("real/deep")).expect("it can be made");
        std::fs::write(top.join("real/deep/file"), "").expect("it can be written");
        symlink("real", top.join("folder")).expect("it can be linked");
        symlink(top.join("folder/deep/file"), top.join("link")).expect("it can be linked");
        let expected = ["link", "folder", "real", "real/deep", "real/deep/file"];
        assert_eq!(inside(&top, &top.join("link")), expected);
        symlink("circle", top.join("circle")).expect("it can be linked");
        assert_eq!(inside(&top, &top.join("circle")).len(), MOST_LINKS + 1);
        symlink("../none", top.join("real/dangling")).expect("it can be linked");
        assert_eq!(inside(&top, &top.join("real/dangling")), ["real", "real/dangling", "none"]);
    }
}
