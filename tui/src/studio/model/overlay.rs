//! What is in front of the panes. Esc always takes it away.

use easel_engine::edit::Edit;

use easel_engine::{Job, RunId, kinds};

use super::super::field::Field;
use super::sweep::{Axis, Sweep};
use super::{Compare, InputSchema, Offer};

/// What is in front.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Overlay {
    /// What the keys do: which of those that fit the cursor is on, what was typed to find some, and whether it is typed still.
    Help {
        /// The cursor.
        at: usize,
        /// What was typed.
        field: Field,
        /// Keys go there.
        is_typing: bool,
    },
    /// Actions by name, and which of those that fit the cursor is on.
    Palette(Field, usize),
    /// A question that a line of text answers.
    Prompt(Prompt, Field),
    /// The whole story of something, and how far it was scrolled.
    Story {
        /// What it is about.
        title: String,
        /// It.
        text: String,
        /// So many lines are above.
        scroll: usize,
    },
    /// One of several things, by its name.
    Choice {
        /// What for.
        choice: Choice,
        /// Names, each with what is said of it.
        items: Vec<(String, String)>,
        /// What was typed of the name.
        field: Field,
        /// Which of those that fit the cursor is on.
        at: usize,
    },
    /// What saving would change, and how far that was scrolled.
    Changes(usize),
    /// What is not saved of a file that is left for the one that it was entered from, and how far that was scrolled.
    LeaveFile(usize),
    /// The file became another one in places that were changed here: how the two differ, and how far that was scrolled.
    Conflict(usize),
    /// Changes of an earlier time that were never saved.
    Recovered(Offer),
    /// Something would be lost or stopped.
    Leave,
    /// Everything about the run with the cursor, and how far that was scrolled.
    Details(usize),
    /// A run is to be forgotten.
    Forget(RunId),
    /// A run is under way; another one, of the journal or of the open workflow, may wait for it.
    Behind(Later),
    /// The picture with the cursor on the whole screen.
    Shot,
    /// Whether every combination is to be run.
    SweepAsked(Box<Sweep>),
    /// The grid of the sweep that was begun last.
    Sweep,
    /// Two runs or pictures side by side.
    Compare(Box<Compare>),
    /// Everything that waits or is carried out is to be cancelled.
    CancelAll,
}

/// What may be run later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    /// The open workflow.
    Open,
    /// What a run of the journal was to do.
    Again(RunId),
    /// Something else.
    Job(Box<Job>),
}

/// What something is chosen for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Choice {
    /// The type of a new node.
    NodeType,
    /// The type of a new node that is wired to a socket.
    LinkedType {
        /// The node of the socket.
        node: String,
        /// Its name.
        socket: String,
        /// It is an output.
        is_output: bool,
        /// What takes the wire from where it was.
        taken: Option<Edit>,
    },
    /// What an output feeds.
    Taker {
        /// The node.
        node: String,
        /// The output.
        output: String,
    },
    /// One of several wires, to its other end.
    Wire {
        /// They, by their places in the scene.
        wires: Vec<usize>,
        /// The end that takes, or the one that gives.
        is_forward: bool,
    },
    /// What feeds an input.
    Giver {
        /// The node.
        node: String,
        /// The input.
        input: String,
    },
    /// The word that an input is.
    Word {
        /// The node; none: it is an input of the workflow.
        node: Option<String>,
        /// The input.
        input: String,
    },
    /// A prompt of an earlier run, for the question in which a text is being typed; it comes back whatever is chosen.
    Earlier(Box<(Prompt, Field)>),
    /// The second input of a sweep over this one.
    SweepSecond(Box<Axis>),
    /// The kind of a new input of the workflow.
    InputKind,
}

impl Choice {
    /// The question.
    pub(crate) fn title(&self) -> String {
        match self {
            Choice::NodeType => "Add a node".into(),
            Choice::Earlier(_) => "A prompt of an earlier run".into(),
            Choice::SweepSecond(first) => format!("Sweep over {} and", first.name),
            Choice::LinkedType { node, socket, is_output: true, .. } => {
                format!("Add a node that takes {node}.{socket}")
            }
            Choice::LinkedType { node, socket, .. } => format!("Add a node that gives {node}.{socket}"),
            Choice::Taker { node, output } => format!("Give {node}.{output} to"),
            Choice::Wire { is_forward: true, .. } => "Along which wire, to what takes?".into(),
            Choice::Wire { .. } => "Along which wire, to what gives?".into(),
            Choice::Giver { node, input } => format!("Feed {node}.{input} from"),
            Choice::Word { node, input } => place(node.as_ref(), input),
            Choice::InputKind => "Add an input of the workflow: of which kind?".into(),
        }
    }
}

