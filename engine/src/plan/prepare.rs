//! The way from a text to a plan.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::compose::{Composer, Given, ScopeInput};
use super::demand::Demand;
use super::resolve::Resolved;
use super::targets::{self, Targets};
use super::{BlockResult, EffectiveInput, Inner, NodeOptions, Plan, Settings, settings, unused};
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::Document;
use crate::graph::{Finding, Graph, Place};
use crate::library::Library;
use crate::registry::Registry;
use crate::source::Source;

/// More nodes than this are a mistake: workflows that include others several times grow fast.
const MAX_NODES: u64 = 1 << 20;

/// Mistakes of the caller that no part of the workflow answers for: there is no plan in spite of them.
const FATAL: [&str; 6] =
    ["unknown-setting", "duplicate-setting", "unknown-target", "no-targets", "empty-workflow", "muted-target"];

pub(super) fn prepare(
    source: &Source,
    registry: &Registry,
    settings: &Settings,
    library: &dyn Library,
) -> Result<(Plan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (document, mut diagnostics) = Document::parse(source);
    let is_damaged = diagnostics.iter().any(Diagnostic::is_error);
    let base_dir = base_dir(source, settings);
    // Another folder for pictures is no other folder for the workflows that this one includes.
    let folder = source.path.as_deref().and_then(Path::parent).unwrap_or(&base_dir);
    let graph = Graph::resolve(&document, registry, library, folder);
    if graph.root().size > MAX_NODES {
        diagnostics.push(too_large(graph.root().size));
        diagnostics.extend(graph.findings.into_iter().map(|finding| finding.diagnostic));
        return Err(sorted(diagnostics));
    }
    let inputs = settings::effective(&document, &settings.set, &mut diagnostics);
    let mut composer = Composer::new(&graph, &base_dir, &registry.services, settings.memory_limit);
    let root = graph.root_index();
    let given = scope_inputs(&graph, &inputs, settings);
    composer.place(root, String::new(), given, (NodeOptions::default(), None));
    let results = composer.results(0);
    let mut targets = targets::find(&composer, &results, settings, is_damaged, &mut diagnostics);
    let mut demand = Demand::new(&composer, &targets.drafts);
    unused::warn(&composer, &demand, settings, &mut diagnostics);
    let planned = Findings { composer: &mut composer, demand: &demand, targets: &targets };
    diagnostics.extend(planned.diagnostics(&graph.findings));
    let diagnostics = sorted(diagnostics);
    if settings.keep_going && !is_damaged {
        let is_sound = |&target: &u32| !demand.broken[target as usize];
        targets.drafts.retain(is_sound);
        let is_fatal = diagnostics.iter().any(|diagnostic| FATAL.contains(&diagnostic.code));
        if is_fatal || targets.drafts.is_empty() && diagnostics.iter().any(Diagnostic::is_error) {
            return Err(diagnostics);
        }
        demand = Demand::new(&composer, &targets.drafts);
    } else if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(diagnostics);
    }
    let files = files(&graph, &demand, &composer, &base_dir);
    let results = block_results(&graph, results, &demand);
    let inner = Inner {
        source: source.clone(),
        document,
        inputs,
        root: demand.block(composer, &targets.drafts, results),
        base_dir,
        out_dir: settings.out_dir.clone(),
        registry: registry.clone(),
        files,
        texts: graph.texts,
    };
    Ok((Plan(Arc::new(inner)), diagnostics))
}

fn base_dir(source: &Source, settings: &Settings) -> PathBuf {
    let folder = || source.path.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let chosen = settings.base_dir.clone().or_else(folder).unwrap_or_default();
    // An empty path joins well, but cannot be listed or shown.
    if chosen.as_os_str().is_empty() { PathBuf::from(".") } else { chosen }
}

