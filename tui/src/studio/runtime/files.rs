//! Reads and writes workflows, and keeps what is not saved yet, on a thread of its own and in order.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use easel_engine::{FingerprintHasher, Source};

use super::super::message::{Message, Tone};
use crate::workspace;

/// What is wanted.
pub(super) enum Wish {
    /// The text of a workflow, and what of it was never saved.
    Open(PathBuf),
    /// That a workflow holds this text.
    Save { path: PathBuf, text: Arc<str>, known: Arc<str> },
    /// That a file that is not there yet holds this text.
    Create { path: PathBuf, text: Arc<str> },
    /// That a text survives the process; none: that it is forgotten.
    Keep { path: PathBuf, text: Option<Arc<str>> },
    /// That what was kept of a workflow is not written over.
    SetAside(PathBuf),
}

/// The thread.
pub(super) struct Files {
    wishes: Option<Sender<Wish>>,
    thread: Option<JoinHandle<()>>,
}

impl Files {
    pub(super) fn start(sender: Sender<Message>) -> io::Result<Self> {
        let (wishes, wanted) = channel();
        let work = move || {
            let mut was_told = false;
            for wish in wanted {
                let messages = match wish {
                    Wish::Open(path) => opened(&path),
                    Wish::Save { path, text, known } => save(path, text, &known),
                    Wish::Create { path, text } => vec![create(path, &text)],
                    Wish::SetAside(path) => set_aside(&path),
                    Wish::Keep { path, text } => match keep(&path, text.as_deref()) {
                        Err(error) if !was_told => {
                            was_told = true;
                            let text = format!("unsaved changes would not survive the end of easel: {error}");
                            vec![Message::Told(Tone::Warning, text)]
                        }
                        _ => Vec::new(),
                    },
                };
                // The studio may be ending; what is to be written is written all the same.
                messages.into_iter().for_each(|message| drop(sender.send(message)));
            }
        };
        let thread = std::thread::Builder::new().name("files".into()).spawn(work)?;
        Ok(Files { wishes: Some(wishes), thread: Some(thread) })
    }

    pub(super) fn ask(&self, wish: Wish) {
        // The thread lives as long as this.
        let _ = self.wishes.as_ref().map(|wishes| wishes.send(wish));
    }

    /// Waits until everything is written.
    pub(super) fn finish(&mut self) {
        self.wishes = None;
        if let Some(thread) = self.thread.take() {
            // Its panic was told.
            let _ = thread.join();
        }
    }
}

/// Refuses what a workflow cannot be kept in: reading a pipe would wait for ever.
fn regular(path: &Path) -> io::Result<()> {
    let is_file = std::fs::metadata(path)?.is_file();
    if is_file { Ok(()) } else { Err(io::Error::other("it is no regular file")) }
}

/// The text of a workflow, or why it cannot be read.
pub(super) fn read(path: &Path) -> Result<Arc<str>, String> {
    if let Err(error) = regular(path) {
        return Err(format!("cannot read `{}`: {error}", path.display()));
    }
    Source::read(path).map(|source| source.text).map_err(|diagnostic| diagnostic.message)
}

fn opened(path: &Path) -> Vec<Message> {
    let kept = kept_at(path).and_then(|place| Source::read(&place).ok()).map(|source| source.text);
    let mut messages = vec![Message::Read(path.to_path_buf(), read(path))];
    messages.extend(kept.map(|text| Message::Recovered(path.to_path_buf(), text)));
    messages
}

/// Writes a text; if there is another one than is known of, tells of that one instead.
fn save(path: PathBuf, text: Arc<str>, known: &Arc<str>) -> Vec<Message> {
    let refused = match regular(&path).and_then(|()| std::fs::read(&path)) {
        Ok(bytes) if bytes == known.as_bytes() || bytes == text.as_bytes() => None,
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(now) => {
                let told = "not saved: the file changed meanwhile. Look at what came of it, then save again";
                return vec![Message::Read(path, Ok(now.into())), Message::Told(Tone::Warning, told.into())];
            }
            Err(_) => Some("the file changed meanwhile, and is no text any more".to_string()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(format!("what is there cannot be looked at: {error}")),
    };
    if let Some(why) = refused {
        let why = format!("not saved, so as not to write over `{}`: {why}", path.display());
        return vec![Message::Saved(path, Err(why))];
    }
    let saved = write(&path, &text).map_err(|error| format!("cannot write `{}`: {error}", path.display()));
    vec![Message::Saved(path, saved.map(|()| text))]
}

/// Writes a text into a file that is not there yet, whole or not at all.
fn create(path: PathBuf, text: &str) -> Message {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new();
    #[cfg(unix)]
    let file = file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let created = file.tempfile_in(folder).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(&path).map(drop).map_err(|error| error.error)
    });
    let created = created.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("there is a file `{}` already: choose another name", path.display()),
        _ => format!("cannot write `{}`: {error}", path.display()),
    });
    Message::Created(path, created)
}

