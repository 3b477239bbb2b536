//! Inputs, wires, defaults, options.

use easel_engine::edit::{Edit, EditError, Giver, History, NodeOption};

use crate::stubs::registry;

use super::{
    DOC, changed, check, clear, connect, disconnect, line, option, problems, read, refused, rename, set, wires,
};

fn set_default(input: &str, value: Option<&str>) -> Edit {
    Edit::SetDefault { input: input.into(), value: value.map(str::to_string) }
}

#[test]
fn the_document_is_sound() {
    assert_eq!(problems(DOC), [] as [&str; 0]);
}

#[test]
fn a_value_is_put_where_the_old_one_was() {
    check(&set("one", "value", " -1.5 // lower"), &[("Constant(value: 1)", "Constant(value: -1.5)")]);
    check(&set("two", "value", "3"), &[("2.0 /* after */", "3 /* after */")]);
    check(&set("sum", "a", "Input(\"seed\")"), &[("a: From(\"one\"),", "a: Input(\"seed\"),")]);
    check(&set("looped", "times", "3"), &[("times: From(\"split.whole\")", "times: 3")]);
    check(&set("looped", "y", "0.5"), &[("y: From(\"split.rest\")", "y: 0.5")]);
}

#[test]
fn an_input_that_was_not_there_stands_behind_the_others_but_before_options() {
    check(&set("many", "mode", "\"fast\""), &[("// scaled\n", "// scaled\n            mode: \"fast\",\n")]);
    assert_eq!(changed(&line("\"a\": Sample"), &set("a", "steps", "2")), line("\"a\": Sample(steps: 2)"));
    assert_eq!(changed(&line("\"a\": Sample( )"), &set("a", "steps", "2")), line("\"a\": Sample(steps: 2)"));
    assert_eq!(
        changed(&line("\"a\": Sample(fast: true,)"), &set("a", "steps", "2")),
        line("\"a\": Sample(fast: true, steps: 2,)")
    );
    assert_eq!(
        changed(&line("\"a\": Sample(options: (mute: true))"), &set("a", "steps", "2")),
        line("\"a\": Sample(steps: 2, options: (mute: true))")
    );
    assert_eq!(
        changed(&line("\"a\": Sample(/* none */)"), &set("a", "steps", "2")),
        line("\"a\": Sample(/* none */ steps: 2)")
    );
    assert_eq!(
        changed(&line("\"a\": Sample(\n// none\n)"), &set("a", "steps", "2")),
        line("\"a\": Sample(\n// none\n    steps: 2,\n)")
    );
    assert_eq!(
        changed(&line("\"a\": Sample(fast: true // yes\n)"), &set("a", "steps", "2")),
        line("\"a\": Sample(fast: true, // yes\nsteps: 2\n)")
    );
}

#[test]
fn what_an_included_workflow_is_given_stands_in_with() {
    let include = |with: &str| line(&format!("\"a\": Include(workflow: \"p\"{with})"));
    assert_eq!(changed(&include(""), &set("a", "x", "2")), include(", with: (x: 2)"));
    assert_eq!(changed(&include(""), &set("a", "x-y", "2")), include(", with: { \"x-y\": 2 }"));
    assert_eq!(changed(&include(", with: ()"), &set("a", "x", "2")), include(", with: (x: 2)"));
    assert_eq!(changed(&include(", with: {}"), &set("a", "x", "2")), include(", with: { \"x\": 2 }"));
    assert_eq!(changed(&include(", with: { \"x\": 1 }"), &set("a", "x", "2")), include(", with: { \"x\": 2 }"));
    assert!(refused(&include(", with: ()"), &set("a", "x-y", "2")).contains("is no name"));
    let field = |name: &str, value: Option<&str>| Edit::SetField {
        node: "a".into(),
        field: name.into(),
        value: value.map(str::to_string),
    };
    assert_eq!(changed(&include(""), &field("workflow", Some("\"q.ron\""))), include("").replace("\"p\"", "\"q.ron\""));
    assert_eq!(changed(&line("\"a\": Loop()"), &field("times", Some("2"))), line("\"a\": Loop(times: 2)"));
    assert_eq!(changed(&include(""), &field("workflow", None)), line("\"a\": Include()"));
    assert_eq!(refused(&include(""), &field("times", Some("2"))), "`a` has no input `times`");
}

