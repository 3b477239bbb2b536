//! What is not saved survives whatever ends `easel tui`, and several of them at one workflow lose nothing of each other.
#![cfg(unix)]

mod common;

use std::path::{Path, PathBuf};

use common::pty::Pty;
use common::{files, folder};

/// The two nodes stand apart: what is done to them can be put together.
const APART: &str = r#"Workflow(
    version: 1,
    nodes: {
        "load": LoadImage(path: "in.png"),

        // Nothing happens here,
        // nor here.

        "save": SaveImage(image: From("load"), name: "copy"),
    },
)
"#;

fn apart() -> (tempfile::TempDir, PathBuf) {
    let folder = folder();
    let path = folder.path().join("apart.ron");
    std::fs::write(&path, APART).expect("it can be written");
    (folder, path)
}

fn opened(folder: &Path) -> Pty {
    let mut easel = Pty::open(folder, &["apart.ron"]);
    easel.wait("SaveImage");
    easel
}

/// The texts that are kept of what is not saved.
fn kept(folder: &Path) -> Vec<String> {
    let folder = folder.join("state/unsaved");
    let texts = files(&folder).into_iter().filter(|name| name.ends_with(".txt"));
    texts.filter_map(|name| std::fs::read_to_string(folder.join(name)).ok()).collect()
}

fn muted(text: &str, node: &str) -> bool {
    text.lines().any(|line| line.contains(node) && line.contains("mute: true"))
}

/// Mutes the node that the cursor is on, and waits until that is kept.
fn mute(easel: &mut Pty, folder: &Path, node: &'static str) {
    easel.keys("m");
    easel.wait_until("what is kept", |_| kept(folder).iter().any(|text| muted(text, node)));
}

fn save(easel: &mut Pty, path: &Path, holds: impl Fn(&str) -> bool) {
    easel.forget();
    easel.keys("\x13");
    easel.wait("saving");
    easel.keys("\r");
    easel.wait_until("the file", |_| std::fs::read_to_string(path).is_ok_and(|text| holds(&text)));
}

#[test]
fn two_that_are_killed_at_one_workflow_leave_two_offers() {
    let (folder, path) = apart();
    let (mut one, mut other) = (opened(folder.path()), opened(folder.path()));
    mute(&mut one, folder.path(), "\"load\":");
    other.keys("]");
    mute(&mut other, folder.path(), "\"save\":");
    assert_eq!(kept(folder.path()).len(), 2);
    // Whoever lives is not offered to others.
    let mut third = opened(folder.path());
    third.keys("q");
    assert_eq!(third.end(true).code(), Some(0));
    assert!(!third.seen().contains("Unsaved"));
    assert_eq!(kept(folder.path()).len(), 2);
    one.kill();
    other.kill();
    // Somebody else goes on with the file, elsewhere in it.
    let edited = APART.replace("nor here", "but here");
    std::fs::write(&path, &edited).expect("it can be written");
    let mut easel = Pty::open(folder.path(), &["apart.ron"]);
    easel.wait("Unsaved");
    easel.keys("y");
    easel.wait_until("the second", |_| kept(folder.path()).len() == 2);
    easel.keys("y");
    easel.wait_until(
        "one text with both",
        |_| matches!(&kept(folder.path())[..], [one] if muted(one, "\"load\":") && muted(one, "\"save\":")),
    );
    save(&mut easel, &path, |text| muted(text, "\"load\":") && muted(text, "\"save\":") && text.contains("but here"));
    easel.wait_until("nothing to keep", |_| kept(folder.path()).is_empty());
    easel.keys("q");
    assert_eq!(easel.end(true).code(), Some(0));
    assert_eq!(files(&folder.path().join("state/unsaved")), ["saving.lock"], "nothing is left behind");
}

#[test]
fn two_at_one_workflow_see_what_the_other_saves() {
    let (folder, path) = apart();
    let (mut one, mut other) = (opened(folder.path()), opened(folder.path()));
    mute(&mut one, folder.path(), "\"load\":");
    other.keys("]");
    mute(&mut other, folder.path(), "\"save\":");
    save(&mut one, &path, |text| muted(text, "\"load\":"));
    other.wait_until("what the other saved", |_| {
        kept(folder.path()).iter().any(|text| muted(text, "\"load\":") && muted(text, "\"save\":"))
    });
    save(&mut other, &path, |text| muted(text, "\"load\":") && muted(text, "\"save\":"));
    for easel in [&mut one, &mut other] {
        easel.wait_until("nothing to keep", |_| kept(folder.path()).is_empty());
        easel.keys("q");
        assert_eq!(easel.end(true).code(), Some(0));
    }
}

#[test]
fn a_workflow_that_was_deleted_meanwhile_is_there_after_a_kill() {
    let (folder, path) = apart();
    let mut easel = opened(folder.path());
    std::fs::remove_file(&path).expect("it is there");
    easel.wait_until("what is kept", |_| kept(folder.path()).iter().any(|text| text.contains(APART)));
    easel.kill();
    let mut easel = Pty::open(folder.path(), &["apart.ron"]);
    easel.wait("Unsaved");
    easel.keys("y");
    easel.wait("SaveImage");
    save(&mut easel, &path, |text| text == APART);
    easel.keys("q");
    assert_eq!(easel.end(true).code(), Some(0));
}
