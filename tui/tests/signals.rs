//! Ctrl-C and SIGTERM, sent to a real process in the midst of a run.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

use common::{easel, files, folder};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Saves a copy of a picture, then draws so finely that nobody waits for the end.
const SLOW: &str = r#"Workflow(version: 1, nodes: {
    "load": LoadImage(path: "in.png"),
    "save": SaveImage(image: From("load"), name: "early"),
    "tokens": Tokenizer(model: "builtin:emoji-unclip", text: ""),
    "text": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("tokens")),
    "schedule": Scheduler(model: "builtin:emoji-unclip", part: "prior", steps: 1000),
    "prior": Prior(
        model: "builtin:emoji-unclip", text: From("text"), schedule: From("schedule"), guidance_scale: 1.0,
        pictures: 64,
    ),
    "tap": SaveTensor(value: From("prior"), path: "late.safetensors"),
})"#;

struct Started {
    child: Child,
    events: std::io::Lines<BufReader<std::process::ChildStdout>>,
    errors: ChildStderr,
}

impl Started {
    fn new(folder: &Path) -> Self {
        std::fs::write(folder.join("slow.ron"), SLOW).expect("it can be written");
        let mut command = easel(folder);
        command.args(["run", "slow.ron", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("easel can be started");
        let events = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let errors = child.stderr.take().expect("it is piped");
        Started { child, events, errors }
    }

    fn next(&mut self) -> Option<Value> {
        let line = self.events.next()?.expect("it can be read");
        Some(serde_json::from_str(&line).expect("it is JSON"))
    }

    /// Reads until the sampling loop is under way.
    fn wait_for_steps(&mut self) {
        while let Some(event) = self.next() {
            if event["event"] == "node_progress" && event["node"] == "prior" && event["step"].as_u64() > Some(0) {
                return;
            }
        }
        panic!("it ended before it sampled");
    }

    fn send(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("it fits");
        kill(Pid::from_raw(pid), signal).expect("it can be sent");
    }

    /// Exit status, last event and standard error.
    fn end(mut self) -> (Option<i32>, Option<Value>, String) {
        let mut last = None;
        while let Some(event) = self.next() {
            last = Some(event);
        }
        let mut told = String::new();
        self.errors.read_to_string(&mut told).expect("it can be read");
        (self.child.wait().expect("it ends").code(), last, told)
    }
}

#[test]
fn the_first_signal_stops_the_run_and_keeps_what_is_done() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let folder = folder();
        let mut run = Started::new(folder.path());
        run.wait_for_steps();
        run.send(signal);
        let (code, last, told) = run.end();
        assert_eq!(code, Some(1), "{signal}: {told}");
        let last = last.expect("the end is told");
        assert_eq!((&last["event"], &last["outcome"]), (&Value::from("run_finished"), &Value::from("cancelled")));
        assert!(told.contains("stopping; files already written are kept"), "{told}");
        let left = files(&folder.path().join("output"));
        assert!(left.len() == 1 && left[0].starts_with("early"), "kept, and nothing half-written: {left:?}");
    }
}

#[test]
fn two_signals_end_the_process() {
    let folder = folder();
    let mut run = Started::new(folder.path());
    run.wait_for_steps();
    run.send(Signal::SIGINT);
    run.send(Signal::SIGTERM);
    let (code, _, _) = run.end();
    assert_eq!(code, Some(1), "ended by itself, not by the signal");
}

#[test]
fn a_workflow_that_never_comes_can_be_given_up() {
    let folder = folder();
    let mut command = easel(folder.path());
    command.args(["run", "/dev/stdin"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("easel can be started");
    std::thread::sleep(std::time::Duration::from_millis(200));
    kill(Pid::from_raw(i32::try_from(child.id()).expect("it fits")), Signal::SIGINT).expect("it can be sent");
    assert!(!child.wait().expect("it ends").success());
}

#[test]
fn reproducing_leaves_no_temporary_folder_behind() {
    let folder = folder();
    let scratch = folder.path().join("scratch");
    std::fs::create_dir(&scratch).expect("it can be made");
    let made = common::output(folder.path(), &["run", "copy.ron", "-q"]);
    let picture = common::stdout_lines(&made).remove(0);
    let done = easel(folder.path()).args(["reproduce", &picture, "-q"]).env("TMPDIR", &scratch).output();
    assert_eq!(done.expect("easel can be started").status.code(), Some(0));
    assert_eq!(files(&scratch), Vec::<String>::new());
}
