//! `easel watch` as it is used: a real process, files saved in all the ways in which editors save them, and its events.
#![cfg(unix)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::watch::Watch;
use common::{easel, files, folder};
use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

/// Two cones: a picture, and texts.
const FLOW: &str = r#"Workflow(
    version: 1,
    nodes: {
        "load": LoadImage(path: "in.png"),
        "picture": SaveImage(image: From("load"), name: "copy"),
        "animal": Text(value: "cat"),
        "colour": Text(value: "red"),
        "prompt": Format(template: "a {a} {b}", a: From("colour"), b: From("animal")),
        "label": Format(template: "{a}!", a: From("prompt")),
    },
    outputs: { "label": From("label.text") },
)"#;

/// Draws so finely that nobody waits for the end.
const SLOW: &str = r#"Workflow(version: 1, nodes: {
    "tokens": Tokenizer(model: "builtin:emoji-unclip", text: "a cat"),
    "text": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("tokens")),
    "schedule": Scheduler(model: "builtin:emoji-unclip", part: "prior", steps: 1000),
    "prior": Prior(
        model: "builtin:emoji-unclip", text: From("text"), schedule: From("schedule"), guidance_scale: 1.0,
        pictures: 64,
    ),
    "tap": SaveTensor(value: From("prior"), path: "late.safetensors"),
})"#;

/// A folder with `flow.ron`, watched and run once.
fn watched(flow: &str, arguments: &[&str]) -> (TempDir, Watch) {
    let folder = folder();
    fs::write(folder.path().join("flow.ron"), flow).expect("it can be written");
    let watch = Watch::start(folder.path(), arguments);
    (folder, watch)
}

fn save(path: &Path, text: &str) {
    fs::write(path, text).expect("it can be written");
}

/// The nodes that ran among these events.
fn ran(events: &[Value]) -> BTreeSet<&str> {
    named(events, "node_started")
}

fn named<'a>(events: &'a [Value], event: &str) -> BTreeSet<&'a str> {
    events.iter().filter(|line| line["event"] == event).filter_map(|line| line["node"].as_str()).collect()
}

fn count(events: &[Value], event: &str) -> usize {
    events.iter().filter(|line| line["event"] == event).count()
}

#[test]
fn only_what_changed_runs_again() {
    let (folder, mut watch) = watched(FLOW, &[]);
    let first = watch.until("watch_waiting");
    assert_eq!(first[0]["event"], "watch_started");
    assert_eq!(ran(&first).len(), 6, "{first:?}");
    let flow = folder.path().join("flow.ron");

    save(&flow, &FLOW.replace("cat", "dog"));
    let second = watch.until("watch_waiting");
    assert_eq!(ran(&second), BTreeSet::from(["animal", "prompt", "label"]));
    assert_eq!(named(&second, "node_cached"), BTreeSet::from(["load", "picture", "colour"]));
    assert_eq!(count(&second, "artifact_written"), 0, "a file is told once: {second:?}");
    let planned = &second[0];
    assert_eq!((&planned["event"], &planned["changed"][0]), (&"watch_planned".into(), &"flow.ron".into()));
    let waiting = &second[second.len() - 1];
    assert_eq!((waiting["ran"].as_u64(), waiting["nodes"].as_u64()), (Some(3), Some(6)));

    save(&flow, &FLOW.replace("cat", "dog").replace("{a}!", "{a}?"));
    assert_eq!(ran(&watch.until("watch_waiting")), BTreeSet::from(["label"]));
    save(&flow, FLOW);
    assert_eq!(ran(&watch.until("watch_waiting")), BTreeSet::new(), "all of it is known");
    assert_eq!(files(&folder.path().join("output")).len(), 1);
    let (code, rest) = watch.end(Signal::SIGINT);
    assert_eq!((code, count(&rest, "watch_ended")), (Some(0), 1), "{rest:?}");
}

