//! What a person sees in a terminal: a real pseudo-terminal, read until the process ends.
#![cfg(unix)]

mod common;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use common::{easel, folder};
use nix::pty::{Winsize, openpty};

/// Exit status and all that the terminal was sent.
fn in_terminal(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let size = Winsize { ws_row: 30, ws_col: 90, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).expect("a pseudo-terminal can be made");
    let clone = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("it can be duplicated"));
    let mut command = easel(folder);
    command.args(arguments).env("TERM", "xterm-256color").envs(variables.iter().copied());
    command.stdin(clone(&pty.slave)).stdout(clone(&pty.slave)).stderr(clone(&pty.slave));
    let mut child = command.spawn().expect("easel can be started");
    // The last writer must go with the child, or reading would not end.
    drop(command);
    drop(pty.slave);
    let mut seen = Vec::new();
    let mut master = File::from(pty.master);
    let mut buffer = [0; 4096];
    // Linux ends a pseudo-terminal without writers with an error.
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..count]);
    }
    (child.wait().expect("it ends").code(), String::from_utf8_lossy(&seen).into_owned())
}

#[test]
fn bars_for_people_and_the_path_at_the_end() {
    let folder = folder();
    let (code, seen) = in_terminal(folder.path(), &["run", "copy.ron"], &[]);
    assert_eq!(code, Some(0), "{seen}");
    for piece in ["load", "save", "waiting", "✓", "done in", "2 nodes"] {
        assert!(seen.contains(piece), "{piece} in {seen:?}");
    }
    let last = seen.trim_end().lines().last().unwrap_or_default().to_string();
    assert!(folder.path().join(&last).is_file(), "the last line is the path: {last:?}");
    for garbage in ["\x1b_G", "\x1b]1337", "▄", "▀", "\x1b[c", "\x1b[5n"] {
        assert!(!seen.contains(garbage), "a plain terminal is asked and shown nothing: {seen:?}");
    }
}

#[test]
fn pictures_where_they_can_be_seen() {
    let folder = folder();
    let colours = [("COLORTERM", "truecolor")];
    let (_, seen) = in_terminal(folder.path(), &["run", "copy.ron"], &colours);
    assert!(seen.contains('▄') && seen.contains("\x1b[38;2;"), "{seen:?}");
    for arguments in [&["run", "copy.ron", "--no-preview"][..], &["run", "copy.ron", "-q"]] {
        let (_, seen) = in_terminal(folder.path(), arguments, &colours);
        assert!(!seen.contains('▄'), "{seen:?}");
    }
    let iterm = [("TERM_PROGRAM", "iTerm.app")];
    let (_, seen) = in_terminal(folder.path(), &["run", "copy.ron"], &iterm);
    assert!(seen.contains("\x1b]1337;File="), "{seen:?}");
}

#[test]
fn colours_unless_unwelcome() {
    let folder = folder();
    let (code, seen) = in_terminal(folder.path(), &["run", "none.ron"], &[]);
    assert_eq!(code, Some(2));
    assert!(seen.contains("\x1b["), "{seen:?}");
    for unwelcome in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (_, seen) = in_terminal(folder.path(), &["run", "none.ron"], &[unwelcome]);
        assert!(!seen.contains('\x1b'), "{unwelcome:?}: {seen:?}");
    }
    let (_, seen) = in_terminal(folder.path(), &["run", "copy.ron"], &[("TERM", "dumb")]);
    assert!(!seen.contains('\x1b'), "a dumb terminal gets lines: {seen:?}");
}

#[test]
fn more_nodes_than_lines_are_counted() {
    let folder = folder();
    let nodes: String = (0..60).map(|i| format!("\"n{i}\": Text(value: \"x\"),\n")).collect();
    let text = format!("Workflow(version: 1, nodes: {{\n{nodes}}})");
    std::fs::write(folder.path().join("many.ron"), text).expect("it can be written");
    let (code, seen) = in_terminal(folder.path(), &["run", "many.ron"], &[]);
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains("of 60 nodes") && seen.contains("60 nodes"), "{seen:?}");
}
