//! What somebody is typing: as much of it as it takes to ask the question again.

use serde::{Deserialize, Serialize};

use super::super::field::Field;
use super::sweep::Axis;
use super::{Choice, Flow, Model, Overlay, Prompt};

/// A text that is typed into a question and not taken over yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Typed {
    /// What it is for.
    pub(crate) place: TypedPlace,
    /// It.
    pub(crate) text: String,
}

/// What a text is typed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypedPlace {
    /// The nodes of the file that were entered, outermost first.
    pub(crate) inside: Vec<String>,
    /// The question.
    pub(crate) question: Question,
}

/// A question that longer texts answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Question {
    /// What an input is given.
    Value { node: String, input: String, is_text: bool },
    /// Another name for a node.
    Rename { node: String },
    /// Another name for a group.
    RenameGroup { group: String },
    /// The name of a new group.
    Group { nodes: Vec<String> },
    /// The name of a workflow that nodes become.
    Extract { nodes: Vec<String> },
    /// The values of an input that is swept over.
    Sweep {
        name: String,
        /// The input before it, with what was typed for that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first: Option<(String, String)>,
    },
    /// What an input of the workflow is.
    Default { input: String, is_text: bool },
    /// The name of a new input of the workflow.
    NewInput { kind: String },
    /// Another name for an input of the workflow.
    RenameInput { input: String },
}

impl Question {
    fn of(prompt: &Prompt) -> Option<Self> {
        Some(match prompt.clone() {
            Prompt::Value { node: Some(node), input, is_text, .. } => Question::Value { node, input, is_text },
            Prompt::Value { node: None, input, is_text, .. } => Question::Default { input, is_text },
            Prompt::NewInput { kind, .. } => Question::NewInput { kind },
            Prompt::RenameInput { input, .. } => Question::RenameInput { input },
            Prompt::Rename { node, .. } => Question::Rename { node },
            Prompt::RenameGroup { group, .. } => Question::RenameGroup { group },
            Prompt::Group { nodes, .. } => Question::Group { nodes },
            Prompt::Extract { nodes, .. } => Question::Extract { nodes },
            Prompt::Sweep { first, name, .. } => {
                Question::Sweep { name, first: first.map(|first| (first.name, first.typed)) }
            }
            // They change nothing: what was looked for is typed again in a moment.
            Prompt::Search | Prompt::Filter | Prompt::Runs | Prompt::Gallery | Prompt::Enqueue { .. } => return None,
        })
    }

    /// What it asks for, in a few words.
    pub(crate) fn about(&self) -> String {
        match self {
            Question::Value { node, input, .. } => format!("{node}.{input}"),
            Question::Rename { node } => format!("another name for {node}"),
            Question::RenameGroup { group } => format!("another name for the group {group}"),
            Question::Group { .. } => "the name of a group".into(),
            Question::Extract { .. } => "the name of a workflow".into(),
            Question::Sweep { name, first: Some((first, _)) } => format!("a sweep over {first} and {name}"),
            Question::Sweep { name, first: None } => format!("a sweep over {name}"),
            Question::Default { input, .. } => format!("the input {input}"),
            Question::NewInput { .. } => "the name of an input".into(),
            Question::RenameInput { input } => format!("another name for the input {input}"),
        }
    }
}

/// What was typed for a sweep that waits for another answer.
fn swept(overlay: &Overlay) -> Option<(Question, String)> {
    let (first, second) = match overlay {
        Overlay::Choice { choice: Choice::SweepSecond(first), .. } => (&**first, None),
        Overlay::SweepAsked(sweep) => (&sweep.columns, sweep.rows.as_ref()),
        _ => return None,
    };
    Some(match second {
        Some(Axis { name, typed, .. }) => {
            let first = Some((first.name.clone(), first.typed.clone()));
            (Question::Sweep { name: name.clone(), first }, typed.clone())
        }
        None => (Question::Sweep { name: first.name.clone(), first: None }, first.typed.clone()),
    })
}

impl Model {
    /// What is being typed, and would be lost with the process.
    pub(crate) fn typed(&self) -> Option<Typed> {
        let flow = self.flow.as_ref().filter(|flow| !flow.is_recorded)?;
        let asked: Option<(&Prompt, &Field)> = match &self.overlay {
            Some(Overlay::Prompt(prompt, field)) => Some((prompt, field)),
            Some(Overlay::Choice { choice: Choice::Earlier(question), .. }) => Some((&question.0, &question.1)),
            _ => None,
        };
        let typed = asked.filter(|(_, field)| field.is_changed()).and_then(|(prompt, field)| {
            let place = TypedPlace { inside: flow.inside().to_vec(), question: Question::of(prompt)? };
            Some(Typed { place, text: field.text() })
        });
        let typed = typed.or_else(|| {
            let (question, text) = swept(self.overlay.as_ref()?)?;
            Some(Typed { place: TypedPlace { inside: flow.inside().to_vec(), question }, text })
        });
        // What is to be asked again in a moment is not lost in that moment.
        typed.or_else(|| flow.awaited_typed.clone())
    }

    /// What would be lost of a workflow with the process.
    pub(crate) fn unsaved(&self, flow: &Flow) -> Option<super::Unsaved> {
        let is_shown = self.flow.as_ref().is_some_and(|shown| shown.path == flow.path);
        flow.unsaved(if is_shown { self.typed() } else { None })
    }
}
