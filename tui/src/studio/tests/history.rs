//! The runs of the journal: lists, details, and what is done with one.

use easel_engine::{
    ArtifactRecord, EventRecord, Job, JobOptions, NodeCounts, NodeRecord, NodeState, RunState, RunStory, RunSummary,
    Source,
};

use super::*;
use crate::gist::{self, gist};
use crate::story;
use crate::studio::effect::Change;
use crate::studio::model::{Browse, Details, RunRow, RunsPage};

/// 2026-11-23 06:28:35 UTC.
const THEN: i64 = 1_795_415_315_000;

const FLOW: &str = r#"Workflow(
    version: 1,
    inputs: { "prompt": Text(), "seed": Integer(default: 7) },
    nodes: { "load": LoadImage(path: "gallery.png"), "save": SaveImage(image: From("load"), name: "copy") },
)
"#;

const PROMPTS: [&str; 4] = [
    "a crab on a cyan background",
    "a 3d pizza on a purple background, with rather a lot of words about its cheese",
    "二つのインク \u{1b}[2J",
    "",
];

const STATES: [RunState; 6] = [
    RunState::Completed,
    RunState::Failed,
    RunState::Running,
    RunState::Cancelled,
    RunState::Queued,
    RunState::Interrupted,
];

pub(super) fn job(run: u64) -> Job {
    let prompt = PROMPTS[run as usize % PROMPTS.len()];
    let set = vec![("prompt".into(), prompt.into()), ("seed".into(), (run * 11).to_string())];
    Job {
        source: Source { path: Some("/w/flow.ron".into()), ..Source::new("flow.ron", FLOW) },
        files: Vec::new(),
        settings: Settings { set, out_dir: "/w/out".into(), ..Settings::default() },
        options: JobOptions::default(),
    }
}

pub(super) fn summary(run: u64, state: RunState) -> RunSummary {
    let is_begun = state != RunState::Queued;
    RunSummary {
        run: RunId(run),
        state,
        workflow: "flow.ron".into(),
        priority: 0,
        from_queue: false,
        attempts: 1,
        cancel_requested: false,
        created: THEN,
        started: is_begun.then_some(THEN + run as i64 * 61_000),
        finished: None,
        seconds: state.is_over().then_some(run as f64 * 1.25),
        nodes: NodeCounts::default(),
        problem: None,
    }
}

/// A page of a list in which so many runs stand, each in another state.
pub(super) fn page(runs: u64, at: usize) -> RunsPage {
    let first = at.saturating_sub(100);
    let row = |run: u64| RunRow { summary: summary(run, STATES[run as usize % 6]), gist: gist(&job(run)) };
    let rows = (1..=runs).rev().skip(first).take(200).map(row).collect();
    let found = runs as usize;
    RunsPage { filter: String::new(), first, rows, at, found, total: found, unread: 0 }
}

fn node(name: &str, state: NodeState, seconds: Option<f64>) -> NodeRecord {
    NodeRecord {
        node: name.into(),
        node_type: "LoadImage".into(),
        state,
        started: Some(THEN),
        seconds,
        seat: None,
        progress: None,
        message: None,
        hint: None,
        causes: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
    }
}

