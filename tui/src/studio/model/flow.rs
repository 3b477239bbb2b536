//! The workflow that is open.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use easel_engine::edit::{Conflict, History};
use easel_engine::{NodeSpec, Plan, Registry, Severity};

use super::super::graph_view::Camera;
use super::super::layout::{self, Detail, Layout};
use super::super::scene::Scene;

/// What came of checking a text.
pub(crate) struct Checked {
    /// The text that was checked.
    pub(crate) revision: u64,
    /// The file that it is the content of.
    pub(crate) path: PathBuf,
    /// What is drawn of it.
    pub(crate) scene: Scene,
    /// What is known of the type of each node of the scene.
    pub(crate) specs: Vec<Option<NodeSpec>>,
    /// What is wrong, as people read the file.
    pub(crate) findings: Vec<Finding>,
    /// What would run; none if something is wrong.
    pub(crate) plan: Option<Plan>,
    /// What it says it does.
    pub(crate) about: String,
    /// The node types that there are for it.
    pub(crate) registry: Arc<Registry>,
    /// The files that it depends on.
    pub(crate) files: Vec<PathBuf>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How bad.
    pub(crate) severity: Severity,
    /// In one line.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// File, line and column.
    pub(crate) place: Option<String>,
    /// The source around the place with the place underlined, as the command line shows it.
    pub(crate) drawn: String,
    /// The node of the scene that it is about.
    pub(crate) node: Option<usize>,
}

/// The workflow that is open.
pub(crate) struct Flow {
    /// Its file.
    pub(crate) path: PathBuf,
    /// Its text, with everything that was done to it; none until it was read.
    pub(crate) history: Option<History>,
    /// Its file became another one in places that were changed here.
    pub(crate) conflict: Option<Conflict>,
    /// It is what a run was begun with, and not what is in the file now.
    pub(crate) is_recorded: bool,
    /// Changes of an earlier time were offered, and nobody said what is to become of them.
    pub(crate) has_offer: bool,
    /// A run was asked for while the text was being checked.
    pub(crate) wants_run: bool,
    /// Which of all texts that were checked is the newest of this one.
    pub(crate) revision: u64,
    /// Why the file cannot be read as it is now.
    pub(crate) unreadable: Option<String>,
    /// What came of checking the newest text that was checked.
    pub(crate) checked: Option<Checked>,
    /// Where its nodes and wires are.
    pub(crate) layout: Layout,
    /// How much of each node is shown.
    pub(crate) detail: Detail,
    /// What part of the graph is shown.
    pub(crate) camera: Camera,
    /// The node that the cursor is on.
    pub(crate) selected: Option<usize>,
    /// Nodes that a search found.
    pub(crate) found: BTreeSet<usize>,
    /// Nodes that are marked for what is done next.
    pub(crate) marked: BTreeSet<usize>,
    /// The input of the selected node that the cursor is on.
    pub(crate) input: usize,
    /// A node to select as soon as it is there.
    pub(crate) awaited: Option<String>,
    /// The finding that the cursor is on.
    pub(crate) problem: usize,
}

impl Flow {
    /// A file that is not read yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Flow {
            path,
            history: None,
            conflict: None,
            is_recorded: false,
            has_offer: false,
            wants_run: false,
            revision: 0,
            unreadable: None,
            checked: None,
            layout: Layout::default(),
            detail: Detail::default(),
            camera: Camera::default(),
            selected: None,
            found: BTreeSet::new(),
            marked: BTreeSet::new(),
            input: 0,
            awaited: None,
            problem: 0,
        }
    }

    /// What a run was begun with, whatever is in the file now.
    pub(crate) fn recorded(path: PathBuf, text: Arc<str>) -> Self {
        Flow { history: Some(History::new(text)), is_recorded: true, revision: 1, ..Flow::new(path) }
    }

    /// Its nodes and wires, as far as they are known.
    pub(crate) fn scene(&self) -> Option<&Scene> {
        self.checked.as_ref().map(|checked| &checked.scene)
    }

    /// What is wrong with it.
    pub(crate) fn findings(&self) -> &[Finding] {
        self.checked.as_ref().map_or(&[], |checked| &checked.findings)
    }

    /// How many errors and warnings there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let errors = self.findings().iter().filter(|finding| finding.severity == Severity::Error).count();
        (errors, self.findings().len() - errors)
    }

    /// Whether what is known is about the text as it is now.
    pub(crate) fn is_current(&self) -> bool {
        self.checked.as_ref().is_some_and(|checked| checked.revision == self.revision)
    }

    /// Takes over what came of checking; where the cursor is stays the same node.
    pub(crate) fn take(&mut self, checked: Checked) {
        let id =
            |flow: &Flow, at: usize| flow.scene().and_then(|scene| scene.nodes.get(at)).map(|node| node.id.clone());
        let selected = self.selected.and_then(|at| id(self, at));
        let awaited = self.awaited.take();
        let find = |id: &String| checked.scene.nodes.iter().position(|node| node.id == *id);
        self.selected = awaited.as_ref().and_then(find).or_else(|| selected.as_ref().and_then(find));
        let found = std::mem::take(&mut self.found);
        self.found = found.into_iter().filter_map(|at| id(self, at)).filter_map(|id| find(&id)).collect();
        self.input = self.input.min(self.inputs_of(&checked).saturating_sub(1));
        self.problem = self.problem.min(checked.findings.len().saturating_sub(1));
        self.checked = Some(checked);
        self.lay_out();
    }

    /// How many inputs the selected node has.
    fn inputs_of(&self, checked: &Checked) -> usize {
        let spec = self.selected.and_then(|at| checked.specs.get(at)?.as_ref());
        spec.map_or(0, |spec| spec.inputs.len())
    }

    /// The text as it is now.
    pub(crate) fn text(&self) -> Option<&Arc<str>> {
        self.history.as_ref().map(History::text)
    }

    /// Whether there is something that is not in the file, or no file any more.
    pub(crate) fn is_modified(&self) -> bool {
        self.history.as_ref().is_some_and(|history| history.is_modified() || self.unreadable.is_some())
    }

    /// The name and the type of the selected node.
    pub(crate) fn selected_node(&self) -> Option<(&str, Option<&NodeSpec>)> {
        let (at, checked) = (self.selected?, self.checked.as_ref()?);
        Some((checked.scene.nodes.get(at)?.id.as_str(), checked.specs.get(at)?.as_ref()))
    }

    /// Computes the places anew.
    pub(crate) fn lay_out(&mut self) {
        if let Some(checked) = &self.checked {
            self.layout = layout::layout(&checked.scene, self.detail);
        }
    }
}
