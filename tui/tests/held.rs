//! `easel tui` in terminals that take nothing, go away, or never stay the same.
#![cfg(unix)]

mod common;

use std::path::Path;

use common::pty::Pty;
use common::{files, folder};
use nix::sys::signal::Signal;

/// Gives the terminal back.
const LEFT: &str = "\x1b[?1049l";

fn opened(folder: &Path) -> Pty {
    let mut easel = Pty::open(folder, &["copy.ron"]);
    easel.wait("SaveImage");
    easel
}

/// Has it draw more than a terminal takes that nobody reads from.
fn hold(easel: &mut Pty) {
    for _ in 0..100 {
        easel.keys("?");
        easel.pause();
        easel.keys("\x1b");
        easel.pause();
    }
}

fn is_kept(folder: &Path) -> bool {
    let kept = folder.join("state/unsaved");
    let texts = files(&kept).into_iter().filter(|name| name.ends_with(".txt"));
    texts.filter_map(|name| std::fs::read_to_string(kept.join(name)).ok()).any(|text| text.contains("mute: true"))
}

#[test]
fn a_terminal_that_takes_nothing_holds_up_pictures_only() {
    let folder = folder();
    let mut easel = opened(folder.path());
    easel.forget();
    hold(&mut easel);
    // Keys are read, and what they do is kept.
    easel.keys("m");
    easel.wait_unread("what is kept", || is_kept(folder.path()));
    easel.signal(Signal::SIGTERM);
    assert_eq!(easel.end(false).code(), Some(0));
    assert!(is_kept(folder.path()));
    easel.drain();
    assert!(!easel.seen().contains(LEFT), "the terminal took everything: nothing was tested");
}

#[test]
fn a_terminal_that_takes_something_again_shows_the_newest_picture() {
    let folder = folder();
    let mut easel = opened(folder.path());
    hold(&mut easel);
    easel.keys("5");
    easel.forget();
    easel.wait("5 Runs");
    easel.forget();
    easel.keys("q");
    assert_eq!(easel.end(true).code(), Some(0));
    easel.drain();
    assert!(easel.seen().contains(LEFT));
}

#[test]
fn a_terminal_that_is_gone_ends_it_and_nothing_is_lost() {
    let folder = folder();
    let mut easel = opened(folder.path());
    easel.keys("m");
    easel.wait_until("what is kept", |_| is_kept(folder.path()));
    easel.hang_up();
    assert_eq!(easel.end(false).code(), Some(1));
    assert!(is_kept(folder.path()));
}

#[test]
fn a_terminal_that_is_gone_while_it_is_held_ends_it_too() {
    let folder = folder();
    let mut easel = opened(folder.path());
    hold(&mut easel);
    easel.keys("m");
    easel.wait_unread("what is kept", || is_kept(folder.path()));
    easel.hang_up();
    assert_eq!(easel.end(false).code(), Some(1));
    assert!(is_kept(folder.path()));
}

#[test]
fn a_held_terminal_can_be_suspended_and_goes_on() {
    let folder = folder();
    let mut easel = opened(folder.path());
    hold(&mut easel);
    easel.signal(Signal::SIGTSTP);
    easel.wait_unread("a process that is stopped", || easel.is_stopped());
    easel.signal(Signal::SIGCONT);
    easel.wait_unread("a process that goes on", || !easel.is_stopped());
    easel.forget();
    easel.wait("SaveImage");
    easel.keys("q");
    assert_eq!(easel.end(true).code(), Some(0));
}

#[test]
fn a_terminal_may_change_its_size_all_the_time() {
    let folder = folder();
    let mut easel = opened(folder.path());
    for step in 0..120_u16 {
        easel.resize(1 + step * 7 % 150, 1 + step * 5 % 60);
        easel.keys("j");
    }
    easel.resize(90, 25);
    easel.forget();
    easel.wait("SaveImage");
    easel.keys("q");
    assert_eq!(easel.end(true).code(), Some(0));
}
