//! Documents with errors: what can be changed in them, what cannot, and what mends them.

use easel_engine::edit::{Edit, edit};
use easel_engine::{Document, Graph, Source};

use super::{add, changed, clear, connect, delete, extract, line, problems, read, refused, rename, set};
use crate::stubs::registry;

#[test]
fn what_is_sound_can_be_changed_beside_what_is_not() {
    let text =
        line("\"a\": Word(text \"x\"), \"b\": Word(text: From(\"c\")), \"c\": Word(text: ), \"d\": Wrod(text: 1)");
    for (edit, from, to) in [
        (rename("b", "e"), "\"b\"", "\"e\""),
        (set("b", "text", "2"), "From(\"c\")", "2"),
        (set("d", "text", "2"), "text: 1", "text: 2"),
    ] {
        let changes = edit_of(&text, &edit);
        assert_eq!(changes.as_deref(), Ok(&*text.replace(from, to)), "{edit:?}");
    }
}

fn edit_of(text: &str, change: &Edit) -> Result<String, String> {
    let changes = edit(&read(text), &registry(), change).map_err(|error| error.to_string())?;
    changes.apply(text).ok_or_else(|| "the changes are about another text".into())
}

#[test]
fn what_is_damaged_says_where() {
    let text = "Workflow(\n  version: 1,\n  nodes: {\n    \"a\": Word(text: \"x\"\n    \"b\": Nothing,\n  }\n)";
    let error = refused(text, &set("a", "steps", "1"));
    assert_eq!(error, "`a` has no input `steps`");
    let error =
        refused(text, &Edit::SetOption { node: "a".into(), option: easel_engine::edit::NodeOption::Mute(true) });
    assert!(error.contains("wrong in line 4: this `(` is not closed; mend that first"), "{error}");
    let error = refused(text, &clear("a", "text"));
    assert!(error.contains("line 4"), "{error}");
    // It can be named, so it can be renamed.
    assert_eq!(edit_of(text, &rename("a", "c")), Ok(text.replace("\"a\"", "\"c\"")));
}

#[test]
fn what_is_no_workflow_has_nothing_to_change() {
    for text in [
        "",
        "[]",
        "\"",
        "Workflow",
        "Workflow(",
        "1",
        "// Workflow()",
        "Workflow(version: 2, nodes: { \"a\": Nothing })",
    ] {
        for edit in [add("Word", None), delete(&["a"]), connect("a", "b", "c", None), extract(&["a"], "b")] {
            assert!(edit_of(text, &edit).is_err(), "{edit:?} in {text:?}");
        }
    }
    assert!(refused("", &add("Word", None)).starts_with("the text holds no workflow"));
    assert_eq!(
        refused(&line(""), &Edit::Within { workflow: "w".into(), edit: Box::new(add("Word", None)) }),
        "no workflow `w` is written inside of this one"
    );
}

/// The text with what its diagnostics say is meant.
fn mended(text: &str) -> String {
    let mut text = text.to_string();
    for _ in 0..20 {
        let (document, mut diagnostics) = Document::parse(&Source::new("test", text.as_str()));
        diagnostics.extend(Graph::build(&document, &registry()).1);
        let Some(fix) = diagnostics.into_iter().find_map(|diagnostic| diagnostic.fix) else { break };
        text = edit_of(&text, &Edit::Replace(*fix)).expect("a fix is about the text");
    }
    text
}

#[test]
fn a_fix_writes_what_its_hint_says() {
    let nodes = |wrong: &str, right: &str| (line(wrong), line(right));
    let sample =
        |wrong: &str, right: &str| nodes(&format!("\"a\": Sample({wrong})"), &format!("\"a\": Sample({right})"));
    let wired = |wrong: &str, right: &str| {
        let split = "\"split\": Split(value: 1.5), \"a\": Constant(value: ";
        nodes(&format!("{split}{wrong})"), &format!("{split}{right})"))
    };
    for (wrong, right) in [
        nodes("\"a\": Wrod(text: \"x\")", "\"a\": Word(text: \"x\")"),
        sample("step: 1", "steps: 1"),
        sample("mode: \"fsat\" /* ! */", "mode: \"fast\" /* ! */"),
        sample("options: (mut: true)", "options: (mute: true)"),
        sample("options: { \"mut\": true }", "options: { \"mute\": true }"),
        wired("From(\"spilt.rest\")", "From(\"split.rest\")"),
        wired("From(\"split.rset\")", "From(\"split.rest\")"),
        wired("Input(\"split\")", "From(\"split\")"),
        wired("Form(\"split.rest\")", "From(\"split.rest\")"),
        sample("steps: 1 fast: true", "steps: 1, fast: true"),
        sample("steps = 1", "steps : 1"),
        sample("steps 1", "steps: 1"),
        sample("\"steps\": 1", "steps: 1"),
        sample("mode: 'good'", "mode: \"good\""),
        nodes("a: Nothing", "\"a\": Nothing"),
    ] {
        assert_eq!(mended(&wrong), right);
    }
    let text = |input: &str, workflow: &str, with: &str, node: &str| {
        format!(
            "Workflow(version: 1, inputs: {{ \"seed\": {input}) }}, workflows: {{ \"step\": Workflow(inputs: {{ \"word\": Text() }}, \
             nodes: {{ \"w\": Word(text: Input(\"word\")) }}) }}, nodes: {{ \"i\": Include(workflow: {workflow}, with: {with}), \
             \"a\": Whole(value: {node}) }})"
        )
    };
    let right = text("Integer(default: 1", "\"step\"", "{ \"word\": \"x\" }", "Input(\"seed\")");
    assert_eq!(problems(&right), [] as [&str; 0]);
    let wrong = text("Integer(defualt: 1", "\"stpe\"", "{ \"wodr\": \"x\" }", "Input(\"sed\")");
    assert_eq!(mended(&wrong), right);
    assert_eq!(mended(&right.replace("Input(\"seed\")", "From(\"seed\")")), right);
    assert_eq!(
        mended(&right.replace("{ \"word\": \"x\" }", "(wrd: \"x\")")),
        right.replace("{ \"word\": \"x\" }", "(word: \"x\")")
    );
}

#[test]
fn what_cannot_be_guessed_has_no_fix() {
    for text in
        [line("\"a\": Banana()"), line("\"a\": Word()"), line("\"a\": Word(text: From(\"nobody\"))"), line("\"a\": '")]
    {
        assert_eq!(mended(&text), text);
    }
    let far = easel_engine::Replacement { span: 1_000..1_001, text: String::new() };
    assert!(refused(&line(""), &Edit::Replace(far)).contains("not in the text any more"));
    let text = line("\"a\": Nothing");
    assert_eq!(
        changed(&text, &Edit::Replace(easel_engine::Replacement { span: 0..0, text: "// x\n".into() })),
        format!("// x\n{text}")
    );
}
