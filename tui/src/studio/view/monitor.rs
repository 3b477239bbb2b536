//! The run: its nodes over time, and what they have drawn so far.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::super::graph_view::Status;
use super::super::graphics::Protocol;
use super::super::model::still::{Place, Source, Want, fitted};
use super::super::model::totals::Totals;
use super::super::model::{Model, NodeRun, RunView};
use super::super::theme::Role;
use super::inspector::status;
use super::pen::{Pen, columns, end_of, fitted as in_columns};
use super::{blocks, gauges, page_start, stills};
use crate::terminal::{brief_seconds, count, printable, seconds};

/// Columns of the text behind the bars.
const NOTE: usize = 9;

/// A picture takes no more of the pane than this part.
const PICTURE_PART: u16 = 2;

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    entries(model, area, buffer);
}

/// The node on a line of the pane.
pub(super) fn at_line(model: &Model, area: Rect, line: u16) -> Option<usize> {
    let entries = entries(model, area, &mut Buffer::empty(area));
    entries.get(usize::from(line)).copied().flatten()
}

/// Whether the picture is at a place.
pub(crate) fn is_picture_at(model: &Model, place: Position) -> bool {
    let area = super::regions(model).side;
    want(model, area).is_some_and(|(_, picture)| picture.contains(place))
}

/// Draws everything; of each line the node that it is about.
fn entries(model: &Model, area: Rect, buffer: &mut Buffer) -> Vec<Option<usize>> {
    let style = |role: Role| model.theme.style(role);
    let Some(run) = &model.run else {
        let key = model.keymap.key(super::super::keymap::Action::Run).unwrap_or_default();
        let text = format!("Nothing was run yet; `{key}` runs the workflow.");
        Pen::new(area, buffer).wrapped(&text, style(Role::Dim));
        return Vec::new();
    };
    let picture = want(model, area);
    let list = Rect { height: area.height - picture.as_ref().map_or(0, |(_, place)| place.height + 1), ..area };
    let mut pen = Pen::new(list, buffer);
    heading(model, run, &mut pen);
    gauges::draw(model, area.height, &mut pen);
    let height = usize::from(pen.left());
    let start = page_start(run.at, height);
    let names = run.nodes.iter().skip(start).take(height).map(|node| columns(&node.node));
    let width = names.max().unwrap_or(0).clamp(4, (pen.width() / 2).max(4));
    for (at, node) in run.nodes.iter().enumerate().skip(start).take(height) {
        let line = node_line(model, run, node, width, pen.width());
        pen.about(Some(at));
        if at == run.at && model.context() == super::super::keymap::Context::Monitor {
            pen.highlighted(&line, style(Role::Selection));
        } else {
            pen.line(&line);
        }
    }
    let entries = pen.entries();
    if let Some(((want, place), shot)) = picture.zip(run.shots.newest()) {
        let mut pen = Pen::new(place, buffer);
        pen.text(&shot.node, style(Role::Dim));
        let rest = pen.rest();
        stills::draw(model, &want, Some(&shot.picture), rest, buffer);
    }
    entries
}

fn heading(model: &Model, run: &RunView, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    let (word, role) = super::bars::phase(run.phase);
    let (ended, all) = run.counts();
    let name = run.run.map_or_else(|| "run".into(), |id| format!("run {}", id.0));
    let whose = if run.is_ours { "" } else { ", of another process" };
    let took = seconds(run.took(run.clock(model.now)).as_secs_f64());
    let room = pen.width().saturating_sub(columns(&name) + columns(word) + 3);
    let facts = [
        format!("{ended} of {all} nodes, {took}{whose}"),
        format!("{ended}/{all}, {took}{whose}"),
        format!("{ended} of {all} nodes, {took}"),
        format!("{ended}/{all}, {took}"),
        took,
    ];
    let facts = facts.into_iter().find(|facts| columns(facts) <= room).unwrap_or_default();
    pen.line(&Line::from(vec![
        Span::styled(format!("{name} "), style(Role::Title)),
        Span::styled(word, style(role)),
        Span::styled(format!("  {facts}"), style(Role::Dim)),
    ]));
    if let Some(workflow) = run.workflow.as_ref().filter(|_| model.run_here().is_none()) {
        pen.text(&format!("of another workflow: {}", workflow.display()), style(Role::Warning));
    }
    let totals = gauges::fitting(&totals(&Totals::of(run, run.clock(model.now))), pen.width());
    if !totals.is_empty() {
        pen.text(&totals, style(Role::Dim));
    }
    if let Some(files) = files(run) {
        pen.text(&end_of(&files, pen.width()), style(Role::Hint));
    }
}

/// What it wrote, in a line.
fn files(run: &RunView) -> Option<String> {
    let (_, newest) = run.files.last()?;
    if run.files.len() == 1 {
        return Some(newest.display().to_string());
    }
    let name = newest.file_name().unwrap_or_default().to_string_lossy();
    let folder = newest.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map(|folder| format!(" in {}/", folder.display())).unwrap_or_default();
    Some(format!("{}{folder}, newest {name}", count(run.files.len(), "file")))
}

