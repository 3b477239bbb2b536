//! For tests: edits made of bytes, and what must hold of every one.

use super::{Changes, Edit, Giver, History, NodeOption};
use crate::diagnostic::Replacement;
use crate::document::{Document, Form, NodeEntry, Workflow};
use crate::registry::Registry;
use crate::source::Source;

/// An edit of a document: which, and of what, is all in three bytes.
pub fn edit_of(document: &Document, registry: &Registry, [kind, one, other]: [u8; 3]) -> Edit {
    let locals: Vec<_> = document.workflow().workflows().collect();
    // Every eighth is about a workflow that is written inside.
    if kind >= 224
        && let Some(local) = pick(&locals, one)
    {
        let edit = in_workflow(&local.workflow, registry, [kind - 224, other, one]);
        return Edit::Within { workflow: local.name.value.clone(), edit: Box::new(edit) };
    }
    in_workflow(document.workflow(), registry, [kind, one, other])
}

fn in_workflow(workflow: &Workflow, registry: &Registry, [kind, one, other]: [u8; 3]) -> Edit {
    const VALUES: [&str; 6] = ["1", "-2.5", "\"é\"", "[1, /* b */ 2]", "From(\"a\")", "r#\"two\nlines\"#"];
    const NAMES: [&str; 6] = ["new", "é", "a-b", "a.b", "", "x_2"];
    let node = |byte| pick(workflow.nodes(), byte).map_or_else(|| "a".to_string(), |node| node.id.value.clone());
    let value = VALUES[usize::from(other) % VALUES.len()].to_string();
    let name = NAMES[usize::from(other) % NAMES.len()].to_string();
    let at = (other % 3 > 0).then_some(usize::from(other % 5));
    let input = pick(workflow.nodes(), one).map_or_else(|| "x".into(), |entry| input_of(entry, registry, other));
    let some = || -> Vec<String> {
        let chosen = |at: usize| (one ^ other.rotate_left(3)) >> (at % 8) & 1 == 1;
        let nodes = workflow.nodes().iter().enumerate();
        nodes.filter(|(at, _)| chosen(*at)).map(|(_, node)| node.id.value.clone()).collect()
    };
    let declared: Vec<_> = workflow.inputs().map(|input| input.name.value.clone()).collect();
    let declared = pick(&declared, one).cloned().unwrap_or_default();
    match kind % 16 {
        0 => Edit::SetInput { node: node(one), input, value },
        1 => Edit::ClearInput { node: node(one), input },
        2 if other.is_multiple_of(2) => match other % 3 {
            0 => Edit::AddInput { name, kind: "Integer".into(), default: at.map(|_| value) },
            1 => Edit::RenameInput { input: declared, to: name },
            _ => Edit::RemoveInput { input: declared },
        },
        2 => Edit::SetField { node: node(one), field: "times".into(), value: at.map(|_| value) },
        3 => Edit::SetDefault { input: declared, value: at.map(|_| value) },
        4 | 5 => {
            let output = pick(workflow.nodes(), other).and_then(|node| {
                let outputs = &registry.spec(&node.node_type.as_ref()?.value)?.outputs;
                pick(outputs, one).map(|output| output.name.to_string())
            });
            Edit::Connect { from: Giver::Output { node: node(other), output }, node: node(one), input, at }
        }
        6 => Edit::Connect { from: Giver::Input(declared), node: node(other), input, at },
        7 => Edit::Disconnect { node: node(one), input, at },
        8 => {
            let types: Vec<_> = registry.specs().map(|spec| spec.name).chain(["Include", "Loop"]).collect();
            let node_type = pick(&types, one).map_or_else(String::new, |name| (*name).to_string());
            Edit::AddNode { node_type, id: None, after: at.map(|_| node(other)) }
        }
        9 => Edit::Delete { nodes: vec![node(one)] },
        10 => Edit::Delete { nodes: some() },
        11 => Edit::Duplicate { nodes: some() },
        12 => Edit::Rename { node: node(one), to: name },
        13 => Edit::SetOption { node: node(one), option: option(other) },
        14 => Edit::Extract { nodes: some(), name },
        _ if other.is_multiple_of(3) => {
            let groups: Vec<_> = workflow.groups().map(|group| group.name.value.clone()).collect();
            let group = pick(&groups, one).cloned().unwrap_or_default();
            match other % 4 {
                0 => Edit::Group { nodes: some(), name },
                1 => Edit::Ungroup { group },
                2 => Edit::RenameGroup { group, to: name },
                _ => Edit::SetColour { group, colour: at.map(|_| "teal".into()) },
            }
        }
        _ => Edit::All(vec![
            Edit::Duplicate { nodes: vec![node(one)] },
            Edit::SetOption { node: node(one), option: NodeOption::Mute(true) },
            Edit::Delete { nodes: vec![node(other)] },
        ]),
    }
}

