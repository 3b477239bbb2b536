//! What came of checking a text, and the part of it that is shown.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use easel_engine::{Diagnostic, Graph, Part, Plan, Registry, Replacement, Severity, Workflow};

use super::super::scene::{Scene, SceneNode};
use super::{InputSchema, OutputSchema, Schema};

/// What came of checking a text.
pub(crate) struct Checked {
    /// The text that was checked.
    pub(crate) revision: u64,
    /// The file that it is the content of.
    pub(crate) path: PathBuf,
    /// That file without links and detours, as far as the system could tell.
    pub(crate) absolute: PathBuf,
    /// What its names come to.
    pub(crate) graph: Graph,
    /// What was found wrong, with places.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What is drawn of it.
    pub(crate) scene: Scene,
    /// The groups that are one box each, with the workflows that they are in.
    pub(crate) folded: BTreeSet<(Vec<String>, String)>,
    /// Of each node of the scene its place in the workflow; none for a group.
    pub(crate) places: Vec<Option<usize>>,
    /// What is known of each node of the scene.
    pub(crate) schemas: Vec<Option<Schema>>,
    /// What may be written in the inputs of the workflow that is shown.
    pub(crate) inputs: Vec<InputSchema>,
    /// The nodes that were entered, outermost first: the scene is what the last of them runs.
    pub(crate) inside: Vec<String>,
    /// The workflow that is shown, by the names of those that it is written in, and its own; empty: that of the file.
    pub(crate) within: Vec<String>,
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
    /// Bytes of the text of its file.
    pub(crate) span: Option<Range<usize>>,
    /// The file that it is in, if that is not the one that is open.
    pub(crate) file: Option<PathBuf>,
    /// How the text is mended.
    pub(crate) fix: Option<Fix>,
    /// The node that said it in a run, behind those of the file that lead to it; none: it was found in the text.
    pub(crate) told_by: Option<Arc<str>>,
    /// An input of the workflow has no value.
    pub(crate) is_missing_input: bool,
}

/// A change that mends something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fix {
    /// It.
    pub(crate) replacement: Replacement,
    /// What it does, in a few words.
    pub(crate) about: String,
}

/// What is entered by going into a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// A workflow that is written in the same file.
    Here,
    /// Another file.
    File(PathBuf),
}

impl Checked {
    /// Shows what the last of these nodes runs, entered one after the other; of those that are not there any more, or run
    /// something else, what is around them.
    pub(crate) fn show(&mut self, inside: &[String]) {
        let (mut part, mut entered, mut within) = (self.graph.part(), Vec::new(), Vec::new());
        for id in inside {
            let Some(body) = self.body_of(&part, id) else { break };
            let Some(place) = place_in(self.graph.part().workflow(), body.workflow()) else { break };
            (part, within) = (body, place);
            entered.push(id.clone());
        }
        let path: Vec<&str> = entered.iter().map(String::as_str).collect();
        let whole = match path.as_slice() {
            [] => Scene::of(self.graph.document(), &self.graph, &self.diagnostics),
            path => Scene::inside(path, &self.graph, &self.diagnostics).unwrap_or_default(),
        };
        let here = self.folded.iter().filter(|(place, _)| *place == within);
        let folded = whole.folded(&here.map(|(_, group)| group.clone()).collect());
        (self.scene, self.places) = (folded.scene, folded.places);
        let schema = |(node, place): (&SceneNode, &Option<usize>)| match place {
            Some(place) => Schema::of(&part, *place),
            None => Some(Schema::of_group(&part, node)),
        };
        self.schemas = self.scene.nodes.iter().zip(&self.places).map(schema).collect();
        let inputs = part.workflow().inputs().enumerate();
        self.inputs = inputs.map(|(place, input)| InputSchema::of_body(input, part.input_kind(place))).collect();
        for finding in self.findings.iter_mut().filter(|finding| finding.file.is_none()) {
            let node = finding.span.as_ref().and_then(|span| node_at(part.workflow(), span.start));
            let id = node.and_then(|node| part.workflow().nodes().get(node)).map(|node| node.id.value.as_str());
            finding.node = id.and_then(|id| shown(&self.scene, id));
        }
        (self.inside, self.within) = (entered, within);
        self.show_told();
    }