/// A time that is not known exactly.
fn roughly(time: Duration) -> String {
    match time.as_secs() {
        0..100 => format!("{} s", time.as_secs()),
        100..6000 => format!("{} min", (time.as_secs() + 30) / 60),
        _ => format!("{} h", (time.as_secs() + 1800) / 3600),
    }
}

/// How fast it is, and how long it will take still: what matters most first.
fn totals(totals: &Totals) -> Vec<String> {
    let mut facts = Vec::new();
    facts.extend(totals.left.map(|left| format!("about {} left", roughly(left))));
    facts.extend(totals.steps.map(|steps| format!("{steps:.1} steps/s")));
    match totals.pictures {
        (0, _) => {}
        // Of one there is no rate.
        (1, _) => facts.push(count(1, "picture")),
        (number, rate) => facts.push(format!("{} ({rate:.2}/s)", count(number, "picture"))),
    }
    if totals.cached > 0 {
        facts.push(format!("{} known", totals.cached));
    }
    facts
}

/// A node: a sign, its name, when it ran, and how far it is or how long it took.
fn node_line<'a>(model: &Model, run: &RunView, node: &'a NodeRun, name: usize, width: usize) -> Line<'a> {
    let style = |role: Role| model.theme.style(role);
    let (word, role) = status(&node.status);
    let room = width.saturating_sub(2 + name + 1 + 1 + NOTE);
    let note = match node.status {
        Status::Running { step, steps, .. } if steps > 0 => format!("{step}/{steps}"),
        Status::Running { .. } => {
            brief_seconds(run.clock(model.now).saturating_sub(node.began.unwrap_or(run.clock(model.now))).as_secs_f64())
        }
        Status::Done { seconds: took } => brief_seconds(took),
        _ => word.to_string(),
    };
    let mut spans = vec![
        Span::styled(sign(&node.status), style(role)),
        Span::styled(in_columns(&printable(&node.node), name), style(Role::Text)),
        if node.warnings.1 > 0 { Span::styled("!", style(Role::Warning)) } else { Span::raw(" ") },
    ];
    let rate = match (node.status, node.rate(run.clock(model.now))) {
        (Status::Running { left: Some(left), .. }, Some(rate)) if room >= 20 => {
            Some(format!(" {rate:.1}/s, {} left", seconds(left.as_secs_f64())))
        }
        _ => None,
    };
    match rate {
        Some(rate) => spans.push(Span::styled(in_columns(&rate, room), style(Role::Running))),
        None => spans.push(Span::styled(span(run, node, run.clock(model.now), room), style(role))),
    }
    spans.push(Span::styled(format!(" {note:>NOTE$}"), style(role)));
    Line::from(spans)
}

/// A sign for where a node is, and a space.
pub(super) fn sign(status: &Status) -> &'static str {
    match status {
        Status::Idle | Status::Waiting => "· ",
        Status::Cached => "= ",
        Status::Running { .. } => "▶ ",
        Status::Done { .. } => "✓ ",
        Status::Failed => "✗ ",
        Status::Skipped | Status::Blocked => "- ",
        Status::Cancelled => "■ ",
    }
}

/// When the node ran, as a part of the run's time.
fn span(run: &RunView, node: &NodeRun, now: Duration, width: usize) -> String {
    let whole = run.took(now).as_secs_f64();
    let Some(began) = node.began.filter(|_| whole > 0.0) else { return " ".repeat(width) };
    let column = |at: Duration| {
        let part = at.saturating_sub(run.began).as_secs_f64() / whole;
        ((part * width as f64) as usize).min(width)
    };
    let start = column(began).min(width.saturating_sub(1));
    let end = column(node.ended.unwrap_or(now)).max(start + 1).min(width);
    let length = end.saturating_sub(start);
    format!("{}{}{}", " ".repeat(start), "━".repeat(length), " ".repeat(width.saturating_sub(start + length)))
}

/// What the pane wants to show of the newest picture, and where.
pub(super) fn want(model: &Model, area: Rect) -> Option<(Want, Rect)> {
    let shot = model.run.as_ref()?.shots.newest()?;
    let room = Rect { height: (area.height / PICTURE_PART).saturating_sub(1), ..area };
    let size = (shot.picture.width as u32, shot.picture.height() as u32);
    let (cells, pixels) = match model.graphics.protocol {
        Protocol::None => return None,
        Protocol::Blocks => (blocks::size(&shot.picture, room), (0, 0)),
        _ => fitted(size, (room.width, room.height), model.graphics),
    };
    let height = cells.1.saturating_add(1);
    if cells.1 <= 2 || height >= area.height {
        return None;
    }
    let source = if model.is_demo { Source::Pixels(shot.picture.clone()) } else { shot.source() };
    let graphics = model.graphics;
    let want = Want { place: Place::Monitor, source, part: None, cells, pixels, graphics };
    Some((want, Rect { y: area.bottom() - height, height, ..area }))
}