fn pick<T>(items: &[T], byte: u8) -> Option<&T> {
    items.get(usize::from(byte).checked_rem(items.len())?)
}

fn input_of(entry: &NodeEntry, registry: &Registry, byte: u8) -> String {
    let mut names: Vec<_> = entry.inputs.iter().map(|input| input.name.value.clone()).collect();
    let spec = entry.node_type.as_ref().and_then(|name| registry.spec(&name.value));
    names.extend(spec.iter().flat_map(|spec| &spec.inputs).map(|input| input.name.to_string()));
    if entry.call.as_ref().is_some_and(|call| call.form == Form::Loop) {
        names.push("times".into());
    }
    pick(&names, byte).cloned().unwrap_or_else(|| "x".into())
}

fn option(byte: u8) -> NodeOption {
    let is_set = byte & 8 == 0;
    match byte % 6 {
        0 => NodeOption::Mute(is_set),
        1 => NodeOption::Bypass(is_set),
        2 => NodeOption::Cache(is_set.then_some(byte & 16 == 0)),
        3 => NodeOption::Device(is_set.then(|| "cpu".into())),
        4 => NodeOption::Timeout(is_set.then(|| f64::from(byte) / 2.0)),
        _ => NodeOption::Retry(is_set.then_some(u32::from(byte))),
    }
}

/// Does one edit after the other, and says which promise was broken. The text at the end.
pub fn drive(text: &str, registry: &Registry, edits: &[[u8; 3]]) -> Result<String, String> {
    let mut history = History::new(text);
    let broken = |what: &str, edit: &Edit, text: &str| Err(format!("{what}: {edit:?} in {text:?}"));
    for bytes in edits {
        let before = history.text().clone();
        let (document, problems) = Document::parse(&Source::new("probe", before.clone()));
        let fixes: Vec<Replacement> = problems.iter().filter_map(|problem| problem.fix.as_deref().cloned()).collect();
        let edit = match pick(&fixes, bytes[1]) {
            Some(fix) if bytes[0].is_multiple_of(5) => Edit::Replace(fix.clone()),
            _ => edit_of(&document, registry, *bytes),
        };
        let errors = problems.iter().filter(|problem| problem.code == "syntax").count();
        let Ok(changes) = history.edit(&document, registry, &edit) else {
            if *history.text() != before {
                return broken("refused, but done", &edit, &before);
            }
            continue;
        };
        let after = history.text().clone();
        if changes.apply(&before).as_deref() != Some(&*after) {
            return broken("other changes than it says", &edit, &before);
        }
        if changes.inverse(&before).and_then(|back| back.apply(&after)).as_deref() != Some(&*before) {
            return broken("cannot be undone", &edit, &before);
        }
        let (_, problems) = Document::parse(&Source::new("probe", after.clone()));
        let errors_now = problems.iter().filter(|problem| problem.code == "syntax").count();
        if errors_now > errors && !matches!(edit, Edit::Replace(_)) {
            return broken("new syntax errors", &edit, &before);
        }
    }
    let end = history.text().clone();
    let mut way = Changes::default();
    while let Some(changes) = history.undo() {
        way = way.then(&changes);
    }
    if &**history.text() != text || way.apply(&end).as_deref() != Some(text) {
        return Err(format!("undoing everything in {end:?} does not lead back to {text:?}"));
    }
    while history.redo().is_some() {}
    if *history.text() != end {
        return Err(format!("doing everything again in {text:?} does not lead to {end:?}"));
    }
    Ok(end.to_string())
}
