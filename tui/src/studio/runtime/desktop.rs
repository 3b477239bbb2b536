//! What is done outside of the terminal, or by the terminal itself: folders are shown, texts are copied.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::Sender;

use super::super::message::Message;

/// Terminals take no more into their clipboard, some far less.
const MOST: usize = 74_000;

/// Has a folder shown by the desktop, on a thread of its own; tells how that went.
pub(super) fn open(folder: PathBuf, sender: Sender<Message>) {
    let lost = (sender.clone(), folder.clone());
    let work = move || {
        let opened =
            program().map_or_else(|| Err("there is no desktop here".into()), |program| start(program, &folder));
        // The studio may be ending.
        let _ = sender.send(Message::FolderShown(folder, opened));
    };
    if let Err(error) = std::thread::Builder::new().name("desktop".into()).spawn(work) {
        let _ = lost.0.send(Message::FolderShown(lost.1, Err(format!("cannot start a thread: {error}"))));
    }
}

/// What shows folders here; nothing where nobody would see them.
fn program() -> Option<&'static str> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(windows) {
        return Some("explorer");
    }
    // Over ssh, a folder would open on the machine in front of which nobody sits.
    if cfg!(target_os = "macos") {
        return (!is_set("SSH_CONNECTION")).then_some("open");
    }
    (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")).then_some("xdg-open")
}

/// Starts it so that it neither reads nor writes what the terminal shows, nor gets its signals.
fn start(program: &str, folder: &Path) -> Result<(), String> {
    if !folder.is_dir() {
        return Err("there is no such folder any more".into());
    }
    let mut command = Command::new(program);
    command.arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    match command.status() {
        // Explorer says 1 when all is well.
        Ok(status) if status.success() || cfg!(windows) => Ok(()),
        Ok(_) => Err(format!("`{program}` cannot show it")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!("`{program}` is not installed")),
        Err(error) => Err(format!("cannot start `{program}`: {error}")),
    }
}

/// What has the terminal put a text into the clipboard of whoever sits in front of it, even over ssh (OSC 52).
pub(super) fn copying(text: &str) -> Option<String> {
    (text.len() <= MOST).then(|| format!("\x1b]52;c;{}\x07", base64(text.as_bytes())))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (text, expected) in cases {
            assert_eq!(base64(text.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn what_is_copied_cannot_steer_the_terminal() {
        let copying = copying("a\x1b[2J\x07b").expect("it is short");
        assert_eq!(copying, "\x1b]52;c;YRtbMkoHYg==\x07");
        assert_eq!(super::copying(&"x".repeat(MOST + 1)), None);
    }

    #[test]
    fn a_folder_that_cannot_be_shown_says_why() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        assert!(start("easel-has-no-such-program", folder.path()).is_err_and(|why| why.contains("is not installed")));
        let gone = folder.path().join("gone");
        assert!(start("true", &gone).is_err_and(|why| why.contains("no such folder")));
    }
}
