//! Caches so small that values which a run counts on are gone when it comes for them: they are computed once more, and
//! nothing else changes.

use easel_engine::{Cache, MemoryPolicy, Outcome};
use proptest::prelude::*;

use crate::lab::{Caching, Lab};

/// Runs a workflow three times with room for so few results.
fn check(text: &str, result: &str, expected: f64) {
    for entries in 1..=6 {
        let lab = Lab::with_cache(Caching::Recent, Cache::in_memory(MemoryPolicy::Entries(entries)));
        for _ in 0..3 {
            let run = lab.document(text).run();
            assert_eq!(run.completed().float(result), expected, "room for {entries}");
        }
    }
}

#[test]
fn a_diamond() {
    check(
        r#"Workflow(version: 1, nodes: { "a": Number(value: 1), "b": Add(a: From("a"), b: 10), "c": Multiply(a: From("a"), b: 7),
            "d": Add(a: From("b"), b: From("c")), "e": Add(a: From("d"), b: From("a")), "f": Add(a: From("e"), b: From("b")) })"#,
        "f",
        30.0,
    );
}

#[test]
fn a_lazy_branch() {
    check(
        r#"Workflow(version: 1, nodes: { "n": Number(value: 3), "less": Less(value: From("n"), than: 10),
            "yes": Add(a: From("n"), b: 1), "no": Fails(value: From("n")),
            "pick": Pick(condition: From("less"), yes: From("yes"), no: From("no")), "end": Multiply(a: From("pick"), b: From("yes")) })"#,
        "end",
        16.0,
    );
}

#[test]
fn a_map() {
    check(
        r#"Workflow(version: 1,
            workflows: { "body": Workflow(inputs: { "value": Float(), "by": Float() },
                nodes: { "a": Add(a: Input("value"), b: Input("by")), "b": Multiply(a: From("a"), b: Input("by")) },
                outputs: { "value": From("b") }) },
            nodes: { "by": Number(value: 2), "list": Range(count: 6),
                     "all": Map(workflow: "body", over: ["value"], with: (value: From("list"), by: From("by"))),
                     "end": Average(values: From("all.value")) })"#,
        "end",
        9.0,
    );
}

#[test]
fn a_loop_with_a_condition() {
    check(
        r#"Workflow(version: 1,
            workflows: { "body": Workflow(inputs: { "value": Float(), "by": Float() },
                nodes: { "sum": Add(a: Input("value"), b: Input("by")), "more": Less(value: From("sum"), than: 20),
                         "x": Multiply(a: From("sum"), b: 11), "y": Multiply(a: From("x"), b: 13), "z": Add(a: From("y"), b: 17) },
                outputs: { "value": From("sum"), "more": From("more"), "z": From("z") }) },
            nodes: { "by": Number(value: 3),
                     "l": Loop(workflow: "body", times: 50, while: "more", carry: ["value"], collect: ["z"], with: (value: 0, by: From("by"))),
                     "z": Average(values: From("l.z")), "end": Add(a: From("l.value"), b: From("z")) })"#,
        "end",
        // 3, 6, … 21: seven passes, with 12 on average.
        21.0 + 12.0 * 143.0 + 17.0,
    );
}

