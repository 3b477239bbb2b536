//! Nodes that come, go, are copied and renamed.

use easel_engine::edit::{Edit, NodeOption};

use super::{DOC, add, changed, check, delete, duplicate, line, problems, refused, rename, set, wires};

#[test]
fn a_node_is_added_as_its_neighbours_are_written() {
    check(
        &add("Word", Some("two")),
        &[("        ),\n\n        /*", "        ),\n        \"word\": Word(),\n\n        /*")],
    );
    check(&add("Sample", Some("sum")), &[("\"bare\"", "\"sample\": Sample(), \"bare\"")]);
    check(&add("Map", Some("one")), &[("// one\n", "// one\n        \"map\": Map(),\n")]);
    // The last has no comma, so the new last has none.
    check(
        &add("Constant", None),
        &[("Split(value: From(\"two\"))\n", "Split(value: From(\"two\")),\n        \"constant\": Constant()\n")],
    );
    assert_eq!(changed(&line("\"a\": Nothing"), &add("Nothing", None)), line("\"a\": Nothing, \"nothing\": Nothing()"));
    let twice = changed(&changed(&line("\"a\": Nothing"), &add("Nothing", None)), &add("Nothing", Some("a")));
    assert_eq!(twice, line("\"a\": Nothing, \"nothing_2\": Nothing(), \"nothing\": Nothing()"));
}

#[test]
fn a_node_is_added_where_there_were_none() {
    for (before, after) in [
        ("Workflow(version: 1, nodes: {})", "Workflow(version: 1, nodes: { \"word\": Word() })"),
        ("Workflow(version: 1, nodes: { /* none */ })", "Workflow(version: 1, nodes: { /* none */ \"word\": Word() })"),
        ("Workflow(version: 1)", "Workflow(version: 1, nodes: { \"word\": Word() })"),
        ("Workflow()", "Workflow(nodes: { \"word\": Word() })"),
        (
            "Workflow(\n  version: 1,\n  nodes: {},\n)",
            "Workflow(\n  version: 1,\n  nodes: {\n    \"word\": Word(),\n  },\n)",
        ),
        (
            "Workflow(\n\tversion: 1,\n\tnodes: {\n\t\t// none\n\t}\n)",
            "Workflow(\n\tversion: 1,\n\tnodes: {\n\t\t// none\n\t\t\"word\": Word(),\n\t}\n)",
        ),
        (
            "Workflow(\r\n    version: 1\r\n)\r\n",
            "Workflow(\r\n    version: 1,\r\n    nodes: {\r\n        \"word\": Word(),\r\n    }\r\n)\r\n",
        ),
    ] {
        assert_eq!(changed(before, &add("Word", None)), after);
    }
}

#[test]
fn only_nodes_that_there_are_can_be_added_under_names_that_are_free() {
    let named = |id: &str| Edit::AddNode { node_type: "Word".into(), id: Some(id.into()), after: None };
    assert_eq!(refused(DOC, &add("Wort", None)), "there is no node type `Wort`; did you mean `Word`?");
    assert_eq!(refused(DOC, &add("Word", Some("nobody"))), "there is no node `nobody`");
    assert_eq!(refused(DOC, &named("one")), "there is a node `one` already: choose another name");
    assert!(refused(DOC, &named("a.b")).starts_with("\"a.b\" is no name for a node: names are letters"));
    assert!(changed(&line(""), &named("größe-2")).contains("\"größe-2\": Word()"));
}

