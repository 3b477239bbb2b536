//! Nodes that become a workflow, in this file or in one of its own.

use std::path::Path;
use std::sync::Arc;

use easel_engine::edit::{Edit, split};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::message::Tone;
use super::super::model::{AwaitedFile, Flow, Model, Overlay, Prompt};
use super::edit::{open, try_edit};
use super::unsaved::changed;

/// Makes a workflow of nodes; if that cannot be done, the question stays with why.
pub(super) fn extract(model: &mut Model, nodes: Vec<String>, field: Field) -> Vec<Effect> {
    let name = field.text();
    let done = match name.strip_suffix(".ron") {
        Some(_) => into_file(model, &nodes, &name),
        None => try_edit(model, Edit::Extract { nodes: nodes.clone(), name: name.clone() }),
    };
    match done {
        Ok(effects) => {
            if let Some(flow) = &mut model.flow {
                flow.marked.clear();
                flow.awaited = Some(name.trim_end_matches(".ron").to_string());
            }
            effects
        }
        Err(problem) => {
            let prompt = Prompt::Extract { nodes, problem: Some(problem) };
            model.overlay = Some(Overlay::Prompt(prompt, field));
            Vec::new()
        }
    }
}

/// Has the file written first: a workflow never includes one that is not there.
fn into_file(model: &mut Model, nodes: &[String], name: &str) -> Result<Vec<Effect>, String> {
    let flow = open(model)?;
    let (checked, document) = flow.checked.as_ref().zip(flow.document()).ok_or("the workflow is being checked")?;
    let split = split(&document, &checked.registry, &checked.within, nodes, name).map_err(|error| error.to_string())?;
    let path = flow.path.with_file_name(name);
    let (text, name) = (Arc::clone(&document.source().text), name.to_string());
    let nodes = nodes.to_vec();
    flow.awaited_file = Some(AwaitedFile { path: path.clone(), name, nodes, text, changes: split.changes });
    Ok(vec![Effect::Create { path, text: split.text.into() }])
}

/// The file was written, or not.
pub(super) fn created(model: &mut Model, path: &Path, created: Result<(), String>) -> Vec<Effect> {
    let is_awaited = |flow: &&mut Flow| flow.awaited_file.as_ref().is_some_and(|file| file.path == path);
    let Some(flow) = model.flow.as_mut().filter(is_awaited) else {
        // It was left meanwhile.
        if created.is_ok() {
            model.tell(Tone::Note, format!("`{}` was written, and nothing includes it", path.display()));
        }
        return Vec::new();
    };
    let Some(file) = flow.awaited_file.take() else { return Vec::new() };
    if let Err(why) = created {
        if model.overlay.is_some() {
            model.tell(Tone::Error, why);
        } else {
            // Another name may do.
            let prompt = Prompt::Extract { nodes: file.nodes, problem: Some(why) };
            model.overlay = Some(Overlay::Prompt(prompt, Field::line(&file.name)));
        }
        return Vec::new();
    }
    let history = flow.history.as_mut().filter(|history| *history.text() == file.text);
    let done = history.and_then(|history| history.record(&file.changes, format!("extract `{}`", file.name)));
    if done.is_none() {
        let name = file.name;
        model.tell(
            Tone::Warning,
            format!("`{name}` was written, but the workflow changed meanwhile: nothing includes it"),
        );
        return Vec::new();
    }
    let said = format!("`{}` was written beside this file, which includes it once it is saved", file.name);
    flow.written.push(file.name);
    model.tell(Tone::Note, said);
    changed(model)
}

/// What is to be said of files that were written for a text that is taken back.
pub(super) fn left_behind(flow: &Flow, before: &str, after: &str) -> Option<String> {
    let is_named = |text: &str, name: &str| text.contains(&format!("\"{name}\""));
    let mut written = flow.written.iter();
    let name = written.find(|name| is_named(before, name) && !is_named(after, name))?;
    Some(format!("taken back here; the file `{name}` stays where it was written"))
}
