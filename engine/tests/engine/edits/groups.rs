//! Groups come, go, are renamed, and know their nodes whatever happens to these.

use easel_engine::edit::probe::drive;
use easel_engine::edit::{Edit, split};
use proptest::prelude::*;

use super::{changed, delete, extract, problems, read, refused, rename};
use crate::stubs::registry;

pub const GROUPED: &str = r#"Workflow(
    version: 1,
    groups: {
        // What is given.
        "given": Group(nodes: ["one", "two"], colour: "teal"),
        "made": Group(nodes: ["sum"]), // one only
    },
    nodes: {
        "one": Constant(value: 1),
        "two": Constant(value: 2),
        "sum": Add(a: From("one"), b: From("two")),
        "out": Save(value: From("sum")),
    },
)
"#;

fn group(nodes: &[&str], name: &str) -> Edit {
    Edit::Group { nodes: nodes.iter().map(|node| node.to_string()).collect(), name: name.into() }
}

/// What the groups of a text are, in short.
fn groups(text: &str) -> Vec<String> {
    let document = read(text);
    let members = |nodes: &[easel_engine::Spanned<String>]| {
        nodes.iter().map(|node| node.value.clone()).collect::<Vec<_>>().join(" ")
    };
    document.workflow().groups().map(|group| format!("{}: {}", group.name.value, members(&group.nodes))).collect()
}

#[test]
fn groups_are_made_and_nodes_leave_those_that_they_were_in() {
    assert_eq!(problems(GROUPED), Vec::<String>::new());
    let plain = changed(GROUPED, &Edit::Ungroup { group: "given".into() });
    assert_eq!(groups(&plain), ["made: sum"]);
    let none = changed(&plain, &Edit::Ungroup { group: "made".into() });
    assert!(!none.contains("groups") && !none.contains("Group("), "{none}");
    let again = changed(&none, &group(&["two", "one"], "a b"));
    assert!(again.contains("    groups: {\n        \"a b\": Group(nodes: [\"one\", \"two\"]),\n    },\n"), "{again}");
    let moved = changed(GROUPED, &group(&["two", "sum"], "new"));
    assert_eq!(groups(&moved), ["given: one", "new: two sum"]);
    assert_eq!(problems(&moved), Vec::<String>::new());
    let all = changed(GROUPED, &group(&["one", "two", "sum"], "all"));
    assert_eq!(groups(&all), ["all: one two sum"]);
}

#[test]
fn groups_follow_their_nodes() {
    assert_eq!(groups(&changed(GROUPED, &rename("one", "first"))), ["given: first two", "made: sum"]);
    assert_eq!(groups(&changed(GROUPED, &delete(&["two"]))), ["given: one", "made: sum"]);
    assert_eq!(groups(&changed(GROUPED, &delete(&["sum", "out"]))), ["given: one two"]);
    assert_eq!(groups(&changed(GROUPED, &delete(&["one", "two", "sum"]))), Vec::<String>::new());
    let extracted = changed(GROUPED, &extract(&["one", "two"], "inner"));
    assert_eq!((groups(&extracted), problems(&extracted)), (vec!["made: sum".to_string()], Vec::new()));
    let nodes = ["one".to_string(), "two".to_string(), "sum".to_string()];
    let parts = split(&read(GROUPED), &registry(), &[], &nodes, "inner.ron").expect("it can be done");
    assert_eq!(groups(&parts.changes.apply(GROUPED).expect("it is about this text")), Vec::<String>::new());
}

#[test]
fn groups_have_names_and_colours() {
    let renamed = changed(GROUPED, &Edit::RenameGroup { group: "given".into(), to: "Was gegeben ist".into() });
    assert_eq!(groups(&renamed), ["Was gegeben ist: one two", "made: sum"]);
    let colour =
        |group: &str, colour: Option<&str>| Edit::SetColour { group: group.into(), colour: colour.map(str::to_string) };
    assert!(changed(GROUPED, &colour("given", Some("red"))).contains(r#"["one", "two"], colour: "red")"#));
    assert!(changed(GROUPED, &colour("made", Some("red"))).contains(r#"["sum"], colour: "red"), // one only"#));
    assert!(!changed(GROUPED, &colour("given", None)).contains("colour"));
    for (edit, why) in [
        (colour("given", Some("mauve")), "one of red, orange"),
        (colour("givn", None), "there is no group `givn`; did you mean `given`?"),
        (Edit::RenameGroup { group: "given".into(), to: "made".into() }, "there is a group `made` already"),
        (Edit::RenameGroup { group: "given".into(), to: " ".into() }, "a name on one line"),
        (group(&["one"], "given"), "there is a group `given` already"),
        (group(&[], "x"), "no node is selected"),
        (group(&["nobody"], "x"), "there is no node `nobody`"),
    ] {
        let said = refused(GROUPED, &edit);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn what_is_wrong_with_groups_is_told_and_does_not_matter() {
    let text = GROUPED.replace(r#"["one", "two"], colour: "teal""#, r#"["on", "two", "two"], colour: "teel", size: 1"#);
    assert_eq!(
        problems(&text),
        [
            "unknown-member: there is no node `on` for the group",
            "twice-in-groups: the node `two` is in groups twice",
            "unknown-colour: groups cannot be \"teel\"",
            "unknown-field: `Group` has no field `size`",
        ]
    );
    let (_, diagnostics) = easel_engine::Document::parse(&easel_engine::Source::new("test", text.as_str()));
    let hints: Vec<_> = diagnostics.iter().filter_map(|diagnostic| diagnostic.hint.as_deref()).collect();
    assert!(hints.iter().any(|hint| hint.contains("did you mean `one`?")), "{hints:?}");
    assert_eq!(diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count(), 1, "only the field");
    let wrong = GROUPED.replace("Group(nodes: [\"sum\"])", "[\"sum\"]");
    assert!(problems(&wrong)[0].contains("group `made`"), "{:?}", problems(&wrong));
}

proptest! {
    #[test]
    fn any_edits_of_groups_are_sound_and_can_be_undone(
        edits in proptest::collection::vec((prop_oneof![Just(15_u8), Just(31), any::<u8>()], any::<u8>(), any::<u8>()), 1..10),
        line in any::<bool>(),
    ) {
        let edits: Vec<_> = edits.into_iter().map(|(kind, one, other)| [kind, one, other]).collect();
        let text = if line { GROUPED.replace('\n', " ").replace("// What is given.", "").replace("// one only", "") } else { GROUPED.into() };
        prop_assert_eq!(drive(&text, &registry(), &edits).err(), None);
    }
}