#[test]
fn saving_without_a_change_does_nothing() {
    let (folder, mut watch) = watched(FLOW, &[]);
    watch.until("watch_waiting");
    let flow = folder.path().join("flow.ron");
    save(&flow, FLOW);
    fs::File::options()
        .append(true)
        .open(&flow)
        .and_then(|file| file.set_modified(std::time::SystemTime::now()))
        .expect("it can be touched");
    fs::rename(&flow, folder.path().join("away"))
        .and_then(|()| fs::rename(folder.path().join("away"), &flow))
        .expect("it can be renamed");
    // Whatever came of that would be told before what comes of this.
    save(&flow, &FLOW.replace("red", "blue"));
    let events = watch.until("watch_waiting");
    assert_eq!(count(&events, "watch_planned"), 1, "{events:?}");
    assert_eq!(ran(&events), BTreeSet::from(["colour", "prompt", "label"]));
}

#[test]
fn a_broken_save_shows_everything_and_the_last_good_one_stays() {
    let (folder, mut watch) = watched(SLOW, &[]);
    watch.until_that(|event| event["event"] == "node_progress" && event["node"] == "prior");
    let flow = folder.path().join("flow.ron");
    save(&flow, &SLOW.replace("Tokenizer(", "Tokeniser(").replace("guidance_scale: 1.0", "guidance: 1.0"));
    let events = watch.until("watch_broken");
    let codes: BTreeSet<_> = events.iter().filter_map(|event| event["code"].as_str()).collect();
    assert!(codes.contains("unknown-node-type") && codes.contains("unknown-node-input"), "{codes:?}");
    let broken = &events[events.len() - 1];
    assert_eq!((&broken["in_force"], &broken["running"]), (&true.into(), &true.into()));
    assert!(broken["errors"].as_u64() >= Some(2), "{broken}");
    watch.until_that(|event| event["event"] == "node_progress" && event["node"] == "prior");

    save(&flow, SLOW);
    let events = watch.until("watch_restored");
    assert_eq!(count(&events, "run_finished"), 0, "the run went on all the time");
    watch.until_that(|event| event["event"] == "node_progress" && event["node"] == "prior");

    save(&flow, FLOW);
    let events = watch.until("watch_waiting");
    let ends: Vec<_> = events.iter().filter(|event| event["event"] == "run_finished").collect();
    assert_eq!(
        ends.iter().map(|end| end["outcome"].as_str()).collect::<Vec<_>>(),
        [Some("cancelled"), Some("completed")]
    );
    assert_eq!(watch.end(Signal::SIGTERM).0, Some(0));
}

#[test]
fn a_workflow_that_is_broken_or_missing_at_first_is_waited_for() {
    let folder = folder();
    let mut watch = Watch::start(folder.path(), &[]);
    let events = watch.until("watch_broken");
    assert_eq!(events[1]["code"], "unreadable-file", "{events:?}");
    assert_eq!(events[events.len() - 1]["in_force"], false);
    save(&folder.path().join("flow.ron"), "Workflow(version: 1, nodes: {");
    assert_eq!(count(&watch.until("watch_broken"), "run_started"), 0);
    save(&folder.path().join("flow.ron"), FLOW);
    assert_eq!(ran(&watch.until("watch_waiting")).len(), 6);
    let mut watch = Watch::start(folder.path(), &["--set", "none=1"]);
    watch.until("watch_broken");
    assert_eq!(watch.end(Signal::SIGINT).0, Some(1), "nothing was ever run");
}

#[test]
fn half_written_files_are_nothing_to_tell_of() {
    let (folder, mut watch) = watched(FLOW, &[]);
    watch.until("watch_waiting");
    let flow = folder.path().join("flow.ron");
    for number in 0..10 {
        let text = FLOW.replace("cat", &format!("cat {number}"));
        let (half, rest) = text.split_at(text.len() / 2);
        let began = Instant::now();
        save(&flow, "");
        let mut file = fs::File::options().append(true).open(&flow).expect("it is there");
        std::io::Write::write_all(&mut file, half.as_bytes()).expect("it can be written");
        drop(file);
        std::thread::sleep(Duration::from_millis(5));
        save(&flow, half);
        let mut file = fs::File::options().append(true).open(&flow).expect("it is there");
        std::io::Write::write_all(&mut file, rest.as_bytes()).expect("it can be written");
        drop(file);
        let took = began.elapsed();
        let events = watch.until("watch_waiting");
        assert!(ran(&events).contains("animal"), "{events:?}");
        // On a busy machine it may have been half written for so long that telling it was right.
        if took < Duration::from_millis(20) {
            assert_eq!(count(&events, "diagnostic"), 0, "{took:?}: {events:?}");
        }
    }
}

