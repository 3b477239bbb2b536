//! What is in front of the panes. Esc always takes it away.

use super::super::field::Field;

/// What is in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// What the keys do; how far it was scrolled.
    Help(usize),
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
    /// Something runs that would be stopped.
    Leave,
}

/// What the answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// A node to find.
    Search,
    /// A text that lines of the log must hold.
    Filter,
}

impl Prompt {
    /// The question.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Prompt::Search => "Find a node",
            Prompt::Filter => "Show lines with",
        }
    }
}