#[test]
fn an_input_is_cleared_with_its_comma_and_its_comments() {
    check(&clear("sum", "a"), &[("a: From(\"one\"), b", "b")]);
    check(&clear("sum", "b"), &[(", b: From(\"two.value\"))", ")")]);
    check(&clear("twice", "b"), &[(", b: From(\"sum.sum\") /* no comma */ )", " )")]);
    check(&clear("many", "scale"), &[("            scale: From(\"two\"), // scaled\n", "")]);
    check(
        &clear("two", "value"),
        &[("            /* before */ value /* between */ : /* and */ 2.0 /* after */, // behind\n", "")],
    );
    check(&clear("looped", "x"), &[("x: From(\"one\") /* x */, ", "")]);
    check(&clear("looped", "times"), &[("times: From(\"split.whole\"), ", "")]);
    check(&clear("bare", "anything"), &[]);
    assert_eq!(changed(&line("\"a\": Word( text: \"a\" )"), &clear("a", "text")), line("\"a\": Word()"));
}

#[test]
fn wires_are_written_as_documents_write_them() {
    check(&connect("one", "sum", "b", None), &[("b: From(\"two.value\")", "b: From(\"one\")")]);
    check(&connect("one.value", "two", "value", None), &[("2.0 /*", "From(\"one\") /*")]);
    check(&connect("split.rest", "one", "value", None), &[("value: 1)", "value: From(\"split.rest\"))")]);
    check(&connect("looped.x", "one", "value", None), &[("value: 1)", "value: From(\"looped\"))")]);
    let from = Giver::Input("seed".into());
    let edit = Edit::Connect { from, node: "many".into(), input: "steps".into(), at: None };
    check(&edit, &[("steps: 5", "steps: Input(\"seed\")")]);
}

