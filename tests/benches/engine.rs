//! What the engine itself costs: seconds per node where the nodes do nothing, runs in which nothing is left to do, reading
//! and planning of large workflows, and what running side by side gains.
//!
//! `cargo bench -p easel-tests --bench engine [-- nodes | plan | sleepers | journal | disk]`. Each line is the median of several
//! runs, with the fastest and the slowest beside it, and the bar that the line is held against.
//!
//! `cargo bench -p easel-tests --bench engine -- peer GRAPH NODES` prints one JSON line of seconds for
//! `peers/peers.py`, which runs the same graphs in other engines.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use easel_engine::{
    Cache, CancelToken, Context, DiskSettings, Document, EventSink, Graph, InputSpec, Inputs, Job, JobOptions, Journal,
    JournalError, Lanes, MemoryPolicy, Node, NodeResult, NodeSpec, Outcome, OutputSpec, Outputs, Plan, Recorder,
    Registry, Run, Services, Settings, Source, WhenStopped, kinds,
};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Odd, so that the median is one of them.
const RUNS: usize = 9;
const NODES: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let [peer, graph, nodes] = arguments.as_slice()
        && peer == "peer"
    {
        return as_peer(graph, nodes.parse().unwrap());
    }
    let is_wanted = |group: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == group);
    println!("{:<52} {:>11} {:>11} {:>11}   bar", "", "fastest", "median", "slowest");
    if is_wanted("nodes") {
        nodes();
    }
    if is_wanted("plan") {
        planning();
    }
    if is_wanted("sleepers") {
        sleepers();
    }
    if is_wanted("journal") {
        journal();
    }
    if is_wanted("disk") {
        disk();
    }
}

/// Adds one.
struct Increment;

impl Node for Increment {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Increment", "Adds one.")
            .input(InputSpec::new("value", kinds::INTEGER, "a number"))
            .output(OutputSpec::new("value", kinds::INTEGER, "one more"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::one("value", inputs.get::<i64>("value")?.wrapping_add(1)))
    }
}

/// Adds two numbers.
struct Add;

impl Node for Add {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Add", "Adds two numbers.")
            .input(InputSpec::new("a", kinds::INTEGER, "a number"))
            .input(InputSpec::new("b", kinds::INTEGER, "another"))
            .output(OutputSpec::new("value", kinds::INTEGER, "their sum"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::one("value", inputs.get::<i64>("a")?.wrapping_add(*inputs.get::<i64>("b")?)))
    }
}

/// Waits, as a node does that waits for a disk or another program.
struct Wait;

impl Node for Wait {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Wait", "Waits.")
            .lanes(Lanes::None)
            .input(InputSpec::new("milliseconds", kinds::FLOAT, "how long"))
            .output(OutputSpec::new("value", kinds::FLOAT, "the same"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let milliseconds = *inputs.get::<f64>("milliseconds")?;
        std::thread::sleep(Duration::from_secs_f64(milliseconds / 1000.0));
        Ok(Outputs::one("value", milliseconds))
    }
}

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register(Increment).unwrap();
    registry.register(Add).unwrap();
    registry.register(Wait).unwrap();
    registry
}

