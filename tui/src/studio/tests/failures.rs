//! Failures, warnings and the log; what a run comes to as a whole; and floods of news.

use super::super::model::full::Full;
use super::super::model::totals::{Past, Totals};
use super::*;

fn told(bench: &mut Bench, event: Event) {
    bench.tell(Message::Event(Box::new(event)));
}

fn warning(node: &str, message: &str) -> Event {
    Event::NodeWarning { run: RunId(7), node: node.into(), message: message.into() }
}

#[test]
fn failures_and_figures_look_as_they_should() {
    let failure = |bench: &mut Bench| {
        failing_run(bench);
        bench.press("!");
    };
    snapshots("failure", failure, SMALL);
    let totals = |bench: &mut Bench| {
        running(bench);
        let seconds = [("load", 30.0), ("save", 12.0)].map(|(node, seconds)| (Arc::from(node), seconds)).into();
        bench.tell(Message::Past(RunId(7), Past { seconds, side_by_side: 1.0 }));
        told(bench, warning("load", "the picture is dark"));
        let written =
            Event::ArtifactWritten { run: RunId(7), node: "save".into(), path: "output/copy_0001.png".into() };
        told(bench, written);
        bench.press("3");
    };
    snapshots("totals", totals, SMALL);
    let log = |bench: &mut Bench| {
        running(bench);
        let long = "a warning that is so long that it does not fit into one line of the pane, whatever the terminal";
        told(bench, warning("load", long));
        (0..3).for_each(|number| told(bench, warning("save", &format!("another one, number {number}"))));
        bench.press("4 k k k");
    };
    snapshots("log_paused", log, SMALL);
}

#[test]
fn a_failure_leads_to_its_node_and_to_what_did_not_run() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("!");
    assert!(bench.shown().contains("nothing was run yet"));
    bench.press("r !");
    assert!(bench.shown().contains("no node of this run failed"));
    bench.tell(Message::RunEnded(Ok(Outcome::Completed)));
    failing_run(&mut bench);
    // The list of nodes: what failed has a story, what did not leads to the graph.
    bench.press("3 g enter");
    let shown = bench.shown();
    for text in
        ["load (LoadImage, after 0.70 s)", "No such file", "put one there", "path = \"gallery.png\"", "easel resume 7"]
    {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(shown.contains("flow.ron:7:9") && shown.contains("▸    7 │"), "{shown}");
    assert!(shown.contains("easel run flow.ron --target load --out output"), "{shown}");
    bench.press("n p j k G g ? esc enter");
    assert!(bench.model.full.is_none());
    assert_eq!(bench.selected().as_deref(), Some("load"));
    bench.press("3 G enter");
    assert_eq!((bench.selected().as_deref(), bench.model.side), (Some("save"), Side::Inspector));
}

#[test]
fn a_failure_is_copied_whole() {
    let mut bench = Bench::opened((100, 30), SMALL);
    failing_run(&mut bench);
    bench.press("! y");
    let copied = |wish: &Effect| if let Effect::Copy(text) = wish { Some(text.clone()) } else { None };
    let text = bench.wished.iter().find_map(copied).expect("it is copied");
    let version = format!("easel {} for ", env!("CARGO_PKG_VERSION"));
    let parts = [
        version.as_str(),
        "run 7 of flow.ron: load (LoadImage, after 0.70 s) failed",
        "there is no `gallery.png`",
        "No such file",
        "put one there",
        "path = \"gallery.png\"",
        "  easel resume 7\n",
        "  easel run flow.ron --target load --out output\n",
        ">    7 │",
    ];
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
    let shown = bench.shown();
    assert!(shown.contains("Why it failed") && shown.contains("easel resume 7"), "it can be read, too: {shown}");
    bench.press("G");
    assert!(bench.shown().contains("OSC 52"), "{}", bench.shown());
    bench.press("esc");
    assert!(matches!(bench.model.full, Some(Full::Failure(_))), "and the failure is still there");
}

#[test]
fn what_is_copied_of_a_failure_is_bounded_and_cannot_steer_a_terminal() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("r");
    let message = format!("bad\u{1b}[2J\u{7}\nand {}", "much ".repeat(40_000));
    let node_type = "LoadImage".into();
    let (causes, hint, inputs) = (Vec::new(), None, Vec::new());
    told(
        &mut bench,
        Event::NodeFailed { run: RunId(7), node: "load".into(), node_type, message, causes, hint, inputs },
    );
    bench.tell(Message::RunEnded(Ok(Outcome::Failed)));
    bench.press("! y");
    let copied = |wish: &Effect| if let Effect::Copy(text) = wish { Some(text.clone()) } else { None };
    let text = bench.wished.iter().find_map(copied).expect("it is copied");
    assert!(text.len() < 50_000 && text.contains("too long for a clipboard"), "{}", text.len());
    assert!(text.contains("bad?[2J?\nand much"), "{}", &text[..200]);
}

#[test]
fn a_story_longer_than_the_screen_is_scrolled() {
    let mut bench = Bench::opened((40, 10), SMALL);
    failing_run(&mut bench);
    bench.press("! G G G");
    let shown = bench.shown();
    assert!(shown.contains("SaveImage(ima"), "the end is seen: {shown}");
    bench.press("k");
    assert_ne!(bench.shown(), shown, "one line up is one line up, however often the end was asked for");
    bench.press("g");
    assert!(bench.shown().contains("there is no `gallery.png`"));
}

