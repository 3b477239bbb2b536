//! Looking at the times of a run.

use std::sync::Arc;

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::full::Full;
use super::super::model::lanes::{lanes, step};
use super::super::model::timeline::{Order, Row, Timeline, rows};
use super::super::model::{Focus, Model};
use super::super::view::timeline_height;
use super::graph;

/// A key moves the view by this part of what is shown.
const PAN: f64 = 0.2;

/// What a key zooms by.
const STEP: f64 = 2.0 / 3.0;

/// Shows the times of the run; once more: what was before.
pub(super) fn open(model: &mut Model) {
    match (&model.full, &model.run) {
        (Some(Full::Timeline(_)), _) => model.full = None,
        (_, Some(run)) => model.full = Some(Full::Timeline(Timeline::new(run))),
        (_, None) => model.tell(Tone::Note, "nothing was run yet: there are no times"),
    }
}

/// The lines, and which of them the cursor is on.
fn lines(model: &Model, timeline: &Timeline) -> (Vec<Row>, usize) {
    let Some(run) = &model.run else { return (Vec::new(), 0) };
    let scene = model.flow.as_ref().and_then(|flow| flow.scene());
    let rows = rows(run, scene, timeline.order, run.clock(model.now));
    let is_there = |row: &Row| run.nodes.get(row.index).is_some_and(|node| Some(&node.node) == timeline.at.as_ref());
    let at = rows.iter().position(is_there).unwrap_or(0);
    (rows, at)
}

/// Puts the cursor on a row.
pub(super) fn put(model: &mut Model, row: usize) {
    let Some(Full::Timeline(timeline)) = &model.full else { return };
    let (rows, _) = lines(model, timeline);
    let node = rows.get(row).and_then(|row| model.run.as_ref()?.nodes.get(row.index));
    let node = node.map(|node| Arc::clone(&node.node));
    if let Some(Full::Timeline(timeline)) = &mut model.full {
        timeline.at = node.or(timeline.at.take());
    }
}

/// A key of the timeline.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(Full::Timeline(timeline)) = &model.full else { return Vec::new() };
    let (rows, at) = lines(model, timeline);
    let page = timeline_height(model);
    let last = rows.len().saturating_sub(1);
    let is_by_lanes = timeline.order == Order::Lanes;
    let target = match action {
        _ if is_by_lanes && action != Action::Activate => in_lanes(model, &rows, at, page, action),
        Action::Up => at.saturating_sub(1),
        Action::Down => (at + 1).min(last),
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => (at + page).min(last),
        Action::First => 0,
        Action::Last => last,
        Action::Activate => return go_to_node(model, &rows, at),
        _ => at,
    };
    let middle = rows.get(at).and_then(|row| row.span).map(|(from, to)| (from + to) / 2.0);
    let now = model.now;
    let (Some(Full::Timeline(timeline)), Some(run)) = (&mut model.full, &model.run) else { return Vec::new() };
    let now = run.clock(now);
    let name = |row: &Row| run.nodes.get(row.index).map(|node| Arc::clone(&node.node));
    timeline.at = rows.get(target).and_then(name);
    if let Some(span) = rows.get(target).and_then(|row| row.span).filter(|_| target != at) {
        timeline.reveal(span, run, now);
    }
    match action {
        Action::Closer => timeline.zoom(STEP, middle, run, now),
        Action::Farther => timeline.zoom(1.0 / STEP, middle, run, now),
        Action::Fill => timeline.window = None,
        Action::Left | Action::Right if is_by_lanes => {}
        Action::Left => timeline.pan(-PAN, run, now),
        Action::Right => timeline.pan(PAN, run, now),
        Action::SwitchOrder => {
            timeline.order = match timeline.order {
                Order::Time => Order::Lanes,
                Order::Lanes => Order::Cost,
                Order::Cost => Order::Time,
            };
        }
        _ => {}
    }
    Vec::new()
}

/// The row that the cursor goes to where each line is a lane.
fn in_lanes(model: &Model, rows: &[Row], at: usize, page: usize, action: Action) -> usize {
    let Some(run) = &model.run else { return at };
    let lines = lanes(run, rows);
    let page = isize::try_from(page).unwrap_or(isize::MAX);
    let (down, along) = match action {
        Action::Up => (-1, 0),
        Action::Down => (1, 0),
        Action::PageUp => (-page, 0),
        Action::PageDown => (page, 0),
        Action::First => (isize::MIN, 0),
        Action::Last => (isize::MAX, 0),
        Action::Left => (0, -1),
        Action::Right => (0, 1),
        _ => (0, 0),
    };
    step(&lines, rows, at, down, along).unwrap_or(at)
}

/// To the node in the graph that the cursor is on; of one inside of another, to that.
fn go_to_node(model: &mut Model, rows: &[Row], at: usize) -> Vec<Effect> {
    let node = rows.get(at).and_then(|row| model.run.as_ref()?.nodes.get(row.index));
    let Some(name) = node.map(|node| Arc::clone(&node.node)) else { return Vec::new() };
    if graph::go_to_node(model, &name) {
        model.full = None;
        model.focus = Focus::Graph;
    } else {
        model.tell(Tone::Note, format!("{name} is not in the workflow as it is now"));
    }
    Vec::new()
}
