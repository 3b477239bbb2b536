//! Sweeps: asked for, queued, watched as a grid.

use easel_engine::{Job, RunState};

use super::history::picture;
use super::*;
use crate::studio::effect::{Change, Sheet};

pub(super) const FLOW: &str = r#"// Kept.
Workflow(
    version: 1,
    inputs: { "name": Text(default: "copy") },
    nodes: {
        "load": LoadImage(path: "gallery.png"),
        "resize": Resize(image: From("load"), width: 32, height: 32),
        "save": SaveImage(image: From("resize"), name: Input("name")),
    },
)
"#;

/// At an input of a node.
pub(super) fn at(bench: &mut Bench, node: &str, input: &str) {
    let flow = bench.model.flow.as_mut().expect("it is open");
    let scene = flow.scene().expect("it was checked");
    flow.selected = scene.nodes.iter().position(|known| known.id == node);
    let inputs = |flow: &crate::studio::model::Flow| {
        let (_, known) = flow.selected_node().expect("it is there");
        known.expect("its type is known").inputs.iter().position(|known| known.name == input)
    };
    flow.input = inputs(flow).expect("it has that input");
    bench.press("1");
}

fn jobs(bench: &Bench) -> Vec<Job> {
    let jobs = |wish: &Effect| if let Effect::EnqueueAll(jobs) = wish { Some(jobs.clone()) } else { None };
    bench.wished.iter().find_map(jobs).unwrap_or_default()
}

/// Asks for two widths with two names.
fn asked(bench: &mut Bench) {
    at(bench, "resize", "width");
    bench.press("S");
    bench.type_in("16, 32");
    bench.press("enter");
    bench.type_in("name");
    bench.press("enter");
    bench.type_in("one | two, with words | three");
    bench.press("enter");
}

/// Some of the runs are over.
pub(super) fn begun(bench: &mut Bench) {
    asked(bench);
    bench.press("y");
    let run = |at: u64| match at {
        5 => Err("the journal is read-only".to_string()),
        _ => Ok(RunId(20 + at)),
    };
    bench.tell(Message::Swept((0..6).map(run).collect()));
    let path = |at: u64| Some(PathBuf::from(format!("/w/out/{at}.png")));
    bench.tell(Message::Sweep(vec![
        (RunId(20), RunState::Completed, path(0)),
        (RunId(21), RunState::Completed, path(1)),
        (RunId(22), RunState::Failed, None),
        (RunId(23), RunState::Running, None),
        (RunId(24), RunState::Queued, None),
    ]));
    bench.tell(Message::Thumbnail("/w/out/0.png".into(), Ok(picture(40))));
    bench.tell(Message::Thumbnail("/w/out/1.png".into(), Err("the file is gone".into())));
}

#[test]
fn sweeps_look_as_they_should() {
    snapshots(
        "sweep_values",
        |bench| {
            at(bench, "resize", "width");
            bench.press("S");
            bench.type_in("16, x");
            bench.press("enter");
        },
        FLOW,
    );
    snapshots(
        "sweep_second",
        |bench| {
            at(bench, "resize", "width");
            bench.press("S");
            bench.type_in("16..64 step 16");
            bench.press("enter");
        },
        FLOW,
    );
    snapshots("sweep_asked", asked, FLOW);
    snapshots("sweep_grid", begun, FLOW);
}

#[test]
fn every_combination_is_a_run_of_its_own() {
    let mut bench = Bench::opened((80, 24), FLOW);
    begun(&mut bench);
    let told: Vec<_> = jobs(&bench)
        .iter()
        .map(|job| {
            let width = if job.source.text.contains("width: 16") { 16 } else { 32 };
            assert!(job.source.text.contains("// Kept.") && job.source.text.contains("height: 32"));
            format!(
                "{width} {}",
                job.settings.set.iter().map(|(name, value)| format!("{name}={value}")).collect::<String>()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "16 name=one",
            "32 name=one",
            "16 name=two, with words",
            "32 name=two, with words",
            "16 name=three",
            "32 name=three",
        ]
    );
    assert_eq!(bench.text(), FLOW, "the open workflow stays as it is");
    assert!(bench.model.queue.drains);
    let sweep = bench.model.sweep.as_ref().expect("it was begun");
    assert_eq!(sweep.counts(), (4, 6), "what was refused is over");
}

#[test]
fn the_grid_is_moved_over_written_cancelled_and_shown_again() {
    let mut bench = Bench::opened((120, 40), FLOW);
    bench.press("8");
    assert!(bench.shown().contains("nothing was swept over yet"));
    begun(&mut bench);
    bench.press("l j j j h k");
    assert_eq!(bench.model.sweep.as_ref().map(|sweep| sweep.at), Some(2));
    bench.press("w x");
    let sheet = |wish: &Effect| if let Effect::WriteSheet(sheet) = wish { Some(sheet.clone()) } else { None };
    let Some(Sheet { columns, rows, pictures }) = bench.wished.iter().find_map(sheet) else { panic!("it is written") };
    assert_eq!(
        (columns, rows),
        (
            vec!["width 16".to_string(), "width 32".into()],
            vec!["name one".to_string(), "name two, with words".into(), "name three".into()]
        )
    );
    assert_eq!(pictures.iter().filter(|picture| picture.is_some()).count(), 2);
    let cancelled = |wish: &Effect| if let Effect::Change(Change::Cancel(run)) = wish { Some(run.0) } else { None };
    assert_eq!(bench.wished.iter().filter_map(cancelled).collect::<Vec<_>>(), [23, 24]);
    bench.press("esc");
    assert!(bench.model.asked.browse.sweep.is_empty());
    bench.press("8");
    assert_eq!(bench.model.asked.browse.sweep.len(), 5);
}

#[test]
fn what_cannot_be_swept_over_says_why() {
    let mut bench = Bench::opened((80, 24), FLOW);
    at(&mut bench, "resize", "image");
    bench.press("S");
    assert!(bench.model.overlay.is_none() && bench.shown().contains("another node feeds this input"));
    at(&mut bench, "save", "name");
    bench.press("S");
    bench.press("enter");
    assert!(bench.shown().contains("no value is there"), "{}", bench.shown());
    // Through an input of the workflow.
    bench.type_in("a|b");
    bench.press("enter enter y esc");
    assert_eq!(jobs(&bench).len(), 2);
    assert_eq!(jobs(&bench)[1].settings.set, [("name".to_string(), "b".to_string())]);
    at(&mut bench, "resize", "width");
    bench.press("S");
    bench.type_in("1..60");
    bench.press("enter");
    bench.type_in("height");
    bench.press("enter");
    bench.type_in("1..60");
    bench.press("enter");
    assert!(bench.shown().contains("these would be 3600 runs; at most 200"), "{}", bench.shown());
}
