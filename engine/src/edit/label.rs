//! Edits in words, and which of them are one step.

use super::{Edit, is_of_options};

impl Edit {
    /// What it does, in a few words, for a list of what can be undone.
    ///
    /// ```
    /// use easel_engine::edit::Edit;
    ///
    /// let rename = Edit::Rename { node: "a".into(), to: "b".into() };
    /// assert_eq!(rename.label(), "rename `a` to `b`");
    /// ```
    pub fn label(&self) -> String {
        let list = |nodes: &[String]| match nodes {
            [one] => format!("`{one}`"),
            many => format!("{} nodes", many.len()),
        };
        match self {
            Edit::SetInput { node, input, .. } => format!("set `{node}.{input}`"),
            Edit::ClearInput { node, input } => format!("clear `{node}.{input}`"),
            Edit::SetField { node, field, .. } => format!("set `{field}` of `{node}`"),
            Edit::SetDefault { input, .. } => format!("set the default of `{input}`"),
            Edit::AddInput { name, .. } => format!("add the input `{name}`"),
            Edit::RenameInput { input, to } => format!("rename the input `{input}` to `{to}`"),
            Edit::RemoveInput { input } => format!("remove the input `{input}`"),
            Edit::Connect { node, input, .. } => format!("connect `{node}.{input}`"),
            Edit::Disconnect { node, input, .. } => format!("disconnect `{node}.{input}`"),
            Edit::AddNode { node_type, .. } => format!("add a {node_type}"),
            Edit::Delete { nodes } => format!("delete {}", list(nodes)),
            Edit::Duplicate { nodes } => format!("duplicate {}", list(nodes)),
            Edit::Rename { node, to } => format!("rename `{node}` to `{to}`"),
            Edit::SetOption { node, option } => format!("set `{}` of `{node}`", option.name()),
            Edit::Extract { name, .. } => format!("extract the workflow `{name}`"),
            Edit::Group { nodes, name } => format!("group {} as `{name}`", list(nodes)),
            Edit::Ungroup { group } => format!("ungroup `{group}`"),
            Edit::RenameGroup { group, to } => format!("rename the group `{group}` to `{to}`"),
            Edit::SetColour { group, .. } => format!("colour the group `{group}`"),
            Edit::Replace(_) => "apply a hint".into(),
            Edit::Within { workflow, edit } => format!("{} in `{workflow}`", edit.label()),
            Edit::All(edits) => match edits.as_slice() {
                [one] => one.label(),
                [Edit::SetOption { option, .. }, ..] if is_of_options(edits) => {
                    format!("set `{}` of {} nodes", option.name(), edits.len())
                }
                many => format!("{} changes", many.len()),
            },
        }
    }

    /// Whether it goes on with what the one before did: typing in the same field is one step to undo.
    pub fn continues(&self, before: &Edit) -> bool {
        match (self, before) {
            (Edit::SetInput { node, input, .. }, Edit::SetInput { node: node_before, input: input_before, .. }) => {
                (node, input) == (node_before, input_before)
            }
            (Edit::SetField { node, field, .. }, Edit::SetField { node: node_before, field: field_before, .. }) => {
                (node, field) == (node_before, field_before)
            }
            (Edit::SetDefault { input, .. }, Edit::SetDefault { input: input_before, .. }) => input == input_before,
            (Edit::Within { workflow, edit }, Edit::Within { workflow: workflow_before, edit: edit_before }) => {
                workflow == workflow_before && edit.continues(edit_before)
            }
            _ => false,
        }
    }
}
