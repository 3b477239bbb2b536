//! Plugins as they are used: files in folders, the `easel` process, and its watch.
#![cfg(unix)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::watch::Watch;
use common::{easel, folder, output, shipped, stderr, stdout_lines};
use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

/// A picture through nodes of a plugin.
const FLOW: &str = r#"Workflow(
    version: 1,
    nodes: {
        "load": LoadImage(path: "in.png"),
        "negative": Invert(image: From("load")),
        "save": SaveImage(image: From("negative"), name: "negative"),
        "printed": Duotone(image: From("load")),
        "save_printed": SaveImage(image: From("printed"), name: "printed"),
    },
)"#;

/// The plugin that ships, with some texts in it changed to others of their length: as if it was built again.
fn plugin(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = fs::read(shipped("plugins/pictures.wasm")).expect("it ships");
    for (from, to) in changes {
        assert_eq!(from.len(), to.len());
        let places: Vec<_> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(from.as_bytes())).collect();
        assert!(!places.is_empty(), "{from} is in it");
        places.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to.as_bytes()));
    }
    bytes
}

/// A folder with `flow.ron`, and the plugin beside it.
fn with_plugin() -> (TempDir, PathBuf) {
    let folder = folder();
    fs::write(folder.path().join("flow.ron"), FLOW).expect("it can be written");
    fs::create_dir(folder.path().join("plugins")).expect("it can be made");
    let file = folder.path().join("plugins/pictures.wasm");
    fs::write(&file, plugin(&[])).expect("it can be written");
    (folder, file)
}

fn events(folder: &Path) -> Vec<Value> {
    let done = output(folder, &["run", "flow.ron", "--json"]);
    stdout_lines(&done).iter().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
}

fn named<'a>(events: &'a [Value], event: &str) -> BTreeSet<&'a str> {
    events.iter().filter(|line| line["event"] == event).filter_map(|line| line["node"].as_str()).collect()
}

#[test]
fn nodes_of_a_plugin_are_listed_run_and_kept() {
    let (folder, file) = with_plugin();
    let listed = stdout_lines(&output(folder.path(), &["nodes"])).join("\n");
    assert!(listed.contains("Duotone") && listed.contains("Turns every colour into its opposite."), "{listed}");

    let first = events(folder.path());
    assert_eq!(named(&first, "node_finished").len(), 5, "{first:?}");
    let original = image::open(folder.path().join("in.png")).expect("it is a picture").to_rgb8();
    let negative = image::open(folder.path().join("output/negative_0001.png")).expect("it was written").to_rgb8();
    assert_eq!(original.dimensions(), negative.dimensions());
    assert!(original.iter().zip(negative.iter()).all(|(before, after)| *before == 255 - *after));

    let second = events(folder.path());
    assert_eq!(named(&second, "node_cached").len(), 5, "another process knows: {second:?}");
    // What it does is the same, but who knows that?
    fs::write(&file, plugin(&[("opposite", "contrary")])).expect("it can be written");
    let third = events(folder.path());
    assert_eq!(named(&third, "node_started"), BTreeSet::from(["negative", "printed"]), "and gives the same: {third:?}");
}

#[test]
fn plugins_are_listed_with_what_is_wrong_with_them() {
    let (folder, file) = with_plugin();
    let sound = output(folder.path(), &["plugins", "flow.ron"]);
    let hash = blake3::hash(&plugin(&[])).to_hex().to_string();
    let told = stdout_lines(&sound).join("\n");
    assert!(told.contains("node types: Invert, Duotone") && told.contains(&hash), "{told}");
    assert_eq!(sound.status.code(), Some(0));

    let users = folder.path().join("users-plugins");
    fs::create_dir(&users).expect("it can be made");
    fs::copy(&file, users.join("copy.wasm")).expect("it can be copied");
    fs::write(users.join("rival.wasm"), plugin(&[("Duotone", "Twotone")])).expect("it can be written");
    fs::write(users.join("noise.wasm"), "\x1b[2J").expect("it can be written");
    let listed = output(folder.path(), &["plugins", "--json"]);
    assert_eq!(listed.status.code(), Some(1));
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("it is JSON");
    let files: Vec<_> = listed.as_array().expect("an array").iter().collect();
    assert_eq!(files.len(), 4);
    assert_eq!(files[0]["node_types"], serde_json::json!(["Invert", "Duotone"]));
    assert_eq!(files[1]["same_as"], "plugins/pictures.wasm");
    assert!(files[2]["problem"].as_str().is_some_and(|problem| problem.contains("no sound WebAssembly")));
    assert!(
        files[3]["problem"].as_str().is_some_and(|problem| problem.starts_with("its node type `Invert` is that of"))
    );

    // What is wrong with them is told, and keeps nothing from running that does not need them.
    let run = output(folder.path(), &["run", "flow.ron"]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    assert!(stderr(&run).contains("noise.wasm is not loaded"), "{}", stderr(&run));
    let check = output(folder.path(), &["check", "flow.ron"]);
    assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));

    fs::remove_dir_all(folder.path().join("plugins")).expect("it can be removed");
    fs::remove_file(users.join("rival.wasm")).expect("it can be removed");
    assert_eq!(output(folder.path(), &["check", "flow.ron"]).status.code(), Some(0), "the user's own is as good");
    fs::remove_dir_all(&users).expect("it can be removed");
    let missing = output(folder.path(), &["check", "flow.ron"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("there is no node type `Invert`"), "{}", stderr(&missing));
    let none = output(folder.path(), &["plugins"]);
    assert!(stderr(&none).contains("there are no plugins in plugins, "), "{}", stderr(&none));
}

