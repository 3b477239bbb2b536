//! Pictures whose run was stopped in the middle of a sampling loop, and went on with nothing but the folder of the cache.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use easel_engine::{
    Cache, CancelToken, DiskSettings, Event, EventSink, MemoryPolicy, Outcome, Plan, Run, Settings, Source,
};
use easel_kernels::Device;
use easel_nodes::picture;

const STEPS: [(&str, &str); 3] = [("prior_steps", "4"), ("decoder_steps", "6"), ("super_res_steps", "4")];

/// A run with a cache of its own: nothing of it is left in memory afterwards.
struct Ran {
    outcome: Outcome,
    /// Of every node that says how far it is: the first step that it told.
    first_steps: BTreeMap<String, usize>,
    events: Vec<Event>,
}

/// Runs text to image with the embedded model, until `stop` says so of an event or to its end.
fn run(cache: &Path, out: &Path, stop: impl Fn(&Event) -> bool + Send + 'static) -> Ran {
    let text = include_str!("../../workflows/text_to_image.ron");
    let settings = Settings {
        set: STEPS.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        out_dir: out.to_path_buf(),
        ..Settings::default()
    };
    let registry = easel_nodes::registry().expect("the built-in nodes are sound");
    let source = Source::new("text_to_image.ron", text);
    let (plan, _) = Plan::prepare(&source, &registry, &settings).expect("the workflow is sound");
    let (cache, problem) = Cache::in_memory(MemoryPolicy::Off).with_disk(cache, DiskSettings::new(&registry));
    assert!(problem.is_none(), "{problem:?}");
    let cancel = CancelToken::new();
    let mut sink = EventSink::new();
    let heard = sink.listen();
    let stopping = cancel.clone();
    let listener = std::thread::spawn(move || {
        let stop_at = |event: &Event| {
            if stop(event) {
                stopping.cancel();
            }
        };
        heard.into_iter().inspect(stop_at).collect::<Vec<_>>()
    });
    let run =
        Run::new(plan, easel_nodes::services(Device::Cpu), sink, cancel).with_cache(Arc::new(cache.save_every(1)));
    let outcome = run.execute().outcome;
    let events = listener.join().expect("the listener only listens");
    let mut first_steps = BTreeMap::new();
    for event in &events {
        if let Event::NodeProgress { node, step, .. } = event {
            first_steps.entry(node.to_string()).or_insert(*step);
        }
    }
    Ran { outcome, first_steps, events }
}

fn pictures(out: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(out).into_iter().flatten();
    entries.map(|entry| entry.expect("a folder that can be read").path()).collect()
}

fn is_step(event: &Event, name: &str, wanted: usize) -> bool {
    matches!(event, Event::NodeProgress { node, step, .. } if **node == *name && *step == wanted)
}

#[test]
fn a_run_that_was_stopped_in_any_loop_goes_on_there_and_draws_the_same_picture() {
    let whole = tempfile::tempdir().expect("a folder");
    assert_eq!(run(&whole.path().join("cache"), &whole.path().join("out"), |_| false).outcome, Outcome::Completed);
    let whole = pictures(&whole.path().join("out"))
        .iter()
        .map(|path| picture::load(path).expect("a picture"))
        .collect::<Vec<_>>();
    for (name, step) in [("prior", 2), ("decoder", 3), ("upsampler", 2)] {
        let folder = tempfile::tempdir().expect("a folder");
        let (cache, out) = (folder.path().join("cache"), folder.path().join("out"));
        let first = run(&cache, &out, move |event| is_step(event, name, step));
        assert_ne!(first.outcome, Outcome::Failed);
        let second = run(&cache, &out, |_| false);
        assert_eq!(second.outcome, Outcome::Completed);
        // Who listens may hear of a step when the loop is further already, or at its end, where nothing is left to do.
        let began = second.first_steps.get(name);
        assert!(began.is_none_or(|&began| began >= step), "{name} began at {began:?} instead of going on");
        let drawn: Vec<_> = pictures(&out).iter().map(|path| picture::load(path).expect("a picture")).collect();
        assert_eq!(drawn, whole, "stopped in {name}");
    }
}

#[test]
fn a_run_that_is_repeated_writes_no_second_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, out) = (folder.path().join("cache"), folder.path().join("out"));
    run(&cache, &out, |_| false);
    let again = run(&cache, &out, |_| false);
    assert_eq!(again.outcome, Outcome::Completed);
    // To choose between two pictures takes less time than to keep the result.
    let runs = |event: &&Event| matches!(event, Event::NodeFinished { node, .. } if **node != *"picture");
    assert_eq!(again.events.iter().find(runs), None, "nothing runs");
    assert_eq!(pictures(&out).len(), 1);
}