#[test]
fn a_node_goes_with_its_comments_and_its_wires() {
    check(
        &delete(&["one"]),
        &[
            ("        // the first\n        // of all\n        \"one\": Constant(value: 1), // one\n", ""),
            ("Add(a: From(\"one\"), b: From(\"two.value\"))", "Add(b: From(\"two.value\"))"),
            ("(x: From(\"one\") /* x */, y:", "(y:"),
        ],
    );
    check(
        &delete(&["é"]),
        &[
            ("        \"é\": Word(text: Input(\"prompt\"), options: (cache: false)),\n", ""),
            ("[From(\"é\"), /* middle */ \"b\", From(\"é.text\"), ]", "[/* middle */ \"b\", ]"),
            ("[From(\"é\"), \"x\"]", "[\"x\"]"),
        ],
    );
    check(
        &delete(&["split"]),
        &[
            (" \"split\": Split(value: From(\"two\"))\n        // the end", " // the end"),
            ("y: From(\"split.rest\"))),\n", "y: From(\"split.rest\")))\n"),
            ("times: From(\"split.whole\"), ", ""),
            (" /* x */, y: From(\"split.rest\"))", " /* x */)"),
            (", \"rest\": From(\"split.rest\") }", " }"),
        ],
    );
}

#[test]
fn nodes_of_one_line_leave_the_others() {
    check(
        &delete(&["sum"]),
        &[
            ("/* the sum */ \"sum\": Add(a: From(\"one\"), b: From(\"two.value\")), ", ""),
            ("Add(a: From(\"sum\"), b: From(\"sum.sum\") /* no comma */ )", "Add()"),
        ],
    );
    check(&delete(&["bare"]), &[(" \"bare\": Nothing,", "")]);
    check(
        &delete(&["twice", "bare"]),
        &[
            (" \"bare\": Nothing, \"twice\": Add(a: From(\"sum\"), b: From(\"sum.sum\") /* no comma */ ),\n", "\n"),
            ("\"twice\": From(\"twice\"), ", ""),
        ],
    );
    let text = line("\"a\": Nothing, // a\n \"b\": Nothing");
    assert_eq!(changed(&text, &delete(&["b"])), line("\"a\": Nothing // a\n"));
    assert_eq!(changed(&text, &delete(&["a"])), line("\"b\": Nothing"));
    assert_eq!(changed(&text, &delete(&["a", "b"])), "Workflow(version: 1, nodes: {})");
}

#[test]
fn blank_lines_do_not_pile_up() {
    let text = |nodes: &str| format!("Workflow(\n    version: 1,\n    nodes: {{\n{nodes}    }},\n)");
    let (a, b, c) = ("        \"a\": Nothing,\n", "        \"b\": Nothing,\n", "        \"c\": Nothing,\n");
    let all = text(&format!("{a}\n{b}\n{c}"));
    assert_eq!(changed(&all, &delete(&["b"])), text(&format!("{a}\n{c}")));
    assert_eq!(changed(&all, &delete(&["a"])), text(&format!("{b}\n{c}")));
    assert_eq!(changed(&all, &delete(&["c"])), text(&format!("{a}\n{b}")));
    assert_eq!(changed(&all, &delete(&["a", "b", "c"])), text(""));
}

#[test]
fn everything_can_go() {
    let all = ["one", "two", "sum", "bare", "twice", "é", "many", "looped", "split"];
    let after = changed(DOC, &delete(&all));
    assert!(after.contains("    nodes: { // all of them\n        // the end\n    },"), "{after}");
    assert!(after.contains("outputs: { \"words\": [\"x\"] },"), "{after}");
    assert_eq!(problems(&after), [] as [&str; 0]);
    assert_eq!(refused(DOC, &delete(&[])), "no node is selected");
    assert_eq!(refused(DOC, &delete(&["one", "nobody"])), "there is no node `nobody`");
}

