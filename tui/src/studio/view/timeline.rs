//! When the nodes of a run ran: a line for each, along an axis of time.

use easel_engine::Seat;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::super::graph_view::Status;
use super::super::model::timeline::{Order, Row, Timeline, rows, tick};
use super::super::model::{Model, NodeRun, RunView};
use super::super::theme::Role;
use super::inspector::status;
use super::monitor::sign;
use super::pen::{Pen, fitted};
use super::{gauges, lanes, page_start, pen};
use crate::terminal::{brief_seconds, bytes, printable, seconds};

/// Lines above the nodes: the run, and the axis.
const ABOVE: u16 = 2;

/// Lines below them: what is known of the node with the cursor.
const BELOW: u16 = 3;

/// Columns of how long a node took, and of its part of the whole.
pub(super) const FIGURES: usize = 15;

/// Columns of a mark of the axis with some room.
const MARK: usize = 9;

fn body(model: &Model) -> Rect {
    Rect { x: 0, y: 1, width: model.size.0, height: model.size.1.saturating_sub(2) }
}

/// Lines that the nodes have.
pub(crate) fn height(model: &Model) -> usize {
    usize::from(body(model).height.saturating_sub(ABOVE + BELOW)).max(1)
}

/// Columns: of names, of bars.
struct Columns {
    name: usize,
    bar: usize,
}

pub(super) fn draw(model: &Model, timeline: &Timeline, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let area = body(model);
    let Some(run) = &model.run else {
        return Pen::new(area, buffer).text("Nothing was run yet.", style(Role::Dim));
    };
    let scene = model.flow.as_ref().and_then(|flow| flow.scene());
    let rows = rows(run, scene, timeline.order, run.clock(model.now));
    let node = |row: &Row| run.nodes.get(row.index);
    let at = chosen(run, &rows, timeline);
    let shown = timeline.shown(run, run.clock(model.now));
    if timeline.order == Order::Lanes {
        Pen::new(area, buffer).line(&heading(model, run, timeline, &rows));
        lanes::draw(model, run, &rows, at, shown, (lanes_area(area), buffer));
        return below(model, run, &rows, at, area, buffer);
    }
    let height = height(model);
    let start = page_start(at, height);
    let seen = || rows.iter().enumerate().skip(start).take(height);
    let longest = seen().filter_map(|(_, row)| node(row)).map(|node| node.node.chars().count()).max().unwrap_or(0);
    let width = usize::from(area.width);
    // One more, between the name and the bar.
    let name = longest.clamp(4, (width / 4).max(4)) + 1;
    let columns = Columns { name, bar: width.saturating_sub(name + 4 + 1 + FIGURES) };

    let mut pen = Pen::new(area, buffer);
    pen.line(&heading(model, run, timeline, &rows));
    let axis = axis(shown, columns.bar);
    let lead = " ".repeat(4 + columns.name);
    pen.line(&Line::from(Span::styled(format!("{lead}{axis}"), style(Role::Dim))));
    for (number, row) in seen() {
        let Some(node) = node(row) else { continue };
        let line = line(model, node, row, &columns, shown);
        if number == at { pen.highlighted(&line, style(Role::Selection)) } else { pen.line(&line) }
    }
    below(model, run, &rows, at, area, buffer);
}

/// The row that is at a place of the screen.
pub(crate) fn row_at(model: &Model, timeline: &Timeline, place: Position) -> Option<usize> {
    let (area, run) = (body(model), model.run.as_ref()?);
    let scene = model.flow.as_ref().and_then(|flow| flow.scene());
    let rows = rows(run, scene, timeline.order, run.clock(model.now));
    let at = chosen(run, &rows, timeline);
    if timeline.order == Order::Lanes {
        let shown = timeline.shown(run, run.clock(model.now));
        return lanes::row_at(run, &rows, at, shown, lanes_area(area), place);
    }
    let height = height(model);
    let line = usize::from(place.y.checked_sub(area.y + ABOVE)?);
    let row = page_start(at, height) + line;
    (line < height && row < rows.len()).then_some(row)
}

/// Which row the cursor is on.
fn chosen(run: &RunView, rows: &[Row], timeline: &Timeline) -> usize {
    let node = |row: &Row| run.nodes.get(row.index);
    let at = rows.iter().position(|row| node(row).is_some_and(|node| Some(&node.node) == timeline.at.as_ref()));
    at.unwrap_or(0)
}

