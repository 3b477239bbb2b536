//! Nodes that become a workflow of their own.

use easel_engine::edit::{Edit, Split, split};
use easel_engine::{Document, Source};

use super::{DOC, changed, extract, line, problems, read, refused, wires};
use crate::stubs::registry;

const BLOCK: &str = r#"Workflow(
    version: 1,
    inputs: { "scale": Float(default: 2) },
    nodes: {
        "zero": Split(value: 0.5),

        // The first of them.
        "one": Add(
            a: From("zero.rest"), // from outside
            b: Input("scale"),
        ), // behind one

        // Between.

        "two": Add(a: From("one.sum"), b: From("zero.rest")),
        "note": Word(text: r"a
        b"),
        "out": Save(value: From("two")),
    },
    outputs: { "both": [From("one"), From("two.sum")] },
)
"#;

#[test]
fn nodes_move_with_their_comments_and_keep_their_wires() {
    let expected = r#"Workflow(
    version: 1,
    inputs: { "scale": Float(default: 2) },
    workflows: {
        "sums": Workflow(
            inputs: {
                "scale": Float(),
                "rest": Float(),
            },
            nodes: {
                // The first of them.
                "one": Add(
                    a: Input("rest"), // from outside
                    b: Input("scale"),
                ), // behind one
                "two": Add(a: From("one.sum"), b: Input("rest")),
                "note": Word(text: r"a
        b"),
            },
            outputs: {
                "two": From("two"),
                "one": From("one"),
            },
        ),
    },
    nodes: {
        "zero": Split(value: 0.5),

        "sums": Include(
            workflow: "sums",
            with: (
                scale: Input("scale"),
                rest: From("zero.rest"),
            ),
        ),

        // Between.

        "out": Save(value: From("sums.two")),
    },
    outputs: { "both": [From("sums.one"), From("sums.two")] },
)
"#;
    let after = changed(BLOCK, &extract(&["one", "two", "note"], "sums"));
    assert!(after == expected, "{after}");
    assert_eq!(problems(&after), [] as [&str; 0]);
    let form = |text: &str| text.replace('\n', "\r\n").replace("r\"a\r\n        b\"", "\"a\"");
    assert_eq!(changed(&form(BLOCK), &extract(&["one", "two", "note"], "sums")), form(expected));
}

#[test]
fn one_line_stays_one_line() {
    let text = line("\"a\": Constant(value: 1), \"b\": Add(a: From(\"a\"), b: 2), \"c\": Save(value: From(\"b\"))");
    let after = changed(&text, &extract(&["b"], "b"));
    let expected = "Workflow(version: 1, workflows: { \"b\": Workflow(inputs: { \"a\": Float() }, nodes: { \"b\": Add(a: Input(\"a\"), \
                    b: 2) }, outputs: { \"b\": From(\"b\") }) }, nodes: { \"a\": Constant(value: 1), \"b\": Include(workflow: \"b\", \
                    with: (a: From(\"a\"))), \"c\": Save(value: From(\"b\")) })";
    assert_eq!(after, expected);
    assert_eq!(wires(&after), ["a.value → b.a", "b.b → c.value"]);
}

#[test]
fn every_extraction_from_a_sound_document_is_sound() {
    for nodes in
        [&["sum", "twice"][..], &["é", "many"], &["one", "two", "sum"], &["looped", "split"], &["bare"], &["split"]]
    {
        let after = changed(DOC, &extract(nodes, "part"));
        assert_eq!(problems(&after), [] as [&str; 0], "{nodes:?}\n{after}");
        let comments = |text: &str| text.matches("//").count() + text.matches("/*").count();
        assert_eq!(comments(&after), comments(DOC), "{nodes:?}\n{after}");
    }
    let within = Edit::Within { workflow: "pass".into(), edit: Box::new(extract(&["one"], "sum")) };
    let after = changed(DOC, &within);
    assert_eq!(problems(&after), [] as [&str; 0], "{after}");
    assert!(after.contains("\"one\": Add(a: Input(\"x\"), b: Input(\"y\")) }, outputs: { \"one\": From(\"one\") }) }, nodes: { \"sum\": Include("), "{after}");
}

