//! What happens to the model when something happens: pure. It touches no file, clock, thread or terminal; what has to be
//! done outside comes back as effects.

mod clicks;
mod compare;
mod demo;
mod drag;
mod edit;
mod enter;
mod extract;
mod failure;
mod fixes;
mod form;
mod gallery;
mod graph;
mod groups;
mod help;
mod history;
mod inputs;
mod keys;
mod lists;
mod marks;
mod mouse;
mod overlay;
mod palette;
mod picture;
mod prompts;
mod queue;
mod quoting;
mod run;
mod sockets;
mod steps;
mod sweep;
mod timeline;
mod told;
mod typing;
mod unsaved;
mod wiring;

pub(crate) use compare::picture_of;
pub(crate) use help::explained;
pub(crate) use history::pictures;
pub(crate) use inputs::takers;
pub(crate) use overlay::fitting;
pub(crate) use palette::{Offered, candidates};
pub(crate) use queue::Claimed;
pub(crate) use sweep::{Seen, about as sweep_about};

use super::effect::Effect;
use super::message::{Message, Tone};
use super::model::{Flow, Model};

/// Something happened.
pub(crate) fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let is_time = matches!(message, Message::Time(_));
    let mut effects = happened(model, message);
    if !is_time {
        told::keep_up(model);
        effects.extend(history::wanted(model));
        typing::keep(model, &mut effects);
    }
    if model.is_demo { demo::kept_inside(model, effects) } else { effects }
}

fn happened(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Time(now) => {
            model.now = now;
            // Times and rates are on the screen.
            model.is_changed |= model.run.as_ref().is_some_and(|run| !run.phase.is_over());
            return Vec::new();
        }
        Message::Key(key) => {
            model.is_changed = true;
            model.clicked = None;
            let effects = keys::pressed(model, key);
            unsaved::next(model);
            return effects;
        }
        Message::Mouse(event) => {
            let effects = mouse::happened(model, event);
            unsaved::next(model);
            return effects;
        }
        Message::Pasted(text) => overlay::pasted(model, &text),
        Message::Resized(columns, lines) => {
            model.size = (columns, lines);
            graph::keep_in_view(model);
        }
        Message::Uncovered => {}
        Message::Listed(folder, entries) => lists::listed(model, folder, entries),
        Message::Read(path, text) => return read(model, &path, text),
        Message::Saved(path, saved) => {
            model.is_changed = true;
            return edit::saved(model, &path, saved);
        }
        Message::Created(path, created) => {
            model.is_changed = true;
            return extract::created(model, &path, created);
        }
        Message::Completed(typed, names) => form::completed(model, &typed, &names),
        Message::Edited(edited) => form::edited(model, edited),
        Message::Recovered(path, offer) => {
            model.is_changed = true;
            return unsaved::found(model, &path, offer);
        }
        Message::Touched => return check(model),
        Message::Checked(checked) => return graph::checked(model, *checked),
        Message::RunBegins { run, nodes } => return run::begins(model, run, nodes),
        Message::Event(event) => return run::happened(model, &event),
        Message::RunEnded(ended) => return run::ended(model, ended),
        Message::Preview(node, picture) => return run::preview(model, node, picture),
        Message::Loaded(path, picture) => return run::loaded(model, &path, picture),
        Message::Runs(page) => history::listed(model, page),
        Message::Queue(page) => queue::listed(model, page),
        Message::Swept(runs) => sweep::queued(model, runs),
        Message::Sweep(seen) => sweep::seen(model, &seen),
        Message::Grid(run, parts) => sweep::known(model, run, &parts),
        Message::Prompts(prompts) => model.prompts = prompts,
        Message::Pictures(shots) => model.gallery.take(shots),
        Message::Enqueued(run) => queue::enqueued(model, run),
        Message::Claimed(claimed) => queue::claimed(model, claimed),
        Message::Details(run, details) => model.runs.take(run, details, &model.asked.browse.details),
        Message::Thumbnail(path, picture) => model.thumbnails.add(path, picture, &model.asked.thumbnails),
        Message::FolderShown(folder, shown) => return history::folder_shown(model, &folder, shown),
        Message::Story(story, read) => return run::story(model, &story, read),
        Message::NoStory(why) => {
            model.attached = None;
            model.tell(Tone::Error, why);
        }
        Message::Told(tone, text) => model.tell(tone, text),
        Message::Kept(kept) => unsaved::kept(model, kept),
        Message::Unchecked(revision) => unchecked(model, revision),
        Message::Terminate | Message::Gone => model.wants_quit = true,
        // Whether there is another one to show does not depend on it.
        Message::Shown => return Vec::new(),
        Message::Drawn(still) => picture::drawn(model, *still),
        Message::Examined(path, details) => picture::examined(model, path, details),
        Message::Sampled(sample) => model.gauges.add(sample),
        // What it was made into comes after it.
        Message::Merged(_) => return Vec::new(),
        Message::Past(id, past) => {
            if let Some(run) = model.run.as_mut().filter(|run| run.run == Some(id)) {
                run.past = Some(past);
            }
        }
        Message::Noted(tone, text) => model.log.add(model.now, tone, &text),
        Message::CellSize(width, height) => model.graphics.cell = (width, height),
    }
    model.is_changed = true;
    Vec::new()
}

/// Opens a workflow.
pub(crate) fn open(model: &mut Model, path: std::path::PathBuf) -> Vec<Effect> {
    model.flow = Some(Flow::new(path.clone()));
    model.closed = None;
    model.focus = super::model::Focus::Graph;
    model.is_changed = true;
    vec![Effect::Open(path)]
}

/// The file was read, the first time or since it changed.
fn read(model: &mut Model, path: &std::path::Path, text: Result<std::sync::Arc<str>, String>) -> Vec<Effect> {
    model.is_changed = true;
    let is_it = |flow: &&mut Flow| flow.path == path && !flow.is_recorded;
    let Some(flow) = model.flow.as_mut().filter(is_it) else { return Vec::new() };
    match text {
        Ok(text) => {
            flow.unreadable = None;
            edit::outside(model, text)
        }
        Err(why) => {
            flow.unreadable = Some(why.clone());
            model.tell(Tone::Error, why);
            // What is here may be all that there is.
            unsaved::keep(model).into_iter().collect()
        }
    }
}

/// Checking a text broke off. What is shown is that of an earlier text.
fn unchecked(model: &mut Model, revision: u64) {
    let Some(flow) = model.flow.as_mut().filter(|flow| flow.revision == revision) else { return };
    flow.is_uncheckable = true;
    flow.wants_run = false;
    let text = "the workflow cannot be checked as it is: this is a defect in easel, and the log says where. It is kept; take \
                the last change back, or save it for another editor";
    model.tell(Tone::Error, text);
}

/// Has the text checked again.
fn check(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &mut model.flow else { return Vec::new() };
    let Some(text) = flow.text().cloned() else { return Vec::new() };
    // Counted for all that are ever opened: what comes late of one that was closed is never taken for news.
    model.revisions += 1;
    flow.revision = model.revisions;
    flow.is_uncheckable = false;
    let around = model.outer.iter().filter(|_| !flow.is_recorded);
    let around = around.filter_map(|outer| Some((outer.path.clone(), outer.text().cloned()?))).collect();
    vec![Effect::Check { path: flow.path.clone(), text, revision: flow.revision, around }]
}
