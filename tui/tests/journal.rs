//! What `easel run` writes down, and what the other commands make of it.

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use common::{easel, files, folder, output, stderr, stdout_lines};
use serde_json::Value;

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let done = output(folder, arguments);
    assert!(done.status.success(), "{}", stderr(&done));
    serde_json::from_slice(&done.stdout).expect("it is JSON")
}

/// Samples so finely that nobody waits for the end.
const SLOW: &str = r#"Workflow(version: 1, nodes: {
    "tokens": Tokenizer(model: "builtin:emoji-unclip", text: ""),
    "text": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("tokens")),
    "schedule": Scheduler(model: "builtin:emoji-unclip", part: "prior", steps: 1000),
    "prior": Prior(
        model: "builtin:emoji-unclip", text: From("text"), schedule: From("schedule"), guidance_scale: 1.0,
        pictures: 64,
    ),
    "tap": SaveTensor(value: From("prior"), path: "late.safetensors"),
})"#;

/// A run in the midst of sampling.
fn sampling(folder: &Path, arguments: &[&str]) -> (Child, std::io::Lines<BufReader<std::process::ChildStdout>>) {
    std::fs::write(folder.join("slow.ron"), SLOW).expect("it can be written");
    let mut command = easel(folder);
    command.args(arguments).arg("--json").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("easel can be started");
    let mut events = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let under_way = |line: std::io::Result<String>| {
        let event: Value = serde_json::from_str(&line.expect("it can be read")).expect("it is JSON");
        event["event"] == "node_progress" && event["node"] == "prior" && event["step"].as_u64() > Some(0)
    };
    assert!(events.any(under_way), "it ended before it sampled");
    (child, events)
}

#[test]
fn a_run_can_be_looked_up() {
    let folder = folder();
    let done = output(folder.path(), &["run", "copy.ron", "--set", "name=it's"]);
    assert!(stderr(&done).starts_with("run 1\n"), "{}", stderr(&done));
    let picture = stdout_lines(&done)[0].clone();
    let story = json(folder.path(), &["show", "1", "--json"]);
    assert_eq!((&story["summary"]["state"], &story["summary"]["run"]), (&"completed".into(), &1.into()));
    assert_eq!(story["nodes"][1]["node"], "save");
    assert_eq!(story["nodes"][1]["state"], "finished");
    let recorded = story["artifacts"][0]["path"].as_str().expect("it has a path");
    assert!(recorded.ends_with(&picture) && Path::new(recorded).is_absolute(), "{recorded}");
    let content = std::fs::read(recorded).expect("it is there");
    assert_eq!(story["artifacts"][0]["blake3"], blake3::hash(&content).to_hex().as_str());
    let command_line = story["command_line"].as_str().expect("it is a text");
    assert!(command_line.contains(r"--set 'name=it'\''s'"), "{command_line}");

    let told = stdout_lines(&output(folder.path(), &["show", "1"]));
    assert!(told[0].starts_with("Run 1 completed"), "{told:?}");
    assert!(told.iter().any(|line| line.contains(&picture)), "{told:?}");
    let events = stdout_lines(&output(folder.path(), &["show", "1", "--events"]));
    let last: Value = serde_json::from_str(&events[events.len() - 1]).expect("it is JSON");
    assert_eq!((&last["event"]["event"], &last["seq"]), (&"run_finished".into(), &events.len().into()));
}

#[test]
fn a_failure_is_kept_in_full_and_can_be_taken_up_again() {
    let folder = folder();
    let two = r#"Workflow(version: 1, nodes: {
        "load": LoadImage(path: "in.png"), "save": SaveImage(image: From("load"), name: "good"),
        "other": LoadImage(path: "missing.png"), "tap": SaveTensor(value: From("other"), path: "x.safetensors") })"#;
    std::fs::write(folder.path().join("two.ron"), two).expect("it can be written");
    std::fs::copy(folder.path().join("in.png"), folder.path().join("missing.png")).expect("it can be copied");
    let planned = output(folder.path(), &["queue", "add", "two.ron"]);
    assert_eq!(stdout_lines(&planned), ["1"], "{}", stderr(&planned));
    std::fs::write(folder.path().join("missing.png"), "no picture").expect("it can be written");
    let done = output(folder.path(), &["queue", "run"]);
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    let told = stdout_lines(&output(folder.path(), &["show", "1"])).join("\n");
    assert!(told.contains("error: other (LoadImage) failed: "), "{told}");
    assert!(told.contains("missing.png") && told.contains("tap") && told.contains("skipped"), "{told}");
    assert!(files(&folder.path().join("output")).iter().any(|name| name.starts_with("good")));

    std::fs::copy(folder.path().join("in.png"), folder.path().join("missing.png")).expect("it can be copied");
    let done = output(folder.path(), &["resume", "1"]);
    assert!(done.status.success(), "{}", stderr(&done));
    let story = json(folder.path(), &["show", "1", "--json"]);
    assert_eq!((&story["summary"]["state"], &story["summary"]["attempts"]), (&"completed".into(), &2.into()));
    let state = |node: &str| {
        let nodes = story["nodes"].as_array().expect("it is a list");
        nodes.iter().find(|known| known["node"] == node).expect("it is there")["state"].clone()
    };
    assert_eq!((state("save"), state("tap")), ("cached".into(), "finished".into()), "only the rest ran");
}

