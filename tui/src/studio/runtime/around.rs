//! A file that was entered from another one is checked and run as a part of that: its inputs are what it is given there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use easel_engine::{Diagnostic, Disk, Library, Plan, Registry, Settings, Source};

use super::checker::Wish;

/// What came of checking a text.
pub(super) struct Prepared {
    /// What would run; none if something is wrong.
    pub(super) plan: Option<Plan>,
    /// What is wrong; without a source: in the text that was asked about.
    pub(super) found: Vec<Diagnostic>,
}

/// Checks a text, within those that it was entered from, if it was.
pub(super) fn prepare(wish: &Wish, own: &Source, registry: &Registry, settings: &Settings) -> Prepared {
    match wish.around.first() {
        None => prepared(own, registry, settings, &Disk),
        Some((path, text)) => within(wish, own, &named(path, text), registry, settings),
    }
}

fn prepared(source: &Source, registry: &Registry, settings: &Settings, library: &dyn Library) -> Prepared {
    match Plan::prepare_with(source, registry, settings, library) {
        Ok((plan, found)) => Prepared { plan: Some(plan), found },
        Err(found) => Prepared { plan: None, found },
    }
}

fn within(wish: &Wish, own: &Source, outermost: &Source, registry: &Registry, settings: &Settings) -> Prepared {
    let library = Open::new(wish);
    let Prepared { plan, found } = prepared(outermost, registry, settings, &library);
    // Alone it is asked for what only the one who asks for a workflow can be told: what nothing in it uses.
    let settings = Settings { set: Vec::new(), targets: None, ..settings.clone() };
    let is_included = library.was_read.into_inner();
    let alone = prepared(own, registry, &settings, &Disk).found.into_iter();
    let is_told = |code: &str| if is_included { code.starts_with("unused-") } else { code != "missing-setting" };
    let around = found.into_iter().filter_map(|mut diagnostic| {
        diagnostic.source = match diagnostic.source {
            Some(source) if source.path.as_deref().is_some_and(|path| Disk.identity(path) == library.entered) => None,
            // What is wrong around it matters here only where it keeps all from running.
            _ if !diagnostic.is_error() => return None,
            None => Some(Arc::new(outermost.clone())),
            other => other,
        };
        Some(diagnostic)
    });
    let mut found: Vec<Diagnostic> = around.chain(alone.filter(|diagnostic| is_told(diagnostic.code))).collect();
    let place = |diagnostic: &Diagnostic| diagnostic.labels.first().map_or(0, |label| label.span.start);
    found.sort_by_key(|diagnostic| (diagnostic.source.is_some(), place(diagnostic)));
    Prepared { plan, found }
}

fn named(path: &Path, text: &Arc<str>) -> Source {
    Source { name: path.display().to_string(), path: Some(path.to_path_buf()), text: Arc::clone(text) }
}

/// Files as they are on the disk, but those that are open as they are here.
struct Open {
    texts: HashMap<PathBuf, Arc<str>>,
    /// The one that is asked about.
    entered: PathBuf,
    was_read: AtomicBool,
}

impl Open {
    fn new(wish: &Wish) -> Self {
        let own = (&wish.path, &wish.text);
        let all = wish.around.iter().map(|(path, text)| (path, text)).chain([own]);
        Open {
            texts: all.map(|(path, text)| (Disk.identity(path), Arc::clone(text))).collect(),
            entered: Disk.identity(&wish.path),
            was_read: AtomicBool::new(false),
        }
    }
}

impl Library for Open {
    fn read(&self, path: &Path) -> Result<Source, Diagnostic> {
        let identity = self.identity(path);
        self.was_read.fetch_or(identity == self.entered, Ordering::Relaxed);
        match self.texts.get(&identity) {
            Some(text) => Ok(named(path, text)),
            None => Disk.read(path),
        }
    }

    fn identity(&self, path: &Path) -> PathBuf {
        Disk.identity(path)
    }
}

#[cfg(test)]
mod tests {
    use easel_engine::Plugins;

    use super::super::checker::check;
    use super::*;
    use crate::plugins::NodeTypes;

    const OUTER: &str = r#"Workflow(version: 1, nodes: {
        "some": Include(workflow: "inner.ron", with: (path: "gallery.png")),
        "save": SaveImage(image: From("some")),
    })"#;
    const INNER: &str = r#"Workflow(version: 1,
        inputs: { "path": Text(), "spare": Integer(default: 1) },
        nodes: { "load": LoadImage(path: Input("path")) },
        outputs: { "image": From("load") },
    )"#;

    /// What is said of the inner workflow, and whether all would run.
    fn said(outer: &str, inner: &str) -> (Vec<String>, bool) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        // What is there is not what is open.
        std::fs::write(folder.path().join("inner.ron"), "Workflow(").expect("it can be written");
        let path = |name: &str| folder.path().join(name);
        let around = vec![(path("outer.ron"), outer.into())];
        let wish = Wish { path: path("inner.ron"), text: inner.into(), revision: 1, around };
        let plugins = Plugins::new(easel_nodes::registry().expect("the nodes agree"));
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows");
        let settings = Settings { base_dir: Some(base), ..Settings::default() };
        let checked = check(&wish, NodeTypes::of(&plugins, None), &settings);
        let place = |finding: &super::super::super::model::Finding| match &finding.file {
            Some(file) => format!("{}: ", file.file_name().unwrap_or_default().to_string_lossy()),
            None => String::new(),
        };
        let said = checked.findings.iter().map(|finding| format!("{}{}", place(finding), finding.message));
        (said.collect(), checked.plan.is_some())
    }

    #[test]
    fn inputs_that_are_given_around_it_are_not_missing_and_all_runs() {
        assert_eq!(said(OUTER, INNER), (vec!["no node uses the input `spare`".into()], true));
    }

    #[test]
    fn what_is_wrong_in_it_and_around_it_is_told_where_it_is() {
        let inner = INNER.replace("LoadImage", "LoadImag");
        let (told, runs) = said(OUTER, &inner);
        assert!(!runs && told.iter().any(|said| said.contains("`LoadImag`")), "{told:?}");
        let outer = OUTER.replace("SaveImage", "SaveImag");
        let (told, runs) = said(&outer, INNER);
        assert!(
            !runs && told.iter().any(|said| said.starts_with("outer.ron: ") && said.contains("SaveImag")),
            "{told:?}"
        );
        let (told, runs) = said(&OUTER.replace("with: (path: \"gallery.png\")", ""), INNER);
        assert!(!runs && told.iter().any(|said| said.starts_with("outer.ron: ")), "{told:?}");
    }

    #[test]
    fn one_that_is_not_reached_any_more_is_checked_alone() {
        let (told, _) = said("Workflow(version: 1, nodes: {})", &INNER.replace("LoadImage", "LoadImag"));
        assert!(told.iter().any(|said| said.contains("LoadImag")), "{told:?}");
        assert!(!told.iter().any(|said| said.contains("no value") || said.contains("`path`")), "{told:?}");
    }
}