#[test]
fn files_are_followed_however_they_are_saved() {
    let (folder, mut watch) = watched(FLOW, &[]);
    watch.until("watch_waiting");
    let flow = folder.path().join("flow.ron");
    let mut number = 0;
    let mut next = || {
        number += 1;
        FLOW.replace("cat", &format!("cat {number}"))
    };
    let temporary = folder.path().join(".flow.ron.swp~");
    let mut expect = |how: &str| {
        let events = watch.until("watch_waiting");
        assert_eq!(ran(&events), BTreeSet::from(["animal", "prompt", "label"]), "{how}");
    };
    for _ in 0..2 {
        // Emacs, VS Code with a safe save: a new file is renamed over the old one.
        save(&temporary, &next());
        fs::rename(&temporary, &flow).expect("it can be renamed");
        expect("renamed over");
        // Vim: the old file is moved away, the new one written in its place, the old one removed.
        fs::rename(&flow, &temporary).expect("it can be renamed");
        save(&flow, &next());
        fs::remove_file(&temporary).expect("it can be removed");
        expect("moved away and written anew");
        fs::remove_file(&flow).expect("it can be removed");
        save(&flow, &next());
        expect("removed and written anew");
        save(&flow, &next());
        expect("written in place");
    }
}

#[test]
fn a_workflow_that_is_gone_for_a_while_is_told_and_followed_when_it_is_back() {
    let (folder, mut watch) = watched(FLOW, &[]);
    watch.until("watch_waiting");
    let flow = folder.path().join("flow.ron");
    fs::remove_file(&flow).expect("it can be removed");
    let events = watch.until("watch_broken");
    assert!(events.iter().any(|event| event["code"] == "unreadable-file"), "{events:?}");
    save(&flow, FLOW);
    watch.until("watch_restored");
    save(&flow, &FLOW.replace("red", "green"));
    assert_eq!(ran(&watch.until("watch_waiting")), BTreeSet::from(["colour", "prompt", "label"]));
}

#[test]
fn folders_and_links_on_the_way_are_followed() {
    let folder = folder();
    let top = folder.path();
    fs::create_dir_all(top.join("one")).and_then(|()| fs::create_dir_all(top.join("two"))).expect("they can be made");
    for (name, animal) in [("one", "cat"), ("two", "dog")] {
        save(&top.join(name).join("real.ron"), &FLOW.replace("cat", animal).replace("in.png", "../in.png"));
    }
    let link = |target: &str, name: &str| {
        let temporary = top.join("link~");
        std::os::unix::fs::symlink(target, &temporary).expect("it can be linked");
        fs::rename(&temporary, top.join(name)).expect("it can be renamed");
    };
    link("one", "current");
    link("current/real.ron", "flow.ron");
    let mut watch = Watch::start(top, &["--base", "one"]);
    watch.until("watch_waiting");
    let texts = BTreeSet::from(["animal", "prompt", "label"]);
    link("two", "current");
    assert_eq!(ran(&watch.until("watch_waiting")), texts, "a link on the way leads elsewhere");
    save(&top.join("two/real.ron"), &FLOW.replace("cat", "owl").replace("in.png", "../in.png"));
    assert_eq!(ran(&watch.until("watch_waiting")), texts, "what the links lead to was saved");
    fs::rename(top.join("two"), top.join("away")).expect("it can be renamed");
    watch.until("watch_broken");
    fs::create_dir(top.join("two")).expect("it can be made");
    save(&top.join("two/real.ron"), &FLOW.replace("cat", "cow").replace("in.png", "../in.png"));
    assert_eq!(ran(&watch.until("watch_waiting")), texts, "the folder was replaced");
    save(&top.join("two/real.ron"), &FLOW.replace("cat", "emu").replace("in.png", "../in.png"));
    assert_eq!(ran(&watch.until("watch_waiting")), texts, "and is watched");
}

