//! How busy the machine is, beside the run.

use super::super::model::gauges::{DeviceSample, DeviceUse, Foreseen, Sample};
use super::super::view::shows_gauges;
use super::*;

fn sampled(bench: &mut Bench) {
    running(bench);
    for number in 0..12_u64 {
        let device = DeviceSample {
            name: "NVIDIA H100\u{1b}[2J".into(),
            memory: (number << 30, 80 << 30),
            busy: Some(number as u32 * 8),
            degrees: Some(61),
        };
        let sample = Sample {
            lanes: (number as usize % 3, 2),
            processors: Some(1.9),
            memory: Some((number * 50) << 20),
            foreseen: Foreseen { bytes: 220 << 20, untold: (number == 11).into() },
            limit: Some(1 << 30),
            devices: vec![device],
            used: vec![DeviceUse {
                device: "cuda:0".into(),
                memory: Some((number << 30, 80 << 30)),
                foreseen: Some(3 << 30),
            }],
        };
        bench.tell(Message::Sampled(sample));
    }
}

#[test]
fn the_gauges_look_as_they_should() {
    snapshots("gauges", sampled, SMALL);
}

#[test]
fn the_machine_is_watched_while_a_run_is_looked_at() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("3");
    assert!(!shows_gauges(&bench.model), "nothing runs");
    bench.press("r");
    assert!(shows_gauges(&bench.model));
    bench.press("4");
    assert!(!shows_gauges(&bench.model));
    bench.press("3 t");
    assert!(!shows_gauges(&bench.model));
    bench.press("esc");
    assert!(shows_gauges(&bench.model));
    bench.tell(Message::RunEnded(Ok(Outcome::Completed)));
    assert!(!shows_gauges(&bench.model));
}

#[test]
fn what_is_only_noted_stands_in_the_log() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.tell(Message::Noted(Tone::Note, "no GPU is watched: there is no NVIDIA driver".into()));
    assert!(bench.model.notice.is_none());
    bench.press("4");
    assert!(bench.shown().contains("no GPU is watched"));
}
