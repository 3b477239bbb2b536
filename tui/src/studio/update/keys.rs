//! Keys become actions, and actions change the model.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::keymap::{Action, Chord, Context};
use super::super::message::Tone;
use super::super::model::{Chooser, Closed, Focus, Full, Model, Overlay, Prompt, Side};
use super::{
    compare, demo, edit, enter, failure, fixes, form, gallery, graph, groups, history, inputs, lists, marks, overlay,
    picture, queue, run,
};
use super::{sockets, sweep, timeline};

/// A second wish to stop within this time is one to leave.
const TWICE: Duration = Duration::from_secs(2);

/// A key was pressed.
pub(super) fn pressed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    model.notice = None;
    let chord = Chord::of(key);
    if model.overlay.is_some() {
        // The one key that means the same wherever one is.
        return match model.keymap.action(chord, Context::Anywhere) {
            Some(Action::Cancel) => act(model, Action::Cancel),
            _ => overlay::pressed(model, key),
        };
    }
    match model.keymap.action(chord, model.context()) {
        Some(action) => act(model, action),
        None if let Some(key) = escaped(key) => {
            let mut effects = act(model, Action::Back);
            effects.extend(pressed(model, key));
            effects
        }
        None => {
            let help = model.keymap.key(Action::Help).unwrap_or_default();
            model.notice = Some((Tone::Detail, format!("`{chord}` does nothing here; `{help}` says what does")));
            Vec::new()
        }
    }
}

/// The key that came in one piece with esc. Terminals send the same bytes for alt and a letter as for esc and then that
/// letter; over a slow line the two keys arrive together, so what is bound to nothing is taken for both of them.
fn escaped(key: KeyEvent) -> Option<KeyEvent> {
    let is_letter = matches!(key.code, KeyCode::Char(_));
    (is_letter && key.modifiers.contains(KeyModifiers::ALT))
        .then(|| KeyEvent { modifiers: key.modifiers - KeyModifiers::ALT, ..key })
}

