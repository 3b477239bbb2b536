//! Names of files that go on with what was typed.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use super::super::message::{Message, Tone};

/// More names nobody reads.
const MOST: usize = 200;

/// Looks for them on a thread of its own: the folder may be on a slow drive.
pub(super) fn start(base: PathBuf, typed: String, sender: Sender<Message>) {
    let lost = sender.clone();
    let work = move || {
        let names = complete(&base, &typed);
        let _ = sender.send(Message::Completed(typed, names));
    };
    if let Err(error) = std::thread::Builder::new().name("names".into()).spawn(work) {
        let _ = lost.send(Message::Told(Tone::Error, format!("cannot start a thread: {error}")));
    }
}

/// The paths that begin like that, as they are typed: relative ones count from a folder. Those of folders end with `/`.
pub(crate) fn complete(base: &Path, typed: &str) -> Vec<String> {
    let (folder, start) =
        typed.rsplit_once('/').map_or(("", typed), |(folder, start)| (&typed[..=folder.len()], start));
    let Ok(entries) = std::fs::read_dir(base.join(folder)) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            // Hidden ones only for those who ask, and no name that would spoil the line.
            let is_wanted = name.starts_with(start) && (start.starts_with('.') || !name.starts_with('.'));
            let is_plain = !name.chars().any(char::is_control);
            let end = if entry.path().is_dir() { "/" } else { "" };
            (is_wanted && is_plain).then(|| format!("{folder}{name}{end}"))
        })
        .collect();
    names.sort();
    names.truncate(MOST);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_on_with_what_was_typed() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let base = folder.path();
        std::fs::create_dir(base.join("pictures")).expect("it can be made");
        for name in ["a.png", "ab.png", ".hidden", "pictures/é 1.png", "bell\u{7}"] {
            std::fs::write(base.join(name), "").expect("it can be written");
        }
        assert_eq!(complete(base, ""), ["a.png", "ab.png", "pictures/"]);
        assert_eq!(complete(base, "ab"), ["ab.png"]);
        assert_eq!(complete(base, "."), [".hidden"]);
        assert_eq!(complete(base, "pictures/"), ["pictures/é 1.png"]);
        assert_eq!(complete(base, "./pi"), ["./pictures/"]);
        let absolute = format!("{}/a", base.display());
        assert_eq!(complete(Path::new("elsewhere"), &absolute).len(), 2);
        for nothing in ["none/", "a.png/", "\0", "z"] {
            assert_eq!(complete(base, nothing), Vec::<String>::new(), "{nothing:?}");
        }
    }
}
