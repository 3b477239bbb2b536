//! The queue and the journal, used by several processes at once, some of which are killed.

mod common;

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::{easel, files, folder, output, stderr, stdout_lines};
use easel_engine::{Job, JobOptions, Journal, RunId, RunQuery, RunState, RunSummary, Settings, Source};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// Writes a file of its own: quick, and without a model.
const TINY: &str = r#"Workflow(
    version: 1,
    inputs: { "name": Text() },
    nodes: { "load": LoadImage(path: "in.png"), "tap": SaveTensor(value: From("load"), path: Input("name")) },
)"#;

/// A folder with a journal.
struct Place {
    folder: TempDir,
    journal: Journal,
}

impl Place {
    fn new() -> Self {
        let folder = folder();
        std::fs::write(folder.path().join("tiny.ron"), TINY).expect("it can be written");
        let journal = Journal::open(&folder.path().join("state")).expect("it can be made");
        Place { folder, journal }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a job into the queue that writes `output/NUMBER.safetensors`.
    fn add(&self, number: u64) -> RunId {
        let job = Job {
            source: Source { path: Some(self.path().join("tiny.ron")), ..Source::new("tiny.ron", TINY) },
            files: Vec::new(),
            settings: Settings {
                set: vec![("name".into(), format!("{number}.safetensors"))],
                out_dir: self.path().join("output"),
                ..Settings::default()
            },
            options: JobOptions::default(),
        };
        self.journal.enqueue(&job, 0).expect("it can be written")
    }

    fn add_all(&self, numbers: Range<u64>) {
        for number in numbers {
            self.add(number);
        }
    }

    fn drain(&self) -> Child {
        let mut command = easel(self.path());
        command.args(["queue", "run", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("easel can be started")
    }

    fn runs(&self) -> Vec<RunSummary> {
        self.journal.runs(&RunQuery { state: None, limit: 10_000, offset: 0 }).expect("it can be read").runs
    }

    /// How often each kind of event was written down for a run.
    fn events(&self, run: RunId) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for event in self.journal.events(run, 0, 10_000).expect("it can be read") {
            let event: Value = serde_json::from_str(&event.json).expect("it is JSON");
            *counts.entry(event["event"].as_str().expect("it is named").to_string()).or_default() += 1;
        }
        counts
    }

    fn must_be_whole(&self) {
        let file = self.path().join("state/journal.db");
        let connection = Connection::open(file).expect("it is there");
        connection.busy_timeout(Duration::from_secs(10)).expect("it can be set");
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("it answers");
        assert_eq!(check, "ok");
    }

    /// Every run is complete, and its one file is there.
    fn must_be_done(&self, count: u64) {
        let runs = self.runs();
        assert_eq!(runs.len() as u64, count);
        for run in &runs {
            assert_eq!(run.state, RunState::Completed, "{run:?}");
            assert_eq!(self.events(run.run)["run_finished"], 1, "it ended once: {run:?}");
            let artifacts = self.journal.story(run.run).expect("it is known").artifacts;
            assert_eq!(artifacts.len(), 1, "{run:?}");
            let content = std::fs::read(&artifacts[0].path).expect("it is there");
            assert_eq!(artifacts[0].bytes, Some(content.len() as u64));
        }
        let written = files(&self.path().join("output"));
        let written = written.iter().filter(|name| name.ends_with(".safetensors") && !name.starts_with('.'));
        assert_eq!(written.count() as u64, count);
    }
}

#[test]
fn four_processes_carry_out_a_hundred_jobs_each_exactly_once() {
    let place = Place::new();
    place.add_all(0..100);
    let drains: Vec<_> = (0..4).map(|_| place.drain()).collect();
    for drain in drains {
        let done = drain.wait_with_output().expect("it ends");
        assert!(done.status.success(), "{}", stderr(&done));
    }
    place.must_be_done(100);
    for run in place.runs() {
        assert_eq!(run.attempts, 1, "{run:?}");
        assert_eq!(place.events(run.run)["run_started"], 1, "{run:?}");
    }
}

#[test]
fn jobs_side_by_side_in_one_process_are_each_done_once() {
    let place = Place::new();
    place.add_all(0..20);
    let done = output(place.path(), &["queue", "run", "--jobs", "3"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(stderr(&done).contains("20 jobs done"), "{}", stderr(&done));
    assert!(stderr(&done).lines().any(|line| line.starts_with("run 20: done in")), "{}", stderr(&done));
    place.must_be_done(20);
}

/// So many processes are killed, two at a time.
const KILLS: usize = 200;

#[test]
fn processes_killed_at_any_moment_lose_nothing_and_do_nothing_twice() {
    let place = Place::new();
    place.add_all(0..6);
    // As long as six jobs take, whatever the machine: so kills come at all moments of a process's life.
    let begun = Instant::now();
    assert!(place.drain().wait().expect("it ends").success());
    let longest = begun.elapsed().as_nanos() as u64;
    let (mut added, mut interrupted) = (6, 0);
    let mut complete = HashMap::new();
    // Any sequence will do, as long as it is the same each time.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..KILLS / 2 {
        while place.journal.queue().expect("it can be read").len() < 6 {
            place.add(added);
            added += 1;
        }
        let mut drains = [place.drain(), place.drain()];
        for drain in &mut drains {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            std::thread::sleep(Duration::from_nanos((random >> 20) % longest));
            drain.kill().expect("it can be killed");
        }
        for drain in &mut drains {
            drain.wait().expect("it ends");
        }
        place.must_be_whole();
        let runs = place.runs();
        assert_eq!(runs.len() as u64, added, "no job is lost");
        for run in runs {
            let is_open = matches!(run.state, RunState::Queued | RunState::Interrupted);
            assert!(is_open || run.state == RunState::Completed, "{run:?}");
            if run.state == RunState::Completed {
                let before = complete.insert(run.run, run.clone());
                assert!(before.is_none_or(|before| before == run), "history is not rewritten");
            } else {
                assert!(!complete.contains_key(&run.run), "history is not lost: {run:?}");
                interrupted += usize::from(run.state == RunState::Interrupted);
            }
        }
    }
    assert!(interrupted > 0 && complete.len() > 6, "{interrupted} were cut off, {} not", complete.len());
    let done = place.drain().wait_with_output().expect("it ends");
    assert!(done.status.success(), "{}", stderr(&done));
    place.must_be_done(added);
}

#[test]
fn a_job_is_carried_out_as_it_was_when_it_was_added() {
    let place = Place::new();
    let inner = r#"Workflow(version: 1, inputs: { "picture": Image() }, nodes: {
        "tap": SaveTensor(value: Input("picture"), path: "then.safetensors") })"#;
    let outer = r#"Workflow(version: 1, nodes: {
        "load": LoadImage(path: "in.png"), "part": Include(workflow: "inner.ron", with: (picture: From("load"))) })"#;
    std::fs::write(place.path().join("inner.ron"), inner).expect("it can be written");
    std::fs::write(place.path().join("outer.ron"), outer).expect("it can be written");
    let added = output(place.path(), &["queue", "add", "outer.ron"]);
    assert_eq!(stdout_lines(&added), ["1"], "{}", stderr(&added));
    std::fs::write(place.path().join("inner.ron"), inner.replace("then", "now")).expect("it can be written");
    std::fs::remove_file(place.path().join("outer.ron")).expect("it can be removed");
    // From another folder, too: paths are those of then.
    let elsewhere = tempfile::tempdir().expect("a temporary folder can be made");
    let done =
        easel(place.path()).current_dir(elsewhere.path()).args(["queue", "run"]).output().expect("it can be started");
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(files(&place.path().join("output")), ["then.safetensors"]);
}

#[test]
fn a_job_that_fails_does_not_keep_the_others() {
    let place = Place::new();
    place.add(0);
    let gone = output(place.path(), &["queue", "add", "tiny.ron", "--set", "name=1.safetensors", "--out", "later"]);
    assert_eq!(stdout_lines(&gone), ["2"]);
    place.add(2);
    std::fs::write(place.path().join("later"), "in the way").expect("it can be written");
    let done = output(place.path(), &["queue", "run"]);
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    assert!(stderr(&done).contains("2 jobs done, 1 failed"), "{}", stderr(&done));
    let states: Vec<_> = place.runs().iter().rev().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Completed, RunState::Failed, RunState::Completed]);
    let problem = place.journal.story(RunId(2)).expect("it is known").summary.problem;
    assert!(problem.is_some_and(|problem| problem.contains("is a file")));
    // Once the way is free it can be taken up again.
    std::fs::remove_file(place.path().join("later")).expect("it can be removed");
    let done = output(place.path(), &["resume", "2"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(files(&place.path().join("later")), ["1.safetensors"]);
}
