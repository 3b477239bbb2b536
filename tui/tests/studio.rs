//! `easel tui` in a real terminal: that of tmux.
#![cfg(unix)]

mod common;

use common::screen::Screen;
use common::{COPY, FEW_STEPS, folder, output, shipped};
use nix::sys::signal::{Signal, kill};

#[test]
fn a_workflow_is_opened_edited_saved_and_run() {
    let Some(screen) = Screen::open(120, 40) else { return };
    screen.easel("copy.ron");
    screen.wait("SaveImage");
    // The other node has the cursor after that.
    screen.keys(&["]"]);
    screen.wait("save  SaveImage");
    screen.keys(&["r"]);
    let seen = screen.wait("done in");
    assert!(seen.contains("✓ load") && seen.contains("✓ save"), "{seen}");
    assert!(screen.folder.path().join("output/copy_0001.png").is_file());
    // A change from outside is there at once.
    let changed = COPY.replace("\"copy\"", "\"again\"");
    std::fs::write(screen.folder.path().join("copy.ron"), &changed).expect("it can be written");
    screen.wait("so did what is shown");
    screen.keys(&["m"]);
    screen.wait("not saved");
    screen.keys(&["C-s"]);
    screen.wait("mute: true");
    screen.keys(&["Enter"]);
    screen.wait_until("the file", |_| {
        std::fs::read_to_string(screen.folder.path().join("copy.ron")).is_ok_and(|text| text.contains("mute: true"))
    });
    for (columns, lines) in [("80", "24"), ("40", "10")] {
        screen.run(&["resize-window", "-x", columns, "-y", lines]);
        screen.wait_until("the key bar at the bottom", |seen| {
            seen.lines().count() == lines.parse().unwrap_or(0)
                && seen.lines().last().is_some_and(|l| l.contains('?') || l.contains("saved"))
        });
    }
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
}

#[test]
fn a_picture_is_looked_at_on_the_whole_screen() {
    let Some(screen) = Screen::open(100, 30) else { return };
    screen.easel("copy.ron");
    screen.wait("SaveImage");
    screen.keys(&["r"]);
    screen.wait("done in");
    screen.keys(&["i"]);
    // tmux keeps pixels to itself.
    let seen = screen.wait("20 × 16");
    assert!(seen.contains("copy_0001.png  of save") && seen.contains('▀'), "{seen}");
    screen.keys(&["Escape"]);
    screen.wait("✓ save");
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
}

#[test]
fn the_embedded_model_is_stopped_and_its_run_stands_in_the_journal() {
    let Some(screen) = Screen::open(100, 30) else { return };
    let workflow = shipped("text_to_image.ron");
    // So many steps that nobody waits for their end.
    screen.easel(&format!("{} --out out --set decoder_steps=1000 --set prior_steps=1000", workflow.display()));
    screen.wait("tokens");
    screen.keys(&["r"]);
    screen.wait("▶ prior");
    screen.keys(&["C-c"]);
    screen.wait("stopped after");
    screen.keys(&["5"]);
    screen.wait("cancelled");
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
}

#[test]
fn a_run_of_another_process_is_watched() {
    let Some(screen) = Screen::open(100, 30) else { return };
    let workflow = shipped("text_to_image.ron");
    let run = [&["run", workflow.to_str().expect("it is UTF-8"), "--out", "out"][..], &FEW_STEPS].concat();
    let made = output(screen.folder.path(), &run);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    screen.easel("--attach 1");
    let seen = screen.wait("run 1 completed");
    assert!(seen.contains("14 of 14 nodes") && seen.contains("picture_0001.png"), "{seen}");
    screen.keys(&["q"]);
    screen.wait("status=0");
}

#[test]
fn whoever_ends_it_the_terminal_is_given_back() {
    let Some(screen) = Screen::open(80, 24) else { return };
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    kill(screen.process(), Signal::SIGTERM).expect("it is there");
    screen.wait("status=0");
    screen.is_restored();
    screen.run(&["clear-history"]);
    screen.line("clear");
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    let process = screen.process();
    kill(process, Signal::SIGTSTP).expect("it is there");
    screen.wait("ready$");
    screen.is_restored();
    screen.line("fg; echo continued=$?");
    screen.wait("LoadImage");
    screen.keys(&["q"]);
    screen.wait("continued=0");
    screen.is_restored();
}

