//! Sweeps after the studio that began them: their grids from the journal, and asked for again with what was typed.

use easel_engine::{RunState, SweepPart};

use super::history::{page, picture};
use super::sweep::{FLOW, at};
use super::*;
use crate::studio::model::Prompt;
use crate::studio::model::full::Full;
use crate::studio::model::sweep::Sweep;

/// Sweeps over two widths and three names; what the journal keeps of it.
fn begun() -> Vec<(RunId, Arc<SweepPart>)> {
    let mut bench = Bench::opened((100, 30), FLOW);
    ask_for_two(&mut bench);
    bench.press("y");
    let jobs = bench.wished.iter().find_map(|wish| if let Effect::EnqueueAll(jobs) = wish { Some(jobs) } else { None });
    let part = |at: usize, part: &SweepPart| (RunId(20 + at as u64), Arc::new(part.clone()));
    let parts = jobs.into_iter().flatten().enumerate();
    parts.filter_map(|(at, job)| Some(part(at, job.options.sweep.as_ref()?))).collect()
}

fn ask_for_two(bench: &mut Bench) {
    at(bench, "resize", "width");
    bench.press("S");
    bench.type_in("16, 32");
    bench.press("enter");
    bench.type_in("name");
    bench.press("enter");
    bench.type_in("one | two, with words | three");
    bench.press("enter");
}

/// Another studio, which knows of the sweep what the journal says; the cursor is on run 23.
fn restarted(size: (u16, u16)) -> Bench {
    let mut bench = Bench::opened(size, FLOW);
    bench.press("5");
    let mut page = page(25, 2);
    for (run, part) in begun() {
        let row = page.rows.iter_mut().find(|row| row.summary.run == run).expect("it is listed");
        row.gist.sweep = Some(part);
    }
    bench.tell(Message::Runs(Ok(page)));
    bench.model.runs.at = 2;
    bench
}

fn wanted(bench: &Bench) -> (Option<RunId>, Vec<u64>) {
    let browse = &bench.model.asked.browse;
    (browse.grid, browse.sweep.iter().map(|run| run.0).collect())
}

fn seen(bench: &mut Bench) {
    let path = |at: u64| Some(PathBuf::from(format!("/w/out/{at}.png")));
    bench.tell(Message::Sweep(vec![
        (RunId(20), RunState::Completed, path(0)),
        (RunId(21), RunState::Completed, path(1)),
        (RunId(22), RunState::Failed, None),
        (RunId(23), RunState::Running, None),
        (RunId(24), RunState::Queued, None),
        (RunId(25), RunState::Queued, None),
    ]));
    bench.tell(Message::Thumbnail("/w/out/0.png".into(), Ok(picture(40))));
    bench.tell(Message::Thumbnail("/w/out/1.png".into(), Err("the file is gone".into())));
}

#[test]
fn a_grid_is_opened_again_from_the_list_of_runs() {
    let mut bench = restarted((120, 40));
    assert!(bench.model.sweep.is_none(), "this studio began none");
    bench.press("8");
    assert_eq!(wanted(&bench), (Some(RunId(23)), vec![23]), "its own run is known at once");
    bench.tell(Message::Grid(RunId(23), begun()));
    assert_eq!(wanted(&bench), (Some(RunId(23)), (20..=25).collect()));
    seen(&mut bench);
    let sweep = bench.model.sweep.as_ref().expect("it is shown");
    assert_eq!((sweep.width(), sweep.height(), sweep.at, sweep.counts()), (2, 3, 3, (3, 6)));
    // What comes later leaves cursor and pictures where they are.
    bench.press("h");
    bench.tell(Message::Grid(RunId(23), begun()));
    bench.tell(Message::Grid(RunId(99), Vec::new()));
    let sweep = bench.model.sweep.as_ref().expect("it is shown");
    assert_eq!((sweep.at, sweep.cells[0].picture.is_some()), (2, true));
    bench.press("esc j 8");
    assert_eq!(bench.model.sweep.as_ref().and_then(|sweep| sweep.asked_at), Some(RunId(23)), "the same one");
    // A run that was begun for itself: the last grid again.
    bench.press("esc g G 8");
    assert!(matches!(bench.model.overlay, Some(Overlay::Sweep)));
}

#[test]
fn grids_of_the_journal_look_as_they_should() {
    snapshots(
        "sweep_of_journal",
        |bench| {
            let size = bench.model.size;
            *bench = restarted(size);
            bench.press("8");
            bench.tell(Message::Grid(RunId(23), begun()));
            seen(bench);
        },
        FLOW,
    );
}

#[test]
fn enter_shows_the_picture_of_a_cell_and_the_others_are_leafed_through() {
    let mut bench = restarted((120, 40));
    bench.press("8");
    bench.tell(Message::Grid(RunId(23), begun()));
    seen(&mut bench);
    bench.press("enter");
    assert!(bench.shown().contains("there is no picture here yet"), "{}", bench.shown());
    bench.press("g enter");
    assert_eq!(bench.model.overlay, None);
    let Some(Full::Picture(viewer)) = &bench.model.full else { panic!("a picture is shown") };
    let names: Vec<_> = viewer.pictures.iter().map(|seen| seen.node.to_string()).collect();
    assert_eq!(names, ["resize.width = 16, name = \"one\"", "resize.width = 32, name = \"one\""]);
    bench.press("n esc");
    assert!(matches!(bench.model.overlay, Some(Overlay::Sweep)));
}