#[test]
fn a_condition_that_is_lost_does_not_begin_the_loop_again() {
    let body = r#""sum": Add(a: Input("value"), b: 3), "more": Less(value: From("sum"), than: 5),
        "x": Multiply(a: From("sum"), b: 11), "y": Multiply(a: From("x"), b: 13), "z": Add(a: From("y"), b: 17)"#;
    for entries in 2..=4 {
        let lab = Lab::with_cache(Caching::Recent, Cache::in_memory(MemoryPolicy::Entries(entries)));
        // The first pass finds these, and then crowds them out.
        lab.run(&body.replace(r#"Input("value")"#, "0")).completed();
        lab.nodes(&body.replace(r#"Input("value")"#, "0")).targets(&["more"]).run().completed();
        let run = lab
            .document(&format!(
                r#"Workflow(version: 1,
                    workflows: {{ "body": Workflow(inputs: {{ "value": Float() }}, nodes: {{ {body} }},
                        outputs: {{ "value": From("sum"), "more": From("more"), "z": From("z") }}) }},
                    nodes: {{ "l": Loop(workflow: "body", times: 9, while: "more", carry: ["value"], collect: ["z"], with: (value: 0)),
                             "end": Count(values: From("l.z")) }})"#
            ))
            .run();
        assert_eq!(run.completed().integer("end"), 2, "room for {entries}");
        assert!(run.times("z") <= 2, "room for {entries}: {}", run.story());
    }
}

#[test]
fn an_expansion() {
    check(
        r#"Workflow(version: 1, nodes: { "n": Number(value: 3), "e": ExpandsNested(value: From("n")),
            "list": Numbers(value: [1.0, 2.0, 3.0]), "each": ExpandsEach(values: From("list")),
            "sum": Add(a: From("e"), b: From("each")), "end": Add(a: From("sum"), b: From("n")) })"#,
        "end",
        9.0,
    );
}

/// Everything that a value can come through, with numbers to be filled in.
const RICH: &str = r#"Workflow(version: 1,
    workflows: {
        "add": Workflow(inputs: { "value": Float(), "by": Float() },
            nodes: { "a": Add(a: Input("value"), b: Input("by")), "b": Multiply(a: From("a"), b: 3) },
            outputs: { "value": From("b") }),
        "step": Workflow(inputs: { "value": Float(), "by": Float(), "pass": Integer() },
            nodes: { "s": Add(a: Input("value"), b: Input("by")), "t": Multiply(a: From("s"), b: Input("pass")),
                     "more": Less(value: From("s"), than: 12) },
            outputs: { "value": From("s"), "t": From("t"), "more": From("more") }),
    },
    nodes: {
        "n": Number(value: NUMBER), "list": Range(count: 4, from: From("n")),
        "map": Map(workflow: "add", over: ["value"], with: (value: From("list"), by: From("n"))),
        "literals": Map(workflow: "add", over: ["value"], with: (value: [1.0, 2.0, 5.0], by: NUMBER)),
        "loop": Loop(workflow: "step", times: 4, while: "more", carry: ["value"], collect: ["t"], index: "pass", with: (value: 0, by: From("n"))),
        "each": ExpandsEach(values: From("map.value")), "nested": ExpandsNested(value: From("n")),
        "one": Include(workflow: "add", with: (value: From("each"), by: From("loop.value"))),
        "ts": Average(values: From("loop.t")), "less": Less(value: From("ts"), than: 6),
        "pick": Pick(condition: From("less"), yes: From("one.value"), no: From("nested")),
        "all": Average(values: [From("pick"), From("ts"), From("loop.value"), From("n"), From("nested")]),
        "twice": Average(values: From("literals.value")), "again": Average(values: From("map.value")),
        "end": Add(a: From("all"), b: From("twice")), "last": Add(a: From("end"), b: From("again")),
    })"#;

const ENDS: [&str; 9] = ["last", "end", "all", "again", "twice", "ts", "each", "pick", "nested"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_lost_is_made_again(
        entries in 1..24_usize,
        runs in proptest::collection::vec((1..4_usize, proptest::sample::subsequence(ENDS.to_vec(), 1..4)), 2..5),
    ) {
        let lab = Lab::with_cache(Caching::Recent, Cache::in_memory(MemoryPolicy::Entries(entries)));
        let off = Lab::new(Caching::Off);
        for (number, targets) in runs {
            let text = RICH.replace("NUMBER", &number.to_string());
            let (run, wanted) = (lab.document(&text).targets(&targets).run(), off.document(&text).targets(&targets).run());
            prop_assert_eq!(run.report.outcome, Outcome::Completed, "{}", run.story());
            for target in targets {
                prop_assert_eq!(run.float(target), wanted.float(target));
            }
        }
    }
}
