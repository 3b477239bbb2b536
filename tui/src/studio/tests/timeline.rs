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
            "begins" => Event::NodeStarted { run, node, seat: None },
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
pub(super) fn over(bench: &mut Bench) {
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

/// Some of its nodes compute beside each other, some on a device, some not at all.
pub(super) fn lanes(bench: &mut Bench) {
    bench.press("r");
    let run = RunId(7);
    let seats = [
        ("tokens", 100, 150, "cpu", 0, 0),
        ("text", 150, 2400, "cpu", 0, 1),
        ("prior_schedule", 150, 1900, "cpu", 1, 1),
        ("prior", 2400, 4400, "cpu", 0, 2),
        ("decoder", 4400, 7400, "cuda:0", 0, 1),
        ("decoder_schedule", 4500, 5000, "cpu", 1, 1),
    ];
    let mut events = Vec::new();
    for (node, from, to, device, lane, lanes) in seats {
        let seat = easel_engine::Seat {
            device: device.into(),
            lane,
            lanes,
            memory: (lanes > 1).then_some(300 << 20),
            device_memory: (device != "cpu").then_some(3 << 30),
        };
        let (node, outputs): (Arc<str>, _) = (node.into(), Arc::new([]));
        events.push((from, Event::NodeStarted { run, node: Arc::clone(&node), seat: Some(seat) }));
        events.push((to, Event::NodeFinished { run, node, seconds: 0.0, outputs }));
    }
    events.sort_by_key(|(at, _)| *at);
    for (at, event) in events.into_iter().filter(|(at, _)| *at < 7000) {
        bench.at(at);
        bench.tell(Message::Event(Box::new(event)));
    }
    bench.at(7000);
    bench.press("t s");
}

#[test]
fn lanes_are_gone_through_by_keys() {
    let text = shipped("text_to_image.ron");
    snapshots("lanes", lanes, &text);
    snapshots(
        "lanes_closer",
        |bench| {
            lanes(bench);
            bench.press("j l + + h");
        },
        &text,
    );
    let mut bench = Bench::opened((100, 30), &text);
    lanes(&mut bench);
    let here = |bench: &Bench| match &bench.model.full {
        Some(crate::studio::model::full::Full::Timeline(timeline)) => {
            timeline.at.clone().unwrap_or_default().to_string()
        }
        _ => String::new(),
    };
    let mut went = Vec::new();
    for key in ["g", "l", "j", "j", "k", "h", "G", "j"] {
        bench.press(key);
        went.push(here(&bench));
    }
    let expected =
        ["text", "prior", "decoder_schedule", "decoder", "decoder_schedule", "prior_schedule", "tokens", "tokens"];
    assert_eq!(went, expected);
    bench.press("enter");
    assert_eq!(bench.selected().as_deref(), Some("tokens"));
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