pub(super) fn details(run: u64, state: RunState) -> Box<Details> {
    let job = job(run);
    let mut load = node("load", NodeState::Finished, Some(0.25));
    let mut artifacts = Vec::new();
    if state == RunState::Failed {
        load = NodeRecord {
            message: Some("there is no `gallery.png`".into()),
            causes: vec!["No such file or directory".into()],
            hint: Some("put one there".into()),
            inputs: vec![("path".into(), "\"gallery.png\"".into())],
            ..node("load", NodeState::Failed, None)
        };
    } else {
        for number in 1..=2 {
            let path = PathBuf::from(format!("/w/out/copy_000{number}.png"));
            artifacts.push(ArtifactRecord { node: "save".into(), path, blake3: None, bytes: Some(9_000) });
        }
    }
    let event = |seq: u64, json: &str| EventRecord { seq, at: THEN + seq as i64 * 500, json: json.into() };
    let log = vec![
        event(1, r#"{"event":"run_started","run":1,"nodes":[]}"#),
        event(2, r#"{"event":"node_started","run":1,"node":"load"}"#),
        event(3, r#"{"event":"node_note","run":1,"node":"load","key":"seed","value":"99"}"#),
        event(4, r#"{"event":"something_new","run":1}"#),
        event(5, r#"{"event":"node_finished","run":1,"node":"load","seconds":0.25}"#),
        event(6, "no JSON"),
    ];
    let (given, command) = (gist::given(&job), story::command_line(&job));
    let nodes = vec![load, node("save", NodeState::Cached, None)];
    let story = RunStory { summary: summary(run, state), job, nodes, artifacts };
    Box::new(Details { story, given, log, command })
}

pub(super) fn picture(seed: u8) -> Picture {
    let pixel = |at: usize| if at % 16 < 8 { [200, 100, seed] } else { [20, 10, seed] };
    Picture { width: 16, pixels: (0..256).map(pixel).collect() }
}

/// The pane with so many runs, the cursor on one, and what is known of it.
fn listed(bench: &mut Bench, runs: u64, at: usize) {
    bench.press("5");
    bench.model.runs.at = at;
    bench.tell(Message::Runs(Ok(page(runs, at))));
    let chosen = bench.model.runs.chosen().map(|row| (row.summary.run, row.summary.state));
    if let Some((run, state)) = chosen {
        bench.tell(Message::Details(run, Ok(details(run.0, state))));
        bench.tell(Message::Thumbnail("/w/out/copy_0001.png".into(), Ok(picture(99))));
        bench.tell(Message::Thumbnail("/w/out/copy_0002.png".into(), Err("the file is gone".into())));
    }
}

fn is_wished(bench: &Bench, holds: impl Fn(&Effect) -> bool) -> bool {
    bench.wished.iter().any(holds)
}

#[test]
fn the_list_of_runs_looks_as_it_should() {
    snapshots("runs_reading", |bench| bench.press("5"), SMALL);
    snapshots("runs_none", |bench| listed(bench, 0, 0), SMALL);
    snapshots("runs_one", |bench| listed(bench, 1, 0), SMALL);
    snapshots("runs_many", |bench| listed(bench, 20_000, 19_988), SMALL);
    snapshots("runs_failed", |bench| listed(bench, 7, 6), SMALL);
    snapshots(
        "runs_beside_the_graph",
        |bench| {
            listed(bench, 9, 3);
            bench.press("tab");
        },
        SMALL,
    );
    let locked = "the journal `/s/journal.db` cannot be read: another process holds it for too long\n\
                  try again when that process is done";
    snapshots(
        "runs_fault",
        |bench| {
            bench.press("5");
            bench.tell(Message::Runs(Err(locked.into())));
        },
        SMALL,
    );
    snapshots(
        "run_details",
        |bench| {
            listed(bench, 9, 3);
            bench.press("enter");
        },
        SMALL,
    );
    snapshots(
        "run_forget",
        |bench| {
            listed(bench, 9, 2);
            bench.press("d");
        },
        SMALL,
    );
}

#[test]
fn words_that_are_typed_filter_the_runs() {
    for size in SIZES {
        let mut bench = Bench::opened(size, SMALL);
        listed(&mut bench, 9, 4);
        bench.press("/");
        bench.type_in("crab");
        let wished = bench.wished.iter().rev().find_map(|wish| match wish {
            Effect::Browse(Browse { runs: Some(runs), .. }) => Some((runs.filter.clone(), runs.at, runs.chosen)),
            _ => None,
        });
        assert_eq!(wished, Some(("crab".to_string(), 0, None)));
        let late = page(9, 4);
        bench.tell(Message::Runs(Ok(late)));
        assert!(bench.model.runs.page.is_none(), "what comes late of other words is no news");
        let found = RunsPage { filter: "crab".into(), rows: page(9, 0).rows[1..2].to_vec(), found: 1, ..page(9, 0) };
        bench.tell(Message::Runs(Ok(found)));
        bench.press("enter");
        insta::assert_snapshot!(format!("runs_filtered_{}x{}", size.0, size.1), bench.shown());
        bench.press("/ ctrl-u");
        bench.type_in("elephant");
        bench.press("enter");
        let none = RunsPage { filter: "elephant".into(), rows: Vec::new(), found: 0, unread: 3, ..page(9, 0) };
        bench.tell(Message::Runs(Ok(none.clone())));
        assert!(bench.shown().contains("None yet of 9 runs has “elephant”; 3 are still to be read"));
        bench.tell(Message::Runs(Ok(RunsPage { unread: 0, ..none })));
        assert!(bench.shown().contains("None of 9 runs has “elephant”; `/` changes that."));
    }
}

#[test]
fn every_run_can_be_reached_and_the_cursor_stays_on_its_run() {
    let mut bench = Bench::opened((80, 24), SMALL);
    listed(&mut bench, 500, 0);
    bench.press("G");
    assert_eq!(bench.model.runs.at, 499);
    assert!(bench.shown().contains("…"), "it is not read yet");
    assert!(is_wished(
        &bench,
        |wish| matches!(wish, Effect::Browse(Browse { runs: Some(runs), .. }) if runs.at == 499)
    ));
    bench.tell(Message::Runs(Ok(page(500, 499))));
    assert_eq!(bench.model.runs.chosen().map(|row| row.summary.run), Some(RunId(1)));
    // Three more begin: the run with the cursor is further down now.
    bench.tell(Message::Runs(Ok(page(503, 502))));
    assert_eq!((bench.model.runs.at, bench.model.runs.chosen().map(|row| row.summary.run)), (502, Some(RunId(1))));
    bench.tell(Message::Runs(Ok(page(2, 0))));
    assert_eq!(bench.model.runs.at, 1, "the others were forgotten");
    bench.tell(Message::Runs(Ok(page(0, 0))));
    bench.press("down G enter y o d");
    assert!(bench.model.overlay.is_none());
}

#[test]
fn the_command_line_is_copied_and_shown() {
    let mut bench = Bench::opened((80, 24), SMALL);
    listed(&mut bench, 9, 3);
    bench.press("y");
    let command =
        "easel run /w/flow.ron --set 'prompt=二つのインク \u{1b}[2J' --set seed=66 --out /w/out --device auto";
    assert!(is_wished(&bench, |wish| matches!(wish, Effect::Copy(text) if text == command)));
    assert!(bench.shown().contains("seed=66"), "{}", bench.shown());
    assert!(!bench.shown().contains('\u{1b}'));
}

#[test]
fn a_folder_that_no_desktop_shows_is_told_and_copied() {
    let mut bench = Bench::opened((80, 24), SMALL);
    listed(&mut bench, 9, 2);
    bench.press("O");
    let folder = PathBuf::from("/w/out");
    assert!(is_wished(&bench, |wish| matches!(wish, Effect::ShowFolder(shown) if *shown == folder)));
    bench.tell(Message::FolderShown(folder.clone(), Ok(())));
    assert!(bench.shown().contains("the desktop shows /w/out"));
    bench.tell(Message::FolderShown(folder, Err("there is no desktop here".into())));
    assert!(is_wished(&bench, |wish| matches!(wish, Effect::Copy(text) if text == "/w/out")));
    assert!(bench.shown().contains("there is no desktop here"), "{}", bench.shown());
}

#[test]
fn the_workflow_is_opened_as_it_was_run_and_cannot_be_changed() {
    let mut bench = Bench::opened((80, 24), SMALL);
    listed(&mut bench, 9, 2);
    bench.press("o");
    assert_eq!(bench.text(), FLOW);
    bench.press("x");
    assert_eq!(bench.text(), FLOW);
    bench.tell(Message::Read("/w/flow.ron".into(), Ok("another".into())));
    assert_eq!(bench.text(), FLOW, "what is in the file now is something else");
    let mut edited = Bench::opened((80, 24), SMALL);
    edited.press("m");
    listed(&mut edited, 9, 2);
    edited.press("o");
    assert!(edited.text().contains("mute: true") && edited.shown().contains("not saved"));
}

#[test]
fn a_run_is_forgotten_only_when_somebody_says_so() {
    let forgets = |bench: &Bench| is_wished(bench, |wish| matches!(wish, Effect::Change(Change::Forget(RunId(7)))));
    let mut bench = Bench::opened((80, 24), SMALL);
    listed(&mut bench, 9, 2);
    bench.press("d esc");
    assert!(!forgets(&bench));
    bench.press("d y");
    assert!(forgets(&bench));
    // One that waits.
    listed(&mut bench, 10, 0);
    bench.press("g d");
    assert!(bench.model.overlay.is_none() && bench.shown().contains("run 10 is not over"), "{}", bench.shown());
}

#[test]
fn only_what_is_on_the_screen_is_asked_for() {
    let mut bench = Bench::opened((80, 24), SMALL);
    assert!(bench.wished.is_empty());
    listed(&mut bench, 9, 3);
    let pictures = ["/w/out/copy_0001.png", "/w/out/copy_0002.png"].map(PathBuf::from);
    assert!(is_wished(&bench, |wish| matches!(wish, Effect::Thumbnails(paths) if paths[..] == pictures)));
    assert_eq!(bench.model.asked.browse.details, [RunId(6)]);
    let before = bench.wished.len();
    bench.tell(Message::Runs(Ok(page(9, 3))));
    bench.at(5000);
    assert_eq!(bench.wished.len(), before, "what is known already is not asked for again");
    bench.press("1");
    assert_eq!(bench.model.asked.browse, Browse::default());
}
