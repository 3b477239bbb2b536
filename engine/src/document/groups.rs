//! Nodes that belong together in the eyes of whoever looks at a workflow. To a run they mean nothing.

use std::collections::HashMap;

use super::read::Reader;
use super::tree::{Slice, Tree, TreeKind};
use super::{Literal, NodeGroup, Spanned, Workflow};
use crate::diagnostic::Diagnostic;
use crate::suggest;

/// The colours that groups may have.
pub const GROUP_COLOURS: [&str; 8] = ["red", "orange", "yellow", "green", "teal", "blue", "purple", "pink"];

impl Reader {
    pub(super) fn groups(&mut self, tree: Tree<'_>, workflow: &mut Workflow) {
        const EXAMPLE: &str = "\"name\": Group(nodes: [\"node\"])";
        for (name, tree) in self.entries(tree, "Workflow.groups", EXAMPLE) {
            if name.value.trim().is_empty() || name.value.chars().any(char::is_control) {
                let diagnostic = Diagnostic::error("invalid-name", format!("{:?} is no name for a group", name.value))
                    .with_label(name.span.clone(), "here")
                    .with_hint("names of groups are words for people, on one line");
                self.report(diagnostic);
            }
            let Some(group) = self.group(name.into_owned(), tree) else { continue };
            match workflow.groups.get(&group.name.value) {
                Some(first) => self.duplicate("duplicate-group", "groups", &group.name, &first.name),
                None => drop(workflow.groups.insert(group.name.value.clone(), group)),
            }
        }
    }

    fn group(&mut self, name: Spanned<String>, tree: Tree<'_>) -> Option<NodeGroup> {
        let span = tree.span.clone();
        let (form, items) = match tree.kind {
            TreeKind::Call { name: Some(form), items } if form.value == "Group" => (form, items),
            _ => {
                self.wrong_type(&tree, &format_args!("group `{}`", name.value), "`Group(nodes: [\"node\"])`");
                return None;
            }
        };
        let mut fields = self.fields("Group".into(), form.span, items);
        let nodes = match fields.take("nodes") {
            Some(Tree { kind: TreeKind::List(trees), .. }) => {
                trees.into_iter().filter_map(|tree| self.text(tree, "Group.nodes")).collect()
            }
            Some(tree) => {
                self.wrong_type(&tree, &"Group.nodes", "a list of names of nodes");
                Vec::new()
            }
            None => {
                if !self.is_damaged {
                    self.report(fields.missing("nodes", "nodes: [\"node\"]"));
                }
                Vec::new()
            }
        };
        let colour = fields.take("colour").and_then(|tree| self.text(tree, "Group.colour"));
        let colour = colour.filter(|colour| self.is_colour(colour));
        self.unknown(fields, &["nodes", "colour"]);
        Some(NodeGroup { name, nodes, colour, span })
    }

    fn is_colour(&mut self, colour: &Spanned<String>) -> bool {
        let is_known = GROUP_COLOURS.contains(&colour.value.as_str());
        if !is_known {
            let fix =
                suggest::closest(&colour.value, GROUP_COLOURS).map(|close| Literal::Text(close.into()).to_string());
            let diagnostic = Diagnostic::warning("unknown-colour", format!("groups cannot be {:?}", colour.value))
                .with_label(colour.span.clone(), "not known")
                .with_hint_if(suggest::hint_and_list(&colour.value, "there are", GROUP_COLOURS))
                .with_fix_if(&colour.span, fix);
            self.report(diagnostic);
        }
        is_known
    }

    /// Whether the members are there, each in one group. Nothing depends on it, so these are warnings.
    pub(super) fn check_groups(&mut self, workflow: &Workflow) {
        let mut seen: HashMap<&str, &Spanned<String>> = HashMap::new();
        for member in workflow.groups.values().flat_map(|group| &group.nodes) {
            let name = member.value.as_str();
            if !workflow.by_id.contains_key(name) {
                // Near a syntax error, that something is not there proves nothing.
                if !self.is_damaged {
                    self.report(unknown_member(workflow, member));
                }
                continue;
            }
            if let Some(first) = seen.insert(name, member) {
                let diagnostic =
                    Diagnostic::warning("twice-in-groups", format!("the node `{name}` is in groups twice"))
                        .with_label(member.span.clone(), "again")
                        .with_label(first.span.clone(), "here already")
                        .with_hint("a node is in one group at the most: remove one of them");
                self.report(diagnostic);
            }
        }
    }
}

fn unknown_member(workflow: &Workflow, member: &Spanned<String>) -> Diagnostic {
    let name: Slice<'_> = member.value.as_str().into();
    let names = || workflow.nodes.iter().map(|node| node.id.value.as_str());
    let fix = suggest::closest(&name, names()).map(|close| Literal::Text(close.into()).to_string());
    Diagnostic::warning("unknown-member", format!("there is no node `{name}` for the group"))
        .with_label(member.span.clone(), "not there")
        .with_hint_if(suggest::hint(&name, "there are", names()))
        .with_fix_if(&member.span, fix)
}