/// A workflow of a certain shape. No two of its nodes compute the same.
fn graph(shape: &str, nodes: usize) -> String {
    let mut text = String::from("Workflow(version: 1, nodes: {\n");
    let width = match shape {
        "chain" => 1,
        "wide" => nodes,
        "deep" => 10,
        "mesh" => nodes.isqrt(),
        shape => panic!("there is no shape {shape}: it is chain, wide, deep or mesh"),
    };
    for node in 0..nodes {
        let (row, column) = (node / width, node % width);
        let above = |column: usize| format!(r#"From("n{}")"#, (row - 1) * width + column);
        let _ = match (row, shape) {
            (0, _) => writeln!(text, r#""n{node}": Increment(value: {}),"#, node * 1_000_000),
            (_, "mesh") => {
                let (a, b) = (above(column), above((column + 1) % width));
                writeln!(text, r#""n{node}": Add(a: {a}, b: {b}),"#)
            }
            _ => writeln!(text, r#""n{node}": Increment(value: {}),"#, above(column)),
        };
    }
    text + "})"
}

fn plan(text: &str) -> Plan {
    let plan = Plan::prepare(&Source::new("bench.ron", text), &registry(), &Settings::default());
    plan.unwrap_or_else(|diagnostics| panic!("{diagnostics:?}")).0
}

fn in_memory() -> Cache {
    Cache::in_memory(MemoryPolicy::Everything)
}

/// Seconds of a run.
fn run(plan: &Plan, cache: &Arc<Cache>) -> f64 {
    let run = Run::new(plan.clone(), Services::default(), EventSink::new(), CancelToken::new());
    let run = run.with_cache(Arc::clone(cache));
    let began = Instant::now();
    let report = run.execute();
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(report.outcome, Outcome::Completed);
    seconds
}

/// What some runs took, sorted.
struct Figures(Vec<f64>);

impl Figures {
    /// After one run that is not counted.
    fn of(mut work: impl FnMut() -> f64) -> Self {
        work();
        Figures::sorted((0..RUNS).map(|_| work()).collect())
    }

    fn sorted(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        Figures(seconds)
    }

    fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// Prints a line, in parts of a second of which there are `parts` in one.
    fn print(&self, name: &str, parts: f64, unit: &str, bar: Option<f64>) {
        let [fastest, median, slowest] = [self.0[0], self.median(), self.0[self.0.len() - 1]].map(|s| s * parts);
        let bar = bar.map_or_else(String::new, |bar| {
            format!("≤ {bar} {unit}: {}", if median <= bar { "kept" } else { "MISSED" })
        });
        println!("{name:<52} {fastest:>8.2} {unit:<2} {median:>8.2} {unit:<2} {slowest:>8.2} {unit:<2}   {bar}");
    }
}

/// The cost of a node that does nothing.
fn nodes() {
    let per_node = 1e6 / NODES as f64;
    for shape in ["chain", "wide", "deep", "mesh"] {
        let plan = plan(&graph(shape, NODES));
        let off = Arc::new(Cache::off());
        Figures::of(|| run(&plan, &off)).print(&format!("{shape}: a node, without a cache"), per_node, "µs", Some(2.0));
        let cold = Figures::of(|| run(&plan, &Arc::new(in_memory())));
        cold.print(&format!("{shape}: a node, its result being kept"), per_node, "µs", None);
        let cache = Arc::new(in_memory());
        let warm = Figures::of(|| run(&plan, &cache));
        warm.print(&format!("{shape}: a node whose result is known"), per_node, "µs", None);
        warm.print(&format!("{shape}: {NODES} nodes, nothing left to do"), 1e3, "ms", Some(10.0));
    }
}

/// Reading, checking and planning a large workflow.
fn planning() {
    const LARGE: usize = 100_000;
    let registry = registry();
    for shape in ["chain", "wide", "mesh"] {
        let source = Source::new("bench.ron", graph(shape, LARGE));
        let (document, _) = Document::parse(&source);
        let (mut parse, mut check, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        // In turns, so that what slows the machine for a while slows all three.
        let plan = Figures::of(|| {
            parse.push(timed(|| Document::parse(&source)));
            check.push(timed(|| Graph::build(&document, &registry)));
            whole.push(timed(|| Plan::prepare(&source, &registry, &Settings::default())));
            whole[whole.len() - 1] - parse[parse.len() - 1] - check[check.len() - 1]
        });
        let counted = |seconds: Vec<f64>| Figures::sorted(seconds.into_iter().skip(1).collect());
        counted(parse).print(&format!("{shape}: parse {LARGE} nodes"), 1e3, "ms", None);
        counted(check).print(&format!("{shape}: check {LARGE} nodes"), 1e3, "ms", None);
        counted(whole).print(&format!("{shape}: parse, check and plan {LARGE} nodes"), 1e3, "ms", None);
        plan.print(&format!("{shape}: of that, the plan itself"), 1e3, "ms", Some(100.0));
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let began = Instant::now();
    let result = work();
    let seconds = began.elapsed().as_secs_f64();
    drop(result);
    seconds
}

/// What running side by side gains.
fn sleepers() {
    let mut text = String::from("Workflow(version: 1, nodes: {\n");
    let lengths: Vec<f64> = (0..64).map(|at| 20.0 + f64::from(at) / 10.0).collect();
    for (at, length) in lengths.iter().enumerate() {
        let _ = writeln!(text, r#""w{at}": Wait(milliseconds: {length:?}),"#);
    }
    let plan = plan(&(text + "})"));
    let off = Arc::new(Cache::off());
    let figures = Figures::of(|| run(&plan, &off));
    figures.print("64 nodes that wait 20 to 26 ms each", 1e3, "ms", None);
    let gain = lengths.iter().sum::<f64>() / 1e3 / figures.median();
    println!("{:<52} {gain:>35.1} times as fast as one after another", "");
}

/// The cost of a node when everything that happens is written down, until the end of the run is on disk.
fn journal() {
    let text = graph("mesh", NODES);
    let plan = plan(&text);
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let job = Job {
        source: Source::new("bench.ron", text),
        files: Vec::new(),
        settings: Settings::default(),
        options: JobOptions::default(),
    };
    let recorded = Figures::of(|| {
        let claim = journal.begin(&job).unwrap();
        let (mut events, cancel) = (EventSink::new(), CancelToken::new());
        let listener = events.listen();
        let run = Run::new(plan.clone(), Services::default(), events, cancel.clone()).with_id(claim.run());
        let trouble = |error: &JournalError| panic!("{error}");
        let began = Instant::now();
        let recorder = Recorder::start(&journal, claim, listener, cancel, WhenStopped::Cancelled, trouble).unwrap();
        run.execute();
        recorder.finish();
        began.elapsed().as_secs_f64()
    });
    recorded.print("mesh: a node, journalled", 1e6 / NODES as f64, "µs", Some(50.0));
}

/// The cost of a node whose result is kept on disk, and of one that another process finds there.
fn disk() {
    let plan = plan(&graph("mesh", NODES));
    let per_node = 1e6 / NODES as f64;
    let open = |folder: &Path| {
        let (cache, problem) = in_memory().with_disk(folder, DiskSettings::new(&registry()));
        assert_eq!(problem, None);
        Arc::new(cache)
    };
    let folder = tempfile::tempdir().unwrap();
    let mut fresh = 0;
    let kept = Figures::of(|| {
        fresh += 1;
        let cache = open(&folder.path().join(fresh.to_string()));
        let seconds = run(&plan, &cache);
        let began = Instant::now();
        cache.flush();
        seconds + began.elapsed().as_secs_f64()
    });
    kept.print("mesh: a node, its result being kept on disk", per_node, "µs", None);
    let found = Figures::of(|| run(&plan, &open(&folder.path().join("1"))));
    found.print("mesh: a node whose result is found on disk", per_node, "µs", None);
}

/// For the comparison with other engines: the seconds of some runs of a planned graph, first without a cache, then with
/// everything known, as JSON.
fn as_peer(shape: &str, nodes: usize) {
    let plan = plan(&graph(shape, nodes));
    let off = Arc::new(Cache::off());
    let computed = Figures::of(|| run(&plan, &off));
    let cache = Arc::new(in_memory());
    let known = Figures::of(|| run(&plan, &cache));
    println!("{{\"computed\": {:?}, \"known\": {:?}}}", computed.0, known.0);
}
