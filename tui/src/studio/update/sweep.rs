//! Sweeps: asked for, queued, watched as a grid, written as one picture.

use std::path::PathBuf;

use easel_engine::{Document, Feed, Job, JobOptions, Kind, RunId, RunState, Settings, Source};
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::super::effect::{Change, Effect, Sheet};
use super::super::field::Field;
use super::super::message::Tone;
use super::super::model::sweep::{self, Axis, MOST_RUNS, Sweep};
use super::super::model::{Choice, Model, Overlay, Prompt};
use super::super::view::sweep_page;
use super::gallery;
use crate::terminal::count;

/// As the list of second inputs calls having none.
const NO_SECOND: &str = "no second input";

/// What the journal says of a run of a sweep: where it is, and the picture that it wrote.
pub(crate) type Seen = (RunId, RunState, Option<PathBuf>);

/// Asks for the values of the input that the cursor is on.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
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

/// The input that the cursor is on, and its node.
fn at_cursor(model: &Model) -> Option<(String, String)> {
    let flow = model.flow.as_ref()?;
    let (node, spec) = flow.selected_node()?;
    Some((node.to_string(), spec?.inputs.get(flow.input)?.name.to_string()))
}

fn question(model: &mut Model, first: Option<Axis>, name: String) {
    model.overlay = Some(Overlay::Prompt(Prompt::Sweep { first, name, problem: None }, Field::lines("")));
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
            model.overlay = Some(Overlay::Prompt(Prompt::Sweep { first, name, problem: Some(why) }, field));
        }
        (Ok(values), None) => second(model, Axis { name, values }),
        (Ok(values), Some(first)) => confirm(model, Sweep::new(first, Some(Axis { name, values }))),
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
    let choice = Choice::SweepSecond(Box::new(first));
    model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at: 0 });
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

/// Shows the grid again.
pub(super) fn show(model: &mut Model) -> Vec<Effect> {
    match model.sweep {
        Some(_) => model.overlay = Some(Overlay::Sweep),
        None => model.tell(Tone::Note, "nothing was swept over yet: at an input of a node, `S` does"),
    }
    Vec::new()
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
        KeyCode::Char('q') | KeyCode::Enter => model.overlay = None,
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

/// The grid as one picture.
fn sheet(sweep: &Sweep) -> Sheet {
    let labels = |axis: &Axis| (0..axis.values.len()).map(|at| axis.label(at)).collect();
    Sheet {
        columns: labels(&sweep.columns),
        rows: sweep.rows.as_ref().map_or_else(|| vec![String::new()], labels),
        pictures: sweep.cells.iter().map(|cell| cell.picture.clone()).collect(),
    }
}