#[test]
fn a_renamed_node_is_renamed_everywhere() {
    check(
        &rename("sum", "Σ"),
        &[
            ("\"sum\": Add", "\"Σ\": Add"),
            ("a: From(\"sum\")", "a: From(\"Σ\")"),
            ("From(\"sum.sum\")", "From(\"Σ.sum\")"),
        ],
    );
    check(
        &rename("split", "cut"),
        &[
            ("\"split\": Split", "\"cut\": Split"),
            ("times: From(\"split.whole\")", "times: From(\"cut.whole\")"),
            ("y: From(\"split.rest\")", "y: From(\"cut.rest\")"),
            ("\"rest\": From(\"split.rest\")", "\"rest\": From(\"cut.rest\")"),
        ],
    );
    // Inside of a workflow of its own, `one` is another.
    let within = Edit::Within { workflow: "pass".into(), edit: Box::new(rename("one", "two")) };
    check(
        &within,
        &[("\"one\": Add(a: In", "\"two\": Add(a: In"), ("{ \"x\": From(\"one\") }", "{ \"x\": From(\"two\") }")],
    );
    let odd = line("\"\\u{61}\": Word(text: \"x\"), \"b\": Word(text: From(r\"a.text\"))");
    assert_eq!(changed(&odd, &rename("a", "c")), line("\"c\": Word(text: \"x\"), \"b\": Word(text: From(\"c.text\"))"));
    for (to, message) in [("two", "there is a node `two` already: choose another name"), ("", "\"\" is no name")] {
        assert!(refused(DOC, &rename("one", to)).starts_with(message));
    }
    check(&rename("one", "one"), &[]);
}

#[test]
fn copies_are_wired_among_themselves() {
    check(
        &duplicate(&["twice", "sum"]),
        &[(
            "/* no comma */ ),\n",
            "/* no comma */ ), \"sum_2\": Add(a: From(\"one\"), b: From(\"two.value\")), \
             \"twice_2\": Add(a: From(\"sum_2\"), b: From(\"sum_2.sum\") /* no comma */ ),\n",
        )],
    );
    check(
        &duplicate(&["two"]),
        &[(
            "            // dangling\n        ),\n",
            "            // dangling\n        ),\n        \"two_2\": Constant(\n            /* before */ value /* between */ : /* and */ 2.0 /* after */, // behind\n            // dangling\n        ),\n",
        )],
    );
    let again = changed(&changed(DOC, &duplicate(&["one"])), &duplicate(&["one_2", "one"]));
    assert!(["\"one_2\"", "\"one_3\"", "\"one_4\""].iter().all(|id| again.matches(id).count() == 1), "{again}");
    assert_eq!(problems(&again), [] as [&str; 0]);
    assert_eq!(wires(&again), wires(DOC));
}

#[test]
fn names_that_are_there_twice_are_refused() {
    let text = line("\"a\": Nothing, \"a\": Nothing");
    for edit in [delete(&["a"]), rename("a", "b"), duplicate(&["a"]), set("a", "x", "1")] {
        assert_eq!(
            refused(&text, &edit),
            "there are several nodes `a`: give the others another name in the text first"
        );
    }
}

#[test]
fn several_edits_are_one_change() {
    let edits = vec![add("Word", Some("one")), set("word", "text", "\"x\""), rename("word", "w"), delete(&["two"])];
    let one_by_one = edits.iter().fold(DOC.to_string(), |text, edit| changed(&text, edit));
    assert_eq!(changed(DOC, &Edit::All(edits)), one_by_one);
    assert_eq!(refused(DOC, &Edit::All(vec![add("Word", None), delete(&["nobody"])])), "there is no node `nobody`");
}

#[test]
fn options_of_many_nodes_are_one_change() {
    let option = |node: &str| Edit::SetOption { node: node.into(), option: NodeOption::Mute(true) };
    let all = Edit::All(vec![option("one"), option("many"), option("é"), option("looped")]);
    assert_eq!(all.label(), "set `mute` of 4 nodes");
    let at_once = changed(DOC, &all);
    let Edit::All(edits) = all else { panic!("it is several") };
    let one_by_one = edits.iter().fold(DOC.to_string(), |text, edit| changed(&text, edit));
    assert_eq!(at_once, one_by_one);
    // Of the same node twice: the last word counts.
    let off = Edit::SetOption { node: "one".into(), option: NodeOption::Mute(false) };
    assert_eq!(changed(DOC, &Edit::All(vec![option("one"), off])), DOC);
    assert_eq!(changed(DOC, &Edit::All(Vec::new())), DOC);
}
