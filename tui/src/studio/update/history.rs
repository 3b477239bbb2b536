//! The runs of the journal: what of them is looked at, and what is done with the one with the cursor.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use easel_engine::RunId;
use easel_engine::edit::History;

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Browse, Details, Flow, Focus, Model, Overlay, RunsPage, RunsWish, Side};
use super::{compare, gallery, prompts, queue, sweep};
use crate::execution::is_picture;

/// So many pictures of one run are shown small.
const MOST_PICTURES: usize = 8;

/// What the world has to be asked for, given what is on the screen and what it was asked for before.
pub(super) fn wanted(model: &mut Model) -> Vec<Effect> {
    if model.is_demo {
        return Vec::new();
    }
    let mut effects: Vec<_> = queue::next(model).into_iter().collect();
    let browse = browse(model);
    if browse != model.asked.browse {
        model.asked.browse = browse.clone();
        effects.push(Effect::Browse(browse));
    }
    let mut pictures = shown_pictures(model);
    pictures.retain(|path| model.thumbnails.get(path).is_none());
    if pictures != model.asked.thumbnails {
        model.asked.thumbnails.clone_from(&pictures);
        effects.push(Effect::Thumbnails(pictures));
    }
    // Once more each time that it is looked at: files change.
    let stranger = stranger(model);
    if stranger != model.asked.examined {
        model.asked.examined.clone_from(&stranger);
        effects.extend(stranger.map(Effect::Examine));
    }
    effects
}

/// The picture that has the whole screen, if no run wrote it.
fn stranger(model: &Model) -> Option<PathBuf> {
    let shot = model.gallery.chosen().filter(|_| matches!(model.overlay, Some(Overlay::Shot)))?;
    shot.run.is_none().then(|| shot.path.clone())
}

fn browse(model: &Model) -> Browse {
    let mut browse = Browse { queue: model.queue.drains, ..Browse::default() };
    let Some(flow) = &model.flow else { return browse };
    if let (Some(Overlay::Sweep), Some(sweep)) = (&model.overlay, &model.sweep) {
        browse.sweep = sweep.runs();
        browse.grid = sweep.asked_at;
    }
    match model.side {
        Side::Runs => {
            let chosen = model.runs.chosen().map(|row| row.summary.run);
            browse.runs = Some(RunsWish { filter: model.runs.filter.clone(), chosen, at: model.runs.at });
            browse.details.extend(chosen);
        }
        Side::Gallery => {
            let plan = flow.checked.as_ref().and_then(|checked| checked.plan.as_ref());
            let folder = plan.map_or_else(|| model.asked.browse.pictures.clone(), |plan| Some(plan.out_dir().into()));
            browse.pictures = Some(folder.unwrap_or_default());
            browse.details.extend(model.gallery.chosen().and_then(|shot| shot.run));
        }
        Side::Queue => browse.queue = true,
        Side::Inspector | Side::Problems | Side::Monitor | Side::Log | Side::Inputs => {}
    }
    browse.details.extend(compare::runs(model));
    browse.prompts = prompts::are_wanted(model);
    browse
}

/// The files whose pictures are on the screen.
fn shown_pictures(model: &Model) -> Vec<PathBuf> {
    if matches!(model.overlay, Some(Overlay::Sweep)) {
        return sweep::shown(model);
    }
    if let Some(Overlay::Compare(compare)) = &model.overlay {
        let both = [&compare.left, &compare.right].into_iter();
        return both.filter_map(|candidate| compare::picture_of(model, candidate)).collect();
    }
    match (model.flow.is_some(), model.side, model.runs.chosen_details()) {
        (true, Side::Gallery, _) => gallery::shown(model),
        (true, Side::Runs, Some(Ok(details))) => pictures(details).take(MOST_PICTURES).map(Path::to_path_buf).collect(),
        _ => Vec::new(),
    }
}

/// The pictures that a run wrote.
pub(crate) fn pictures(details: &Details) -> impl Iterator<Item = &Path> {
    details.story.artifacts.iter().map(|file| file.path.as_path()).filter(|path| is_picture(path))
}

/// The journal was read.
pub(super) fn listed(model: &mut Model, page: Result<RunsPage, String>) {
    let chosen = model.runs.chosen().map(|row| row.summary.run);
    if let Ok(page) = &page {
        if page.filter != model.runs.filter {
            // Of what was looked for before.
            return;
        }
        // The cursor stays on its run when others come before it.
        let place = page.rows.iter().position(|row| Some(row.summary.run) == chosen);
        let at = place.map_or(model.runs.at, |place| page.first + place);
        model.runs.at = at.min(page.found.saturating_sub(1));
    }
    model.runs.page = Some(page);
}

