//! A run in a process that cannot start a single thread ends, and says why. The test starts itself as that process: it
//! asks for stacks that are larger than any machine's memory.

use std::process::Command;

use easel_engine::{
    CancelToken, Context, EventSink, InputSpec, Inputs, Node, NodeResult, NodeSpec, Outcome, OutputSpec, Outputs, Plan,
    Registry, Run, Services, Settings, Source, kinds,
};

const CHILD: &str = "EASEL_TEST_WITHOUT_THREADS";

struct Pass;

impl Node for Pass {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Pass", "Gives what it is given.")
            .input(InputSpec::new("value", kinds::INTEGER, "a number"))
            .output(OutputSpec::new("value", kinds::INTEGER, "the same"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::one("value", *inputs.get::<i64>("value")?))
    }
}

fn main() {
    if std::env::var_os(CHILD).is_some() {
        return run_without_threads();
    }
    let own = std::env::current_exe().expect("this program is somewhere");
    let child = Command::new(own).env(CHILD, "yes").env("RUST_MIN_STACK", (1_u64 << 60).to_string()).status();
    assert!(child.expect("it can be started").success(), "the run did not end as it should");
    println!("a run without threads ends, and says why");
}

fn run_without_threads() {
    assert!(std::thread::Builder::new().spawn(|| ()).is_err(), "there are threads after all");
    let mut registry = Registry::new();
    registry.register(Pass).expect("it is sound");
    let text =
        r#"Workflow(version: 1, nodes: { "a": Pass(value: 1), "b": Pass(value: From("a")), "c": Pass(value: 2) })"#;
    let plan = Plan::prepare(&Source::new("test", text), &registry, &Settings::default());
    let (plan, _) = plan.expect("the workflow is sound");
    let report = Run::new(plan, Services::default(), EventSink::new(), CancelToken::new()).execute();
    assert_eq!(report.outcome, Outcome::Failed);
    let failed: Vec<&str> = report.failed.iter().map(|failure| &*failure.node).collect();
    assert_eq!(failed, ["a", "c"]);
    assert!(report.failed[0].message.contains("no thread could be started"), "{}", report.failed[0].message);
    assert_eq!(report.skipped.len(), 1, "what depends on them is skipped");
}
