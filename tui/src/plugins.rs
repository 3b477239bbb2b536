//! Where plugins come from: folders that the user put them into, and nowhere else.

use std::path::{Path, PathBuf};

use easel_engine::{Diagnostic, PluginFile, PluginSet, Plugins, Registry, Services};

use crate::error::CommandError;
use crate::execution;

/// The folder beside a workflow.
const BESIDE: &str = "plugins";

/// What an unknown node type is told with.
const UNKNOWN: &str = "unknown-node-type";

/// The node types that a workflow may use, and the plugins that some of them come from.
pub(crate) struct NodeTypes {
    pub(crate) registry: Registry,
    pub(crate) plugins: Vec<PluginFile>,
    /// Where they were looked for.
    pub(crate) folders: Vec<PathBuf>,
    /// What is wrong with plugins.
    pub(crate) problems: Vec<Diagnostic>,
}

impl NodeTypes {
    /// Those of a workflow; of none: what one in the current folder would have.
    pub(crate) fn of(plugins: &Plugins, workflow: Option<&Path>) -> Self {
        let folders = folders(workflow);
        let set = plugins.load(&folders);
        let problems = set.diagnostics().collect();
        let PluginSet { registry, files: plugins } = set;
        NodeTypes { registry, plugins, folders, problems }
    }

    /// The findings about a workflow, with what is wrong with plugins before them. That a node type is missing may have
    /// to do with it.
    pub(crate) fn with_problems(&self, found: Vec<Diagnostic>) -> Vec<Diagnostic> {
        self.problems.iter().cloned().chain(found).collect()
    }
}

/// Everything that is built in, and a loader for the rest.
pub(crate) fn plugins() -> Result<Plugins, CommandError> {
    plugins_for(Services::default())
}

/// The same for runs that will have these services.
pub(crate) fn plugins_for(services: Services) -> Result<Plugins, CommandError> {
    let mut registry = execution::registry()?;
    registry.set_services(services);
    Ok(Plugins::new(registry))
}

/// Says of node types that are missing which plugin they came from while it was sound.
pub(crate) fn blame(found: &mut [Diagnostic], was_from: impl Fn(&str) -> Option<PathBuf>) {
    for diagnostic in found.iter_mut().filter(|diagnostic| diagnostic.code == UNKNOWN) {
        let name = diagnostic.message.split('`').nth(1);
        if let Some(plugin) = name.and_then(&was_from) {
            diagnostic.hint = Some(format!("it came from {}, which is broken now", plugin.display()));
        }
    }
}

/// The folders of plugins for a workflow: the one beside it comes first, since it came with it.
pub(crate) fn folders(workflow: Option<&Path>) -> Vec<PathBuf> {
    let beside = workflow.and_then(Path::parent).map_or_else(|| PathBuf::from(BESIDE), |folder| folder.join(BESIDE));
    let mut folders = vec![beside];
    for folder in of_user() {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// The user's own: those in `EASEL_PLUGINS`, else `easel/plugins` in `XDG_DATA_HOME` or `~/.local/share`.
fn of_user() -> Vec<PathBuf> {
    let set = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    if let Some(list) = set("EASEL_PLUGINS") {
        return std::env::split_paths(&list).filter(|folder| !folder.as_os_str().is_empty()).collect();
    }
    let data = set("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| std::env::home_dir().map(|home| home.join(".local").join("share")));
    data.map(|data| data.join("easel").join("plugins")).into_iter().collect()
}

/// The types that plugins bring, while those that brought them are sound and after.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    brought: Vec<(&'static str, PathBuf)>,
}

impl Memory {
    /// Remembers what sound plugins bring. What broken ones brought before is kept.
    pub(crate) fn note(&mut self, files: &[PluginFile]) {
        for file in files.iter().filter(|file| file.problem.is_none()) {
            self.brought.retain(|(_, path)| *path != file.path);
            self.brought.extend(file.node_types.iter().map(|name| (*name, file.path.clone())));
        }
    }

    /// The broken plugin among these that brought a type.
    pub(crate) fn broken(&self, files: &[PluginFile], name: &str) -> Option<PathBuf> {
        let is_broken = |path: &PathBuf| files.iter().any(|file| file.problem.is_some() && file.path == *path);
        self.brought.iter().find(|(known, path)| *known == name && is_broken(path)).map(|(_, path)| path.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_beside_the_workflow_comes_first() {
        let first = |workflow: Option<&str>| folders(workflow.map(Path::new)).swap_remove(0);
        assert_eq!(first(Some("flows/draw.ron")), Path::new("flows/plugins"));
        assert_eq!(first(Some("draw.ron")), Path::new("plugins"));
        assert_eq!(first(None), Path::new("plugins"));
    }

    #[test]
    fn missing_node_types_are_put_down_to_the_plugin_that_broke() {
        let file = |path: &str, node_types: Vec<&'static str>, problem| PluginFile {
            path: path.into(),
            fingerprint: None,
            about: String::new(),
            node_types,
            same_as: None,
            problem,
        };
        let broken = || Some(easel_engine::PluginError::TooLarge);
        let mut memory = Memory::default();
        memory.note(&[file("a.wasm", vec!["Invert"], None), file("b.wasm", vec!["Blur"], None)]);
        let now = [file("a.wasm", vec![], broken()), file("b.wasm", vec!["Blur"], None)];
        memory.note(&now);
        let mut found = ["Invert", "Blur", "Other"]
            .map(|name| Diagnostic::error(UNKNOWN, format!("there is no node type `{name}`")))
            .to_vec();
        blame(&mut found, |name| memory.broken(&now, name));
        assert_eq!(found[0].hint.as_deref(), Some("it came from a.wasm, which is broken now"));
        assert_eq!((&found[1].hint, &found[2].hint), (&None, &None));
    }
}
