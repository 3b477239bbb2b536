//! The workflow that is open.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use easel_engine::edit::{Changes, Conflict, Edit, History};
use easel_engine::{Document, RunId, Severity, Source, Workflow};

use super::super::graph_view::{Camera, Focus};
use super::super::layout::{self, Detail, Layout};
use super::super::scene::{Scene, SceneNode};
use super::focus::FocusName;
use super::typed::Typed;
use super::{Checked, Drag, Finding, Offer, Schema, Unsaved};

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
    /// That run, if the journal has it: what is run then has the settings that it had.
    pub(crate) recorded_run: Option<RunId>,
    /// Changes of an earlier time that wait to be offered.
    pub(crate) offers: VecDeque<Offer>,
    /// A run was asked for while the text was being checked.
    pub(crate) wants_run: bool,
    /// Which of all texts that were checked is the newest of this one.
    pub(crate) revision: u64,
    /// Checking that text broke off.
    pub(crate) is_uncheckable: bool,
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
    /// The socket of the selected node that the cursor is on: inputs come first, then outputs.
    pub(crate) input: usize,
    /// The input of the workflow that the cursor is on.
    pub(crate) input_at: usize,
    /// The socket or wire in the graph that the cursor is on.
    pub(crate) focus: Option<Focus>,
    /// What the mouse is in the midst of.
    pub(crate) drag: Option<Drag>,
    /// A node to select as soon as it is there.
    pub(crate) awaited: Option<String>,
    /// An input of the workflow to put the cursor on as soon as it is there.
    pub(crate) awaited_input: Option<String>,
    /// Nodes to mark as soon as they are there.
    pub(crate) awaited_marks: Vec<String>,
    /// A place of the text whose node is to be selected as soon as it is there.
    pub(crate) awaited_place: Option<usize>,
    /// What was being typed at an earlier time, and is asked for again as soon as the text is checked.
    pub(crate) awaited_typed: Option<Typed>,
    /// What becomes of the text once a file is written.
    pub(crate) awaited_file: Option<AwaitedFile>,
    /// The names of files that were written for it here.
    pub(crate) written: Vec<String>,
    /// It is left as soon as it is saved.
    pub(crate) wants_leave: bool,
    /// The nodes through which its file was entered from others, outermost first.
    pub(crate) prefix: Vec<String>,
    /// How it looked around each of the nodes that were entered.
    pub(crate) trail: Vec<Look>,
    /// The finding that the cursor is on.
    pub(crate) problem: usize,
}

/// A change that waits for a file to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwaitedFile {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its name, as the workflow writes it.
    pub(crate) name: String,
    /// The nodes that go into it.
    pub(crate) nodes: Vec<String>,
    /// The text that the change is about.
    pub(crate) text: Arc<str>,
    /// The change.
    pub(crate) changes: Changes,
}

/// Where somebody was, to come back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// What part of the graph was shown.
    pub(crate) camera: Camera,
    /// The node that was selected.
    pub(crate) selected: Option<String>,
}

impl Flow {
    /// A file that is not read yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Flow {
            path,
            history: None,
            conflict: None,
            is_recorded: false,
            recorded_run: None,
            offers: VecDeque::new(),
            wants_run: false,
            revision: 0,
            is_uncheckable: false,
            unreadable: None,
            checked: None,
            layout: Layout::default(),
            detail: Detail::default(),
            camera: Camera::default(),
            selected: None,
            found: BTreeSet::new(),
            marked: BTreeSet::new(),
            input: 0,
            input_at: 0,
            focus: None,
            drag: None,
            awaited: None,
            awaited_input: None,
            awaited_marks: Vec::new(),
            awaited_place: None,
            awaited_typed: None,
            awaited_file: None,
            written: Vec::new(),
            wants_leave: false,
            prefix: Vec::new(),
            trail: Vec::new(),
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

    /// Whether it could be run but for inputs that nobody gave a value.
    pub(crate) fn lacks_only_inputs(&self) -> bool {
        let mut errors = self.findings().iter().filter(|finding| finding.severity == Severity::Error).peekable();
        errors.peek().is_some() && errors.all(|finding| finding.is_missing_input && finding.file.is_none())
    }

    /// Whether what is known is about the text as it is now.
    pub(crate) fn is_current(&self) -> bool {
        self.checked.as_ref().is_some_and(|checked| checked.revision == self.revision)
    }