/// Does what a key, the palette or the mouse asks for.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if demo::refuses(model, action) {
        return Vec::new();
    }
    match action {
        Action::Run => return run::start(model),
        Action::Cancel => return cancel(model),
        Action::Palette => model.overlay = Some(Overlay::Palette(Field::default(), 0)),
        Action::Help => {
            model.overlay = Some(Overlay::Help { at: 0, field: Field::default(), is_typing: false });
        }
        Action::Back => return back(model),
        Action::Quit => quit(model),
        Action::NextPane if model.full.is_some() => model.full = None,
        Action::NextPane => {
            model.focus = if model.focus == Focus::Graph { Focus::Side } else { Focus::Graph };
        }
        Action::Maximise => {
            model.is_maximised = !model.is_maximised;
            graph::keep_in_view(model);
        }
        Action::PreviousPane => {
            let at = Side::ALL.iter().position(|side| *side == model.side).unwrap_or(0);
            return show(model, Side::ALL[(at + 1) % Side::ALL.len()]);
        }
        Action::ShowInspector => return show(model, Side::Inspector),
        Action::ShowInputs => return show(model, Side::Inputs),
        Action::AddInput | Action::RenameInput | Action::RemoveInput => return inputs::act(model, action),
        Action::ShowProblems => return show(model, Side::Problems),
        Action::ShowMonitor => return show(model, Side::Monitor),
        Action::ShowLog => return show(model, Side::Log),
        Action::ShowRuns => return show(model, Side::Runs),
        Action::Search => prompt(model, Prompt::Search, ""),
        Action::Filter if model.context() == Context::Runs => {
            let filter = model.runs.filter.clone();
            prompt(model, Prompt::Runs, &filter);
        }
        Action::Filter if model.context() == Context::Gallery => {
            let filter = model.gallery.filter.clone();
            prompt(model, Prompt::Gallery, &filter);
        }
        Action::Filter => {
            let filter = model.log.filter.clone();
            prompt(model, Prompt::Filter, &filter);
        }
        Action::LogLevel => model.log.next_level(),
        Action::CloseWorkflow => return close(model),
        Action::RunAgain | Action::Resume | Action::CancelRun | Action::Follow => return lists::act(model, action),
        Action::Sweep => return sweep::ask(model),
        Action::ShowSweep => return sweep::show(model),
        Action::MarkToCompare | Action::Compare => return compare::act(model, action),
        Action::ShowGallery => return show(model, Side::Gallery),
        Action::AnotherSeed | Action::UsePrompt => return gallery::act(model, action),
        Action::Left | Action::Right if model.context() == Context::Gallery => gallery::moved(model, action),
        Action::CopyCommand | Action::ShowFolder | Action::OpenAsRun if model.context() == Context::Gallery => {
            return gallery::act(model, action);
        }
        Action::ShowQueue => return show(model, Side::Queue),
        Action::Enqueue => return queue::ask(model),
        Action::Drain
        | Action::CancelAll
        | Action::PriorityUp
        | Action::PriorityDown
        | Action::MoveUp
        | Action::MoveDown
        | Action::RemoveJob => return queue::act(model, action),
        Action::CopyCommand | Action::ShowFolder | Action::OpenAsRun | Action::Forget => {
            return history::act(model, action);
        }
        Action::Up | Action::Down | Action::First | Action::Last | Action::PageUp | Action::PageDown => {
            match model.context() {
                Context::Picture => return picture::act(model, action),
                Context::Timeline => return timeline::act(model, action),
                Context::Failure => return failure::act(model, action),
                Context::Graph => graph::act(model, action),
                _ => lists::moved(model, action),
            }
        }
        Action::Undo
        | Action::Redo
        | Action::Save
        | Action::AddNode
        | Action::Delete
        | Action::Duplicate
        | Action::Rename
        | Action::Mute
        | Action::Bypass
        | Action::Connect
        | Action::Extract => return edit::act(model, action),
        Action::Fix => return fixes::apply(model),
        Action::FixAll => return fixes::apply_all(model),
        Action::Mark | Action::MarkAll | Action::MarkConnected => marks::act(model, action),
        Action::Leave => return enter::leave(model),
        Action::Group
        | Action::Ungroup
        | Action::RenameGroup
        | Action::GroupColour
        | Action::Fold
        | Action::FoldAll => return groups::act(model, action),
        Action::Increase
        | Action::Decrease
        | Action::IncreaseMore
        | Action::DecreaseMore
        | Action::Reset
        | Action::Editor => {
            return form::act(model, action);
        }
        Action::NextSocket | Action::PreviousSocket | Action::SelectWire => sockets::act(model, action),
        Action::Upstream => sockets::jump(model, false),
        Action::Downstream => sockets::jump(model, true),
        Action::Activate => return activate(model),
        Action::ShowPicture => return picture::open(model),
        Action::ShowTimeline => timeline::open(model),
        Action::ShowFailure => failure::open(model),
        Action::NextPicture
        | Action::PreviousPicture
        | Action::Closer
        | Action::Farther
        | Action::Fill
        | Action::ActualSize
        | Action::SwitchOrder
        | Action::NextFailure
        | Action::CopyFailure
        | Action::PreviousFailure => return full(model, action),
        Action::Left | Action::Right if model.full.is_some() => return full(model, action),
        Action::Left
        | Action::Right
        | Action::SearchNext
        | Action::SearchPrevious
        | Action::ZoomIn
        | Action::ZoomOut
        | Action::PanLeft
        | Action::PanRight
        | Action::PanUp
        | Action::PanDown
        | Action::Fit
        | Action::Centre => graph::act(model, action),
    }
    Vec::new()
}

/// A key of what takes the whole screen.
fn full(model: &mut Model, action: Action) -> Vec<Effect> {
    match model.context() {
        Context::Picture => picture::act(model, action),
        Context::Timeline => timeline::act(model, action),
        Context::Failure => failure::act(model, action),
        _ => Vec::new(),
    }
}

fn activate(model: &mut Model) -> Vec<Effect> {
    match model.context() {
        Context::Chooser => {
            let chosen = model.chooser.as_ref().and_then(|chooser| chooser.workflows().get(chooser.at));
            let chosen = chosen.map(|entry| entry.path.clone());
            chosen.map_or_else(Vec::new, |path| super::open(model, path))
        }
        Context::Graph if inputs::at_focus(model).is_some() => {
            let name = inputs::at_focus(model);
            name.map_or_else(Vec::new, |name| inputs::open(model, &name))
        }
        Context::Graph => enter::enter(model).unwrap_or_else(|| {
            let side = if inputs::are_wanted(model) { Side::Inputs } else { Side::Inspector };
            show(model, side)
        }),
        Context::Inspector | Context::Inputs => form::input(model),
        Context::Problems => enter::go_to_problem(model),
        Context::Runs => history::show(model),
        Context::Gallery => gallery::act(model, Action::Activate),
        Context::Queue => lists::act(model, Action::Follow),
        Context::Timeline => timeline::act(model, Action::Activate),
        Context::Failure => failure::act(model, Action::Activate),
        Context::Monitor => failure::chosen(model),
        Context::Log => {
            let node = model.log.chosen().and_then(|line| line.node.clone());
            node.map_or_else(Vec::new, |node| failure::go_to(model, &node))
        }
        Context::Anywhere | Context::Picture => Vec::new(),
    }
}

