//! What was run, in a real terminal: cancelled and gone on with, looked at in the gallery, compared, swept, queued.
#![cfg(unix)]

mod common;

use std::path::Path;

use common::screen::Screen;
use common::{folder, output, shipped};
use image::{Rgb, RgbImage};

/// So many steps that there is time to stop it, and so few that a test can wait for the end.
const STEPS: [&str; 4] = ["--set", "decoder_steps=150", "--set", "prior_steps=2"];

/// Copies a picture under a name.
fn copied(screen: &Screen, path: &str, name: &str) {
    let (path, name) = (format!("path={path}"), format!("name={name}"));
    let done = output(screen.folder.path(), &["run", "copy.ron", "--set", &path, "--set", &name]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn leave(screen: &Screen) {
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
}

#[test]
fn a_run_that_was_cancelled_while_it_sampled_goes_on_to_the_same_picture() {
    let Some(screen) = Screen::open(120, 40) else { return };
    let workflow = shipped("text_to_image.ron");
    let workflow = workflow.to_str().expect("it is UTF-8");
    screen.easel(&format!("{workflow} --out out {}", STEPS.join(" ")));
    screen.wait("tokens");
    screen.keys(&["r"]);
    // Some steps were done, and not all.
    screen.wait_until("a step of the decoder", |seen| {
        let line = seen.lines().find(|line| line.contains("▶ decoder"));
        line.is_some_and(|line| (6..100).any(|step| line.contains(&format!(" {step}/150"))))
    });
    screen.keys(&["C-c"]);
    screen.wait("stopped after");
    let seen = screen.wait("■ decoder");
    assert!(seen.contains("run 1 stopped"), "{seen}");
    assert!(!screen.folder.path().join("out/picture_0001.png").exists());
    screen.keys(&["5"]);
    screen.wait_until("the list", |seen| seen.contains("1 cancelled"));
    screen.keys(&["u"]);
    screen.wait("done in");
    screen.keys(&["5"]);
    screen.wait("1 completed");
    leave(&screen);
    let whole = folder();
    let done = output(whole.path(), &[&["run", workflow, "--out", "out"][..], &STEPS].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let picture = |folder: &Path| std::fs::read(folder.join("out/picture_0001.png")).expect("it was written");
    assert!(picture(screen.folder.path()) == picture(whole.path()), "the same bytes as without a break");
}

#[test]
fn two_pictures_of_the_gallery_are_compared() {
    let Some(screen) = Screen::open(100, 30) else { return };
    let other = RgbImage::from_fn(20, 16, |x, _| Rgb([x as u8 * 12, 255, 0]));
    other.save(screen.folder.path().join("other.png")).expect("it can be written");
    copied(&screen, "in.png", "first");
    copied(&screen, "other.png", "second");
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    screen.keys(&["6"]);
    let seen = screen.wait_until("both pictures", |seen| seen.contains("1 of 2 pictures") && seen.contains('▀'));
    assert!(seen.contains("second_0001") && seen.contains("first_0001"), "{seen}");
    screen.keys(&["m", "l", "c"]);
    let seen = screen.wait_until("what differs", |seen| seen.contains("path  other.png") && seen.contains('▀'));
    assert!(seen.contains("Inputs that differ") && seen.contains("name  second"), "{seen}");
    screen.keys(&["d"]);
    screen.wait("difference × 4");
    screen.keys(&["Space"]);
    screen.wait_until("one alone", |seen| !seen.contains("difference ×") && seen.contains("second_0001.png"));
    screen.keys(&["Escape"]);
    screen.wait("2 pictures");
    // On the whole screen, with what it was made from.
    screen.keys(&["Enter"]);
    screen.wait("first_0001.png");
    screen.keys(&["Escape"]);
    screen.wait("2 pictures");
    leave(&screen);
}

#[test]
fn a_sweep_that_begins_after_a_run_was_looked_at_fills_its_grid() {
    let Some(screen) = Screen::open(100, 30) else { return };
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    screen.keys(&["r"]);
    screen.wait("done in");
    screen.keys(&["t"]);
    screen.wait("what took longest first");
    screen.keys(&["Escape", "/"]);
    screen.type_in("save");
    screen.keys(&["Enter", "1"]);
    screen.wait("save  SaveImage");
    screen.keys(&["Down", "S"]);
    screen.wait("Sweep over name");
    screen.type_in("one | two | three");
    screen.keys(&["Enter"]);
    screen.wait("Sweep over name and");
    screen.keys(&["Enter"]);
    screen.wait("3 runs");
    screen.keys(&["y"]);
    let seen = screen.wait_until("the grid", |seen| seen.contains("3 of 3 runs are over") && seen.contains('▀'));
    assert!(seen.contains("one") && seen.contains("two") && seen.contains("three"), "{seen}");
    screen.keys(&["w"]);
    screen.wait("sweep_0001.png");
    screen.keys(&["Escape"]);
    screen.wait("SaveImage");
    leave(&screen);
    // Another process opens the grid from the list of runs, enlarges a picture, and asks for the sweep again.
    screen.line("clear");
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    screen.keys(&["5"]);
    screen.wait("of a sweep over name");
    screen.keys(&["8"]);
    let seen = screen.wait_until("the grid", |seen| seen.contains("3 of 3 runs are over") && seen.contains('▀'));
    assert!(seen.contains("one") && seen.contains("two") && seen.contains("▸completed"), "{seen}");
    screen.keys(&["Enter"]);
    screen.wait("3 of 3,");
    screen.keys(&["Escape"]);
    screen.wait("3 of 3 runs are over");
    screen.keys(&["a"]);
    screen.wait("one | two | three");
    screen.keys(&["Escape"]);
    screen.wait("of a sweep over name");
    leave(&screen);
}

#[test]
fn prompts_of_earlier_runs_come_back() {
    let Some(screen) = Screen::open(120, 40) else { return };
    let workflow = shipped("text_to_image.ron");
    let workflow = workflow.to_str().expect("it is UTF-8");
    for prompt in ["prompt=a cat on a mat", "prompt=a red rocket"] {
        let run = ["run", workflow, "--out", "out", "--set", prompt];
        let done = output(screen.folder.path(), &[&run[..], &common::FEW_STEPS].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let text = std::fs::read_to_string(workflow).expect("it ships").replacen("Input(\"prompt\")", "\"a fish\"", 1);
    std::fs::write(screen.folder.path().join("own.ron"), text).expect("it can be written");
    screen.easel("own.ron");
    screen.wait("Tokenizer");
    screen.keys(&["/"]);
    screen.type_in("tokens");
    screen.keys(&["Enter", "1"]);
    screen.wait("tokens  Tokenizer");
    screen.keys(&["Down", "Enter"]);
    screen.wait("alt-enter");
    screen.keys(&["C-u", "C-Up"]);
    screen.wait("a red rocket");
    screen.keys(&["C-Up"]);
    screen.wait("a cat on a mat");
    screen.keys(&["C-r"]);
    screen.wait_until("both", |seen| seen.contains("a red rocket") && seen.contains("a cat on a mat"));
    screen.type_in("red");
    screen.keys(&["Enter"]);
    screen.wait("a red rocket");
    screen.keys(&["Enter"]);
    screen.wait("not saved");
    screen.keys(&["C-s"]);
    screen.wait("a red rocket");
    screen.keys(&["Enter"]);
    screen.wait_until("the file", |_| {
        std::fs::read_to_string(screen.folder.path().join("own.ron")).is_ok_and(|text| text.contains("a red rocket"))
    });
    leave(&screen);
}

#[test]
fn the_order_of_the_queue_is_changed_kept_and_followed() {
    let Some(screen) = Screen::open(120, 40) else { return };
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    for run in 1..=3 {
        screen.keys(&["Q"]);
        screen.wait("Its priority");
        screen.keys(&["Enter"]);
        screen.wait(&format!("run {run} waits in the queue"));
    }
    screen.keys(&["7"]);
    screen.wait("3 runs wait");
    // The run's number stands between the place and the priority.
    let order = |seen: &str| -> Vec<u32> {
        let rows = seen.lines().filter(|line| line.contains(" 0 queued"));
        rows.filter_map(|row| row.split_whitespace().nth(1)?.parse().ok()).collect()
    };
    assert_eq!(order(&screen.seen()), [1, 2, 3]);
    // The last one to the front, the first one behind the next.
    screen.keys(&["G", "K"]);
    screen.wait_until("1 3 2", |seen| order(seen) == [1, 3, 2]);
    screen.keys(&["K"]);
    screen.wait_until("3 1 2", |seen| order(seen) == [3, 1, 2]);
    leave(&screen);
    screen.line("clear");
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    screen.keys(&["7"]);
    screen.wait_until("3 1 2", |seen| order(seen) == [3, 1, 2]);
    screen.keys(&["d"]);
    screen.wait("0 runs wait, 0 under way");
    leave(&screen);
    let listed = output(screen.folder.path(), &["runs", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("it is JSON");
    let mut runs: Vec<_> = listed["runs"].as_array().expect("it is a list").iter().collect();
    runs.sort_by_key(|run| run["started"].as_i64());
    let order: Vec<_> = runs.iter().filter_map(|run| run["run"].as_u64()).collect();
    assert_eq!(order, [3, 1, 2]);
}
