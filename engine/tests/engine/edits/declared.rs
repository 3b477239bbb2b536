//! Inputs of the workflow come, go and are renamed.

use easel_engine::edit::Edit;

use super::{DOC, changed, check, line, problems, refused};

fn add(name: &str, kind: &str, default: Option<&str>) -> Edit {
    Edit::AddInput { name: name.into(), kind: kind.into(), default: default.map(str::to_string) }
}

fn rename(input: &str, to: &str) -> Edit {
    Edit::RenameInput { input: input.into(), to: to.into() }
}

fn remove(input: &str) -> Edit {
    Edit::RemoveInput { input: input.into() }
}

fn within(edit: Edit) -> Edit {
    Edit::Within { workflow: "pass".into(), edit: Box::new(edit) }
}

#[test]
fn an_input_is_declared_behind_the_others() {
    check(
        &add("steps", "Integer", Some("5")),
        &[("Cooked(),\n", "Cooked(),\n        \"steps\": Integer(default: 5),\n")],
    );
    check(&add("a-b", "Text", None), &[("Cooked(),\n", "Cooked(),\n        \"a-b\": Text(),\n")]);
    // Where there was none, they stand before the nodes that they feed.
    let bare = line("\"a\": Nothing");
    let begun = changed(&bare, &add("x", "Float", Some("1.5")));
    assert!(begun.contains("inputs: { \"x\": Float(default: 1.5) }, nodes: {"), "{begun}");
    let long = "Workflow(\n    version: 1,\n    nodes: {},\n)\n";
    let expected = "Workflow(\n    version: 1,\n    inputs: {\n        \"x\": Text(),\n    },\n    nodes: {},\n)\n";
    assert_eq!(changed(long, &add("x", "Text", None)), expected);
}

#[test]
fn a_renamed_input_feeds_what_it_fed() {
    check(
        &rename("prompt", "words"),
        &[("\"prompt\": Text", "\"words\": Text"), ("Word(text: Input(\"prompt\")", "Word(text: Input(\"words\")")],
    );
    check(&rename("seed", "seed"), &[]);
    let after = changed(DOC, &rename("prompt", "words"));
    assert_eq!(problems(&after), problems(DOC));
    assert_eq!(changed(&after, &rename("words", "prompt")), DOC);
}

#[test]
fn nodes_that_run_a_workflow_follow_its_inputs() {
    check(
        &within(rename("x", "z")),
        &[
            ("inputs: { \"x\": Float()", "inputs: { \"z\": Float()"),
            ("a: Input(\"x\")", "a: Input(\"z\")"),
            ("carry: [\"x\"]", "carry: [\"z\"]"),
            ("with: (x: From", "with: (z: From"),
        ],
    );
    check(
        &within(remove("y")),
        &[
            (", \"y\": Float(default: 0) }", " }"),
            (", b: Input(\"y\")", ""),
            (" /* x */, y: From(\"split.rest\"))", " /* x */)"),
        ],
    );
}

#[test]
fn with_an_input_goes_what_it_feeds() {
    check(&remove("seed"), &[("        \"seed\": Integer(default: 3, min: 0), // where the noise begins\n", "")]);
    check(
        &remove("prompt"),
        &[("        \"prompt\": Text,\n", ""), ("Word(text: Input(\"prompt\"), options", "Word(options")],
    );
    let one = "Workflow(version: 1, inputs: { \"x\": Text() }, nodes: { \"a\": Word(text: Input(\"x\")) })";
    assert_eq!(changed(one, &remove("x")), "Workflow(version: 1, nodes: { \"a\": Word() })");
}

#[test]
fn what_cannot_be_is_said() {
    for (edit, message) in [
        (add("seed", "Text", None), "there is an input `seed` already: choose another name"),
        (add("a b", "Text", None), "\"a b\" is no name for an input: names are letters, digits, `_` and `-`"),
        (add("x", "No kind", None), "\"No kind\" is no name for a kind: names are letters, digits, `_` and `-`"),
        (add("x", "Text", Some("1, 2")), "`1, 2` cannot be written there: it is more than one value"),
        (add("x", "Cooked", Some("1")), "`1` cannot be written there: values of kind Cooked have no written form"),
        (rename("sed", "x"), "the workflow has no input `sed`; did you mean `seed`?"),
        (rename("seed", "prompt"), "there is an input `prompt` already: choose another name"),
        (rename("seed", ""), "\"\" is no name for an input: names are letters, digits, `_` and `-`"),
        (remove("sed"), "the workflow has no input `sed`; did you mean `seed`?"),
    ] {
        assert_eq!(refused(DOC, &edit), message);
    }
}
