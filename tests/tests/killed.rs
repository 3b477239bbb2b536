//! Processes that are killed at any moment while they carry out a queue of sampling loops: in the end every job is done
//! once, and every picture is, byte for byte, that of a process that nobody disturbed.
//!
//! This program starts itself: `killed child WHAT FOLDER LIFE` is one of the processes. They say on standard output when
//! a step begins, so that each is killed after some steps of its own, however slow the machine, and at a random moment.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use easel_engine::{
    Cache, CancelToken, Context, DiskSettings, Event, EventSink, InputSpec, Inputs, Job, JobOptions, Journal,
    MemoryPolicy, Node, NodeError, NodeResult, NodeSpec, Outcome, OutputSpec, Outputs, Plan, Recorder, Registry, Run,
    RunQuery, RunState, Settings, Source, WhenStopped, kinds,
};
use easel_kernels::{Device, Tensor};
use easel_nodes::kinds::{Image, kind};

/// Kills while the queue of cheap loops is carried out, and while the embedded model draws.
const KILLS: usize = 200;
const KILLS_OF_A_MODEL: usize = 12;

const STEPS: usize = 40;
const SIDE: usize = 16;
const NUMBERS: usize = SIDE * SIDE * 3;

/// A sampling loop without a network: every step depends on all before it, and on noise of its own.
struct Sample;

impl Node for Sample {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Sample", "Draws a picture step by step.")
            .input(InputSpec::new("seed", kinds::INTEGER, "of the noise"))
            .output(OutputSpec::new("image", kind::IMAGE, "one picture"))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let seed = *inputs.get::<i64>("seed")? as u64;
        let (mut done, mut values) = match context.saved_state() {
            Some(state) => decode(&state).ok_or_else(|| NodeError::new("the saved state is not what was saved"))?,
            None => (0, vec![0.0; NUMBERS]),
        };
        while done < STEPS {
            say_that_a_step_begins();
            let mut noise = Numbers(seed << 32 | done as u64);
            for at in 0..NUMBERS {
                let before = values[(at + NUMBERS - 1) % NUMBERS];
                values[at] = (values[at] * 1.7 + before + noise.next(1_000) as f32 / 500.0).sin();
            }
            done += 1;
            context.step(done, STEPS, || encode(done, &values))?;
        }
        let tensor = Tensor::from_f32(values, [1, SIDE, SIDE, 3]).map_err(NodeError::from_error)?;
        Ok(Outputs::one("image", Image::new(tensor)?))
    }
}

fn encode(done: usize, values: &[f32]) -> Vec<u8> {
    let mut state = (done as u64).to_le_bytes().to_vec();
    state.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    state
}

fn decode(state: &[u8]) -> Option<(usize, Vec<f32>)> {
    let (done, values) = state.split_first_chunk::<8>()?;
    let values: Vec<f32> = values.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    (values.len() == NUMBERS).then(|| (u64::from_le_bytes(*done) as usize, values))
}

fn say_that_a_step_begins() {
    let mut out = std::io::stdout();
    out.write_all(b".").and_then(|()| out.flush()).unwrap();
}

/// Random enough, and the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn registry() -> Registry {
    let mut registry = easel_nodes::registry().unwrap();
    registry.register(Sample).unwrap();
    registry
}

fn cache(folder: &Path, registry: &Registry) -> Arc<Cache> {
    let cache = Cache::in_memory(MemoryPolicy::Off).with_disk(&folder.join("cache"), DiskSettings::new(registry));
    assert_eq!(cache.1, None);
    Arc::new(cache.0.save_every(1))
}