#[test]
fn a_failure_of_a_plugin_is_one_of_its_node() {
    let (folder, _) = with_plugin();
    let flow = FLOW.replace("Duotone(image: From(\"load\"))", "Duotone(image: From(\"load\"), dark: \"#gg0000\")");
    fs::write(folder.path().join("flow.ron"), flow).expect("it can be written");
    let events = events(folder.path());
    let failed: Vec<_> = events.iter().filter(|event| event["event"] == "node_failed").collect();
    let [failed] = &failed[..] else { panic!("one fails: {events:?}") };
    assert_eq!((&failed["node"], &failed["node_type"]), (&"printed".into(), &"Duotone".into()));
    assert_eq!(failed["message"], "dark: \"#gg0000\" is no colour");
    assert!(failed["hint"].as_str().is_some_and(|hint| hint.contains("#rrggbb")));
    assert!(named(&events, "node_finished").contains("save"), "the rest finishes");
}

#[test]
fn pictures_say_which_plugin_they_are_of() {
    let (folder, file) = with_plugin();
    events(folder.path());
    let again = |picture: &str| output(folder.path(), &["reproduce", picture]);
    let done = again("output/printed_0001.png");
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    fs::write(&file, plugin(&[("#1b1464", "#ff0000")])).expect("it can be written");
    let done = again("output/printed_0001.png");
    assert_eq!(done.status.code(), Some(1), "other ink");
    assert!(stderr(&done).contains("another plugin than then"), "{}", stderr(&done));
}

#[test]
fn the_queue_finds_plugins_from_any_folder() {
    let (folder, _) = with_plugin();
    let added = output(folder.path(), &["queue", "add", "flow.ron"]);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("it can be made");
    let ran = easel(folder.path()).current_dir(&elsewhere).args(["queue", "run"]).output().expect("it can be started");
    assert_eq!(ran.status.code(), Some(0), "{}", stderr(&ran));
    assert!(folder.path().join("output/negative_0001.png").exists());
}

#[test]
fn a_watch_loads_a_plugin_again_when_it_is_saved() {
    let (folder, file) = with_plugin();
    let mut watch = Watch::start(folder.path(), &[]);
    assert_eq!(named(&watch.until("watch_waiting"), "node_finished").len(), 5);
    let save = |bytes: &[u8]| fs::write(&file, bytes).expect("it can be written");

    // Another ink by default: what is printed is printed again, and the negative, which may have changed, is the same.
    save(&plugin(&[("#1b1464", "#ff0000")]));
    let second = watch.until("watch_waiting");
    assert_eq!(second[0]["event"], "watch_planned");
    assert_eq!(second[0]["changed"], serde_json::json!(["plugins/pictures.wasm"]));
    assert_eq!(named(&second, "node_started"), BTreeSet::from(["negative", "printed", "save_printed"]));

    // Cut off: what was in force stays.
    let whole = plugin(&[("#1b1464", "#ff0000")]);
    save(&whole[..whole.len() / 2]);
    let broken = watch.until("watch_broken");
    let told: Vec<_> = broken.iter().filter(|event| event["event"] == "diagnostic").collect();
    assert!(told[0]["code"] == "plugin", "{told:?}");
    let unknown = told.iter().find(|event| event["code"] == "unknown-node-type").expect("its node types are missing");
    assert!(unknown["hint"].as_str().is_some_and(|hint| hint.contains("plugins/pictures.wasm, which is broken now")));
    let last = &broken[broken.len() - 1];
    assert_eq!((&last["in_force"], &last["running"]), (&true.into(), &false.into()));
    save(&whole);
    watch.until("watch_restored");

    // Node types may come and go.
    save(&plugin(&[("Duotone", "Twotone")]));
    watch.until("watch_broken");
    fs::write(folder.path().join("flow.ron"), FLOW.replace("Duotone", "Twotone")).expect("it can be written");
    assert_eq!(named(&watch.until("watch_waiting"), "node_started").len(), 2);
    let (code, _) = watch.end(Signal::SIGINT);
    assert_eq!(code, Some(0));
}

#[test]
fn a_watch_finds_plugins_that_come_later_and_does_not_mind_others() {
    let (folder, file) = with_plugin();
    fs::remove_dir_all(folder.path().join("plugins")).expect("it can be removed");
    let mut watch = Watch::start(folder.path(), &[]);
    watch.until("watch_broken");
    fs::create_dir(folder.path().join("plugins")).expect("it can be made");
    fs::write(&file, plugin(&[])).expect("it can be written");
    assert_eq!(named(&watch.until("watch_waiting"), "node_finished").len(), 5);
    // A broken plugin that nobody uses is told, and everything goes on.
    fs::write(folder.path().join("plugins/other.wasm"), "garbage").expect("it can be written");
    let events = watch.until("watch_waiting");
    assert!(events.iter().any(|event| event["event"] == "diagnostic" && event["code"] == "plugin"), "{events:?}");
    assert_eq!(named(&events, "node_cached").len(), 5);
    let (code, _) = watch.end(Signal::SIGINT);
    assert_eq!(code, Some(0));
}