fn prompt(model: &mut Model, prompt: Prompt, text: &str) {
    model.overlay = Some(Overlay::Prompt(prompt, Field::line(text)));
}

/// Shows a tab of the side pane and goes there.
pub(super) fn show(model: &mut Model, side: Side) -> Vec<Effect> {
    if model.flow.is_none() {
        return Vec::new();
    }
    model.full = None;
    model.side = side;
    model.focus = Focus::Side;
    model.thumbnails.forget_failures();
    Vec::new()
}

/// One step back, whatever is in the way.
fn back(model: &mut Model) -> Vec<Effect> {
    if let Some(full) = model.full.take() {
        if matches!(&full, Full::Picture(viewer) if viewer.is_of_grid) && model.sweep.is_some() {
            model.overlay = Some(Overlay::Sweep);
        }
        return Vec::new();
    }
    let Some(flow) = &mut model.flow else { return reopen(model) };
    flow.wants_run = false;
    if flow.drag.take().is_some() {
        // The wire stays where it was.
    } else if model.focus == Focus::Side {
        model.focus = Focus::Graph;
    } else if flow.focus.take().is_some() {
        // One step.
    } else if !flow.found.is_empty() {
        flow.found.clear();
    } else if !flow.marked.is_empty() {
        flow.marked.clear();
    } else if enter::can_leave(model) {
        return enter::leave(model);
    } else if model.flow.as_mut().is_some_and(|flow| flow.selected.take().is_some()) {
        inputs::show_instead(model);
    } else if model.chooser.is_some() && !model.is_demo {
        // One came from the list.
        return close(model);
    } else {
        let key = |action: Action| model.keymap.key(action).unwrap_or_default();
        let (files, quit) = (key(Action::CloseWorkflow), key(Action::Quit));
        let told =
            format!("this is the outermost place: `{files}` lists the workflows of this folder, `{quit}` leaves");
        model.notice = Some((Tone::Detail, told));
    }
    Vec::new()
}

/// To the list of workflows in the folder of the one that is open.
fn close(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    if model.is_running() {
        model.tell(Tone::Warning, "a run of this workflow is under way: stop it first, or let it end");
        return Vec::new();
    }
    if flow.is_modified() {
        model.tell(Tone::Warning, "there are changes that are not saved: save them, or take them back");
        return Vec::new();
    }
    let folder = flow.path.parent().map_or_else(|| ".".into(), |folder| folder.to_path_buf());
    let folder = if folder.as_os_str().is_empty() { ".".into() } else { folder };
    if model.outer.iter().any(|outer| outer.is_modified()) {
        model
            .tell(Tone::Warning, "there are changes that are not saved in the workflow that this one was entered from");
        return Vec::new();
    }
    let (outer, run) = (std::mem::take(&mut model.outer), model.run.take());
    model.closed = model.flow.take().map(|flow| Closed { flow, outer, run });
    model.full = None;
    let chooser = model.chooser.get_or_insert_with(Chooser::default);
    chooser.folder = folder.clone();
    vec![Effect::List(folder)]
}

/// From the list of workflows back to the one that was open, as it was.
fn reopen(model: &mut Model) -> Vec<Effect> {
    let Some(Closed { flow, outer, run }) = model.closed.take() else {
        model.notice = Some((Tone::Detail, "no workflow was open before".into()));
        return Vec::new();
    };
    let path = flow.path.clone();
    let is_recorded = flow.is_recorded;
    (model.flow, model.outer, model.run) = (Some(flow), outer, run);
    model.is_changed = true;
    graph::bound(model);
    // It may have changed meanwhile.
    if is_recorded { Vec::new() } else { vec![Effect::Open(path)] }
}

/// Stops the run; a second time within two seconds, or if nothing runs: leaves.
fn cancel(model: &mut Model) -> Vec<Effect> {
    let again = model.asked_to_stop.is_some_and(|at| model.now.saturating_sub(at) < TWICE);
    model.asked_to_stop = Some(model.now);
    if again {
        model.wants_quit = true;
        return Vec::new();
    }
    if model.flow.as_mut().is_some_and(|flow| std::mem::take(&mut flow.wants_run)) {
        model.tell(Tone::Note, "it will not run; once more to leave");
        return Vec::new();
    }
    if !model.is_running() {
        model.tell(Tone::Note, "nothing runs here; once more to leave");
        return Vec::new();
    }
    run::stop(model)
}

/// Leaves, if nothing is lost by it.
fn quit(model: &mut Model) {
    if model.is_running() || model.is_modified() {
        model.overlay = Some(Overlay::Leave);
    } else {
        model.wants_quit = true;
    }
}