#[test]
fn wires_go_to_places_in_lists() {
    let words = |list: &str| format!("words: [{list}],");
    let before = words(r#"From("é"), /* middle */ "b", From("é.text"), "#);
    for (at, after) in [
        (0, r#"From("é"), From("é"), /* middle */ "b", From("é.text"), "#),
        (1, r#"From("é"), From("é"), /* middle */ "b", From("é.text"), "#),
        (2, r#"From("é"), /* middle */ "b", From("é"), From("é.text"), "#),
        (9, r#"From("é"), /* middle */ "b", From("é.text"), From("é"), "#),
    ] {
        check(&connect("é", "many", "words", Some(at)), &[(&before, &words(after))]);
    }
    for (at, after) in [
        (0, r#"/* middle */ "b", From("é.text"), "#),
        (1, r#"From("é"), From("é.text"), "#),
        (2, r#"From("é"), /* middle */ "b", "#),
    ] {
        check(&disconnect("many", "words", Some(at)), &[(&before, &words(after))]);
    }
    check(&disconnect("many", "words", None), &[(&format!("            {before}\n"), "")]);
    assert!(refused(DOC, &disconnect("many", "words", Some(3))).contains("no number 3"));
}

#[test]
fn one_thing_becomes_a_list_and_a_list_of_one_goes_away() {
    let text = line("\"w\": Word(text: \"a\"), \"s\": Sample(), \"t\": Sample(words: From(\"w\") /* w */)");
    let fed = changed(&text, &connect("w", "s", "words", Some(0)));
    assert_eq!(fed, text.replace("\"s\": Sample()", "\"s\": Sample(words: [From(\"w\")])"));
    assert_eq!(changed(&fed, &disconnect("s", "words", Some(0))), text);
    let longer = changed(&text, &connect("w", "t", "words", Some(1)));
    assert_eq!(longer, text.replace("From(\"w\") /*", "[From(\"w\"), From(\"w\")] /*"));
    assert_eq!(wires(&longer).len(), 2);
    assert_eq!(refused(&text, &disconnect("s", "words", None)), "nothing feeds `s.words`");
}

#[test]
fn what_is_not_there_cannot_be_connected() {
    for (edit, message) in [
        (set("on", "value", "1"), "there is no node `on`; did you mean `one`?"),
        (set("sum", "c", "1"), "`sum` has no input `c`"),
        (set("many", "step", "1"), "`many` has no input `step`; did you mean `steps`?"),
        (set("looped", "z", "1"), "`looped` has no input `z`"),
        (set("one", "value", "1, 2"), "`1, 2` cannot be written there: it is more than one value"),
        (connect("split", "one", "value", None), "`split` has several outputs, say which: `whole`, `rest`"),
        (connect("split.all", "one", "value", None), "`split` has no output `all`; it has `whole`, `rest`"),
        (connect("bare", "one", "value", None), "`bare` has no outputs"),
        (connect("one.sum", "one", "value", None), "`one` has no output `sum`; it has `value`"),
        (set_default("sed", Some("1")), "the workflow has no input `sed`; did you mean `seed`?"),
        (
            option("one", NodeOption::Timeout(Some(-1.0))),
            "`-1` cannot be written there: a timeout is a number of seconds above 0",
        ),
    ] {
        assert_eq!(refused(DOC, &edit), message);
    }
    let from = Giver::Input("sed".into());
    let edit = Edit::Connect { from, node: "many".into(), input: "steps".into(), at: None };
    assert_eq!(refused(DOC, &edit), "the workflow has no input `sed`; did you mean `seed`?");
    assert!(refused(DOC, &set_default("raw", Some("1"))).contains("of kind Cooked"));
}

#[test]
fn defaults_come_first() {
    check(&set_default("seed", Some("4")), &[("default: 3", "default: 4")]);
    check(&set_default("seed", None), &[("default: 3, min", "min")]);
    check(&set_default("prompt", Some("\"a\"")), &[("Text,", "Text(default: \"a\"),")]);
    check(&set_default("scale", Some("1.0")), &[("/* no default */ about", "default: 1.0, /* no default */ about")]);
    check(&set_default("prompt", None), &[]);
}

#[test]
fn options_come_and_go_with_their_brackets() {
    check(&option("one", NodeOption::Mute(true)), &[("(value: 1)", "(value: 1, options: (mute: true))")]);
    check(&option("bare", NodeOption::Retry(Some(2))), &[("Nothing,", "Nothing(options: (retry: 2)),")]);
    check(&option("many", NodeOption::Mute(false)), &[("                mute: true, // for now\n", "")]);
    check(&option("many", NodeOption::Bypass(true)), &[("mute: true, // for", "bypass: true, // for")]);
    check(&option("many", NodeOption::Timeout(Some(1.0))), &[("60.0", "1.0")]);
    check(
        &option("many", NodeOption::Device(Some("cpu".into()))),
        &[("timeout: 60.0,\n", "timeout: 60.0,\n                device: \"cpu\",\n")],
    );
    check(&option("é", NodeOption::Cache(None)), &[(", options: (cache: false))", ")")]);
    check(&option("é", NodeOption::Cache(Some(true))), &[("cache: false", "cache: true")]);
    check(&option("one", NodeOption::Cache(None)), &[]);
    let map = line("\"a\": Nothing(options: { \"mute\": true })");
    assert_eq!(changed(&map, &option("a", NodeOption::Retry(Some(1)))), map.replace("true }", "true, \"retry\": 1 }"));
    assert_eq!(changed(&map, &option("a", NodeOption::Mute(false))), line("\"a\": Nothing()"));
    let both = line("\"a\": Nothing(options: (bypass: true, mute: false))");
    assert_eq!(changed(&both, &option("a", NodeOption::Mute(true))), line("\"a\": Nothing(options: (mute: true))"));
}

#[test]
fn typing_in_one_field_is_one_step() {
    let mut history = History::new(DOC);
    let type_in = |history: &mut History, node: &str, value: &str| {
        let document = read(history.text());
        history.edit(&document, &registry(), &set(node, "value", value)).expect("it can be set");
    };
    for value in ["1", "12", "12.5"] {
        type_in(&mut history, "one", value);
    }
    type_in(&mut history, "two", "3");
    history.pause();
    type_in(&mut history, "two", "33");
    assert_eq!(history.steps().collect::<Vec<_>>(), ["set `two.value`", "set `two.value`", "set `one.value`"]);
    assert!(history.undo().is_some() && history.text().contains("/* and */ 3 /*"));
    assert!(history.undo().is_some() && history.undo().is_some());
    assert_eq!(&**history.text(), DOC);
    assert!(history.redo().is_some() && history.text().contains("value: 12.5"));
    let stale = read(DOC);
    assert_eq!(history.edit(&stale, &registry(), &rename("one", "x")), Err(EditError::Outdated));
}
