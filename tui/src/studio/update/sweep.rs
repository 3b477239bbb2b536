//! Sweeps: asked for, queued, watched as a grid, written as one picture.

use std::path::PathBuf;
use std::sync::Arc;

use easel_engine::{Document, Feed, Job, JobOptions, Kind, RunId, RunState, Settings, Source, SweepPart};
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::super::effect::{Change, Effect, Sheet};
use super::super::field::Field;
use super::super::keymap::{Action, Context};
use super::super::message::Tone;
use super::super::model::full::{Seen as Shown, Viewer};
use super::super::model::still;
use super::super::model::sweep::{self, Axis, MOST_RUNS, Sweep};
use super::super::model::{Choice, Model, Overlay, Prompt, Side};
use super::super::view::sweep_page;
use super::{gallery, picture};
use crate::terminal::count;

/// As the list of second inputs calls having none.
const NO_SECOND: &str = "no second input";

/// What the journal says of a run of a sweep: where it is, and the picture that it wrote.
pub(crate) type Seen = (RunId, RunState, Option<PathBuf>);

/// Asks for the values of the input that the cursor is on.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    if model.side == Side::Inputs {
        let Some(name) = declared_at_cursor(model) else {
            super::inputs::tell_none(model);
            return Vec::new();
        };
        let is_outermost = model.flow.as_ref().is_some_and(|flow| flow.inside().is_empty());
        match is_outermost && kind_of(model, &name).is_some() {
            true => question(model, None, name),
            false => model.tell(Tone::Note, format!("{name} cannot be swept over from here")),
        }
        return Vec::new();
    }
    let (Some(flow), Some((node, input))) = (&model.flow, at_cursor(model)) else {
        model.tell(Tone::Note, "there is no input here");
        return Vec::new();
    };
    let Some(document) = flow.text().map(|text| Document::parse(&Source::new("", text.clone())).0) else {
        return Vec::new();
    };
    let fed = document.node(&node).and_then(|entry| entry.inputs.iter().find(|fed| fed.name.value == input));
    let name = match fed.map(|fed| &fed.value.value) {
        Some(Feed::Input(name)) => name.clone(),
        None | Some(Feed::Literal(_)) => format!("{node}.{input}"),
        Some(_) => {
            model.tell(Tone::Note, "another node feeds this input: sweep over one of that node's");
            return Vec::new();
        }
    };
    match kind_of(model, &name) {
        Some(_) => question(model, None, name),
        None => {
            model.tell(Tone::Note, format!("{name} takes nothing that can be written down: it cannot be swept over"))
        }
    }
    Vec::new()
}

/// The input of the workflow that the cursor is on; none if it is on none.
fn declared_at_cursor(model: &Model) -> Option<String> {
    let flow = model.flow.as_ref()?;
    Some(flow.checked.as_ref()?.inputs.get(flow.input_at)?.name.clone())
}

/// The input that the cursor is on, and its node.
fn at_cursor(model: &Model) -> Option<(String, String)> {
    let flow = model.flow.as_ref()?;
    let (node, spec) = flow.selected_node()?;
    Some((node.to_string(), spec?.inputs.get(flow.input)?.name.to_string()))
}

/// Asks for the values of an input; what was typed for it before stands there.
fn question(model: &mut Model, first: Option<Axis>, name: String) {
    let mut field = Field::lines("");
    if let Some(typed) = model.swept.values.get(&name) {
        field.replace(typed);
    }
    let how = kind_of(model, &name).map_or("", sweep::how);
    model.overlay = Some(Overlay::Prompt(Prompt::Sweep { first, name, how, problem: None }, field));
}

/// Asks once more for what was typed at an earlier time, for the second of two inputs if there was a first one; false if
/// there is no such input.
pub(super) fn ask_again(model: &mut Model, name: String, first: Option<(String, String)>, typed: &str) -> bool {
    if kind_of(model, &name).is_none() {
        return false;
    }
    model.swept.values.insert(name.clone(), typed.to_string());
    let Some((first, values)) = first else {
        question(model, None, name);
        return true;
    };
    let Some(kind) = kind_of(model, &first) else { return false };
    model.swept.values.insert(first.clone(), values.clone());
    model.swept.seconds.insert(first.clone(), name.clone());
    match sweep::values(&values, kind) {
        Ok(read) => question(model, Some(Axis { name: first, values: read, typed: values }), name),
        // It can be mended there, and the second one is asked for after it.
        Err(_) => question(model, None, first),
    }
    true
}