/// What the answer is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Prompt {
    /// A node to find.
    Search,
    /// A text that lines of the log must hold.
    Filter,
    /// Words that runs must have.
    Runs,
    /// Words that pictures must have.
    Gallery,
    /// The values of an input that is swept over.
    Sweep {
        /// The input that is swept over with it.
        first: Option<Axis>,
        /// The input.
        name: String,
        /// How its values are written.
        how: &'static str,
        /// What is the matter with what was typed.
        problem: Option<String>,
    },
    /// The priority of the open workflow in the queue.
    Enqueue {
        /// What is the matter with what was typed.
        problem: Option<String>,
    },
    /// Another name for a node.
    Rename {
        /// The node.
        node: String,
        /// What is the matter with what was typed.
        problem: Option<String>,
    },
    /// Another name for a group.
    RenameGroup {
        /// The group.
        group: String,
        /// What is the matter with what was typed.
        problem: Option<String>,
    },
    /// The name of a new group.
    Group {
        /// Its nodes.
        nodes: Vec<String>,
        /// What is the matter with what was typed.
        problem: Option<String>,
    },
    /// The name of a workflow that nodes become.
    Extract {
        /// They.
        nodes: Vec<String>,
        /// What is the matter with what was typed.
        problem: Option<String>,
    },
    /// What an input is given.
    Value {
        /// The node; none: it is an input of the workflow.
        node: Option<String>,
        /// The input.
        input: String,
        /// It is a text as it stands; otherwise a value as the file writes it.
        is_text: bool,
        /// What may be written there.
        schema: Box<InputSchema>,
        /// What is the matter with what was typed.
        problem: Option<String>,
    },
    /// The name of a new input of the workflow.
    NewInput {
        /// Its kind.
        kind: String,
        /// What is the matter with what was typed.
        problem: Option<String>,
    },
    /// Another name for an input of the workflow.
    RenameInput {
        /// The input.
        input: String,
        /// What is the matter with what was typed.
        problem: Option<String>,
    },
}

/// An input of a node, or of the workflow, as a question calls it.
fn place(node: Option<&String>, input: &str) -> String {
    node.map_or_else(|| input.to_string(), |node| format!("{node}.{input}"))
}

impl Prompt {
    /// The question.
    pub(crate) fn title(&self) -> String {
        match self {
            Prompt::Search => "Find a node".into(),
            Prompt::Filter => "Show lines with".into(),
            Prompt::Enqueue { .. } => "Its priority in the queue: higher ones come first".into(),
            Prompt::Gallery => "Show pictures with".into(),
            Prompt::Sweep { first: Some(first), name, .. } => {
                format!("Sweep over {name}: its values, for each {}", first.name)
            }
            Prompt::Sweep { name, .. } => format!("Sweep over {name}: its values"),
            Prompt::Runs => "Show runs with: words, a state".into(),
            Prompt::Rename { node, .. } => format!("Another name for {node}"),
            Prompt::RenameGroup { group, .. } => format!("Another name for the group {group}"),
            Prompt::Group { nodes, .. } => {
                format!("A group of {}: its name", crate::terminal::count(nodes.len(), "node"))
            }
            Prompt::Extract { nodes, .. } => {
                format!("A workflow of {}: its name", crate::terminal::count(nodes.len(), "node"))
            }
            Prompt::Value { node: None, input, schema, .. } => {
                let kinds: Vec<_> = schema.kinds.iter().map(|kind| kind.to_string().to_lowercase()).collect();
                format!("{input}: {}", kinds.join(" or "))
            }
            Prompt::Value { node: Some(node), input, is_text: true, .. } => format!("{node}.{input}: a text"),
            Prompt::Value { node: Some(node), input, schema, .. } if schema.kinds.contains(&kinds::TEXT) => {
                format!("{node}.{input}: a text, or as the file writes it")
            }
            Prompt::Value { node: Some(node), input, .. } => format!("{node}.{input}: as the file writes it"),
            Prompt::NewInput { kind, .. } => format!("A new input, {}: its name", kind.to_lowercase()),
            Prompt::RenameInput { input, .. } => format!("Another name for the input {input}"),
        }
    }
}