#[test]
fn a_line_of_the_log_leads_to_its_node() {
    let mut bench = Bench::opened((100, 30), SMALL);
    running(&mut bench);
    told(&mut bench, warning("save", "first"));
    told(&mut bench, warning("load", "second"));
    bench.press("4 k");
    let shown = bench.shown();
    assert!(shown.contains("1 newer below, `end` follows"), "{shown}");
    told(&mut bench, warning("load", "third"));
    assert!(bench.shown().contains("2 newer below"));
    bench.press("enter");
    assert_eq!(bench.selected().as_deref(), Some("save"));
    bench.press("4 G");
    assert!(bench.shown().contains("third"));
}

#[test]
fn warnings_of_a_node_are_seen_beside_it_and_bounded() {
    let mut bench = Bench::opened((100, 40), SMALL);
    running(&mut bench);
    (0..1000).for_each(|number| told(&mut bench, warning("load", &format!("warning {number}"))));
    let warnings = bench.model.run.as_ref().and_then(|run| run.node("load")).map(|node| node.warnings.clone());
    assert_eq!(warnings.map(|(kept, all)| (kept.len(), all)), Some((20, 1000)));
    bench.press("1");
    assert!(bench.shown().contains("! warning 0"), "{}", bench.shown());
}

#[test]
fn a_hundred_thousand_events_leave_no_more_than_a_bound() {
    let mut bench = Bench::opened((120, 40), SMALL);
    bench.press("r");
    let run = RunId(7);
    told(&mut bench, Event::NodeStarted { run, node: "load".into(), seat: None });
    for step in 1..=100_000 {
        bench.at(step as u64);
        told(&mut bench, Event::NodeProgress { run, node: "load".into(), step, steps: 100_000 });
        match step % 4 {
            0 => told(&mut bench, warning("load", "again and again")),
            1 => told(&mut bench, Event::NodeNote { run, node: "load".into(), key: "n".into(), value: "1".into() }),
            _ => bench.tell(Message::Preview("load".into(), Picture { width: 1, pixels: [[9; 3]].into() })),
        }
    }
    assert!(bench.model.log.shown().count() <= 5_000);
    let view = bench.model.run.as_ref().expect("it runs");
    assert_eq!(view.node("load").map(|node| (node.warnings.0.len(), node.warnings.1)), Some((20, 25_000)));
    assert_eq!(view.pictures().len(), 1);
    assert_eq!(Totals::of(view, bench.model.now).steps.map(f64::round), Some(1000.0));
    assert!(bench.shown().contains("100000/100000"), "{}", bench.shown());
}

#[test]
fn what_is_known_of_a_failure_survives_until_the_next_run() {
    let mut bench = Bench::opened((100, 30), SMALL);
    failing_run(&mut bench);
    bench.press("!");
    assert!(matches!(bench.model.full, Some(Full::Failure(_))));
    // The next run begins beside it.
    bench.press("r");
    bench.press("!");
    bench.drawn();
    assert!(bench.model.full.is_none());
}

#[test]
fn what_is_told_from_outside_cannot_steer_the_terminal() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.tell(Message::Told(Tone::Error, "bad\u{1b}[2J\u{7}".into()));
    bench.press("4");
    assert!(!bench.shown().contains('\u{1b}') && bench.shown().contains("bad?[2J?"));
}

#[test]
fn what_a_run_warned_of_stands_at_its_node_and_in_the_list_until_the_next_one() {
    let warned = |bench: &mut Bench, node: &str, message: &str| {
        let warning = Event::NodeWarning { run: RunId(7), node: node.into(), message: message.into() };
        bench.tell(Message::Event(Box::new(warning)));
    };
    let shown = |bench: &Bench| {
        let flow = bench.model.flow.as_ref().expect("it is open");
        let at = |id: &str| flow.scene()?.nodes.iter().find(|node| node.id == id).map(|node| node.warnings);
        (flow.counts(), at("load"), at("save"))
    };
    for size in SIZES {
        let mut bench = Bench::opened(size, SMALL);
        bench.press("r");
        warned(&mut bench, "save", "the folder is nearly full");
        warned(&mut bench, "save", "the folder is nearly full");
        warned(&mut bench, "save", "the picture is very small");
        bench.tell(Message::RunEnded(Ok(Outcome::Completed)));
        assert_eq!(shown(&bench), ((0, 2), Some(0), Some(2)));
        bench.press("2");
        insta::assert_snapshot!(format!("warned_{}x{}", size.0, size.1), bench.shown());
        bench.press("enter");
        assert_eq!(bench.selected().as_deref(), Some("save"));
        // An edit does not take them away, the next run does.
        bench.press("m");
        assert_eq!(shown(&bench), ((0, 2), Some(0), Some(2)));
        bench.press("ctrl-z r");
        assert_eq!(shown(&bench), ((0, 0), Some(0), Some(0)));
        // What is not in the workflow any more is told all the same.
        warned(&mut bench, "gone", "it was there when the run began");
        assert_eq!(shown(&bench).0, (0, 0), "no such node is in the run");
    }
}