/// Carries out what is in the queue until nothing is left. In every life the clock is earlier than in the one before.
fn drain(folder: &Path, life: u64) {
    let clock = Arc::new(move || UNIX_EPOCH + Duration::from_secs(10_000_000 - 1_000 * life));
    let journal = Journal::open_with_clock(&folder.join("state"), clock).unwrap();
    let registry = registry();
    let cache = cache(folder, &registry);
    while let Some(claim) = journal.claim().unwrap() {
        let (id, job) = (claim.run(), claim.job());
        let (plan, _) = Plan::prepare(&job.source, &registry, &job.settings).expect("the workflow is sound");
        let (mut events, cancel) = (EventSink::new(), CancelToken::new());
        let (heard, trouble) = (events.listen(), |error: &_| panic!("{error}"));
        let when_stopped = WhenStopped::BackToTheQueue;
        let recorder = Recorder::start(&journal, claim, heard, cancel.clone(), when_stopped, trouble).unwrap();
        let run = Run::new(plan, easel_nodes::services(Device::Cpu), events, cancel).with_id(id);
        let report = run.with_cache(Arc::clone(&cache)).execute();
        assert_eq!((report.outcome, cache.problems()), (Outcome::Completed, vec![]), "{:?}", report.failed);
        cache.flush();
        recorder.finish();
    }
}

/// Draws a picture with the embedded model.
fn draw(folder: &Path) {
    let steps = [("prior_steps", "4"), ("decoder_steps", "6"), ("super_res_steps", "4")];
    let set = steps.map(|(name, value)| (name.to_string(), value.to_string())).to_vec();
    let settings = Settings { set, out_dir: folder.join("out"), ..Settings::default() };
    let (registry, source) = (registry(), include_str!("../../workflows/text_to_image.ron"));
    let plan = Plan::prepare(&Source::new("text_to_image.ron", source), &registry, &settings);
    let (plan, _) = plan.expect("the workflow is sound");
    let mut events = EventSink::new();
    let heard = events.listen();
    let listener = std::thread::spawn(move || {
        let is_step = |event: &Event| matches!(event, Event::NodeProgress { .. });
        heard.into_iter().filter(is_step).for_each(|_| say_that_a_step_begins());
    });
    let cache = cache(folder, &registry);
    let run = Run::new(plan, easel_nodes::services(Device::Cpu), events, CancelToken::new());
    assert_eq!(run.with_cache(Arc::clone(&cache)).execute().outcome, Outcome::Completed);
    cache.flush();
    listener.join().unwrap();
}