#[test]
fn another_process_can_cancel_a_run() {
    let folder = folder();
    let (mut child, events) = sampling(folder.path(), &["run", "slow.ron"]);
    let listed = json(folder.path(), &["runs", "--state", "running", "--json"]);
    assert_eq!((&listed["total"], &listed["runs"][0]["run"]), (&1.into(), &1.into()));
    let cancelled = output(folder.path(), &["cancel", "1"]);
    assert_eq!(stdout_lines(&cancelled), ["run 1 is asked to stop"]);
    let last = events.last().expect("it ends with an event").expect("it can be read");
    assert!(last.contains(r#""outcome":"cancelled""#), "{last}");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    assert_eq!(json(folder.path(), &["runs", "--json"])["runs"][0]["state"], "cancelled");
}

#[test]
fn a_killed_run_is_interrupted_and_goes_on_from_where_it_was() {
    let folder = folder();
    let (mut child, mut events) = sampling(folder.path(), &["run", "slow.ron", "--save-every", "1"]);
    assert!(events.any(|line| line.expect("it can be read").contains(r#""step":4,"#)), "it ended too early");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let listed = json(folder.path(), &["runs", "--json"]);
    assert_eq!(listed["runs"][0]["state"], "interrupted");
    let (mut child, events) = sampling(folder.path(), &["resume", "1"]);
    let mut steps = events.filter_map(|line| {
        let event: Value = serde_json::from_str(&line.expect("it can be read")).expect("it is JSON");
        event["step"].as_u64()
    });
    assert!(steps.next() > Some(3), "the steps that were saved are not done again");
    let cancelled = output(folder.path(), &["cancel", "--all"]);
    assert_eq!(stdout_lines(&cancelled), ["run 1 is asked to stop"]);
    assert!(steps.all(|step| step < 1_000), "it was stopped on the way");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

#[test]
fn a_signal_puts_a_queued_job_back() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let folder = folder();
    std::fs::write(folder.path().join("slow.ron"), SLOW).expect("it can be written");
    assert_eq!(stdout_lines(&output(folder.path(), &["queue", "add", "slow.ron"])), ["1"]);
    let (mut child, events) = sampling(folder.path(), &["queue", "run"]);
    kill(Pid::from_raw(i32::try_from(child.id()).expect("it fits")), Signal::SIGINT).expect("it can be sent");
    assert!(events.last().expect("there is an end").expect("it can be read").contains("cancelled"));
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    let waiting = json(folder.path(), &["queue", "list", "--json"]);
    assert_eq!((&waiting[0]["run"], &waiting[0]["state"]), (&1.into(), &"queued".into()));
}

#[test]
fn a_run_goes_on_without_a_journal_and_says_so_once() {
    let (content, reason) = ("dear diary, what a day, ".repeat(200), "is no journal of Easel");
    let place = folder();
    std::fs::create_dir(place.path().join("state")).expect("it can be made");
    std::fs::write(place.path().join("state/journal.db"), &content).expect("it can be written");
    let done = output(place.path(), &["run", "copy.ron"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(stderr(&done).matches("is not recorded").count(), 1, "{}", stderr(&done));
    assert!(stderr(&done).contains(reason), "{}", stderr(&done));
    assert_eq!(files(&place.path().join("output")).len(), 1);
    let refused = output(place.path(), &["runs"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains(reason) && stderr(&refused).contains("hint:"), "{}", stderr(&refused));
    // A place where nothing can be made, whoever one is.
    let folder = folder();
    let mut command = easel(folder.path());
    let done = command.env("EASEL_STATE", folder.path().join("in.png/state")).args(["run", "copy.ron"]).output();
    let done = done.expect("easel can be started");
    assert!(done.status.success() && stderr(&done).contains("cannot make the folder"), "{}", stderr(&done));
}

#[test]
fn on_a_full_disk_the_run_goes_on() {
    for kilobytes in [40, 64, 100, 160, 300] {
        let folder = folder();
        let limited = format!("ulimit -f {}; exec \"$0\" run copy.ron", kilobytes * 2);
        let easel = easel(folder.path());
        let mut command = std::process::Command::new("sh");
        let settings = easel.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        command.envs(settings).current_dir(folder.path()).arg("-c").arg(limited).arg(easel.get_program());
        let done = command.output().expect("sh is there");
        assert!(done.status.success(), "{kilobytes}: {:?} {}", done.status, stderr(&done));
        assert!(stderr(&done).matches("is not recorded").count() <= 1, "{kilobytes}: {}", stderr(&done));
        assert_eq!(files(&folder.path().join("output")).len(), 1, "{kilobytes}");
    }
}

#[test]
fn a_run_need_not_be_written_down() {
    let folder = folder();
    let done = output(folder.path(), &["run", "copy.ron", "--no-journal", "--no-cache"]);
    assert!(done.status.success() && !stderr(&done).contains("run 1"), "{}", stderr(&done));
    assert!(!folder.path().join("state").exists(), "nothing is left behind");
    assert!(stderr(&output(folder.path(), &["runs"])).contains("no runs"));
    assert!(!folder.path().join("state").exists(), "looking leaves no trace");
}