/// Where the axis and the lanes are.
fn lanes_area(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(1 + BELOW), ..area }
}

/// What is known of the node with the cursor.
fn below(model: &Model, run: &RunView, rows: &[Row], at: usize, area: Rect, buffer: &mut Buffer) {
    let below = Rect { y: area.bottom().saturating_sub(BELOW), height: BELOW.min(area.height), ..area };
    if let Some((row, node)) = rows.get(at).and_then(|row| Some((row, run.nodes.get(row.index)?))) {
        detail(model, run, node, row, &mut Pen::new(below, buffer));
    }
}

fn heading<'a>(model: &Model, run: &RunView, timeline: &Timeline, rows: &[Row]) -> Line<'a> {
    let style = |role: Role| model.theme.style(role);
    let (word, role) = super::bars::phase(run.phase);
    let name = run.run.map_or_else(|| "run".into(), |id| format!("run {}", id.0));
    let order = match timeline.order {
        Order::Time => "in the order of time",
        Order::Cost => "what took longest first",
        Order::Lanes => "by lanes; one column is one moment",
    };
    let critical = rows.iter().any(|row| row.is_critical);
    let legend = if critical && timeline.order != Order::Lanes { "; * is what the run waited for" } else { "" };
    Line::from(vec![
        Span::styled(format!("{name} "), style(Role::Title)),
        Span::styled(word, style(role)),
        Span::styled(format!(" {}", seconds(run.took(run.clock(model.now)).as_secs_f64())), style(Role::Text)),
        Span::styled(format!("  {order}{legend}"), style(Role::Dim)),
    ])
}

/// Marks along the time that is shown.
pub(super) fn axis((from, to): (f64, f64), width: usize) -> String {
    let step = tick(to - from, width / MARK);
    let mut axis = vec![' '; width];
    let first = (from / step).ceil() as i64;
    // There are never more marks than columns.
    for number in (first..).take(width) {
        let at = number as f64 * step;
        let Some(column) = column(at, (from, to), width).filter(|_| at <= to) else { break };
        let mark: Vec<char> = std::iter::once('╷').chain(moment(at, step).chars()).collect();
        if column + mark.len() <= width {
            axis[column..column + mark.len()].copy_from_slice(&mark);
        }
    }
    axis.into_iter().collect()
}

/// A moment as a mark of an axis tells it.
fn moment(at: f64, step: f64) -> String {
    match step {
        60.0.. => format!("{}:{:02}", at as u64 / 60, at as u64 % 60),
        1.0.. => format!("{at:.0}s"),
        0.1.. => format!("{at:.1}s"),
        _ => format!("{:.0}ms", at * 1000.0),
    }
}

/// The column of a moment; none if it is before or behind what is shown.
pub(super) fn column(at: f64, (from, to): (f64, f64), width: usize) -> Option<usize> {
    let part = (at - from) / (to - from);
    ((0.0..=1.0).contains(&part) && width > 0).then(|| ((part * width as f64) as usize).min(width - 1))
}

fn line<'a>(model: &Model, node: &NodeRun, row: &Row, columns: &Columns, shown: (f64, f64)) -> Line<'a> {
    let style = |role: Role| model.theme.style(role);
    let (_, role) = status(&node.status);
    let critical = if row.is_critical { "* " } else { "  " };
    let took = row.span.filter(|_| node.began.is_some()).map(|(from, to)| brief_seconds(to - from)).unwrap_or_default();
    let share = row.share.filter(|_| node.began.is_some()).map(|share| format!("{:.0}%", share * 100.0));
    Line::from(vec![
        Span::styled(sign(&node.status), style(role)),
        Span::styled(critical, style(Role::Warning)),
        Span::styled(fitted(&printable(&node.node), columns.name), style(Role::Text)),
        Span::styled(bar(node, row, columns.bar, shown), style(role)),
        Span::styled(format!(" {took:>9} {:>5}", share.unwrap_or_default()), style(Role::Dim)),
    ])
}

