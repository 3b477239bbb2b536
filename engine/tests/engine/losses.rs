//! What was known is gone, or worth nothing any more, by the time that a run wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use easel_engine::{
    Cache, CancelToken, Context, EventSink, Fragment, FragmentFeed, InputSpec, Inputs, MemoryPolicy, Node, NodeResult,
    NodeSpec, Outcome, OutputSpec, Outputs, Plan, Registry, Run, RunReport, Services, Settings, Source, kinds,
};

/// A node type that is made of a spec and something to do.
struct Acting<F>(NodeSpec, F);

impl<F: Fn(&Inputs) -> NodeResult + Send + Sync + 'static> Node for Acting<F> {
    fn spec(&self) -> NodeSpec {
        self.0.clone()
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        (self.1)(inputs)
    }
}

fn passes(name: &'static str) -> NodeSpec {
    NodeSpec::new(name, "A stub.").input(InputSpec::new("value", kinds::FLOAT, "something")).output(OutputSpec::new(
        "value",
        kinds::FLOAT,
        "something",
    ))
}

fn run(text: &str, registry: &Registry, cache: &Arc<Cache>) -> RunReport {
    let plan = match Plan::prepare(&Source::new("test.ron", text), registry, &Settings::default()) {
        Ok((plan, _)) => plan,
        Err(problems) => panic!("no plan: {problems:#?}"),
    };
    Run::new(plan, Services::default(), EventSink::new(), CancelToken::new()).with_cache(Arc::clone(cache)).execute()
}

fn memory() -> Arc<Cache> {
    Arc::new(Cache::in_memory(MemoryPolicy::Everything))
}

/// A node that gives its input and so much more for every time that it ran, and one that empties the cache.
fn forgetful(cache: &Arc<Cache>, more: i64) -> Registry {
    let (mut registry, times, cache) = (Registry::new(), AtomicI64::new(0), Arc::clone(cache));
    let counts = move |inputs: &Inputs| {
        let time = times.fetch_add(1, Ordering::SeqCst);
        Ok(Outputs::one("value", inputs.get::<f64>("value")? + (more * time) as f64))
    };
    registry.register(Acting(passes("Counts"), counts)).expect("it is sound");
    let wipes =
        NodeSpec::new("Wipe", "A stub.").effect().input(InputSpec::new("after", kinds::FLOAT_LIST, "something"));
    let wipe = move |_: &Inputs| {
        cache.clear(None).expect("nothing is on disk");
        Ok(Outputs::none())
    };
    registry.register(Acting(wipes, wipe)).expect("it is sound");
    registry
}

/// Runs a map twice; the second time, when all is known, that is lost before the results are given.
fn losing(more: i64) -> RunReport {
    let cache = memory();
    let registry = forgetful(&cache, more);
    let workflow = |wipe: &str| {
        format!(
            r#"Workflow(version: 1,
                workflows: {{ "body": Workflow(inputs: {{ "value": Float() }},
                    nodes: {{ "counts": Counts(value: Input("value")) }}, outputs: {{ "value": From("counts") }}) }},
                nodes: {{ "all": Map(workflow: "body", over: ["value"], with: (value: [1.0, 2.0])), {wipe} }},
                outputs: {{ "list": From("all.value") }})"#
        )
    };
    assert_eq!(run(&workflow(""), &registry, &cache).outcome, Outcome::Completed);
    run(&workflow(r#""wipe": Wipe(after: From("all.value"))"#), &registry, &cache)
}

#[test]
fn a_result_that_is_lost_is_made_again() {
    let report = losing(0);
    assert_eq!((report.outcome, report.failed.len()), (Outcome::Completed, 0));
    assert_eq!(report.results["list"].list().map(|list| list.items().len()), Some(2));
}

#[test]
fn a_result_that_is_lost_for_good_is_a_failure_that_names_it() {
    let report = losing(1);
    let failed: Vec<_> = report.failed.iter().map(|failure| (&*failure.node, failure.message.as_str())).collect();
    let lost = "cannot be given: a value that `all[0]/counts` gave is lost, and running it again did not give the same";
    let expected =
        [("all", format!("its output `value` {lost}")), ("outputs.list", format!("the result `list` {lost}"))];
    let expected = expected.each_ref().map(|(node, message)| (*node, message.as_str()));
    assert_eq!((report.outcome, failed), (Outcome::Failed, expected.to_vec()));
    assert!(report.finished.iter().chain(&report.cached).all(|node| &**node != "all"), "it failed in the end");
    assert!(report.results.is_empty() && report.failed[0].hint.is_some());
}

#[test]
fn what_a_node_turned_into_once_and_cannot_any_more_is_found_anew() {
    let cache = memory();
    let workflow = r#"Workflow(version: 1, nodes: { "e": Turns(value: 3) }, outputs: { "value": From("e") })"#;
    let mut before = Registry::new();
    let turns = |inputs: &Inputs| {
        let feed = FragmentFeed::value(*inputs.get::<f64>("value")?);
        let fragment = Fragment::new().node("inner", "Inner", [("value", feed)]);
        Ok(Outputs::expand(fragment.output("value", FragmentFeed::from("inner"))))
    };
    before.register(Acting(passes("Turns"), turns)).expect("it is sound");
    let inner = |inputs: &Inputs| Ok(Outputs::one("value", *inputs.get::<f64>("value")?));
    before.register(Acting(passes("Inner"), inner)).expect("it is sound");
    assert_eq!(run(workflow, &before, &cache).results["value"].get::<f64>(), Some(&3.0));

    // There is no such node type any more, and what turned into it does not.
    let (mut after, times) = (Registry::new(), Arc::new(AtomicI64::new(0)));
    let counted = Arc::clone(&times);
    let turns = move |inputs: &Inputs| {
        counted.fetch_add(1, Ordering::SeqCst);
        let feed = FragmentFeed::value(inputs.get::<f64>("value")? + 1.0);
        Ok(Outputs::expand(Fragment::new().output("value", feed)))
    };
    after.register(Acting(passes("Turns"), turns)).expect("it is sound");
    for round in 0..2 {
        let report = run(workflow, &after, &cache);
        assert_eq!((report.outcome, report.failed.len()), (Outcome::Completed, 0), "round {round}");
        assert_eq!(report.results["value"].get::<f64>(), Some(&4.0));
        assert_eq!(times.load(Ordering::SeqCst), 1, "round {round}: what it turns into now is known");
    }
}
