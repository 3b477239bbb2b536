//! Finds the workflows that a workflow includes, and resolves each of them once.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::build::build;
use super::{Finding, Graph, MAX_NESTING, Module, Place};
use crate::diagnostic::Diagnostic;
use crate::document::{Document, Literal, Spanned, Workflow};
use crate::library::{self, Library};
use crate::registry::Registry;
use crate::source::Source;
use crate::suggest;

/// What tells workflows apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// A file.
    File(PathBuf),
    /// One that is written inside of another, by where that one is in memory.
    Local(*const Workflow),
}

/// Where names of workflows are looked up: in the workflow itself, then in those that it stands in.
pub(super) struct Scope<'a> {
    pub(super) document: &'a Document,
    pub(super) workflow: &'a Arc<Workflow>,
    /// Relative paths count from here.
    folder: &'a Path,
    outer: Option<&'a Scope<'a>>,
}

/// Resolves workflows, each once.
pub(super) struct Modules<'a> {
    pub(super) registry: &'a Registry,
    pub(super) library: &'a dyn Library,
    pub(super) modules: Vec<Module>,
    pub(super) findings: Vec<Finding>,
    known: HashMap<Key, Option<usize>>,
    /// Those that are being resolved, outermost first, with their names for people.
    under_way: Vec<(Key, String)>,
    files: Vec<PathBuf>,
    texts: IndexMap<PathBuf, Arc<str>>,
    main: Source,
}

/// Why a workflow cannot be used: said where it is named. Nothing if that was said elsewhere.
pub(super) type Unusable = Option<Box<Diagnostic>>;

pub(super) fn resolve(document: &Document, registry: &Registry, library: &dyn Library, folder: &Path) -> Graph {
    let mut modules = Modules {
        registry,
        library,
        modules: Vec::new(),
        findings: Vec::new(),
        known: HashMap::new(),
        under_way: Vec::new(),
        files: Vec::new(),
        texts: IndexMap::new(),
        main: document.source.clone(),
    };
    let key = match &document.source.path {
        Some(path) => {
            modules.files.push(path.clone());
            modules.texts.insert(path.clone(), Arc::clone(&document.source.text));
            Key::File(library.identity(path))
        }
        None => Key::Local(Arc::as_ptr(&document.root)),
    };
    let scope = Scope { document, workflow: &document.root, folder, outer: None };
    modules.resolve_as(key, document.source.name.clone(), &scope);
    let Modules { modules, findings, files, texts, .. } = modules;
    Graph { registry: registry.clone(), modules, findings, files, texts }
}

