//! Runs that are followed, recorded or of another workflow, and how a run is shown at all.

use std::time::Duration;

use easel_engine::RunStory;

use super::history::details;
use super::*;

/// When the run of the stories began.
const BEGAN: i64 = 1_795_415_315_000;

fn story(run: u64) -> RunStory {
    let mut story = details(run, easel_engine::RunState::Running).story.clone();
    story.summary.started = Some(BEGAN);
    story.summary.seconds = None;
    let node = &mut story.nodes[0];
    (node.state, node.started, node.seconds) = (easel_engine::NodeState::Running, Some(BEGAN + 30_000), None);
    story
}

fn attached(size: (u16, u16)) -> Bench {
    let mut bench = Bench::new(size);
    bench.model.attached = Some(RunId(3));
    bench.at(2_000);
    bench.tell(Message::Story(Box::new(story(3)), BEGAN + 90_000));
    bench
}

#[test]
fn a_run_that_is_attached_to_has_its_own_age() {
    let mut bench = attached((120, 40));
    let took = |bench: &Bench| {
        let run = bench.model.run.as_ref().expect("it is followed");
        run.took(run.clock(bench.model.now))
    };
    assert_eq!(took(&bench), Duration::from_secs(90));
    bench.at(5_000);
    assert_eq!(took(&bench), Duration::from_secs(93));
    let run = bench.model.run.as_ref().expect("it is followed");
    let began = run.node("load").and_then(|node| node.began).expect("it runs");
    assert_eq!(run.clock(bench.model.now).saturating_sub(began), Duration::from_secs(63));
}

#[test]
fn how_long_a_run_of_another_process_will_take_still_is_told_from_earlier_ones() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.model.attached = Some(RunId(3));
    let mut recalled = || {
        let effects = update(&mut bench.model, Message::Story(Box::new(story(3)), BEGAN + 90_000));
        effects.iter().filter(|effect| matches!(effect, Effect::Recall(RunId(3)))).count()
    };
    assert_eq!([recalled(), recalled()], [1, 0], "it is asked once");
    let seconds = [("load", 100.0), ("save", 20.0)].map(|(node, took)| (Arc::from(node), took)).into();
    let past = crate::studio::model::totals::Past { seconds, side_by_side: 1.0 };
    bench.tell(Message::Past(RunId(3), past));
    bench.press("3");
    let shown = bench.shown();
    assert!(
        shown.contains("about 40 s left")
            && shown.contains("run 3 running  1/2, 1 min 30 s")
            && shown.contains("    1m00s"),
        "{shown}"
    );
}

#[test]
fn a_recorded_workflow_is_run_with_the_settings_of_its_run() {
    let mut bench = attached((120, 40));
    let effects = update(&mut bench.model, Message::Key(chord("r")));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::RunAgain(RunId(3)))));
    assert!(effects.iter().all(|effect| !matches!(effect, Effect::Run(_))));
    assert!(bench.shown().contains("run 3 once more, with the settings that it had"));
}

#[test]
fn a_run_of_another_workflow_is_not_painted_on_the_open_one() {
    let mut bench = Bench::opened((120, 40), SMALL);
    bench.press("3");
    bench.model.attached = Some(RunId(3));
    let mut other = story(3);
    other.job.source.path = Some("/w/other.ron".into());
    bench.tell(Message::Story(Box::new(other), BEGAN + 1));
    assert!(bench.model.run_here().is_none());
    assert!(bench.shown().contains("of another workflow: /w/other.ron"));
    bench.tell(Message::Story(Box::new(story(3)), BEGAN + 1));
    assert!(bench.model.run_here().is_some(), "it is `/w/flow.ron`, and `flow.ron` is open");
    assert!(!bench.shown().contains("of another workflow"));
}

#[test]
fn the_newest_running_node_is_in_view_until_the_cursor_is_moved() {
    let mut bench = Bench::opened((80, 24), SMALL);
    let run = RunId(7);
    bench.press("r 3");
    let nodes: Vec<Arc<str>> = (0..60).map(|number| format!("node_{number:02}").into()).collect();
    bench.tell(Message::RunBegins { run: Some(run), nodes });
    let begin = |bench: &mut Bench, node: &str| {
        bench.tell(Message::Event(Box::new(Event::NodeStarted { run, node: node.into(), seat: None })));
    };
    begin(&mut bench, "node_47");
    assert!(bench.shown().contains("▶ node_47"));
    bench.press("g");
    begin(&mut bench, "node_58");
    assert!(bench.shown().contains("node_00") && !bench.shown().contains("▶ node_58"));
}