#[test]
fn unsaved_changes_survive_a_kill() {
    let Some(screen) = Screen::open(100, 30) else { return };
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    screen.keys(&["m"]);
    screen.wait("not saved");
    let kept = screen.folder.path().join("state/unsaved");
    screen.wait_until("what is kept", |_| common::files(&kept).iter().any(|name| name.ends_with(".txt")));
    kill(screen.process(), Signal::SIGKILL).expect("it is there");
    screen.wait("status=137");
    // Nobody could restore the terminal.
    screen.line("stty sane");
    screen.easel("copy.ron");
    screen.wait("Unsaved changes");
    screen.keys(&["y"]);
    screen.wait("not saved");
    screen.keys(&["C-s"]);
    screen.wait("mute: true");
}

#[test]
fn runs_are_queued_carried_out_listed_and_opened_as_they_were() {
    let Some(screen) = Screen::open(120, 40) else { return };
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    for priority in ["0", "5"] {
        screen.keys(&["Q"]);
        screen.wait("Its priority");
        screen.keys(&["C-u", priority, "Enter"]);
        screen.wait("waits in the queue");
    }
    screen.keys(&["7"]);
    screen.wait("2 runs wait");
    // Nothing of it is lost with the process.
    kill(screen.process(), Signal::SIGKILL).expect("it is there");
    screen.wait("=137");
    screen.line("stty sane; clear");
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    screen.keys(&["7"]);
    let seen = screen.wait("2 runs wait");
    let place = |run: &str| seen.lines().position(|line| line.contains(run)).expect("it is listed");
    assert!(place("     2        5 queued") < place("     1        0 queued"), "{seen}");
    screen.keys(&["d"]);
    screen.wait("0 runs wait, 0 under way");
    screen.keys(&["5"]);
    let seen = screen.wait_until("both are listed", |seen| seen.matches(" completed ").count() >= 2);
    assert!(seen.contains("2 of 2 runs") || seen.contains("1 of 2 runs"), "{seen}");
    screen.keys(&["g", "Enter"]);
    let seen = screen.wait("Once more");
    assert!(seen.contains("copy_0002.png") || seen.contains("copy_0001.png"), "{seen}");
    screen.keys(&["Escape"]);
    // Right behind it, a letter would be one with alt.
    screen.wait_until("nothing in front", |seen| !seen.contains("╭ Run"));
    screen.keys(&["y"]);
    screen.wait("OSC 52");
    screen.keys(&["Escape"]);
    screen.wait_until("nothing in front", |seen| !seen.contains("OSC 52"));
    screen.keys(&["o"]);
    screen.wait("as it was run");
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
}