fn start(what: &str, folder: &Path, life: u64) -> Child {
    let own = std::env::current_exe().unwrap();
    let mut command = Command::new(own);
    command.args(["child", what]).arg(folder).arg(life.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn succeed(mut child: Child) {
    std::io::copy(child.stdout.as_mut().unwrap(), &mut std::io::sink()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}: {}", done.status, String::from_utf8_lossy(&done.stderr));
}

/// Kills a process a moment after it began so many steps. False if it had ended before, as it should.
fn kill(mut child: Child, steps: u64, moment: Duration) -> bool {
    let mut said = vec![0; steps as usize];
    if child.stdout.as_mut().unwrap().read_exact(&mut said).is_err() {
        succeed(child);
        return false;
    }
    let began = Instant::now();
    while began.elapsed() < moment {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stderr), "", "it complained before it was killed");
    true
}

fn enqueue(journal: &Journal, folder: &Path, number: u64) {
    let text = format!(
        r#"Workflow(version: 1, nodes: {{ "sample": Sample(seed: {number}), "save": SaveImage(image: From("sample")) }})"#
    );
    let settings = Settings { out_dir: folder.join("out").join(number.to_string()), ..Settings::default() };
    let source = Source::new("sample.ron", text);
    journal.enqueue(&Job { source, files: Vec::new(), settings, options: JobOptions::default() }, 0).unwrap();
}

/// The pictures in a folder and below, in order of their paths in it.
fn pictures(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut waiting, mut found) = (vec![folder.to_path_buf()], Vec::new());
    while let Some(at) = waiting.pop() {
        for path in fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "png") {
                found.push((path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The same files, byte for byte: their recipes too.
#[track_caller]
fn assert_same(drawn: &[(PathBuf, Vec<u8>)], wanted: &[(PathBuf, Vec<u8>)]) {
    let names = |pictures: &[(PathBuf, Vec<u8>)]| pictures.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(drawn), names(wanted), "each was written once");
    for ((name, one), (_, other)) in drawn.iter().zip(wanted) {
        assert!(one == other, "{} is not what it would have been", name.display());
    }
}

fn completed(journal: &Journal) -> u64 {
    journal.runs(&RunQuery { state: Some(RunState::Completed), limit: 1, offset: 0 }).unwrap().total
}

/// One process after the other, and sometimes two at once on the same queue.
fn a_queue_survives_any_number_of_kills() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("state")).unwrap();
    let (mut kills, mut jobs, mut life) = (0, 0, 0);
    let mut numbers = Numbers(11);
    while kills < KILLS {
        while journal.queue().unwrap().len() < 3 {
            jobs += 1;
            enqueue(&journal, folder.path(), jobs);
        }
        let count = if numbers.next(4) == 0 { 2 } else { 1 };
        life += 1;
        let children: Vec<_> = (0..count).map(|_| start("drain", folder.path(), life)).collect();
        for child in children {
            let (steps, moment) = (1 + numbers.next(16), Duration::from_micros(numbers.next(6_000)));
            kills += usize::from(kill(child, steps, moment));
        }
        let all = journal.runs(&RunQuery { state: None, limit: 1, offset: 0 }).unwrap();
        assert_eq!(all.total, jobs, "no job is lost, and none is there twice");
    }
    // Whoever began anew each time would never have come to the end of a job.
    let before = completed(&journal);
    assert!(before > jobs / 2, "only {before} of {jobs} jobs were completed by those that were killed");
    succeed(start("drain", folder.path(), life + 1));
    assert_eq!((completed(&journal), journal.queue().unwrap()), (jobs, vec![]));

    let undisturbed = tempfile::tempdir().unwrap();
    let journal = Journal::open(&undisturbed.path().join("state")).unwrap();
    (1..=jobs).for_each(|job| enqueue(&journal, undisturbed.path(), job));
    succeed(start("drain", undisturbed.path(), 0));
    let (drawn, wanted) = (pictures(&folder.path().join("out")), pictures(&undisturbed.path().join("out")));
    assert_eq!(wanted.len() as u64, jobs);
    assert_same(&drawn, &wanted);
    println!("{kills} kills, {jobs} jobs");
}

fn a_model_draws_the_same_picture_however_often_it_is_killed() {
    let (folder, undisturbed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    succeed(start("draw", undisturbed.path(), 0));
    let mut numbers = Numbers(5);
    let (mut kills, mut rounds) = (0, 0);
    let wanted = pictures(&undisturbed.path().join("out"));
    assert_eq!(wanted.len(), 1);
    while kills < KILLS_OF_A_MODEL {
        rounds += 1;
        let round = folder.path().join(rounds.to_string());
        // Until a process comes to the end: each goes on where the one before it was.
        loop {
            let (steps, moment) = (1 + numbers.next(5), Duration::from_micros(numbers.next(20_000)));
            if !kill(start("draw", &round, 0), steps, moment) {
                break;
            }
            kills += 1;
        }
        // The last one may have been killed when all was done.
        succeed(start("draw", &round, 0));
        assert_same(&pictures(&round.join("out")), &wanted);
    }
    println!("{kills} kills, {rounds} pictures");
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, child, what, folder, life] = &arguments[..]
        && child == "child"
    {
        return match what.as_str() {
            "drain" => drain(Path::new(folder), life.parse().unwrap()),
            "draw" => draw(Path::new(folder)),
            _ => panic!("{what} is none of them"),
        };
    }
    let tests: [(&str, fn()); 2] = [
        ("a_queue_survives_any_number_of_kills", a_queue_survives_any_number_of_kills),
        (
            "a_model_draws_the_same_picture_however_often_it_is_killed",
            a_model_draws_the_same_picture_however_often_it_is_killed,
        ),
    ];
    let is_wanted = |name: &str| {
        let mut filters = arguments.iter().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
        filters.peek().is_none() || filters.any(|filter| name.contains(filter.as_str()))
    };
    for (name, test) in tests.into_iter().filter(|(name, _)| is_wanted(name)) {
        if arguments.iter().any(|argument| argument == "--list") {
            println!("{name}: test");
        } else {
            test();
            println!("test {name} ... ok");
        }
    }
}