#[test]
fn what_a_run_wrote_takes_one_line() {
    let mut bench = Bench::opened((120, 40), SMALL);
    bench.press("r");
    for number in 1..=24 {
        let path = format!("output/picture_{number:04}.png").into();
        let event = Event::ArtifactWritten { run: RunId(7), node: "save".into(), path };
        bench.tell(Message::Event(Box::new(event)));
    }
    bench.model.notice = None;
    let shown = bench.shown();
    assert!(shown.contains("24 files in output/, newest picture_0024.png"));
    assert!(!shown.contains("picture_0023.png"));
}

#[test]
fn what_is_not_saved_is_said_however_long_the_path_is() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("a");
    bench.press("enter");
    assert!(bench.model.is_modified());
    if let Some(flow) = &mut bench.model.flow {
        flow.path = format!("/{}/flow.ron", "folder/".repeat(30)).into();
    }
    let shown = bench.shown();
    let title = shown.lines().next().unwrap_or_default();
    assert!(title.contains("flow.ron  not saved") && title.contains('…'), "{title}");
}

#[test]
fn a_long_message_says_where_the_rest_of_it_is() {
    let mut bench = Bench::opened((60, 20), SMALL);
    bench.tell(Message::Told(Tone::Warning, "many words ".repeat(20)));
    assert!(bench.shown().contains("… (4 Log)"));
    bench.tell(Message::Told(Tone::Warning, "few words".into()));
    assert!(!bench.shown().contains("(4 Log)"));
}

#[test]
fn a_run_without_a_number_is_running_once() {
    let mut bench = Bench::opened((120, 40), SMALL);
    bench.press("r");
    bench.tell(Message::RunBegins { run: None, nodes: vec!["load".into()] });
    let shown = bench.shown();
    let title = shown.lines().next().unwrap_or_default();
    assert!(title.contains(" running 0/1") && !title.contains("run running"), "{title}");
}

#[test]
fn a_text_that_is_scrolled_to_its_end_goes_up_at_once() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("?");
    bench.press(&["j"; 300].join(" "));
    let end = bench.shown();
    bench.press("k");
    assert_ne!(bench.shown(), end);
    bench.press("G");
    assert_eq!(bench.shown(), end);
}

#[test]
fn the_picture_that_is_opened_is_the_newest_that_was_written() {
    let mut bench = Bench::opened((120, 40), SMALL);
    bench.press("r");
    let picture = || Picture { width: 1, pixels: [[9; 3]].into() };
    bench.tell(Message::Preview("load".into(), picture()));
    let event = Event::ArtifactWritten { run: RunId(7), node: "save".into(), path: "output/picture_0001.png".into() };
    bench.tell(Message::Event(Box::new(event)));
    bench.tell(Message::RunEnded(Ok(Outcome::Completed)));
    // The Run pane's cursor is on `load`, and keys go to another pane.
    bench.model.flow.as_mut().expect("it is open").selected = None;
    bench.press("4 i");
    assert!(bench.shown().contains("picture_0001.png"));
    bench.press("n");
    assert!(bench.shown().contains("preview") && !bench.shown().contains("not saved yet"));
    bench.press("esc 3 g i");
    assert!(bench.shown().contains("preview"), "the cursor is on `load`");
}

#[test]
fn the_gauges_are_gone_when_the_run_is_over() {
    let mut bench = Bench::opened((120, 40), SMALL);
    bench.press("r");
    bench.tell(Message::Sampled(crate::studio::model::gauges::Sample { lanes: (1, 2), ..Default::default() }));
    assert!(bench.shown().contains("1 of 2 busy"));
    bench.tell(Message::RunEnded(Ok(Outcome::Completed)));
    assert!(!bench.shown().contains("1 of 2 busy"));
}
