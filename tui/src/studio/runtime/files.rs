//! Reads and writes workflows, and keeps what is not saved yet, on a thread of its own and in order.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use easel_engine::Source;

use super::super::message::{Message, Tone};
use super::super::model::Unsaved;
use super::DEFECT;
use super::attempt::attempt;
use super::unsaved::Store;
use super::whole::write;

/// What could not be kept is tried again after this.
const RETRY: Duration = Duration::from_secs(2);

/// What is wanted.
pub(super) enum Wish {
    /// The text of a workflow, and what of it was never saved.
    Open(PathBuf),
    /// The text of a workflow: it may have changed.
    Read(PathBuf),
    /// That a workflow holds this text.
    Save { path: PathBuf, text: Arc<str>, known: Arc<str> },
    /// That a file that is not there yet holds this text.
    Create { path: PathBuf, text: Arc<str> },
    /// That changes survive the process; none: that they are forgotten.
    Keep { path: PathBuf, unsaved: Option<Unsaved> },
    /// That what is kept of a workflow is offered when it is opened again.
    Release(PathBuf),
    /// That what was offered is forgotten: it is kept anew, or saved.
    Forget(u64),
    /// That what was offered is not offered again.
    SetAside(u64),
    /// Nothing any more.
    End,
}

/// The thread; dropping this waits until everything is written.
pub(super) struct Files {
    wishes: Sender<Wish>,
    thread: Option<JoinHandle<()>>,
}

impl Files {
    /// Keeps what is not saved in `folder`.
    pub(super) fn start(folder: Option<PathBuf>, sender: Sender<Message>) -> io::Result<Self> {
        let (wishes, wanted) = channel();
        let mut worker = Worker { store: Store::new(folder), sender, failed: None };
        let thread = std::thread::Builder::new().name("files".into()).spawn(move || worker.work(&wanted))?;
        Ok(Files { wishes, thread: Some(thread) })
    }

    pub(super) fn ask(&self, wish: Wish) {
        // The thread lives as long as this.
        let _ = self.wishes.send(wish);
    }

    /// Another way to ask.
    pub(super) fn asker(&self) -> Sender<Wish> {
        self.wishes.clone()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.ask(Wish::End);
        if let Some(thread) = self.thread.take() {
            // Its panic was told.
            let _ = thread.join();
        }
    }
}

struct Worker {
    store: Store,
    sender: Sender<Message>,
    /// What could not be kept.
    failed: Option<(PathBuf, Option<Unsaved>)>,
}