/// The bar of a node, as far as it is within what is shown. What became of it stands at its end.
fn bar(node: &NodeRun, row: &Row, width: usize, shown: (f64, f64)) -> String {
    let blank = || " ".repeat(width);
    let Some((from, to)) = row.span.filter(|(from, to)| *to >= shown.0 && *from <= shown.1) else { return blank() };
    let (start, end) = (column(from.max(shown.0), shown, width), column(to.min(shown.1), shown, width));
    let Some((start, end)) = start.zip(end) else { return blank() };
    let sign = match node.status {
        Status::Running { .. } => '▶',
        Status::Cached => '=',
        Status::Failed => '✗',
        Status::Cancelled => '■',
        Status::Skipped | Status::Blocked => '-',
        Status::Done { .. } | Status::Idle | Status::Waiting => '━',
    };
    // What goes on behind the edge has no end there.
    let sign = if to > shown.1 { '━' } else { sign };
    let bar = std::iter::repeat_n('━', end - start).chain([sign]);
    let blank = |count: usize| std::iter::repeat_n(' ', count);
    blank(start).chain(bar).chain(blank(width - end - 1)).collect()
}

/// What is known of a node's times.
fn detail(model: &Model, run: &RunView, node: &NodeRun, row: &Row, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    pen.text(&"─".repeat(pen.width()), style(Role::Border));
    let (word, role) = status(&node.status);
    let mut facts = Vec::new();
    match (row.span, node.began) {
        (Some((from, to)), Some(_)) => {
            let end = if matches!(node.status, Status::Running { .. }) { "" } else { &format!(" to {}", seconds(to)) };
            facts.push(format!("from {}{end}", seconds(from)));
            facts.push(format!("took {}", seconds(to - from)));
        }
        (Some((_, at)), None) => facts.push(format!("at {}", seconds(at))),
        (None, _) => {}
    }
    facts.extend((node.attempt > 1).then(|| format!("attempt {}", node.attempt)));
    facts.extend(node.seat.as_ref().map(seat));
    facts.extend(
        row.share.filter(|_| node.began.is_some()).map(|share| format!("{:.0}% of what all nodes took", share * 100.0)),
    );
    facts.extend(node.rate(run.clock(model.now)).map(|rate| format!("{rate:.1} steps a second")));
    let name = printable(&node.node);
    let room = pen.width().saturating_sub(pen::columns(&name) + pen::columns(word) + 3);
    pen.line(&Line::from(vec![
        Span::styled(format!("{name} "), style(Role::Title)),
        Span::styled(word, style(role)),
        Span::styled(format!("  {}", gauges::fitting(&facts, room)), style(Role::Dim)),
    ]));
    let about = match (&node.story, node.outputs.first()) {
        (Some(story), _) => story.lines().next().unwrap_or_default().to_string(),
        (None, Some(output)) => format!("{} = {}", output.output, output.summary),
        (None, None) => run.shots.of(&node.node).map(|_| "it has a picture".to_string()).unwrap_or_default(),
    };
    pen.text(&about, style(Role::Dim));
}

/// Where a node computed, and what memory it said it would take.
fn seat(seat: &Seat) -> String {
    let place = match (&*seat.device, seat.lanes) {
        (Seat::HOST, 0) => "on no lane".into(),
        (Seat::HOST, 1) => format!("on {} lane {}", Seat::HOST, seat.lane),
        (Seat::HOST, lanes) => format!("on {} {} lanes", Seat::HOST, lanes),
        (device, _) => format!("on {}", printable(device)),
    };
    let memory = if &*seat.device == Seat::HOST { seat.memory } else { seat.device_memory };
    let foreseen = memory.filter(|bytes| *bytes > 0).map(|foreseen| format!(", {} foreseen", bytes(foreseen)));
    format!("{place}{}", foreseen.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_the_axis_never_overlap_or_leave_it() {
        assert_eq!(axis((0.0, 10.0), 30), "╷0s            ╷5s            ");
        assert_eq!(axis((1.9, 2.1), 20), "          ╷2.0s     ");
        for width in 0..60 {
            assert_eq!(axis((3.3, 77.7), width).chars().count(), width);
        }
    }

    #[test]
    fn moments_are_told_as_finely_as_the_marks_stand() {
        assert_eq!(
            [moment(0.05, 0.01), moment(0.5, 0.5), moment(12.0, 2.0), moment(125.0, 60.0)],
            ["50ms", "0.5s", "12s", "2:05"]
        );
    }
}