fn too_large(size: u64) -> Diagnostic {
    let message = format!("with all that it includes, this workflow has {size} nodes, more than {MAX_NODES}");
    Diagnostic::error("too-large", message).with_hint("use `Map` or `Loop` for what is done again and again")
}

/// In the order in which people read files.
pub(super) fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
    diagnostics
}

/// The inputs of the workflow as the caller wants them.
fn scope_inputs(graph: &Graph, inputs: &IndexMap<String, EffectiveInput>, settings: &Settings) -> Vec<ScopeInput> {
    let root = graph.root();
    let declared = root.workflow.inputs.values().enumerate();
    let scope_inputs = declared.map(|(input, declared)| {
        let name = &declared.name.value;
        match inputs.get(name) {
            Some(effective) => ScopeInput {
                resolved: Resolved::known(effective.value.value()),
                given: if effective.is_set { Given::Set } else { Given::Default },
            },
            // A value that was given but is wrong, or a default or kind that could not be read, was reported.
            None => {
                let was_told = settings::is_set(&settings.set, name) || declared.has_default;
                let resolved = if was_told || root.kinds[input].is_none() {
                    Resolved::Broken(Vec::new())
                } else {
                    Resolved::Missing { input }
                };
                ScopeInput { resolved, given: Given::Set }
            }
        }
    });
    scope_inputs.collect()
}

/// What the workflow gives, as far as the run comes by it.
fn block_results(graph: &Graph, results: Vec<Resolved>, demand: &Demand) -> Vec<BlockResult> {
    let names = graph.root().workflow.outputs.keys();
    let sound = names.zip(results).filter_map(|(name, result)| {
        let is_there = result.needs().iter().all(|&node| demand.wanted[node as usize]);
        match result {
            Resolved::Given(origin, kind) if is_there => Some(BlockResult { name: name.as_str().into(), kind, origin }),
            _ => None,
        }
    });
    sound.collect()
}

/// Every file that the plan comes from or that its nodes will read.
fn files(graph: &Graph, demand: &Demand, composer: &Composer<'_>, base_dir: &Path) -> Vec<PathBuf> {
    let mut files: IndexSet<PathBuf> = graph.files.iter().cloned().collect();
    files.extend(demand.files(composer).into_iter().map(|file| base_dir.join(file)));
    files.into_iter().collect()
}

/// Everything that was found wrong with a graph and with its nodes where they were put.
pub(super) struct Findings<'f, 'a> {
    pub(super) composer: &'f mut Composer<'a>,
    pub(super) demand: &'f Demand,
    pub(super) targets: &'f Targets,
}

impl Findings<'_, '_> {
    /// What is wrong where nobody needs it is no error if the caller said what is wanted.
    pub(super) fn diagnostics(self, findings: &[Finding]) -> Vec<Diagnostic> {
        let Findings { composer, demand, targets } = self;
        let mut all = Vec::new();
        let mut add = |mut diagnostic: Diagnostic, is_needed: bool| {
            if !is_needed && targets.are_chosen && diagnostic.is_error() {
                diagnostic.severity = Severity::Warning;
            }
            all.push(diagnostic);
        };
        let needed = if findings.is_empty() { Vec::new() } else { demand.inside(composer) };
        let root = composer.graph.root_index();
        for Finding { module, place, diagnostic } in findings {
            let is_needed = match place {
                Place::Node(node) => needed.binary_search(&(*module as u32, *node as u32)).is_ok(),
                Place::Workflow => *module == root || needed.iter().any(|(needed, _)| *needed == *module as u32),
            };
            add(diagnostic.clone(), is_needed);
        }
        let mut told = HashSet::new();
        for problem in std::mem::take(&mut composer.problems) {
            let is_needed = demand.wanted[problem.draft as usize] && !problem.is_aside;
            if (problem.only_if_wanted && !is_needed)
                || problem.about.is_some_and(|about| !told.insert((is_needed, about)))
            {
                continue;
            }
            add(problem.diagnostic, is_needed);
        }
        all
    }
}
