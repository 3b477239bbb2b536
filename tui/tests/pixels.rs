//! Pictures of pixels in a terminal of a test's own.
#![cfg(unix)]

mod common;

use common::folder;
use common::pty::Pty;

/// What has kitty forget the picture beside the run.
const FORGET: &str = "\u{1b}_Ga=d,d=I,q=2,i=15359489\u{1b}\\";

/// A picture in kitty's protocol begins so.
const KITTY: &str = "\u{1b}_Gq=2,i=15359489,";

/// Runs the workflow that copies a picture. Of what changes later, only what differs is sent: no words can be waited for.
fn run(easel: &mut Pty) {
    easel.wait("SaveImage");
    easel.keys("r");
}

#[test]
fn kitty_is_sent_pixels_and_forgets_them_when_nobody_looks_any_more() {
    let folder = folder();
    let mut easel = Pty::open_as("xterm-kitty", (10, 20), folder.path(), &["copy.ron"]);
    run(&mut easel);
    easel.wait(KITTY);
    easel.forget();
    easel.keys("1");
    easel.wait(FORGET);
    easel.keys("3");
    easel.wait(KITTY);
    easel.forget();
    easel.keys("q");
    // What leaves the screen forgets what was on it.
    easel.wait_until("the way back", |easel| {
        let seen = easel.seen();
        seen.rfind("\u{1b}[?1049l").is_some_and(|left| seen[..left].contains(FORGET))
    });
}

#[test]
fn a_terminal_that_says_that_it_draws_sixels_is_sent_some() {
    let folder = folder();
    let mut easel = Pty::open_as("xterm-256color", (0, 0), folder.path(), &["copy.ron"]);
    easel.wait("\u{1b}[16t\u{1b}[c");
    easel.keys("\u{1b}[6;20;10t\u{1b}[?62;4;22c");
    run(&mut easel);
    easel.wait("\u{1b}P");
    easel.keys("q");
    easel.wait("\u{1b}[?1049l");
}

#[test]
fn a_terminal_that_does_not_answer_is_not_waited_for_and_gets_blocks() {
    let folder = folder();
    let mut easel = Pty::open_as("xterm-256color", (10, 20), folder.path(), &["copy.ron"]);
    run(&mut easel);
    easel.wait("▀");
    assert!(!easel.seen().contains("\u{1b}_G") && !easel.seen().contains("\u{1b}P"));
    easel.keys("q");
    easel.wait("\u{1b}[?1049l");
}

#[test]
fn whoever_wants_something_else_gets_it() {
    let folder = folder();
    let mut easel = Pty::open_as("xterm-kitty", (10, 20), folder.path(), &["copy.ron", "--pictures", "iterm2"]);
    run(&mut easel);
    easel.wait("\u{1b}]1337;File=inline=1");
    assert!(!easel.seen().contains("\u{1b}_G"));
    easel.keys("q");
    easel.wait("\u{1b}[?1049l");
}