/// Puts a text into the place of a file, whole or not at all. A link stays a link, and the file keeps its permissions; one
/// that may not be written to is not replaced either.
fn write(path: &Path, text: &str) -> io::Result<()> {
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
    file.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Where what is not saved of a workflow is kept; none if this user has no home.
fn kept_at(path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().or_else(|_| std::path::absolute(path)).ok()?;
    let mut hasher = FingerprintHasher::new("easel unsaved changes");
    hasher.bytes(path.as_os_str().as_encoded_bytes());
    Some(workspace::state_dir()?.join("unsaved").join(format!("{}.ron", hasher.finish())))
}

fn keep(path: &Path, text: Option<&str>) -> io::Result<()> {
    let Some(place) = kept_at(path) else { return Err(io::Error::other("this user has no home")) };
    match text {
        Some(text) => {
            std::fs::create_dir_all(place.parent().unwrap_or(Path::new(".")))?;
            write(&place, text)
        }
        None => match std::fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}

/// Gives what was kept of a workflow another name.
fn set_aside(path: &Path) -> Vec<Message> {
    let Some(place) = kept_at(path).filter(|place| place.exists()) else { return Vec::new() };
    let free = (1..).map(|number| place.with_extension(format!("{number}.ron"))).find(|other| !other.exists());
    let Some(other) = free else { return Vec::new() };
    let (tone, text) = match std::fs::rename(&place, &other) {
        Ok(()) => (Tone::Note, format!("the earlier changes that were not saved are in `{}`", other.display())),
        Err(error) => (Tone::Warning, format!("cannot rename `{}`: {error}", place.display())),
    };
    vec![Message::Told(tone, text)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_wrote_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("a.ron");
        std::fs::write(&path, "theirs").expect("it can be written");
        let messages = save(path.clone(), "ours".into(), &"before".into());
        assert!(matches!(&messages[..], [Message::Read(_, Ok(text)), Message::Told(..)] if &**text == "theirs"));
        assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("theirs"));
        std::fs::write(&path, b"the\xefrs").expect("it can be written");
        let messages = save(path.clone(), "ours".into(), &"theirs".into());
        assert!(matches!(&messages[..], [Message::Saved(_, Err(why))] if why.contains("no text any more")));
        assert_eq!(std::fs::read(&path).ok().as_deref(), Some(&b"the\xefrs"[..]));
        std::fs::write(&path, "theirs").expect("it can be written");
        let messages = save(path.clone(), "ours".into(), &"theirs".into());
        assert!(matches!(&messages[..], [Message::Saved(_, Ok(_))]));
        assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("ours"));
    }

    #[test]
    fn a_new_file_never_takes_the_place_of_another() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("a.ron");
        assert!(matches!(create(path.clone(), "first"), Message::Created(_, Ok(()))));
        let again = create(path.clone(), "second");
        assert!(matches!(again, Message::Created(_, Err(why)) if why.contains("there is a file")));
        assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("first"));
        assert_eq!(std::fs::read_dir(folder.path()).map(Iterator::count).ok(), Some(1), "nothing is left beside it");
        let nowhere = create(folder.path().join("none/a.ron"), "x");
        assert!(matches!(nowhere, Message::Created(_, Err(why)) if why.contains("cannot write")));
    }

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
        write(&path, "new").expect("it can be written");
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
        assert!(write(&path, "newer").is_err_and(|error| error.to_string() == "it is read-only"));
        assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("new"));
        #[cfg(unix)]
        {
            let link = folder.path().join("link.ron");
            std::os::unix::fs::symlink("nowhere.ron", &link).expect("there is room");
            assert!(write(&link, "x").is_err_and(|error| error.to_string().contains("leads nowhere")));
            assert!(link.is_symlink());
        }
        assert!(write(&folder.path().join("none/a.ron"), "x").is_err());
    }
}