/// Asks for the sweep of the grid once more, with other values if somebody likes.
fn repeat(model: &mut Model) {
    let Some(sweep) = &model.sweep else { return };
    let (first, second) = (sweep.columns.clone(), sweep.rows.clone());
    let lacks = [Some(&first), second.as_ref()].into_iter().flatten().find(|axis| kind_of(model, &axis.name).is_none());
    if let Some(axis) = lacks {
        let text = format!("the open workflow has no input {}: open the one that was swept over", axis.name);
        return model.tell(Tone::Note, text);
    }
    model.swept.remember(&first, second.as_ref());
    question(model, None, first.name);
}

/// The kind of an input (`seed`, `decoder.steps`), if values of it can be swept over.
fn kind_of(model: &Model, name: &str) -> Option<Kind> {
    let flow = model.flow.as_ref()?;
    let (document, _) = Document::parse(&Source::new("", flow.text()?.clone()));
    let kinds = match name.rsplit_once('.') {
        None => vec![document.input(name)?.kind?],
        Some((node, input)) => {
            let checked = flow.checked.as_ref()?;
            let node_type = document.node(node)?.node_type.as_ref()?;
            let spec = checked.registry.spec(&node_type.value)?;
            spec.inputs.iter().find(|spec| spec.name == input)?.kinds.clone()
        }
    };
    use easel_engine::kinds as known;
    kinds.into_iter().find(|kind| [known::TEXT, known::INTEGER, known::FLOAT, known::BOOLEAN].contains(kind))
}

/// What was typed for the values; if it is wrong, the question stays with what is wrong.
pub(super) fn answered(model: &mut Model, first: Option<Axis>, name: String, field: Field) -> Vec<Effect> {
    let kind = kind_of(model, &name);
    let values = kind
        .map_or_else(|| Err(format!("there is no input {name} any more")), |kind| sweep::values(&field.text(), kind));
    let values = values.and_then(|values| {
        let runs = values.len() * first.as_ref().map_or(1, |first| first.values.len());
        if runs > MOST_RUNS {
            Err(format!("these would be {runs} runs; at most {MOST_RUNS} are begun at once"))
        } else {
            Ok(values)
        }
    });
    match (values, first) {
        (Err(why), first) => {
            let how = kind.map_or("", sweep::how);
            model.overlay = Some(Overlay::Prompt(Prompt::Sweep { first, name, how, problem: Some(why) }, field));
        }
        (Ok(values), None) => second(model, Axis { name, values, typed: field.text() }),
        (Ok(values), Some(first)) => {
            confirm(model, Sweep::new(first, Some(Axis { name, values, typed: field.text() })));
        }
    }
    Vec::new()
}

/// Asks for a second input.
fn second(model: &mut Model, first: Axis) {
    let mut items = vec![(NO_SECOND.to_string(), format!("{} in a row", count(first.values.len(), "run")))];
    for (name, value) in inputs(model) {
        if name != first.name && kind_of(model, &name).is_some() {
            items.push((name, value));
        }
    }
    model.swept.values.insert(first.name.clone(), first.typed.clone());
    // The cursor is on what was chosen the last time.
    let before = model.swept.seconds.get(&first.name);
    let at = items.iter().position(|(name, _)| Some(name) == before).unwrap_or(0);
    let choice = Choice::SweepSecond(Box::new(first));
    model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at });
}

/// Every input that has a value that is written down, with that value.
fn inputs(model: &Model) -> Vec<(String, String)> {
    let Some(job) = job(model) else { return Vec::new() };
    crate::gist::given(&job).into_iter().map(|given| (given.name, given.value)).collect()
}

