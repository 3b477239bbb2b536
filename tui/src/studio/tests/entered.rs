//! Files that were entered from others.

use super::*;

#[test]
fn a_file_that_was_entered_runs_as_a_part_of_the_one_around_it() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (outer, inner) = (folder.path().join("outer.ron"), folder.path().join("inner.ron"));
    let outer_text = r#"Workflow(version: 1, nodes: {
        "in": Include(workflow: "inner.ron", with: (path: "gallery.png")),
        "save": SaveImage(image: From("in"), name: "copy"),
    })"#;
    let inner_text = r#"Workflow(version: 1,
        inputs: { "path": Text() },
        nodes: { "load": LoadImage(path: Input("path")) },
        outputs: { "image": From("load") },
    )"#;
    std::fs::write(&outer, outer_text).and_then(|()| std::fs::write(&inner, inner_text)).expect("they can be written");
    let mut bench = Bench::of_file((100, 30), &outer);
    bench.select("in");
    bench.press("enter");
    let flow = bench.model.flow.as_ref().expect("it is open");
    assert_eq!((flow.path.clone(), flow.counts()), (inner, (0, 0)), "{:?}", flow.findings());
    bench.press("r");
    assert_eq!(bench.asked, ["run"]);
    let run = bench.model.run.as_ref().expect("it runs");
    assert!(run.is_of(&outer) && run.nodes.iter().any(|node| &*node.node == "in/load"), "{:?}", run.nodes.len());
    let node: Arc<str> = "in/load".into();
    bench.tell(Message::Event(Box::new(Event::NodeStarted { run: RunId(7), node: Arc::clone(&node), seat: None })));
    let finished = Event::NodeFinished { run: RunId(7), node, seconds: 1.0, outputs: Arc::new([]) };
    bench.tell(Message::Event(Box::new(finished)));
    assert!(bench.shown().contains("LoadImage       ✓ 1.0s"), "{}", bench.shown());
    // What is wrong around it keeps it from running, and is told.
    bench.tell(Message::RunEnded(Ok(Outcome::Completed)));
    bench.press("backspace");
    bench.select("in");
    bench.press("1 x");
    bench.press("esc enter 2");
    assert!(bench.shown().contains("in another file"), "{}", bench.shown());
    bench.press("r");
    assert_eq!(bench.asked, ["run"]);
}