#[test]
fn runs_that_begin_and_end_leave_the_keys_of_the_grid_where_they_are() {
    let mut bench = restarted((80, 24));
    bench.press("8");
    bench.tell(Message::RunBegins { run: Some(RunId(24)), nodes: Vec::new() });
    assert!(bench.shown().contains("x cancels"), "{}", bench.shown());
    bench.tell(Message::RunEnded(Ok(Outcome::Completed)));
    assert!(bench.shown().contains("x cancels"), "{}", bench.shown());
    bench.press("esc 4");
    assert!(bench.shown().contains("run 24 begins"), "{}", bench.shown());
}

#[test]
fn labels_of_a_grid_keep_their_values_where_there_is_little_room() {
    let flow = FLOW.replace("\"name\"", "\"the_name_of_the_picture\"");
    for size in SIZES {
        let mut bench = Bench::opened(size, &flow);
        at(&mut bench, "save", "name");
        bench.press("S");
        bench.type_in("first | second | third | fourth | fifth");
        bench.press("enter");
        bench.type_in("resize.width");
        bench.press("enter");
        bench.type_in("16, 32");
        bench.press("enter y");
        let shown = bench.shown();
        for label in ["first", "second", "third", "width 16"] {
            assert!(shown.contains(label), "{label}: {shown}");
        }
        let mut bench = Bench::opened(size, &flow);
        at(&mut bench, "resize", "width");
        bench.press("S");
        bench.type_in("16, 32");
        bench.press("enter");
        bench.type_in("the_name");
        bench.press("enter");
        bench.type_in("a cat on a mat | b");
        bench.press("enter y");
        let shown = bench.shown();
        let first = if size.0 == 80 { "\na cat on a\nmat\n" } else { "\na cat on a mat\n" };
        assert!(shown.contains("the_name_") && shown.contains(first) && shown.contains("\nb\n"), "{shown}");
    }
}

#[test]
fn a_sweep_over_two_inputs_is_asked_for_again_with_what_was_typed() {
    let mut bench = restarted((120, 40));
    bench.press("8");
    bench.tell(Message::Grid(RunId(23), begun()));
    bench.press("a");
    let field = |bench: &Bench| match &bench.model.overlay {
        Some(Overlay::Prompt(Prompt::Sweep { name, first, .. }, field)) => {
            Some((first.as_ref().map(|first| first.name.clone()), name.clone(), field.text()))
        }
        _ => None,
    };
    assert_eq!(field(&bench), Some((None, "resize.width".into(), "16, 32".into())));
    bench.type_in(", 64");
    bench.press("enter");
    assert!(bench.shown().contains("Sweep over resize.width and"), "{}", bench.shown());
    // The cursor is on the second input already.
    bench.press("enter");
    let second = Some((Some("resize.width".into()), "name".into(), "one | two, with words | three".into()));
    assert_eq!(field(&bench), second);
    bench.press("enter");
    let Some(Overlay::SweepAsked(sweep)) = &bench.model.overlay else { panic!("it is asked for") };
    assert_eq!((sweep.width(), sweep.height()), (3, 3));
    // At the input itself it is offered, too, and what was given up is not lost.
    bench.press("esc");
    at(&mut bench, "resize", "width");
    bench.press("S");
    assert_eq!(field(&bench), Some((None, "resize.width".into(), "16, 32, 64".into())));
    bench.type_in("0");
    bench.press("esc S");
    assert_eq!(field(&bench), Some((None, "resize.width".into(), "16, 32, 640".into())));
}

#[test]
fn a_sweep_of_another_workflow_is_not_asked_for() {
    let mut bench = restarted((120, 40));
    bench.press("8");
    bench.tell(Message::Grid(RunId(23), begun()));
    bench.tell(Message::Read("flow.ron".into(), Ok(SMALL.into())));
    bench.press("a");
    assert_eq!(bench.model.overlay, None);
    assert!(bench.shown().contains("the open workflow has no input resize.width"), "{}", bench.shown());
}

#[test]
fn a_sweep_over_two_inputs_survives_a_kill_at_any_question() {
    let mut bench = Bench::opened((100, 30), FLOW);
    let again = |bench: &Bench| {
        let mut other = Bench::opened((100, 30), FLOW);
        let unsaved = bench.kept.clone().expect("something was kept");
        other.tell(Message::Recovered("flow.ron".into(), crate::studio::model::Offer { number: 1, unsaved }));
        other.press("y");
        other
    };
    let end = |mut bench: Bench| {
        bench.press("enter");
        match bench.model.overlay {
            Some(Overlay::SweepAsked(sweep)) => (sweep.width(), sweep.rows.map(|rows| rows.name)),
            other => panic!("it is not asked for: {other:?}"),
        }
    };
    at(&mut bench, "resize", "width");
    bench.press("S");
    bench.type_in("16, 32, 64");
    bench.press("enter");
    // At the choice of the second one.
    let mut other = again(&bench);
    other.press("enter");
    assert_eq!(end(other), (3, None));
    bench.type_in("name");
    bench.press("enter");
    bench.type_in("a | b");
    assert_eq!(end(again(&bench)), (3, Some("name".into())), "while the second one is typed");
    bench.press("enter");
    assert_eq!(end(again(&bench)), (3, Some("name".into())), "at the last question");
    bench.press("y");
    assert_eq!(bench.kept, None, "its runs are in the queue");
    assert_eq!(bench.model.sweep.as_ref().map(Sweep::height), Some(2));
}
