//! How long the list of runs takes with 20,000 of them in the journal: `cargo bench -p easel-tui --bench past`.
//!
//! Of everything that is done, what the thread that reads the journal takes (read: nobody's key waits for it) and what a key
//! and the picture after it take (shown, on a screen of 120 × 40 cells): the median of many and the slowest, in microseconds,
//! and how often the median of what is shown goes into the bar of 16 ms.

use std::time::{Duration, Instant};

use easel_engine::{Job, JobOptions, Journal, Registry, Settings, Source};
use easel_tui::studio::bare::{Bare, Past};

/// How many runs there are.
const RUNS: usize = 20_000;

/// How often everything is done.
const TIMES: usize = 51;

/// No key may take longer until it is seen, in microseconds.
const BAR: f64 = 16_000.0;

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Copies of one run, each with a node, a file and some events.
const COPIES: &str = "
WITH RECURSIVE numbers(n) AS (VALUES(2) UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
INSERT INTO runs (id, state, priority, attempts, cancel_requested, created, started, finished, seconds, workflow_name,
    workflow_path, workflow, settings, nodes_finished)
SELECT n, CASE n % 5 WHEN 0 THEN 'failed' ELSE 'completed' END, 0, 1, 0, created + n, created + n, created + n + 900, 0.9,
    workflow_name, workflow_path, replace(workflow, 'a cat', 'a cat number ' || n), settings, 12 FROM runs, numbers WHERE id = 1;";

fn filled(folder: &std::path::Path) {
    let journal = Journal::open(folder).expect("a temporary folder can be written to");
    let text = r#"Workflow(version: 1, inputs: { "prompt": Text(default: "a cat on a mat"), "seed": Integer(default: 7) },
        nodes: { "load": LoadImage(path: "in.png") })"#;
    let (settings, options) = (Settings::default(), JobOptions::default());
    let job = Job { source: Source::new("copy.ron", text), files: Vec::new(), settings, options };
    journal.enqueue(&job, 0).expect("it can be written");
    let database = rusqlite::Connection::open(folder.join("journal.db")).expect("it is there");
    database.execute(COPIES, [RUNS]).expect("the tables are as they were");
    let files =
        "INSERT INTO artifacts (run, path, place, node) SELECT id, '/w/out/' || id || '.png', 0, 'save' FROM runs";
    database.execute(files, []).expect("the tables are as they were");
}

/// The median and the slowest, in microseconds.
fn told(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let micro = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e6);
    (micro(times.get(times.len() / 2)), micro(times.last()))
}

fn report(what: &str, read: Vec<Duration>, shown: Vec<Duration>) {
    let (read, slowest_read) = told(read);
    if shown.is_empty() {
        return println!("{what:32} read {read:9.0} ≤ {slowest_read:9.0}");
    }
    let (shown, slowest) = told(shown);
    println!(
        "{what:32} read {read:9.0} ≤ {slowest_read:9.0}   shown {shown:7.0} ≤ {slowest:7.0}   {:6.1}×",
        BAR / shown
    );
}

/// The same many times: what has to be read, then what has to be shown.
fn measure(what: &str, past: &mut Past, bare: &mut Bare, mut wish: impl FnMut(usize) -> (usize, &'static str)) {
    let (mut read, mut shown) = (Vec::new(), Vec::new());
    for number in 0..TIMES {
        let (at, filter) = wish(number);
        let begun = Instant::now();
        let page = past.page(at, filter);
        read.push(begun.elapsed());
        let begun = Instant::now();
        bare.list(page);
        bare.key("j");
        bare.draw();
        shown.push(begun.elapsed());
    }
    report(what, read, shown);
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    filled(folder.path());
    let mut bare = Bare::open("Workflow(version: 1, nodes: {})", Registry::new(), (120, 40));
    bare.key("5");
    bare.draw();
    println!("{RUNS} runs; microseconds, median ≤ slowest of {TIMES}");
    let (mut read, mut shown) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let begun = Instant::now();
        let page = Past::open(folder.path()).page(0, "");
        read.push(begun.elapsed());
        let begun = Instant::now();
        bare.list(page);
        bare.draw();
        shown.push(begun.elapsed());
    }
    report("opening the list", read, shown);
    let mut past = Past::open(folder.path());
    measure("scrolling, prompts not yet read", &mut past, &mut bare, |number| (number * RUNS / TIMES, ""));
    let mut past = Past::open(folder.path());
    let mut whole = Vec::new();
    let begun = Instant::now();
    loop {
        let step = Instant::now();
        let is_more = past.read_on();
        whole.push(step.elapsed());
        if !is_more {
            break;
        }
    }
    println!("reading all prompts, in the background: {:.1} s", begun.elapsed().as_secs_f64());
    report("a step of that", whole, Vec::new());
    measure("scrolling", &mut past, &mut bare, |number| (number * RUNS / TIMES, ""));
    measure("with a word that few have", &mut past, &mut bare, |number| (number, "number 1234"));
    measure("with a word that all have", &mut past, &mut bare, |number| (number * 300, "cat"));
    measure("those that failed", &mut past, &mut bare, |number| (number * 50, "failed"));
}