    /// Puts what was told in a run to the nodes that stand for those that said it.
    fn show_told(&mut self) {
        for finding in &mut self.findings {
            let Some(told_by) = &finding.told_by else { continue };
            let mut parts = told_by.split('/');
            let is_inside = self.inside.iter().all(|wanted| parts.next() == Some(wanted));
            finding.node = parts.next().filter(|_| is_inside).and_then(|id| shown(&self.scene, id));
            if let Some(node) = finding.node.and_then(|node| self.scene.nodes.get_mut(node)) {
                node.warnings += 1;
            }
        }
    }

    /// What a node of a workflow runs, if it is written in the same file.
    fn body_of<'a>(&self, part: &Part<'a>, id: &str) -> Option<Part<'a>> {
        let place = part.workflow().nodes().iter().position(|node| node.id.value == id)?;
        part.body(place).filter(|body| self.is_here(body))
    }

    fn is_here(&self, part: &Part<'_>) -> bool {
        Arc::ptr_eq(&part.document().source().text, &self.graph.document().source().text)
    }

    /// The workflow that is shown.
    pub(crate) fn part(&self) -> Part<'_> {
        let root = self.graph.part();
        self.inside.iter().try_fold(root, |part, id| self.body_of(&part, id)).unwrap_or(root)
    }

    /// What is entered by going into a node of the scene.
    pub(crate) fn body(&self, node: usize) -> Option<Body> {
        let body = self.part().body((*self.places.get(node)?)?)?;
        if self.is_here(&body) {
            return Some(Body::Here);
        }
        body.document().source().path.clone().map(Body::File)
    }

    /// What may be written in an input of a node, also of one in a group that is one box.
    pub(crate) fn input_named(&self, node: &str, input: &str) -> Option<&InputSchema> {
        let mut all = self.scene.nodes.iter().zip(&self.schemas);
        let is_it = |shown: &SceneNode, known: &InputSchema| shown.owner_of(&known.name) == (node, input);
        all.find_map(|(shown, schema)| schema.as_ref()?.inputs.iter().find(|known| is_it(shown, known)))
    }

    /// What an output of a node gives, also of one in a group that is one box.
    pub(crate) fn output_named(&self, node: &str, output: &str) -> Option<&OutputSchema> {
        let mut all = self.scene.nodes.iter().zip(&self.schemas);
        let is_it = |shown: &SceneNode, known: &OutputSchema| shown.owner_of(&known.name) == (node, output);
        all.find_map(|(shown, schema)| schema.as_ref()?.outputs.iter().find(|known| is_it(shown, known)))
    }

    /// The node of the scene in whose text that place is.
    pub(crate) fn node_at(&self, place: usize) -> Option<usize> {
        let part = self.part();
        let node = node_at(part.workflow(), place)?;
        shown(&self.scene, &part.workflow().nodes().get(node)?.id.value)
    }

    /// The nodes to enter, outermost first, to come to the workflow of this file in which a node is written at that place.
    pub(crate) fn way_to(&self, place: usize) -> Option<Vec<String>> {
        let mut seen: Vec<*const Workflow> = Vec::new();
        let mut open = vec![(self.graph.part(), Vec::new())];
        while let Some((part, way)) = open.pop() {
            if node_at(part.workflow(), place).is_some() {
                return Some(way);
            }
            seen.push(part.workflow());
            for (at, node) in part.workflow().nodes().iter().enumerate() {
                let body = part.body(at).filter(|body| self.is_here(body));
                if let Some(body) = body.filter(|body| !seen.contains(&std::ptr::from_ref(body.workflow()))) {
                    open.push((body, way.iter().chain([&node.id.value]).cloned().collect()));
                }
            }
        }
        None
    }
}

/// The node of a scene that stands for one of a workflow: itself, or its group.
fn shown(scene: &Scene, id: &str) -> Option<usize> {
    scene.nodes.iter().position(|node| node.id == id || node.members.iter().any(|member| member == id))
}

/// The node in whose text that place is.
fn node_at(workflow: &Workflow, place: usize) -> Option<usize> {
    let is_in = |span: &Range<usize>| span.contains(&place) || span.end == place;
    workflow.nodes().iter().position(|node| is_in(&node.span) || is_in(&node.id.span))
}

/// The names of the workflows that lead from one to another that is written in it; empty if they are the same.
fn place_in(root: &Workflow, wanted: &Workflow) -> Option<Vec<String>> {
    if std::ptr::eq(root, wanted) {
        return Some(Vec::new());
    }
    root.workflows().find_map(|local| {
        let mut rest = place_in(&local.workflow, wanted)?;
        rest.insert(0, local.name.value.clone());
        Some(rest)
    })
}
