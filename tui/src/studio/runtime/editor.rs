//! Lends the terminal to an editor, for texts that are too long for a field.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::Sender;

use super::super::message::Message;
use super::guard::Lender;
use super::keyboard::Gate;

/// Longer texts are not taken back: no field holds them.
const MOST: usize = 100_000;

/// What is needed to lend the terminal.
pub(super) struct Editor {
    lender: std::sync::Arc<Lender>,
    gate: Gate,
    sender: Sender<Message>,
}

impl Editor {
    pub(super) fn new(lender: Lender, gate: Gate, sender: Sender<Message>) -> Self {
        Editor { lender: std::sync::Arc::new(lender), gate, sender }
    }

    /// Has a text edited on a thread of its own, and tells what came of it.
    pub(super) fn edit(&self, text: String) {
        let (lender, gate, sender) = (std::sync::Arc::clone(&self.lender), self.gate.clone(), self.sender.clone());
        let lost = self.sender.clone();
        let work = move || {
            let mut edited = Err("the editor was not started".to_string());
            // Keys are the editor's as long as it has the terminal.
            let _closed = gate.close();
            let lent = lender.lend(|| edited = edit(&text, &command()));
            if let Err(error) = lent {
                edited = Err(format!("the terminal cannot be taken over again: {error}"));
            }
            let _ = sender.send(Message::Edited(edited));
            let _ = sender.send(Message::Uncovered);
        };
        if let Err(error) = std::thread::Builder::new().name("editor".into()).spawn(work) {
            let _ = lost.send(Message::Edited(Err(format!("cannot start a thread: {error}"))));
        }
    }
}

/// The editor that the user has chosen.
fn command() -> OsString {
    let chosen = ["VISUAL", "EDITOR"].into_iter().filter_map(std::env::var_os).find(|name| !name.is_empty());
    chosen.unwrap_or_else(|| if cfg!(windows) { "notepad".into() } else { "vi".into() })
}

/// The text as it is once the editor has ended. Whatever goes wrong after it was begun: the text is in a file that is named.
fn edit(text: &str, command: &OsString) -> Result<String, String> {
    let shown = command.to_string_lossy().into_owned();
    let file = tempfile::Builder::new().prefix("easel-").suffix(".txt").tempfile();
    let file = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.flush()).map(|()| file));
    let path = file.map_err(|error| format!("cannot write a file for the editor: {error}"))?.into_temp_path();
    let keep = |path: tempfile::TempPath, why: String| match path.keep() {
        Ok(path) => format!("{why}; what it left is in `{}`", path.display()),
        Err(_) => why,
    };
    match run(command, &path) {
        Ok(status) if status.success() => {}
        // There is nothing in the file that is not here.
        Ok(status) if status.code() == Some(127) => {
            return Err(format!("there is no editor `{shown}`: set VISUAL or EDITOR to one"));
        }
        Ok(status) => return Err(keep(path, format!("the editor `{shown}` failed ({status})"))),
        Err(error) => return Err(format!("cannot start the editor `{shown}`: {error}; set VISUAL or EDITOR to one")),
    }
    let edited = match std::fs::read(&path) {
        Ok(bytes) => String::from_utf8(bytes),
        Err(error) => return Err(format!("what the editor `{shown}` wrote cannot be read: {error}")),
    };
    match edited {
        Err(_) => Err(keep(path, format!("the editor `{shown}` wrote something that is no text"))),
        Ok(edited) if edited.chars().count() > MOST => Err(keep(path, "the text is too long now".into())),
        Ok(edited) => {
            let edited = edited.replace("\r\n", "\n");
            // Editors end the last line, which a value does not.
            let is_ended = edited.ends_with('\n') && !text.ends_with('\n');
            Ok(if is_ended { edited[..edited.len() - 1].to_string() } else { edited })
        }
    }
}

/// Runs the editor on a file. What the user has chosen may be a command with arguments.
fn run(command: &OsString, path: &Path) -> io::Result<ExitStatus> {
    if cfg!(unix) {
        let mut script = command.clone();
        script.push(" \"$1\"");
        return Command::new("sh").arg("-c").arg(script).arg("sh").arg(path).status();
    }
    Command::new(command).arg(path).status()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn edited(command: &str) -> Result<String, String> {
        edit("a\ncat", &command.into())
    }

    #[test]
    fn what_the_editor_writes_comes_back_without_the_end_of_its_last_line() {
        assert_eq!(edited("true"), Ok("a\ncat".into()));
        assert_eq!(edited("sed -i s/cat/dog/"), Ok("a\ndog".into()));
        assert_eq!(edited("f() { printf 'x\\r\\ny\\n' > \"$1\"; }; f"), Ok("x\ny".into()));
    }

    #[test]
    fn an_editor_that_is_missing_or_fails_is_named_and_nothing_is_lost() {
        let why = edited("no-such-editor-here").expect_err("there is none");
        assert!(why.contains("there is no editor `no-such-editor-here`") && why.contains("EDITOR"), "{why}");
        for (command, kept) in [("f() { printf 'new' > \"$1\"; exit 3; }; f", "new"), ("false", "a\ncat")] {
            let why = edited(command).expect_err("it fails");
            let path =
                why.rsplit_once("is in `").and_then(|(_, path)| path.strip_suffix('`')).expect("the file is named");
            assert_eq!(std::fs::read_to_string(path).ok().as_deref(), Some(kept), "{why}");
            std::fs::remove_file(path).expect("it is there");
        }
        let why = edited("f() { printf '\\377\\376' > \"$1\"; }; f").expect_err("it is no text");
        let path = why.rsplit_once("is in `").and_then(|(_, path)| path.strip_suffix('`')).expect("the file is named");
        assert_eq!(std::fs::read(path).ok().as_deref(), Some(&b"\xff\xfe"[..]));
        std::fs::remove_file(path).expect("it is there");
        assert!(edited("rm").expect_err("the file is gone").contains("cannot be read"));
    }
}