impl Worker {
    fn work(&mut self, wanted: &Receiver<Wish>) {
        let mut waiting = VecDeque::new();
        loop {
            let wait = if self.failed.is_some() { RETRY } else { Duration::MAX };
            if waiting.is_empty() {
                match wanted.recv_timeout(wait) {
                    Ok(wish) => waiting.push_back(wish),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            waiting.extend(wanted.try_iter());
            let messages = match waiting.pop_front() {
                // The disk is slower than keys: of a row of texts the last is enough.
                Some(Wish::Keep { path, .. }) if matches!(waiting.front(), Some(Wish::Keep { path: next, .. }) if *next == path) =>
                {
                    continue;
                }
                Some(Wish::End) => return self.end(),
                Some(wish) => {
                    let broken = broken(&wish);
                    attempt(|| self.perform(wish)).unwrap_or_else(|| vec![broken])
                }
                None => self.try_again(),
            };
            // The studio may be ending; what is to be written is written all the same.
            messages.into_iter().for_each(|message| drop(self.sender.send(message)));
        }
    }

    fn perform(&mut self, wish: Wish) -> Vec<Message> {
        match wish {
            Wish::Open(path) => self.opened(path),
            Wish::Read(path) => vec![Message::Read(path.clone(), read(&path))],
            Wish::Save { path, text, known } => match self.store.saving() {
                Ok(_alone) => save(path, text, &known),
                Err(error) => vec![Message::Saved(path, Err(format!("not saved: {error}; save again in a moment")))],
            },
            Wish::Create { path, text } => vec![create(path, &text)],
            Wish::Keep { path, unsaved } => self.keep(path, unsaved),
            Wish::Release(path) => {
                self.store.release(&path);
                Vec::new()
            }
            Wish::Forget(offer) => {
                self.store.forget(offer);
                Vec::new()
            }
            Wish::SetAside(offer) => {
                self.store.set_aside(offer).map(|(tone, text)| Message::Told(tone, text)).into_iter().collect()
            }
            Wish::End => Vec::new(),
        }
    }

    fn opened(&mut self, path: PathBuf) -> Vec<Message> {
        let mut messages = vec![Message::Read(path.clone(), read(&path))];
        let (offers, told) = self.store.offers(&path);
        messages.extend(offers.into_iter().map(|offer| Message::Recovered(path.clone(), offer)));
        messages.extend(told.into_iter().map(|(tone, text)| Message::Told(tone, text)));
        messages
    }

    fn keep(&mut self, path: PathBuf, unsaved: Option<Unsaved>) -> Vec<Message> {
        match self.store.keep(&path, unsaved.as_ref()) {
            Ok(()) => {
                let had_failed = self.failed.take_if(|(failed, _)| *failed == path).is_some();
                if had_failed { vec![Message::Kept(Ok(()))] } else { Vec::new() }
            }
            Err(error) => {
                let had_failed = self.failed.replace((path, unsaved)).is_some();
                if had_failed { Vec::new() } else { vec![Message::Kept(Err(error.to_string()))] }
            }
        }
    }

    /// What could not be kept may work by now.
    fn try_again(&mut self) -> Vec<Message> {
        match self.failed.clone() {
            Some((path, unsaved)) => self.keep(path, unsaved),
            None => Vec::new(),
        }
    }

    fn end(&mut self) {
        self.try_again();
    }
}

/// What is said of a wish that broke off.
fn broken(wish: &Wish) -> Message {
    match wish {
        Wish::Open(path) | Wish::Read(path) => {
            Message::Read(path.clone(), Err(format!("cannot read `{}`: {DEFECT}", path.display())))
        }
        Wish::Save { path, .. } => {
            Message::Saved(path.clone(), Err(format!("`{}` may not be saved: {DEFECT}. Save again", path.display())))
        }
        Wish::Create { path, .. } => {
            Message::Created(path.clone(), Err(format!("`{}` may not be written: {DEFECT}", path.display())))
        }
        Wish::Keep { .. } | Wish::Release(_) | Wish::Forget(_) | Wish::SetAside(_) | Wish::End => {
            Message::Told(Tone::Error, format!("unsaved changes may not survive the end of easel: {DEFECT}. Save soon"))
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

/// Writes a text; if there is another one than is known of, tells of that one instead.
fn save(path: PathBuf, text: Arc<str>, known: &Arc<str>) -> Vec<Message> {
    let refused = match regular(&path).and_then(|()| std::fs::read(&path)) {
        Ok(bytes) if bytes == known.as_bytes() || bytes == text.as_bytes() => None,
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(now) => {
                let told = "not saved: the file changed meanwhile. Look at what came of it, then save again";
                return vec![Message::Read(path.clone(), Ok(now.into())), Message::Saved(path, Err(told.into()))];
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
    let saved = write(&path, text.as_bytes()).map_err(|error| format!("cannot write `{}`: {error}", path.display()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_wrote_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("a.ron");
        std::fs::write(&path, "theirs").expect("it can be written");
        let messages = save(path.clone(), "ours".into(), &"before".into());
        assert!(
            matches!(&messages[..], [Message::Read(_, Ok(text)), Message::Saved(_, Err(_))] if &**text == "theirs")
        );
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
    fn whatever_is_asked_for_last_is_done_before_the_thread_ends() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("a.ron");
        let (sender, told) = channel();
        let files = Files::start(Some(folder.path().join("unsaved")), sender).expect("it starts");
        // Somebody else can still ask; that keeps nobody waiting.
        let _asker = files.asker();
        for number in 0..100 {
            let unsaved = Unsaved { base: "base".into(), text: format!("text {number}").into(), typed: None };
            files.ask(Wish::Keep { path: path.clone(), unsaved: Some(unsaved) });
        }
        drop(files);
        assert!(told.try_recv().is_err(), "nothing went wrong");
        let (offers, _) = Store::new(Some(folder.path().join("unsaved"))).offers(&path);
        assert_eq!(offers.iter().map(|offer| &*offer.unsaved.text).collect::<Vec<_>>(), ["text 99"]);
    }

    #[test]
    fn what_cannot_be_kept_is_told_once_and_tried_again() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (path, place) = (folder.path().join("a.ron"), folder.path().join("unsaved"));
        std::fs::write(&place, "in the way").expect("it can be written");
        let (sender, _) = channel();
        let mut worker = Worker { store: Store::new(Some(place.clone())), sender, failed: None };
        let unsaved = Some(Unsaved { base: "base".into(), text: "text".into(), typed: None });
        let told = worker.keep(path.clone(), unsaved.clone());
        assert!(matches!(&told[..], [Message::Kept(Err(why))] if why.contains("unsaved")));
        assert!(worker.keep(path.clone(), unsaved).is_empty() && worker.try_again().is_empty());
        std::fs::remove_file(&place).expect("it is there");
        assert!(matches!(&worker.try_again()[..], [Message::Kept(Ok(()))]));
        drop(worker);
        assert_eq!(Store::new(Some(place)).offers(&path).0.len(), 1);
    }

    #[test]
    fn what_breaks_off_is_answered() {
        let save = Wish::Save { path: "a.ron".into(), text: "x".into(), known: "".into() };
        assert!(
            matches!(broken(&save), Message::Saved(_, Err(why)) if why.contains("defect") && why.contains("again"))
        );
        let open = Wish::Open("a.ron".into());
        assert!(matches!(broken(&open), Message::Read(_, Err(why)) if why.contains("a.ron")));
    }
}