/// A second input was chosen, or none.
pub(super) fn chosen(model: &mut Model, first: Axis, name: &str) -> Vec<Effect> {
    if name == NO_SECOND {
        confirm(model, Sweep::new(first, None));
    } else {
        question(model, Some(first), name.to_string());
    }
    Vec::new()
}

fn confirm(model: &mut Model, sweep: Sweep) {
    model.swept.remember(&sweep.columns, sweep.rows.as_ref());
    model.overlay = Some(Overlay::SweepAsked(Box::new(sweep)));
}

/// What the open workflow would run as. Its settings are those of the session.
fn job(model: &Model) -> Option<Job> {
    let flow = model.flow.as_ref()?;
    let text = flow.text()?.clone();
    let source = Source { name: flow.path.display().to_string(), path: Some(flow.path.clone()), text };
    Some(Job { source, files: Vec::new(), settings: Settings::default(), options: JobOptions::default() })
}

/// Queues every combination, and has them carried out here.
pub(super) fn begin(model: &mut Model, sweep: Sweep) -> Vec<Effect> {
    let Some(base) = job(model) else { return Vec::new() };
    let mut jobs = Vec::new();
    for at in 0..sweep.cells.len() {
        let mut job = base.clone();
        for (name, value) in sweep.given(at) {
            if let Err(why) = gallery::give(model, &mut job, name, value) {
                model.tell(Tone::Error, why);
                return Vec::new();
            }
        }
        job.options.sweep = Some(sweep.part(at));
        jobs.push(job);
    }
    model.sweep = Some(sweep);
    model.queue.drains = true;
    model.overlay = Some(Overlay::Sweep);
    vec![Effect::EnqueueAll(jobs)]
}

/// The combinations were queued, or could not be.
pub(super) fn queued(model: &mut Model, runs: Vec<Result<RunId, String>>) {
    let Some(sweep) = &mut model.sweep else { return };
    for (cell, run) in sweep.cells.iter_mut().zip(runs) {
        match run {
            Ok(run) => cell.run = Some(run),
            Err(why) => cell.problem = Some(why),
        }
    }
}

/// The journal was read.
pub(super) fn seen(model: &mut Model, seen: &[Seen]) {
    for cell in model.sweep.iter_mut().flat_map(|sweep| &mut sweep.cells) {
        if let Some((_, state, picture)) = seen.iter().find(|(run, ..)| Some(*run) == cell.run) {
            cell.state = Some(*state);
            cell.picture.clone_from(picture);
        }
    }
}

/// The runs of the sweep in the journal were read, or more of them.
pub(super) fn known(model: &mut Model, asked_at: RunId, parts: &[(RunId, Arc<SweepPart>)]) {
    let Some(before) = model.sweep.as_ref().filter(|sweep| sweep.asked_at == Some(asked_at)) else { return };
    // Of runs that are forgotten by now, what was seen stays.
    if let Some(sweep) = Sweep::of_journal(asked_at, parts) {
        model.sweep = Some(sweep.going_on(before));
    }
}

/// Shows the grid that the run with the cursor belongs to, or else the last one.
pub(super) fn show(model: &mut Model) -> Vec<Effect> {
    if let Some((run, part)) = of_cursor(model)
        && model.sweep.as_ref().is_none_or(|sweep| !sweep.has(run))
    {
        model.sweep = Sweep::of_journal(run, &[(run, part)]);
    }
    if let Some(sweep) = &mut model.sweep {
        model.overlay = Some(Overlay::Sweep);
        // The numbers of runs that are forgotten are never given again.
        sweep.at = sweep.at.min(sweep.cells.len().saturating_sub(1));
        return Vec::new();
    }
    let keys =
        [Action::Sweep, Action::ShowRuns, Action::ShowSweep].map(|action| model.keymap.key(action).unwrap_or_default());
    let [sweep, runs, grid] = keys;
    let text = format!(
        "nothing was swept over yet: `{sweep}` at an input of a node does; of an earlier sweep, `{runs}` lists the runs, and `{grid}` \
         at one of them shows the grid"
    );
    model.tell(Tone::Note, text);
    Vec::new()
}