/// Only runs with these words are to be listed.
pub(super) fn filter(model: &mut Model, text: &str) {
    if model.runs.filter != text {
        model.runs.filter = text.to_string();
        model.runs.at = 0;
        model.runs.page = None;
    }
}

/// Shows everything about the run with the cursor.
pub(super) fn show(model: &mut Model) -> Vec<Effect> {
    if chosen(model).is_some() {
        model.overlay = Some(Overlay::Details(0));
    }
    Vec::new()
}

/// The run with the cursor; that there is none is told.
fn chosen(model: &mut Model) -> Option<RunId> {
    let chosen = model.runs.chosen().map(|row| row.summary.run);
    if chosen.is_none() {
        model.tell(Tone::Note, "there is no run here");
    }
    chosen
}

/// Something is to be done with the run with the cursor.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(run) = chosen(model) else { return Vec::new() };
    if action == Action::Forget {
        let is_over = model.runs.chosen().is_some_and(|row| row.summary.state.is_over());
        if is_over {
            model.overlay = Some(Overlay::Forget(run));
        } else {
            model.tell(Tone::Note, format!("run {} is not over: cancel it first", run.0));
        }
        return Vec::new();
    }
    let details = match model.runs.chosen_details() {
        Some(Ok(details)) => details.clone(),
        Some(Err(why)) => {
            let why = why.clone();
            model.tell(Tone::Error, why);
            return Vec::new();
        }
        None => {
            model.tell(Tone::Note, "it is being read; once more in a moment");
            return Vec::new();
        }
    };
    match action {
        Action::CopyCommand => copy(model, "The command line that repeats it", &details.command),
        Action::ShowFolder => show_folder(model, &details),
        Action::OpenAsRun => open_as_run(model, &details),
        _ => Vec::new(),
    }
}

/// Copies a text, and shows it: not every terminal copies, and none says whether it did.
pub(super) fn copy(model: &mut Model, title: &str, text: &str) -> Vec<Effect> {
    let told = format!(
        "{text}\n\nIt was copied, if the terminal allows that (OSC 52; in tmux: `set -g set-clipboard on`). It never says whether it \
         did: else mark it here, with shift and the mouse."
    );
    model.overlay = Some(Overlay::Story { title: title.into(), text: told, scroll: 0 });
    vec![Effect::Copy(text.to_string())]
}

fn show_folder(model: &mut Model, details: &Details) -> Vec<Effect> {
    let file = details.story.artifacts.first().map(|file| file.path.clone());
    let folder = file.and_then(|file| file.parent().map(Path::to_path_buf));
    let folder = folder.unwrap_or_else(|| details.story.job.settings.out_dir.clone());
    model.tell(Tone::Note, format!("opening {}", folder.display()));
    vec![Effect::ShowFolder(folder)]
}

/// The desktop showed a folder, or else its path has to do.
pub(super) fn folder_shown(model: &mut Model, folder: &Path, shown: Result<(), String>) -> Vec<Effect> {
    model.is_changed = true;
    let folder = folder.display().to_string();
    match shown {
        Ok(()) => {
            model.tell(Tone::Note, format!("the desktop shows {folder}"));
            Vec::new()
        }
        Err(why) => {
            let effects = copy(model, "The folder", &folder);
            model.tell(Tone::Warning, format!("the folder is not shown: {why}"));
            effects
        }
    }
}

/// Opens the workflow of a run, as it was when the run was begun.
pub(super) fn open_as_run(model: &mut Model, details: &Details) -> Vec<Effect> {
    if model.flow.as_ref().is_some_and(Flow::is_modified) {
        model.tell(Tone::Warning, "there are changes that are not saved: save them, or take them back");
        return Vec::new();
    }
    let source = &details.story.job.source;
    let path = source.path.clone().unwrap_or_else(|| PathBuf::from(&source.name));
    let mut flow = Flow::new(path.clone());
    flow.history = Some(History::new(Arc::clone(&source.text)));
    flow.is_recorded = true;
    flow.recorded_run = Some(details.story.summary.run);
    model.revisions += 1;
    flow.revision = model.revisions;
    let revision = flow.revision;
    model.flow = Some(flow);
    model.focus = Focus::Graph;
    model.tell(
        Tone::Note,
        format!("the workflow as it was in run {}; it cannot be changed", details.story.summary.run.0),
    );
    vec![Effect::Check { path, text: Arc::clone(&source.text), revision, around: Vec::new() }]
}