    /// Takes over what came of checking; where the cursor is stays the same node.
    pub(crate) fn take(&mut self, mut checked: Checked) {
        if let Some(known) = &self.checked {
            checked.folded = known.folded.clone();
            // As it comes, it shows the workflow of the file with all its nodes.
            if !(known.inside.is_empty() && known.folded.is_empty()) {
                checked.show(&known.inside);
            }
        }
        let names = |places: &BTreeSet<usize>| places.iter().filter_map(|at| self.id(*at)).collect::<Vec<_>>();
        let find = |id: &String| {
            let is_it = |node: &SceneNode| node.id == *id || node.members.contains(id);
            checked.scene.nodes.iter().position(is_it)
        };
        let selected = self.selected.and_then(|at| self.id(at));
        let (found, marked) = (names(&self.found), names(&self.marked));
        let input = self.checked.as_ref().and_then(|known| known.inputs.get(self.input_at)).map(|input| &input.name);
        let wanted = |name: Option<&String>| checked.inputs.iter().position(|input| Some(&input.name) == name);
        let last = checked.inputs.len().saturating_sub(1);
        self.input_at =
            wanted(self.awaited_input.as_ref()).or_else(|| wanted(input)).unwrap_or(self.input_at).min(last);
        let focus = self.focus.and_then(|focus| FocusName::of(self.scene()?, focus));
        self.focus = focus.and_then(|focus| focus.find(&checked.scene));
        self.drag = None;
        let awaited = self.awaited.as_ref().and_then(find);
        self.selected = awaited.or_else(|| selected.as_ref().and_then(find));
        self.found = found.iter().filter_map(find).collect();
        let awaited: BTreeSet<_> = self.awaited_marks.iter().filter_map(find).collect();
        self.marked = if awaited.is_empty() { marked.iter().filter_map(find).collect() } else { awaited };
        // They may be there only in a text that is being checked still.
        if checked.revision == self.revision {
            self.awaited = None;
            self.awaited_input = None;
            self.awaited_marks.clear();
        }
        self.trail.truncate(checked.inside.len());
        self.input = self.input.min(self.sockets_of(&checked).saturating_sub(1));
        self.problem = self.problem.min(checked.findings.len().saturating_sub(1));
        self.checked = Some(checked);
        self.lay_out();
    }

    /// The name of a node of the scene.
    pub(crate) fn id(&self, at: usize) -> Option<String> {
        self.scene().and_then(|scene| scene.nodes.get(at)).map(|node| node.id.clone())
    }

    /// How many sockets the selected node has.
    fn sockets_of(&self, checked: &Checked) -> usize {
        let schema = self.selected.and_then(|at| checked.schemas.get(at)?.as_ref());
        schema.map_or(0, |schema| schema.inputs.len() + schema.outputs.len())
    }

    /// The nodes of this file that lead to what is shown.
    pub(crate) fn inside(&self) -> &[String] {
        self.checked.as_ref().map_or(&[], |checked| &checked.inside)
    }

    /// The nodes that lead from the outermost workflow to what is shown.
    pub(crate) fn way(&self) -> Vec<String> {
        self.prefix.iter().chain(self.inside()).cloned().collect()
    }

    /// The text as it is now, read: what was checked may be older.
    pub(crate) fn document(&self) -> Option<Document> {
        self.text().map(|text| Document::parse(&Source::new("", Arc::clone(text))).0)
    }

    /// The workflow of a document that is shown.
    pub(crate) fn shown<'d>(&self, document: &'d Document) -> Option<&'d Workflow> {
        let within = self.checked.as_ref().map_or(&[][..], |checked| &checked.within);
        within.iter().try_fold(document.workflow(), |workflow, name| {
            workflow.workflows().find(|local| local.name.value == *name).map(|local| &*local.workflow)
        })
    }

    /// An edit of the workflow that is shown, as one of the file.
    pub(crate) fn here(&self, edit: Edit) -> Edit {
        let within = self.checked.as_ref().map_or(&[][..], |checked| &checked.within);
        let wrap = |edit, name: &String| Edit::Within { workflow: name.clone(), edit: Box::new(edit) };
        within.iter().rev().fold(edit, wrap)
    }

    /// The nodes that are marked, or else the selected one; of groups that are one box, their nodes.
    pub(crate) fn targets(&self) -> Vec<String> {
        let of = |at: usize| {
            let node = self.scene().and_then(|scene| scene.nodes.get(at));
            node.map(|node| if node.members.is_empty() { vec![node.id.clone()] } else { node.members.clone() })
        };
        if self.marked.is_empty() {
            return self.selected.and_then(of).unwrap_or_default();
        }
        self.marked.iter().filter_map(|at| of(*at)).flatten().collect()
    }

    /// The text as it is now.
    pub(crate) fn text(&self) -> Option<&Arc<str>> {
        self.history.as_ref().map(History::text)
    }

    /// Whether there is something that is not in the file, or no file any more.
    pub(crate) fn is_modified(&self) -> bool {
        self.history.as_ref().is_some_and(|history| history.is_modified() || self.unreadable.is_some())
    }

    /// What would be lost with the process, with what it takes to put it together with what others do to the file.
    pub(super) fn unsaved(&self, typed: Option<Typed>) -> Option<Unsaved> {
        let is_any = (self.is_modified() || typed.is_some()) && !self.is_recorded;
        let history = self.history.as_ref().filter(|_| is_any)?;
        Some(Unsaved { base: Arc::clone(history.saved_text()), text: Arc::clone(history.text()), typed })
    }

    /// The name of the selected node, and what may be written in it.
    pub(crate) fn selected_node(&self) -> Option<(&str, Option<&Schema>)> {
        let (at, checked) = (self.selected?, self.checked.as_ref()?);
        Some((checked.scene.nodes.get(at)?.id.as_str(), checked.schemas.get(at)?.as_ref()))
    }

    /// The node and the socket that one of the selected node's stands for: those of a group are its members'.
    pub(crate) fn owner(&self, socket: &str) -> Option<(String, String)> {
        let (node, socket) = self.scene()?.nodes.get(self.selected?)?.owner_of(socket);
        Some((node.to_string(), socket.to_string()))
    }

    /// Computes the places anew.
    pub(crate) fn lay_out(&mut self) {
        if let Some(checked) = &self.checked {
            self.layout = layout::layout(&checked.scene, self.detail);
        }
    }
}
