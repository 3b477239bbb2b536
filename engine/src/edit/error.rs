//! Why an edit cannot be done.

/// Why an edit cannot be done, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is nothing to change.
    #[error(
        "the text holds no workflow that this program reads: it begins with `Workflow(version: 1, nodes: {{ … }})`"
    )]
    NoWorkflow,
    /// No workflow of that name is written inside.
    #[error("no workflow `{name}` is written inside of this one")]
    UnknownWorkflow {
        /// The name.
        name: String,
    },
    /// There is no such node.
    #[error("there is no node `{id}`{hint}")]
    UnknownNode {
        /// The name.
        id: String,
        /// What may have been meant.
        hint: String,
    },
    /// It is not clear which node is meant.
    #[error("there are several nodes `{id}`: give the others another name in the text first")]
    Ambiguous {
        /// The name.
        id: String,
    },
    /// There is no such group.
    #[error("there is no group `{name}`{hint}")]
    UnknownGroup {
        /// The name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// There is no such node type.
    #[error("there is no node type `{name}`{hint}")]
    UnknownType {
        /// The name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// The node has no such input.
    #[error("`{node}` has no input `{input}`{hint}")]
    UnknownInput {
        /// The node.
        node: String,
        /// The input.
        input: String,
        /// What may have been meant.
        hint: String,
    },
    /// The node has no such output.
    #[error("`{node}` {problem}")]
    UnknownOutput {
        /// The node.
        node: String,
        /// What is the matter, and what there is.
        problem: String,
    },
    /// The workflow declares no such input.
    #[error("the workflow has no input `{name}`{hint}")]
    UnknownWorkflowInput {
        /// The name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// Nothing is there that could be taken away.
    #[error("{what}")]
    NothingThere {
        /// What is missing.
        what: String,
    },
    /// What is to be written is no such value.
    #[error("`{value}` cannot be written there: {why}")]
    InvalidValue {
        /// The beginning of it.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing can be called that.
    #[error("{name:?} is no name for {what}: names are letters, digits, `_` and `-`")]
    InvalidName {
        /// The name.
        name: String,
        /// What was to be called that.
        what: &'static str,
    },
    /// Something is called that already.
    #[error("there is {what} `{name}` already: choose another name")]
    NameTaken {
        /// The name.
        name: String,
        /// What has it.
        what: &'static str,
    },
    /// No nodes were named.
    #[error("no node is selected")]
    NothingSelected,
    /// The selected nodes need something that needs them.
    #[error("what leads out of the selected nodes comes back to them: {path}; select what lies between too")]
    ComesBack {
        /// The way, from a selected node to a selected node.
        path: String,
    },
    /// What is to become a file of its own uses what only this one knows.
    #[error(
        "`{node}` runs the workflow `{workflow}`, which is written in this file and which another file would not know: \
         give the new workflow a name without `.ron`, so that it is written in this file too"
    )]
    StaysBehind {
        /// The node.
        node: String,
        /// The workflow that it runs.
        workflow: String,
        /// The name of the new workflow.
        name: String,
    },
    /// An input of the new workflow would be of a kind that nobody knows.
    #[error(
        "what `{from}` gives to `{to}` is of a kind that is not known here, so no input can be declared for it: {help}"
    )]
    UnknownKind {
        /// What gives.
        from: String,
        /// Who takes.
        to: String,
        /// What to do about it.
        help: &'static str,
    },
    /// The document is not that of the text.
    #[error("the text has changed since it was read: try again")]
    Outdated,
    /// A syntax error is in the way.
    #[error("{what} cannot be changed because of what is wrong in line {line}: {why}; mend that first")]
    Damaged {
        /// What was to be changed.
        what: String,
        /// Where the error is, counted from 1.
        line: usize,
        /// What it is.
        why: String,
    },
}