#[test]
fn without_a_terminal_it_says_what_to_do_instead() {
    let folder = folder();
    let told = |arguments: &[&str]| {
        let output = output(folder.path(), &[&["tui"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let piped = told(&["copy.ron"]);
    assert!(piped.contains("needs a terminal") && piped.contains("easel run"), "{piped}");
    let none = told(&["none.ron"]);
    assert!(none.contains("none.ron") && none.contains("no such file"), "{none}");
    std::fs::write(folder.path().join("picture.ron"), [0xff, 0xd8, 0xff]).expect("it can be written");
    assert!(told(&["picture.ron"]).contains("not UTF-8"));
    assert!(told(&["--attach"]).contains("nothing runs at the moment"));
    assert!(told(&["--attach", "7"]).contains("no run 7"));
}

#[test]
fn a_broken_keymap_is_told_with_its_place() {
    let folder = folder();
    let config = folder.path().join("config");
    std::fs::create_dir(&config).expect("it can be made");
    std::fs::write(config.join("keys.ron"), "Keymap(keys: { \"rnu\": [\"x\"] })").expect("it can be written");
    let output = common::easel(folder.path()).env("EASEL_CONFIG", &config).args(["tui", "copy.ron"]).output();
    let output = output.expect("easel can be started");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("keys.ron") && told.contains("did you mean `run`?"), "{told}");
}

#[test]
fn an_editor_gets_the_terminal_with_its_keys_and_gives_it_back() {
    let Some(screen) = Screen::open(100, 30) else { return };
    let script = screen.folder.path().join("editor.sh");
    let asks =
        "#!/bin/sh\nprintf 'instead of '; cat \"$1\"; printf ': '; read line; printf '%s\\n' \"$line\" > \"$1\"\n";
    std::fs::write(&script, asks).expect("it can be written");
    screen.line(&format!("export VISUAL='sh {}'", script.display()));
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    // To the path of the picture, and out to the editor.
    screen.keys(&["Enter", "E"]);
    screen.wait("instead of ");
    screen.run(&["send-keys", "-l", "\"qqq.png\""]);
    screen.keys(&["Enter"]);
    screen.wait("path: text");
    screen.keys(&["Enter"]);
    screen.wait("not saved");
    screen.keys(&["C-s"]);
    screen.wait("qqq.png\"");
    screen.keys(&["Enter"]);
    screen.wait_until("the file", |_| {
        std::fs::read_to_string(screen.folder.path().join("copy.ron")).is_ok_and(|text| text.contains("\"qqq.png\""))
    });
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
    screen.line("export VISUAL=no-such-editor; clear");
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    screen.keys(&["Enter", "E"]);
    screen.wait("there is no editor `no-such-editor`");
    // What is there stays there.
    screen.wait("qqq.png");
    screen.keys(&["Escape"]);
    screen.wait_until("the question is gone", |seen| !seen.contains("path: text"));
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
}

#[test]
fn nodes_become_a_file_that_is_entered_changed_and_left() {
    let Some(screen) = Screen::open(100, 30) else { return };
    let read = |name: &str| std::fs::read_to_string(screen.folder.path().join(name)).unwrap_or_default();
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    screen.keys(&["e"]);
    screen.wait("its name");
    screen.run(&["send-keys", "-l", "part.ron"]);
    screen.keys(&["Enter"]);
    screen.wait("was written beside this file");
    assert!(read("part.ron").contains("LoadImage("), "{}", read("part.ron"));
    screen.keys(&["C-s"]);
    screen.wait("Include(workflow:");
    screen.keys(&["Enter"]);
    screen.wait_until("the file", |_| read("copy.ron").contains("part.ron"));
    screen.wait("part  Include");
    screen.keys(&["Enter"]);
    screen.wait("copy.ron › part");
    screen.wait("LoadImage");
    screen.keys(&["m", "BSpace"]);
    screen.wait("Not saved in this file");
    screen.keys(&["Enter"]);
    screen.wait_until("the way back", |seen| seen.contains("SaveImage") && !seen.contains("copy.ron › part"));
    assert!(read("part.ron").contains("mute: true"), "{}", read("part.ron"));
    screen.keys(&["q"]);
    screen.wait("status=0");
}

#[test]
fn a_recorded_run_is_shown_and_nothing_is_written() {
    let Some(screen) = Screen::open(120, 40) else { return };
    screen.easel("--demo");
    let seen = screen.wait("▶ prior");
    assert!(seen.contains("✓ tokens"), "{seen}");
    screen.keys(&["C-c"]);
    screen.wait("stopped");
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
    assert!(!screen.folder.path().join("output").exists());
    assert!(!screen.folder.path().join("state").exists(), "no journal was begun");
}

#[test]
fn what_is_being_typed_survives_a_kill() {
    let Some(screen) = Screen::open(100, 30) else { return };
    screen.easel("copy.ron");
    screen.wait("LoadImage");
    // The form of the node, and in it what it reads.
    screen.keys(&["Enter", "Enter", "C-u"]);
    screen.wait("path: text");
    screen.keys(&["-l", "\"a red cat\""]);
    screen.wait("\"a red cat\"");
    let kept = screen.folder.path().join("state/unsaved");
    let is_kept = |name: &String| std::fs::read_to_string(kept.join(name)).is_ok_and(|text| text.contains("a red cat"));
    screen.wait_until("what is kept", |_| common::files(&kept).iter().any(is_kept));
    kill(screen.process(), Signal::SIGKILL).expect("it is there");
    screen.wait("status=137");
    // Nobody could restore the terminal.
    screen.line("stty sane; clear");
    screen.easel("copy.ron");
    screen.wait("This was being typed");
    screen.keys(&["y"]);
    screen.wait("path: text");
    screen.keys(&["Enter"]);
    screen.wait("not saved");
    screen.keys(&["C-s"]);
    screen.wait("What saving changes");
    screen.keys(&["Enter"]);
    screen.wait_until("the file", |_| {
        std::fs::read_to_string(screen.folder.path().join("copy.ron")).is_ok_and(|text| text.contains("a red cat"))
    });
    screen.wait_until("nothing to keep", |_| !common::files(&kept).iter().any(|name| name.ends_with(".txt")));
    screen.keys(&["q"]);
    screen.wait("status=0");
    screen.is_restored();
}