#[test]
fn what_a_workflow_includes_is_watched_even_before_it_is_there() {
    const PART: &str =
        r#"Workflow(version: 1, nodes: { "inner": Text(value: "one") }, outputs: { "text": From("inner") })"#;
    let flow = r#"Workflow(version: 1, nodes: {
        "part": Include(workflow: "parts/part.ron"),
        "end": Format(template: "{a}", a: From("part.text")),
        "other": Text(value: "x"),
    })"#;
    let (folder, mut watch) = watched(flow, &[]);
    watch.until("watch_broken");
    fs::create_dir(folder.path().join("parts")).expect("it can be made");
    let part = folder.path().join("parts/part.ron");
    save(&part, PART);
    assert_eq!(ran(&watch.until("watch_waiting")), BTreeSet::from(["part/inner", "end", "other"]));
    save(&part, &PART.replace("one", "two"));
    let events = watch.until("watch_waiting");
    assert_eq!(ran(&events), BTreeSet::from(["part/inner", "end"]));
    assert_eq!(events[0]["changed"][0], "parts/part.ron");
    save(&part, &PART.replace("Text(", "Test("));
    let events = watch.until("watch_broken");
    assert!(events.iter().any(|event| event["file"] == "parts/part.ron"), "{events:?}");
    save(&part, &PART.replace("one", "three"));
    assert_eq!(ran(&watch.until("watch_waiting")), BTreeSet::from(["part/inner", "end"]));
}

#[test]
fn a_picture_that_is_replaced_runs_what_depends_on_it() {
    let (folder, mut watch) = watched(FLOW, &[]);
    watch.until("watch_waiting");
    let picture = image::RgbImage::from_pixel(8, 8, image::Rgb([1, 2, 3]));
    picture.save(folder.path().join("new.png")).expect("it can be written");
    fs::rename(folder.path().join("new.png"), folder.path().join("in.png")).expect("it can be renamed");
    let events = watch.until("watch_waiting");
    assert_eq!(ran(&events), BTreeSet::from(["load", "picture"]));
    assert_eq!(count(&events, "artifact_written"), 1);
    assert_eq!(files(&folder.path().join("output")).len(), 2);
}

#[test]
fn a_picture_that_comes_into_a_listed_folder_is_seen() {
    let flow = r#"Workflow(version: 1, nodes: { "list": ListFiles(folder: "pictures") })"#;
    let folder = folder();
    fs::create_dir(folder.path().join("pictures")).expect("it can be made");
    save(&folder.path().join("flow.ron"), flow);
    let mut watch = Watch::start(folder.path(), &[]);
    watch.until("watch_waiting");
    fs::copy(folder.path().join("in.png"), folder.path().join("pictures/a.png")).expect("it can be copied");
    assert_eq!(ran(&watch.until("watch_waiting")), BTreeSet::from(["list"]));
}

#[test]
fn of_a_hundred_saves_a_second_the_last_one_counts() {
    let (folder, mut watch) = watched(FLOW, &[]);
    watch.until("watch_waiting");
    let flow = folder.path().join("flow.ron");
    let began = Instant::now();
    for number in 0..100 {
        save(&flow, &FLOW.replace("cat", &format!("cat {number}")));
        let next = Duration::from_millis(10 * (number + 1));
        std::thread::sleep(next.saturating_sub(began.elapsed()));
    }
    let last = |event: &Value| {
        let outputs = event["outputs"].as_array().into_iter().flatten();
        event["node"] == "label"
            && outputs.filter_map(|output| output["summary"].as_str()).any(|text| text.contains("cat 99!"))
    };
    let mut events = watch.until_that(last);
    events.extend(watch.until("watch_waiting"));
    let (plans, runs) = (count(&events, "watch_planned"), count(&events, "run_started"));
    assert!(plans < 50 && runs <= plans, "{plans} plans, {runs} runs");
    save(&flow, &FLOW.replace("cat", "end"));
    let events = watch.until("watch_waiting");
    assert_eq!(count(&events, "watch_planned"), 1, "nothing was left of the others: {events:?}");
}

