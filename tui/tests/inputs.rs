//! What somebody new does first with `easel tui`, in a real terminal: another prompt, a run, a picture.
#![cfg(unix)]

mod common;

use common::screen::Screen;
use common::{FEW_STEPS, shipped};

#[test]
fn a_prompt_is_typed_run_with_seen_as_a_picture_and_saved() {
    let Some(screen) = Screen::open(100, 30) else { return };
    let flow = screen.folder.path().join("flow.ron");
    std::fs::copy(shipped("text_to_image.ron"), &flow).expect("it can be copied");
    let written = || std::fs::read_to_string(&flow).unwrap_or_default();
    screen.easel(&format!("flow.ron --set enlarge=false {}", FEW_STEPS.join(" ")));
    let seen = screen.wait("p then enter: another value");
    assert!(seen.contains("prompt = \"a rocket") && seen.contains("p inputs"), "{seen}");
    assert!(seen.contains("prior_steps = 2  by --set"), "{seen}");
    screen.keys(&["p", "Enter"]);
    screen.wait("prompt: text");
    screen.keys(&["C-u"]);
    screen.type_in("a green cat");
    screen.keys(&["Enter"]);
    screen.wait("prompt = \"a green cat\"");
    screen.keys(&["r"]);
    screen.wait("`i` shows the picture");
    screen.wait_until("the picture", |seen| seen.contains('▀'));
    screen.keys(&["i"]);
    screen.wait("picture_0001.png  of save");
    screen.keys(&["Escape"]);
    screen.wait("✓ save");
    // What ran is what was typed, and it is in the file once it is saved.
    screen.keys(&["5"]);
    screen.wait("a green cat");
    screen.keys(&["Escape"]);
    screen.wait_until("the graph again", |seen| seen.contains("i picture"));
    assert!(!written().contains("a green cat"));
    screen.keys(&["C-s"]);
    screen.wait("What saving changes");
    screen.keys(&["Enter"]);
    screen.wait_until("the file", |_| written().contains("default: \"a green cat\""));
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
}

#[test]
fn what_a_run_lacks_is_asked_for_and_the_way_back_to_the_files_is_esc() {
    let Some(screen) = Screen::open(80, 24) else { return };
    let needs = common::COPY.replace("Text(default: \"copy\")", "Text(about: \"what it is called\")");
    std::fs::write(screen.folder.path().join("needs.ron"), needs).expect("it can be written");
    screen.easel(".");
    screen.wait("needs.ron");
    screen.keys(&["j", "Enter"]);
    screen.wait("name Text  ! needs a value");
    screen.keys(&["r"]);
    screen.wait("name: text");
    screen.type_in("called");
    screen.keys(&["Enter", "r"]);
    screen.wait("done in");
    assert!(screen.folder.path().join("output/called_0001.png").is_file());
    screen.keys(&["C-z"]);
    screen.wait("taken back");
    screen.keys(&["Escape"]);
    screen.wait_until("no node with the cursor", |seen| !seen.contains('┏'));
    screen.keys(&["Escape"]);
    screen.wait("copy.ron");
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
}
