//! Two runs or pictures side by side.

use easel_engine::RunState;

use super::history::{details, page, picture};
use super::*;
use crate::gist::Gist;
use crate::studio::model::{Compare, Manner, Shot, Shots};

/// Two runs of the list are compared, of which everything was read.
pub(super) fn compared(bench: &mut Bench) {
    bench.press("5");
    bench.tell(Message::Runs(Ok(page(9, 0))));
    bench.press("m j j m c");
    for (run, seed) in [(9, 40), (7, 90)] {
        let mut told = details(run, RunState::Completed);
        told.story.artifacts.iter_mut().for_each(|file| file.path = format!("/w/out/{run}.png").into());
        bench.tell(Message::Details(RunId(run), Ok(told)));
        bench.tell(Message::Thumbnail(format!("/w/out/{run}.png").into(), Ok(picture(seed))));
    }
}

pub(super) fn compare(bench: &Bench) -> &Compare {
    match &bench.model.overlay {
        Some(Overlay::Compare(compare)) => compare,
        other => panic!("nothing is compared: {other:?}"),
    }
}

#[test]
fn two_runs_are_compared_as_they_should_look() {
    snapshots("compare", compared, SMALL);
    snapshots(
        "compare_difference",
        |bench| {
            compared(bench);
            bench.press("d +");
        },
        SMALL,
    );
    snapshots(
        "compare_reading",
        |bench| {
            bench.press("5");
            bench.tell(Message::Runs(Ok(page(9, 0))));
            bench.press("m j c");
        },
        SMALL,
    );
    snapshots(
        "compare_blink",
        |bench| {
            compared(bench);
            bench.press("b b");
        },
        SMALL,
    );
}

#[test]
fn marks_are_set_taken_away_and_the_third_replaces_the_first() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("5");
    bench.tell(Message::Runs(Ok(page(9, 0))));
    let marked =
        |bench: &Bench| bench.model.to_compare.iter().filter_map(|c| c.run).map(|run| run.0).collect::<Vec<_>>();
    bench.press("c");
    assert!(bench.model.overlay.is_none() && bench.shown().contains("marks one, then another one"));
    bench.press("m j m j m");
    assert_eq!(marked(&bench), [8, 7]);
    bench.press("m");
    assert_eq!(marked(&bench), [8]);
    bench.press("G c");
    assert_eq!((compare(&bench).left.run, compare(&bench).right.run), (Some(RunId(8)), Some(RunId(1))));
    assert_eq!(bench.model.asked.browse.details, [RunId(1), RunId(8), RunId(1)]);
}

#[test]
fn keys_change_how_the_two_are_shown() {
    let mut bench = Bench::opened((120, 40), SMALL);
    compared(&mut bench);
    bench.press("d");
    assert_eq!(compare(&bench).manner, Manner::Difference);
    bench.press("+ + + + + + + +");
    assert_eq!(compare(&bench).gain, 64);
    bench.press("- - - - - - - - d b");
    assert_eq!((compare(&bench).gain, compare(&bench).manner), (1, Manner::Left));
    bench.press("b x s j j k");
    assert_eq!(
        (compare(&bench).manner, compare(&bench).left.run, compare(&bench).scroll),
        (Manner::Beside, Some(RunId(7)), 1)
    );
    bench.press("esc");
    assert_eq!(bench.model.overlay, None);
}

#[test]
fn pictures_without_a_run_are_compared_without_inputs() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("6");
    let shot = |name: &str| Shot { path: name.into(), run: None, gist: Gist::default() };
    bench.tell(Message::Pictures(Shots { all: Arc::new([shot("a.png"), shot("b.png")]), unread: 0, problem: None }));
    bench.press("m l m c");
    assert_eq!(bench.model.asked.thumbnails, [PathBuf::from("a.png"), PathBuf::from("b.png")]);
    bench.tell(Message::Thumbnail("a.png".into(), Ok(picture(1))));
    bench.tell(Message::Thumbnail("b.png".into(), Err("the file is gone".into())));
    let shown = bench.shown();
    assert!(shown.contains("b.png: the file is gone") && shown.contains("its inputs are not known"), "{shown}");
    bench.press("d");
    assert!(bench.shown().contains("b.png: the file is gone"));
}