#[test]
fn a_save_during_a_run_stops_it_and_goes_on_from_there() {
    let (folder, mut watch) = watched(SLOW, &[]);
    let seen = watch.until_that(|event| event["node"] == "prior" && event["step"].as_u64() >= Some(3));
    assert_eq!(seen.iter().find_map(|event| event["run"].as_u64()), Some(1));
    // The same network, steps and noise; only what comes after is another.
    save(&folder.path().join("flow.ron"), &SLOW.replace("late.safetensors", "later.safetensors"));
    let events =
        watch.until_that(|event| event["event"] == "node_progress" && event["node"] == "prior" && event["run"] != 1);
    let steps = |run: u64| {
        let of_run = events.iter().filter(move |event| event["run"] == run && event["node"] == "prior");
        of_run.filter_map(|event| event["step"].as_u64())
    };
    let (before, after) = (steps(1).max().expect("it got further"), steps(2).min().expect("it goes on"));
    assert!(after >= before, "from step {before}, not from {after}");
    let stopped = events.iter().position(|event| event["event"] == "run_finished").expect("the first run ends");
    assert_eq!(events[stopped]["outcome"], "cancelled");
    assert_eq!(named(&events[stopped..], "node_cached"), BTreeSet::from(["tokens", "text", "schedule"]));
    let (code, rest) = watch.end(Signal::SIGINT);
    assert_eq!(code, Some(1), "the run was stopped");
    assert_eq!(rest[rest.len() - 1]["event"], "watch_ended");
}

#[test]
fn somebody_looks_where_nobody_tells() {
    let (folder, mut watch) = watched(FLOW, &["--poll"]);
    let events = watch.until("watch_waiting");
    let note = events.iter().find(|event| event["event"] == "watch_note").expect("it is told");
    assert!(note["message"].as_str().unwrap_or_default().contains("--poll"), "{note}");
    save(&folder.path().join("flow.ron"), &FLOW.replace("cat", "dog"));
    assert_eq!(ran(&watch.until("watch_waiting")), BTreeSet::from(["animal", "prompt", "label"]));
}

#[test]
fn people_are_told_in_words() {
    let folder = folder();
    save(&folder.path().join("flow.ron"), FLOW);
    let mut command = easel(folder.path());
    command.args(["watch", "flow.ron"]);
    let mut watch = Watch::of(command);
    let told = watch.until_told("waiting for a change");
    assert!(told.contains("watching flow.ron") && told.contains("done in"), "{told}");
    save(&folder.path().join("flow.ron"), &FLOW.replace("cat", "dog"));
    let told = watch.until_told("3 of 6 nodes ran; waiting for a change (Ctrl-C ends)");
    assert!(told.contains("saved: flow.ron") && told.contains("picture: cached"), "{told}");
    save(&folder.path().join("flow.ron"), &FLOW.replace("LoadImage", "LoadImge"));
    let told = watch.until_told("the last good one stays in force");
    assert!(told.contains("did you mean `LoadImage`?"), "{told}");
    save(&folder.path().join("flow.ron"), &FLOW.replace("cat", "dog"));
    watch.until_told("as before");
    let (code, paths) = watch.end_in_words(Signal::SIGINT);
    assert_eq!(code, Some(0));
    let paths: Vec<PathBuf> = paths.lines().map(PathBuf::from).collect();
    assert!(paths.len() == 1 && folder.path().join(&paths[0]).is_file(), "told once: {paths:?}");
}
