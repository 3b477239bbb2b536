//! The times of a run on the whole screen.

use super::*;

/// What happens in a run, and when it does, in milliseconds.
fn play(bench: &mut Bench, events: &[(u64, &str, &str)]) {
    let run = RunId(7);
    for (at, what, node) in events {
        bench.at(*at);
        let node: Arc<str> = Arc::from(*node);
        let outputs = Arc::new([]);
        let event = match *what {
            "begins" => Event::NodeStarted { run, node },
            "cached" => Event::NodeCached { run, node, outputs },
            "fails" => Event::NodeFailed {
                run,
                node,
                node_type: "SaveImage".into(),
                message: "the disk is full".into(),
                causes: Vec::new(),
                hint: None,
                inputs: Vec::new(),
            },
            _ => Event::NodeFinished { run, node, seconds: 0.0, outputs },
        };
        bench.tell(Message::Event(Box::new(event)));
    }
}

/// The workflow that ships, half way.
fn drawing(bench: &mut Bench) {
    bench.press("r");
    let begun = [
        (0, "cached", "negative_tokens"),
        (0, "cached", "negative"),
        (100, "begins", "tokens"),
        (150, "ends", "tokens"),
        (150, "begins", "text"),
        (150, "begins", "prior_schedule"),
        (160, "ends", "prior_schedule"),
        (900, "ends", "text"),
        (900, "begins", "prior"),
        (2400, "ends", "prior"),
        (2400, "begins", "decoder"),
    ];
    play(bench, &begun);
    bench.at(5200);
    bench.press("t");
}

/// The same, with a failure at its end.
fn over(bench: &mut Bench) {
    drawing(bench);
    let rest = [
        (6400, "ends", "decoder"),
        (6400, "begins", "upsampler"),
        (7900, "ends", "upsampler"),
        (7900, "begins", "safety"),
        (8000, "ends", "safety"),
        (8000, "begins", "save"),
        (8060, "fails", "save"),
    ];
    play(bench, &rest);
    bench.tell(Message::RunEnded(Ok(Outcome::Failed)));
    bench.press("esc t");
}

#[test]
fn the_timeline_looks_as_it_should() {
    let text = shipped("text_to_image.ron");
    snapshots("timeline", drawing, &text);
    snapshots("timeline_over", over, &text);
    snapshots(
        "timeline_closer",
        |bench| {
            over(bench);
            bench.press("s j j j j j j j + + + l");
        },
        &text,
    );
}

#[test]
fn keys_lead_through_the_timeline_and_out_of_it() {
    let mut bench = Bench::opened((100, 30), &shipped("text_to_image.ron"));
    bench.press("t");
    assert!(bench.model.full.is_none() && bench.shown().contains("nothing was run yet"));
    over(&mut bench);
    // The dearest stands first, and the cursor is on it.
    bench.press("g enter");
    assert!(bench.model.full.is_none());
    assert_eq!(bench.selected().as_deref(), Some("decoder"));
    bench.press("t t");
    assert!(bench.model.full.is_none(), "the same key leads back");
    bench.press("t G pgup ? esc esc");
    assert!(bench.model.full.is_none());
}
