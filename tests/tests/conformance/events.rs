//! What a run tells, and to whom.

use easel_engine::{Event, EventSink, Outcome, RunId};

use crate::lab::{Lab, cases, node_of};

cases![
    two_observers_of_two_runs_see_their_own,
    an_observer_of_one_run_hears_no_other,
    two_observers_of_a_run_see_the_same,
    progress_is_told_for_each_node,
    previews_are_told_for_each_node,
    an_observer_that_never_looks_blocks_nobody,
    an_observer_that_has_gone_is_no_error,
    the_first_event_names_every_node_and_the_last_the_outcome,
    a_node_begins_after_what_it_needs_has_ended,
    an_event_says_what_came_out,
];

fn two_observers_of_two_runs_see_their_own(lab: &Lab) {
    let mut first = lab.nodes(r#""a": Meet(value: 1, room: "two", parties: 2), "b": Increment(value: From("a"))"#);
    let mut second = lab.nodes(r#""c": Meet(value: 5, room: "two", parties: 2), "d": Multiply(a: From("c"))"#);
    let (of_first, of_second) = (first.listen(), second.listen());
    let (first, second) = (first.start(), second.start());
    let (first, second) = (first.wait(), second.wait());
    assert_ne!(first.report.run, second.report.run);
    for (observer, run, nodes) in [(of_first, first, ["a", "b"]), (of_second, second, ["c", "d"])] {
        let seen: Vec<Event> = observer.iter().collect();
        assert!(seen.iter().all(|event| event.run() == run.report.run));
        assert!(seen.iter().filter_map(node_of).all(|node| nodes.contains(&node)));
        assert_eq!(seen, run.events);
    }
}

fn an_observer_of_one_run_hears_no_other(lab: &Lab) {
    let mut events = EventSink::new();
    let (of_first, of_all, of_second) = (events.listen_to(RunId(101)), events.listen(), events.listen_to(RunId(102)));
    let start = |id, value: usize| {
        let request = lab.nodes(&format!(r#""a": Meet(value: {value}, room: "ids", parties: 2)"#));
        request.told_as(RunId(id), &events).start()
    };
    for run in [start(101, 1), start(102, 2)] {
        run.wait().completed();
    }
    drop(events);
    for (observer, id) in [(of_first, 101), (of_second, 102)] {
        let seen: Vec<Event> = observer.iter().collect();
        assert!(seen.len() == 4 && seen.iter().all(|event| event.run() == RunId(id)), "{seen:?}");
    }
    assert_eq!(of_all.iter().count(), 8);
}

fn two_observers_of_a_run_see_the_same(lab: &Lab) {
    let mut request = lab.nodes(r#""a": Talks(value: 1), "b": Talks(value: From("a"))"#);
    let (one, other) = (request.listen(), request.listen());
    let run = request.run();
    run.completed();
    let (one, other): (Vec<Event>, Vec<Event>) = (one.iter().collect(), other.iter().collect());
    assert_eq!(one, other);
    assert_eq!(one, run.events);
}

fn progress_is_told_for_each_node(lab: &Lab) {
    let run = lab.run(r#""a": Steps(steps: 3), "b": Steps(steps: 4)"#);
    run.completed();
    for (node, steps) in [("a", 3), ("b", 4)] {
        let told: Vec<_> = run
            .events
            .iter()
            .filter_map(|event| match event {
                Event::NodeProgress { node: of, step, steps, .. } if &**of == node => Some((*step, *steps)),
                _ => None,
            })
            .collect();
        assert_eq!(told, (1..=steps).map(|step| (step, steps)).collect::<Vec<_>>());
    }
}

fn previews_are_told_for_each_node(lab: &Lab) {
    let run = lab.run(r#""a": Talks(value: 1), "b": Talks(value: 2)"#);
    let mut previews: Vec<_> = run
        .completed()
        .events
        .iter()
        .filter_map(|event| match event {
            Event::NodePreview { node, value, .. } => Some((node.to_string(), value.summary())),
            _ => None,
        })
        .collect();
    previews.sort();
    assert_eq!(previews, [("a".into(), "1.0".into()), ("b".into(), "2.0".into())]);
}

fn an_observer_that_never_looks_blocks_nobody(lab: &Lab) {
    let mut request = lab.nodes(r#""a": Steps(steps: 20000), "b": Increment(value: From("a"))"#);
    let idle = request.listen();
    assert_eq!(request.run().completed().float("b"), 20001.0);
    // Everything is still there for when it looks.
    assert!(idle.iter().count() > 20000);
}

fn an_observer_that_has_gone_is_no_error(lab: &Lab) {
    let mut request = lab.nodes(r#""a": Talks(value: 1)"#);
    drop(request.listen());
    request.run().completed();
}

fn the_first_event_names_every_node_and_the_last_the_outcome(lab: &Lab) {
    let run = lab.run(r#""b": Increment(value: From("a")), "a": Number(value: 1), "c": Fails(value: From("b"))"#);
    let Some(Event::RunStarted { nodes, .. }) = run.events.first() else { panic!("{}", run.story()) };
    let nodes: Vec<_> = nodes.iter().map(|node| (&*node.node, node.node_type.as_str())).collect();
    assert_eq!(nodes, [("a", "Number"), ("b", "Increment"), ("c", "Fails")]);
    let Some(Event::RunFinished { outcome, finished, cached, failed, skipped, seconds, .. }) = run.events.last() else {
        panic!("{}", run.story())
    };
    assert_eq!((*outcome, *finished, *cached, *failed, *skipped), (Outcome::Failed, 2, 0, 1, 0));
    assert!(*seconds >= 0.0);
}

fn a_node_begins_after_what_it_needs_has_ended(lab: &Lab) {
    let run = lab.run(
        r#""a": Sleep(milliseconds: 5, value: 1), "b": Sleep(milliseconds: 1, value: From("a")),
           "c": Sleep(milliseconds: 3, value: From("a")), "d": Add(a: From("b"), b: From("c"))"#,
    );
    run.completed();
    let at = |wanted: &dyn Fn(&Event) -> bool| run.events.iter().position(wanted).unwrap();
    for (node, needs) in [("b", vec!["a"]), ("c", vec!["a"]), ("d", vec!["b", "c"])] {
        let began = at(&|event| matches!(event, Event::NodeStarted { .. }) && node_of(event) == Some(node));
        for need in needs {
            let ended = at(&|event| matches!(event, Event::NodeFinished { .. }) && node_of(event) == Some(need));
            assert!(ended < began, "{node} began before {need} had ended: {}", run.story());
        }
    }
}

fn an_event_says_what_came_out(lab: &Lab) {
    for _ in 0..2 {
        let run = lab.run(r#""a": Split(value: 2.5)"#);
        let outputs = run.completed().events.iter().find_map(|event| match event {
            Event::NodeFinished { outputs, .. } | Event::NodeCached { outputs, .. } => Some(outputs.clone()),
            _ => None,
        });
        let outputs = outputs.unwrap();
        let told: Vec<_> = outputs
            .iter()
            .map(|output| (output.output.as_str(), output.kind.as_str(), output.summary.as_str()))
            .collect();
        assert_eq!(told, [("whole", "Float", "2.0"), ("rest", "Float", "0.5")]);
    }
}