/// The run with the cursor, and where in a sweep it belongs.
fn of_cursor(model: &Model) -> Option<(RunId, Arc<SweepPart>)> {
    let (run, gist) = match model.context() {
        Context::Runs => model.runs.chosen().map(|row| (row.summary.run, &row.gist))?,
        Context::Queue => model.queue.chosen().map(|row| (row.summary.run, &row.gist))?,
        Context::Gallery => model.gallery.chosen().and_then(|shot| Some((shot.run?, &shot.gist)))?,
        _ => return None,
    };
    Some((run, gist.sweep.clone()?))
}

/// The files whose pictures are on the screen.
pub(super) fn shown(model: &Model) -> Vec<PathBuf> {
    let Some(sweep) = &model.sweep else { return Vec::new() };
    let cells = sweep_page(model, sweep).filter_map(|at| sweep.cells.get(at));
    cells.filter_map(|cell| cell.picture.clone()).collect()
}

/// A key while the grid is shown.
pub(super) fn pressed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let Some(sweep) = &mut model.sweep else { return Vec::new() };
    let (width, last) = (sweep.width(), sweep.cells.len().saturating_sub(1));
    model.overlay = Some(Overlay::Sweep);
    match key.code {
        KeyCode::Char('q') => model.overlay = None,
        KeyCode::Enter => return enlarge(model),
        KeyCode::Char('a') => {
            model.overlay = None;
            repeat(model);
        }
        KeyCode::Left | KeyCode::Char('h') => sweep.at = sweep.at.saturating_sub(1),
        KeyCode::Right | KeyCode::Char('l') => sweep.at = (sweep.at + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => sweep.at = sweep.at.checked_sub(width).unwrap_or(sweep.at),
        KeyCode::Down | KeyCode::Char('j') => {
            sweep.at = if sweep.at + width <= last { sweep.at + width } else { sweep.at }
        }
        KeyCode::Home | KeyCode::Char('g') => sweep.at = 0,
        KeyCode::End | KeyCode::Char('G') => sweep.at = last,
        KeyCode::Char('w') => return vec![Effect::WriteSheet(sheet(sweep))],
        KeyCode::Char('x') => {
            let waiting = |cell: &&sweep::Cell| cell.state.is_none_or(|state| !state.is_over());
            let runs = sweep.cells.iter().filter(waiting).filter_map(|cell| cell.run);
            return runs.map(|run| Effect::Change(Change::Cancel(run))).collect();
        }
        _ => {}
    }
    Vec::new()
}

/// Shows the picture with the cursor on the whole screen; the others are leafed through.
fn enlarge(model: &mut Model) -> Vec<Effect> {
    let Some(sweep) = &model.sweep else { return Vec::new() };
    let with_picture = |at: usize| Some((at, sweep.cells.get(at)?.picture.clone()?));
    let all: Vec<_> = (0..sweep.cells.len()).filter_map(with_picture).collect();
    let Some(at) = all.iter().position(|(at, _)| *at == sweep.at) else {
        model.tell(Tone::Note, "there is no picture here yet");
        return Vec::new();
    };
    let seen = |(at, path): (usize, PathBuf)| Shown {
        node: about(sweep, at).into(),
        small: model.thumbnails.get(&path).and_then(|small| small.clone().ok()),
        source: still::Source::File(path),
    };
    let pictures = all.into_iter().map(seen).collect();
    model.overlay = None;
    picture::show(model, Viewer { is_of_grid: true, ..Viewer::new(pictures, at, false) })
}

/// What a cell is given.
pub(crate) fn about(sweep: &Sweep, at: usize) -> String {
    let given: Vec<_> = sweep.given(at).into_iter().map(|(name, value)| format!("{name} = {value}")).collect();
    given.join(", ")
}

/// The grid as one picture.
fn sheet(sweep: &Sweep) -> Sheet {
    let labels = |axis: &Axis| (0..axis.values.len()).map(|at| axis.label(at)).collect();
    Sheet {
        columns: labels(&sweep.columns),
        rows: sweep.rows.as_ref().map_or_else(|| vec![String::new()], labels),
        pictures: sweep.cells.iter().map(|cell| cell.picture.clone()).collect(),
    }
}
