//! Changes to the text of a workflow: what they change, and what they leave as it is.

mod damage;
mod declared;
mod extract;
mod groups;
mod inputs;
mod nodes;
mod properties;

use easel_engine::edit::{Changes, Edit, Giver, NodeOption, edit};
use easel_engine::{Document, Graph, Source};

use crate::stubs::registry;

/// Comments, commas and ends of lines in every place that is hard.
pub const DOC: &str = r##"// head
Workflow(
    version: 1, /* format */

    inputs: {
        "seed": Integer(default: 3, min: 0), // where the noise begins
        "prompt": Text,
        "scale": Float(/* no default */ about: "how much"),
        "raw": Cooked(),
    },

    nodes: { // all of them
        // the first
        // of all
        "one": Constant(value: 1), // one
        "two": Constant(
            /* before */ value /* between */ : /* and */ 2.0 /* after */, // behind
            // dangling
        ),

        /* the sum */ "sum": Add(a: From("one"), b: From("two.value")), "bare": Nothing, "twice": Add(a: From("sum"), b: From("sum.sum") /* no comma */ ),

        // Words.

        "é": Word(text: Input("prompt"), options: (cache: false)),
        // "é": Word(text: "in a comment"),
        "many": Sample(
            steps: 5,
            words: [From("é"), /* middle */ "b", From("é.text"), ],
            scale: From("two"), // scaled
            options: (
                mute: true, // for now
                timeout: 60.0,
            )
        ),
        "looped": Loop(workflow: "pass", times: From("split.whole"), carry: ["x"], with: (x: From("one") /* x */, y: From("split.rest"))),
        "split": Split(value: From("two"))
        // the end
    },
    workflows: {
        "pass": Workflow(inputs: { "x": Float(), "y": Float(default: 0) }, nodes: { "one": Add(a: Input("x"), b: Input("y")) }, outputs: { "x": From("one") }),
    },
    outputs: { "twice": From("twice"), "words": [From("é"), "x"], "rest": From("split.rest") },
)
"##;

pub fn read(text: &str) -> Document {
    Document::parse(&Source::new("test", text)).0
}

pub fn changes(text: &str, change: &Edit) -> Changes {
    let changes = edit(&read(text), &registry(), change);
    changes.unwrap_or_else(|error| panic!("{change:?}: {error}\nin {text}"))
}

/// The text after an edit, which can be undone and leaves no syntax error.
pub fn changed(text: &str, change: &Edit) -> String {
    let changes = changes(text, change);
    let after = changes.apply(text).expect("the changes are about this text");
    let back = changes.inverse(text).and_then(|back| back.apply(&after));
    assert_eq!(back.as_deref(), Some(text), "{change:?}");
    let (_, diagnostics) = Document::parse(&Source::new("test", after.as_str()));
    let syntax: Vec<_> = diagnostics.iter().filter(|diagnostic| diagnostic.code == "syntax").collect();
    assert!(syntax.is_empty(), "{change:?}: {syntax:?}\n{after}");
    after
}

pub fn refused(text: &str, change: &Edit) -> String {
    edit(&read(text), &registry(), change).expect_err("it cannot be done").to_string()
}

/// What is wrong with a text, in short.
pub fn problems(text: &str) -> Vec<String> {
    let (document, mut diagnostics) = Document::parse(&Source::new("test", text));
    diagnostics.extend(Graph::build(&document, &registry()).1);
    diagnostics.iter().map(|diagnostic| format!("{}: {}", diagnostic.code, diagnostic.message)).collect()
}

/// Every wire of a text.
pub fn wires(text: &str) -> Vec<String> {
    let (graph, _) = Graph::build(&read(text), &registry());
    graph.wires().map(|wire| format!("{}.{} → {}.{}", wire.from, wire.output, wire.to, wire.input)).collect()
}

/// Applies an edit to [`DOC`] and holds the outcome against it with some pieces replaced; and the same with Windows' ends of
/// lines, and with tabs.
pub fn check(change: &Edit, pieces: &[(&str, &str)]) {
    let mut expected = DOC.to_string();
    for (from, to) in pieces {
        assert_eq!(expected.matches(from).count(), 1, "{from:?} is to be there once");
        expected = expected.replace(from, to);
    }
    let forms: [fn(&str) -> String; 3] =
        [str::to_string, |text| text.replace('\n', "\r\n"), |text| text.replace("    ", "\t")];
    for form in forms {
        let after = changed(&form(DOC), change);
        let expected = form(&expected);
        assert!(after == expected, "{change:?} gave\n{after}\ninstead of\n{expected}");
    }
}

pub fn set(node: &str, input: &str, value: &str) -> Edit {
    Edit::SetInput { node: node.into(), input: input.into(), value: value.into() }
}

pub fn clear(node: &str, input: &str) -> Edit {
    Edit::ClearInput { node: node.into(), input: input.into() }
}

pub fn connect(from: &str, node: &str, input: &str, at: Option<usize>) -> Edit {
    let (giver, output) = from.split_once('.').map_or((from, None), |(node, output)| (node, Some(output.into())));
    let from = Giver::Output { node: giver.into(), output };
    Edit::Connect { from, node: node.into(), input: input.into(), at }
}

pub fn disconnect(node: &str, input: &str, at: Option<usize>) -> Edit {
    Edit::Disconnect { node: node.into(), input: input.into(), at }
}

pub fn add(node_type: &str, after: Option<&str>) -> Edit {
    Edit::AddNode { node_type: node_type.into(), id: None, after: after.map(str::to_string) }
}

pub fn delete(nodes: &[&str]) -> Edit {
    Edit::Delete { nodes: nodes.iter().map(|node| node.to_string()).collect() }
}

pub fn duplicate(nodes: &[&str]) -> Edit {
    Edit::Duplicate { nodes: nodes.iter().map(|node| node.to_string()).collect() }
}

pub fn rename(node: &str, to: &str) -> Edit {
    Edit::Rename { node: node.into(), to: to.into() }
}

pub fn option(node: &str, option: NodeOption) -> Edit {
    Edit::SetOption { node: node.into(), option }
}

pub fn extract(nodes: &[&str], name: &str) -> Edit {
    Edit::Extract { nodes: nodes.iter().map(|node| node.to_string()).collect(), name: name.into() }
}

/// A document in one line with these nodes.
pub fn line(nodes: &str) -> String {
    format!("Workflow(version: 1, nodes: {{ {nodes} }})")
}
