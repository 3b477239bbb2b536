//! How long it takes to read, to check and to plan a workflow of 100,000 nodes: the middle of several attempts.
//!
//! `cargo bench -p easel-engine --bench plan [NODES]`

use std::fmt::Write;
use std::time::Instant;

use easel_engine::{
    Context, Document, Graph, InputSpec, Inputs, Node, NodeResult, NodeSpec, OutputSpec, Outputs, Plan, Registry,
    Settings, Source, kinds,
};

const ATTEMPTS: usize = 7;

struct Shape(NodeSpec);

impl Node for Shape {
    fn spec(&self) -> NodeSpec {
        self.0.clone()
    }

    fn run(&self, _: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::none())
    }
}

fn registry() -> Result<Registry, easel_engine::RegistryError> {
    let float = |name| InputSpec::new(name, kinds::FLOAT, "a number");
    let mut registry = Registry::new();
    registry.register(Shape(
        NodeSpec::new("Mix", "Two numbers and a share.")
            .input(float("a"))
            .input(float("b"))
            .input(float("share").range(0.0..=1.0).default(0.5))
            .output(OutputSpec::new("value", kinds::FLOAT, "a number")),
    ))?;
    Ok(registry)
}

/// A wide graph in which everything leads to the last node: each takes from the one before and from one far back.
fn workflow(nodes: usize, backwards: bool) -> Source {
    let mut written: Vec<String> = (0..nodes)
        .map(|node| {
            let take =
                |back: usize| node.checked_sub(back).map_or("1.0".into(), |giver| format!("From(\"node_{giver}\")"));
            let (a, b) = (take(1), take(node / 2 + 1));
            format!("\"node_{node}\": Mix(a: {a}, b: {b}, share: 0.25),\n")
        })
        .collect();
    if backwards {
        written.reverse();
    }
    let mut text = String::from("Workflow(version: 1, nodes: {\n");
    written.iter().for_each(|node| {
        let _ = write!(text, "    {node}");
    });
    text.push_str("})\n");
    Source::new("bench", text)
}

/// Milliseconds for which this thread computed, where the system tells: other programs do not count. Else those that
/// went by.
fn clock(began: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| began.elapsed().as_secs_f64() * 1e3, |nanoseconds| nanoseconds / 1e6)
}

/// Milliseconds that `f` takes; what it gives is dropped after that.
fn time<T>(f: impl FnOnce() -> T) -> f64 {
    let began = Instant::now();
    let before = clock(began);
    let result = f();
    let took = clock(began) - before;
    drop(result);
    took
}

/// The one in the middle: other programs slow some attempts down.
fn middle(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<_> = times.collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let nodes = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let registry = registry()?;
    for (how, backwards) in [("in order", false), ("backwards", true)] {
        let source = workflow(nodes, backwards);
        let settings = Settings::default();
        let (document, _) = Document::parse(&source);
        // One after another, so that the allocator is in the same state for all: (parse, graph, parse and graph and plan).
        let times: Vec<_> = (0..ATTEMPTS)
            .map(|_| {
                let parse = time(|| Document::parse(&source));
                let graph = time(|| Graph::build(&document, &registry));
                let all = time(|| Plan::prepare(&source, &registry, &settings));
                (parse, graph, all)
            })
            .collect();
        let (parse, graph) = (middle(times.iter().map(|times| times.0)), middle(times.iter().map(|times| times.1)));
        let all = middle(times.iter().map(|times| times.2));
        let rest = middle(times.iter().map(|(parse, _, all)| all - parse));
        println!(
            "{nodes} nodes, written {how}: parse {parse:.1} ms, graph {graph:.1} ms, all {all:.1} ms, graph and plan {rest:.1} ms"
        );
    }
    Ok(())
}
