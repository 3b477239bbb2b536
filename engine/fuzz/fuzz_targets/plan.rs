//! Whatever the text, planning it ends: with a plan in which givers stand before takers, or with at least one error.

#![no_main]

use std::sync::LazyLock;

use easel_engine::{
    Context, Derived, InputSpec, Inputs, Node, NodeResult, NodeSpec, OutputSpec, Outputs, Plan, Registry, Settings,
    Source, Texts, kinds,
};
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
    let input = |name, kind| InputSpec::new(name, kind, "");
    let specs = [
        NodeSpec::new("A", "").input(input("x", kinds::FLOAT).range(0.0..=100.0)).output(OutputSpec::new(
            "x",
            kinds::FLOAT,
            "",
        )),
        NodeSpec::new("L", "").input(input("l", kinds::FLOAT_LIST)).output(OutputSpec::new("x", kinds::FLOAT, "")),
        NodeSpec::new("T", "").input(input("t", kinds::TEXT).lazy()).output(OutputSpec::new("t", kinds::TEXT, "")),
        NodeSpec::new("D", "")
            .input(input("a", kinds::ANY).optional())
            .output(OutputSpec::derived("same", Derived::SameAs("a"), ""))
            .output(OutputSpec::derived("one", Derived::ElementOf("a"), ""))
            .output(OutputSpec::derived("list", Derived::ListOf("a"), "")),
        NodeSpec::new("S", "").effect().input(input("a", kinds::ANY)),
    ];
    let mut registry = Registry::new();
    for spec in specs {
        registry.register(Shape(spec)).expect("the shapes are sound");
    }
    registry
});

/// What a workflow may include.
static LIBRARY: LazyLock<Texts> = LazyLock::new(|| {
    let part = "Workflow(version: 1, inputs: { \"x\": Float(default: 1) }, nodes: { \"a\": A(x: Input(\"x\")) }, \
                outputs: { \"x\": From(\"a\"), \"go\": true })";
    Texts::new([("p.ron", part)])
});

fuzz_target!(|text: &str| {
    let source = Source::new("fuzz", text);
    for keep_going in [false, true] {
        let settings = Settings { keep_going, memory_limit: Some(1 << 30), ..Settings::default() };
        match Plan::prepare_with(&source, &REGISTRY, &settings, &*LIBRARY) {
            Ok((plan, diagnostics)) => {
                assert!(keep_going || diagnostics.iter().all(|diagnostic| !diagnostic.is_error()));
                for node in 0..plan.nodes().len().min(50) {
                    for output in ["x", "t", "same", "one", "list"] {
                        assert!(plan.last_use(node, output).is_none_or(|user| user > node));
                    }
                }
            }
            Err(diagnostics) => assert!(diagnostics.iter().any(|diagnostic| diagnostic.is_error())),
        }
    }
});