#[test]
fn what_cannot_be_extracted_says_why() {
    for (nodes, name, message) in [
        (
            &["one", "twice"][..],
            "x",
            "what leads out of the selected nodes comes back to them: `one` → `sum` → `twice`; select what lies between too",
        ),
        (&["one"], "pass", "there is a workflow `pass` already: choose another name"),
        (&["one"], "sum", "there is a node `sum` already: choose another name"),
        (&["one"], "a.ron", "\"a.ron\" is no name for a workflow: names are letters, digits, `_` and `-`"),
        (&[], "x", "no node is selected"),
        (&["nobody"], "x", "there is no node `nobody`"),
    ] {
        assert_eq!(refused(DOC, &extract(nodes, name)), message);
    }
    let files =
        line("\"a\": Include(workflow: \"a.ron\"), \"b\": Include(workflow: \"b.ron\", with: (x: From(\"a.x\")))");
    assert!(
        refused(&files, &extract(&["b"], "c")).starts_with("what `a.x` gives to `b` is of a kind that is not known")
    );
    let taken = line("\"a\": Include(workflow: \"a.ron\"), \"b\": Word(text: From(\"a.x\"))");
    assert!(changed(&taken, &extract(&["b"], "c")).contains("inputs: { \"x\": Text() }"));
}

fn split_of(text: &str, nodes: &[&str], file: &str) -> Result<Split, String> {
    let nodes: Vec<_> = nodes.iter().map(|node| node.to_string()).collect();
    split(&read(text), &registry(), &[], &nodes, file).map_err(|error| error.to_string())
}

#[test]
fn nodes_become_a_file_that_the_workflow_includes() {
    for form in [|text: &str| text.to_string(), |text: &str| text.replace('\n', "\r\n")] {
        let text = form(BLOCK);
        let Split { changes, text: file } =
            split_of(&text, &["one", "two", "note"], "sums.ron").expect("it can be done");
        let after = changes.apply(&text).expect("the changes are about this text");
        let back = changes.inverse(&text).and_then(|back| back.apply(&after));
        assert_eq!(back.as_deref(), Some(text.as_str()));
        let inline = changed(&text, &extract(&["one", "two", "note"], "sums"));
        assert!(
            !after.contains("workflows:") && after.contains("Include(") && after.contains("\"sums.ron\""),
            "{after}"
        );
        assert!(after.lines().all(|line| inline.replace("\"sums\",", "\"sums.ron\",").contains(line)), "{after}");
        let expected = form(
            r#"Workflow(
    version: 1,
    inputs: {
        "scale": Float(),
        "rest": Float(),
    },
    nodes: {
        // The first of them.
        "one": Add(
            a: Input("rest"), // from outside
            b: Input("scale"),
        ), // behind one
        "two": Add(a: From("one.sum"), b: Input("rest")),
        "note": Word(text: r"a
        b"),
    },
    outputs: {
        "two": From("two"),
        "one": From("one"),
    },
)
"#,
        );
        assert!(file == expected, "{file}");
        assert_eq!(Document::parse(&Source::new("sums.ron", file.as_str())).1, []);
    }
}

#[test]
fn what_cannot_be_a_file_of_its_own_says_why() {
    let why = split_of(DOC, &["looped"], "loop.ron").expect_err("the body is written here");
    assert!(why.contains("`looped` runs the workflow `pass`"), "{why}");
    for file in ["sums", "a/b.ron", "../x.ron", ".ron", "a b.ron"] {
        assert!(split_of(BLOCK, &["one"], file).is_err(), "{file}");
    }
    // Others that are written there stay.
    let Split { changes, text } = split_of(DOC, &["sum"], "sum.ron").expect("it can be done");
    let after = changes.apply(DOC).expect("the changes are about this text");
    assert!(after.contains("\"pass\": Workflow(") && !after.contains("\"sum\": Workflow("), "{after}");
    assert!(text.starts_with("Workflow(") && text.contains("version: 1,"), "{text}");
}