impl Modules<'_> {
    /// Resolves a workflow and everything that it includes.
    fn resolve_as(&mut self, key: Key, name: String, scope: &Scope<'_>) -> usize {
        self.under_way.push((key.clone(), name));
        // Also those that nobody includes: what is wrong in them is wrong.
        let mut unusable = Vec::new();
        for local in scope.workflow.workflows.values() {
            if let Err(Some(why)) = self.local(&local.name.value, &local.workflow, &local.name.span, scope) {
                unusable.push(*why);
            }
        }
        let findings = self.findings.len();
        let module = build(self, scope);
        // Its place is only known now.
        let place = self.modules.len();
        self.findings[findings..].iter_mut().filter(|finding| finding.module == usize::MAX).for_each(|finding| {
            finding.module = place;
        });
        let unusable = unusable.into_iter();
        self.findings.extend(unusable.map(|diagnostic| Finding { module: place, place: Place::Workflow, diagnostic }));
        self.modules.push(module);
        self.under_way.pop();
        self.known.insert(key, Some(place));
        place
    }

    /// The workflow of that name, as it is written in a workflow.
    pub(super) fn find(&mut self, name: &Spanned<String>, scope: &Scope<'_>) -> Result<usize, Unusable> {
        if name.value.ends_with(".ron") {
            return self.file(name, scope);
        }
        let mut around = Some(scope);
        while let Some(scope) = around {
            if let Some(local) = scope.workflow.workflows.get(&name.value) {
                return self.local(&name.value, &local.workflow, &name.span, scope);
            }
            around = scope.outer;
        }
        if scope.document.cut_off {
            return Err(None);
        }
        let names = std::iter::successors(Some(scope), |scope| scope.outer)
            .flat_map(|scope| scope.workflow.workflows.keys().map(String::as_str));
        let fix = suggest::closest(&name.value, names.clone()).map(|close| Literal::Text(close.into()).to_string());
        let hint = suggest::hint(&name.value, "there are", names).unwrap_or_else(|| {
            format!("write it: `workflows: {{ {:?}: Workflow(…) }}`, or name a file that ends in `.ron`", name.value)
        });
        Err(Some(Box::new(
            Diagnostic::error("unknown-workflow", format!("there is no workflow `{}`", name.value))
                .with_label(name.span.clone(), "not known")
                .with_hint(hint)
                .with_fix_if(&name.span, fix),
        )))
    }

    /// A workflow that is written inside of the one of `scope`.
    fn local(
        &mut self,
        name: &str,
        workflow: &Arc<Workflow>,
        place: &Range<usize>,
        scope: &Scope<'_>,
    ) -> Result<usize, Unusable> {
        let key = Key::Local(Arc::as_ptr(workflow));
        if let Some(known) = self.known.get(&key) {
            return known.ok_or(None);
        }
        self.check_nesting(&key, name, place)?;
        let inner = Scope { workflow, outer: Some(scope), ..*scope };
        Ok(self.resolve_as(key, name.to_owned(), &inner))
    }

    /// The workflow of a file.
    fn file(&mut self, name: &Spanned<String>, scope: &Scope<'_>) -> Result<usize, Unusable> {
        let path = library::join(scope.folder, &name.value);
        let key = Key::File(self.library.identity(&path));
        if let Some(&known) = self.known.get(&key) {
            self.keep_text(&path, known);
            return known.ok_or(None);
        }
        self.check_nesting(&key, &name.value, &name.span)?;
        self.files.push(path.clone());
        let label = |diagnostic: Diagnostic| Some(Box::new(diagnostic.with_label(name.span.clone(), "named here")));
        let source = self.library.read(&path).map_err(label)?;
        self.texts.insert(path.clone(), Arc::clone(&source.text));
        let (document, diagnostics) = Document::parse(&source);
        if let Some(why) = diagnostics.iter().find(|diagnostic| diagnostic.code == "no-workflow") {
            let message = format!("`{}` is no workflow: {}", source.name, why.message);
            return Err(label(Diagnostic::error("no-workflow", message).with_hint_if(why.hint.clone())));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let inner = Scope { document: &document, workflow: &document.root, folder, outer: None };
        let module = self.resolve_as(key, name.value.clone(), &inner);
        let source = Arc::new(source);
        self.findings.extend(diagnostics.into_iter().map(|diagnostic| {
            let diagnostic = diagnostic.with_source(Arc::clone(&source));
            Finding { module, place: Place::Workflow, diagnostic }
        }));
        Ok(module)
    }

    /// One file may be known by several paths; whoever keeps the texts needs it by each.
    fn keep_text(&mut self, path: &Path, module: Option<usize>) {
        if let Some(module) = module
            && !self.texts.contains_key(path)
        {
            let text = Arc::clone(&self.modules[module].document.source.text);
            self.files.push(path.to_path_buf());
            self.texts.insert(path.to_path_buf(), text);
        }
    }

    fn check_nesting(&self, key: &Key, name: &str, place: &Range<usize>) -> Result<(), Unusable> {
        if let Some(first) = self.under_way.iter().position(|(known, _)| known == key) {
            let mut path: Vec<_> = self.under_way[first..].iter().map(|(_, name)| format!("`{name}`")).collect();
            path.push(path[0].clone());
            let message = format!("workflows include each other in a circle: {}", path.join(" → "));
            let diagnostic = Diagnostic::error("workflow-cycle", message)
                .with_label(place.clone(), format!("this leads back to {}", path[0]))
                .with_hint("a workflow cannot contain itself; to do something again and again, use `Loop`");
            return Err(Some(Box::new(diagnostic)));
        }
        if self.under_way.len() >= MAX_NESTING {
            return Err(Some(Box::new(too_deep(name, place))));
        }
        Ok(())
    }

    /// How deep the workflows are that a node of the one under way includes.
    pub(super) fn depth_below(&self, name: &Spanned<String>, module: usize) -> Result<usize, Unusable> {
        match self.modules[module].depth {
            depth if depth < MAX_NESTING => Ok(depth),
            _ => Err(Some(Box::new(too_deep(&name.value, &name.span)))),
        }
    }

    /// A finding in the workflow that is being resolved.
    pub(super) fn report(&mut self, document: &Document, place: Place, mut diagnostic: Diagnostic) {
        if !Arc::ptr_eq(&document.source.text, &self.main.text) {
            diagnostic = diagnostic.with_source(Arc::new(document.source.clone()));
        }
        self.findings.push(Finding { module: usize::MAX, place, diagnostic });
    }
}

fn too_deep(name: &str, place: &Range<usize>) -> Diagnostic {
    let message = format!("`{name}` is nested too deeply: workflows may include others up to {MAX_NESTING} deep");
    Diagnostic::error("too-deep", message)
        .with_label(place.clone(), "here")
        .with_hint("include it further out, and hand its results in")
}
