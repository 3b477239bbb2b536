//! Whatever the text and whatever is done to it: no panic, no new syntax error, and everything can be undone.
//!
//! The first line says what is done, three bytes an edit; the rest is the text.

#![no_main]

use std::sync::LazyLock;

use easel_engine::edit::probe;
use easel_engine::{Context, InputSpec, Inputs, Node, NodeResult, NodeSpec, OutputSpec, Outputs, Registry, kinds};
use libfuzzer_sys::fuzz_target;

struct Shape(NodeSpec);

impl Node for Shape {
    fn spec(&self) -> NodeSpec {
        self.0.clone()
    }

    fn run(&self, _: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::none())
    }
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let number = |name| InputSpec::new(name, kinds::FLOAT, "");
    let gives = |name| OutputSpec::new(name, kinds::FLOAT, "");
    let specs = [
        NodeSpec::new("Add", "").input(number("a")).input(number("b")).output(gives("sum")),
        NodeSpec::new("Split", "").input(number("value")).output(gives("whole")).output(gives("rest")),
        NodeSpec::new("Sample", "").input(InputSpec::new("words", kinds::TEXT_LIST, "").optional()),
        NodeSpec::new("Word", "").input(InputSpec::new("text", kinds::TEXT, "")).output(OutputSpec::new(
            "text",
            kinds::TEXT,
            "",
        )),
    ];
    let mut registry = Registry::new();
    for spec in specs {
        registry.register(Shape(spec)).expect("the shapes are sound");
    }
    registry
});

fuzz_target!(|text: &str| {
    let (edits, text) = text.split_once('\n').unwrap_or(("", text));
    let edits: Vec<_> = edits.as_bytes().chunks_exact(3).take(16).map(|edit| [edit[0], edit[1], edit[2]]).collect();
    if let Err(broken) = probe::drive(text, &REGISTRY, &edits) {
        panic!("{broken}");
    }
});
