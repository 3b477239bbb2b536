//! The lanes of a run: what computed where, and what beside it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::graph_view::Status;
use super::super::model::lanes::{LaneLine, Track, lanes};
use super::super::model::timeline::Row;
use super::super::model::{Model, NodeRun, RunView};
use super::super::theme::Role;
use super::inspector::status;
use super::page_start;
use super::pen::{Pen, fitted};
use super::timeline::{FIGURES, axis, column};
use crate::terminal::brief_seconds;

/// Draws the axis and a line for each lane into the area. The cursor is on the row `at`.
pub(super) fn draw(
    model: &Model,
    run: &RunView,
    rows: &[Row],
    at: usize,
    shown: (f64, f64),
    place: (Rect, &mut Buffer),
) {
    let style = |role: Role| model.theme.style(role);
    let (area, buffer) = place;
    let lines = lanes(run, rows);
    let (name, bars) = columns(&lines, area);
    let row =
        |number: usize| Rect { y: area.y.saturating_add(u16::try_from(number).unwrap_or(u16::MAX)), height: 1, ..area };
    let head = format!("{}{}", " ".repeat(name), axis(shown, bars));
    Pen::new(row(0), buffer).text(&head, style(Role::Dim));
    if lines.is_empty() {
        return Pen::new(row(1), buffer).text("No node has computed yet.", style(Role::Dim));
    }
    let (here, start, height) = page(&lines, at, area);
    for (number, line) in lines.iter().enumerate().skip(start).take(height) {
        let area = row(number - start + 1);
        let label = if number == here { Role::Title } else { Role::Text };
        // Lines of the same kind have their name once.
        let is_first = number == start || lines[number - 1].track != line.track;
        let text = if is_first { line.track.label() } else { String::new() };
        let figures = figures(line, rows, run, model);
        Pen::new(area, buffer).line(&Line::from(vec![
            Span::styled(fitted(&text, name), style(label)),
            Span::styled(format!("{}{figures}", " ".repeat(bars + 1)), style(Role::Dim)),
        ]));
        let within =
            Rect { x: area.x + u16::try_from(name).unwrap_or(0), width: u16::try_from(bars).unwrap_or(0), ..area };
        fill(model, run, line, rows, at, shown, (within.intersection(area), buffer));
    }
}

/// Columns of what the lines are called, and of what ran there.
fn columns(lines: &[LaneLine], area: Rect) -> (usize, usize) {
    let name = lines.iter().map(|line| line.track.label().chars().count()).max().unwrap_or(0);
    let name = name.clamp(6, usize::from(area.width / 4).max(6)) + 1;
    (name, usize::from(area.width).saturating_sub(name + 1 + FIGURES))
}

/// The line with the cursor, the first that is shown, and how many there is room for below the axis.
fn page(lines: &[LaneLine], at: usize, area: Rect) -> (usize, usize, usize) {
    let height = usize::from(area.height).saturating_sub(1);
    let here = lines.iter().position(|line| line.rows.contains(&at)).unwrap_or(0);
    (here, page_start(here, height), height)
}

/// The row that is at a place of the screen: what ran there, or else what is next to it on that line.
pub(super) fn row_at(
    run: &RunView,
    rows: &[Row],
    at: usize,
    shown: (f64, f64),
    area: Rect,
    place: Position,
) -> Option<usize> {
    let lines = lanes(run, rows);
    let (name, bars) = columns(&lines, area);
    let (_, start, height) = page(&lines, at, area);
    let number = usize::from(place.y.checked_sub(area.y + 1)?);
    let line = lines.get(start + number).filter(|_| number < height)?;
    let column = usize::from(place.x.saturating_sub(area.x)).saturating_sub(name).min(bars.saturating_sub(1));
    let pieces = pieces(line, rows, at, shown, bars);
    let apart = |piece: &Piece| {
        let end = piece.start + piece.columns - 1;
        piece.start.saturating_sub(column).max(column.saturating_sub(end))
    };
    // Of several the one that was drawn last.
    pieces.iter().rev().min_by_key(|piece| apart(piece)).map(|piece| piece.row)
}

/// How long the line was busy, and what part of the run that is.
fn figures(line: &LaneLine, rows: &[Row], run: &RunView, model: &Model) -> String {
    let took = |at: &usize| rows[*at].span.map_or(0.0, |(from, to)| to - from);
    let busy: f64 = line.rows.iter().chain(&line.held).map(took).sum();
    let whole = run.took(run.clock(model.now)).as_secs_f64();
    let part = match line.track {
        Track::Lane(_) | Track::Device(_) if whole > 0.0 => format!("{:.0}%", (busy / whole * 100.0).min(100.0)),
        _ => String::new(),
    };
    format!("{:>9} {part:>5}", brief_seconds(busy))
}

/// The nodes of a line. The shortest are drawn last: no other hides them.
fn fill(
    model: &Model,
    run: &RunView,
    line: &LaneLine,
    rows: &[Row],
    at: usize,
    shown: (f64, f64),
    (area, buffer): (Rect, &mut Buffer),
) {
    let width = usize::from(area.width);
    for Piece { row, is_own, start, columns, is_cut } in pieces(line, rows, at, shown, width) {
        let Some(node) = run.nodes.get(rows[row].index) else { continue };
        let text = if is_own { bar(node, columns, is_cut.0, is_cut.1) } else { "╌".repeat(columns) };
        let role = status(&node.status).1;
        let lit = if row == at { model.theme.style(Role::Selection) } else { Style::new() };
        let x = area.x + u16::try_from(start).unwrap_or(0);
        buffer.set_stringn(x, area.y, text, width - start, model.theme.style(role).patch(lit));
    }
}

/// What is drawn of a node on a line.
struct Piece {
    row: usize,
    /// It is one of this line; otherwise it only holds the lane too.
    is_own: bool,
    start: usize,
    columns: usize,
    /// Whether it goes on before and behind what is shown.
    is_cut: (bool, bool),
}

/// The nodes of a line as far as they are shown, in the order in which they are drawn.
fn pieces(line: &LaneLine, rows: &[Row], at: usize, shown: (f64, f64), width: usize) -> Vec<Piece> {
    let length = |row: &usize| rows[*row].span.map_or(0.0, |(from, to)| to - from);
    let mut order: Vec<(usize, bool)> = line.rows.iter().map(|row| (*row, true)).collect();
    order.extend(line.held.iter().map(|row| (*row, false)));
    order.sort_by(|one, other| (one.0 == at).cmp(&(other.0 == at)).then(length(&other.0).total_cmp(&length(&one.0))));
    let piece = |(row, is_own): (usize, bool)| {
        let (from, to) = rows[row].span.filter(|(from, to)| *to >= shown.0 && *from <= shown.1)?;
        let start = column(from.max(shown.0), shown, width)?;
        let end = column(to.min(shown.1), shown, width)?;
        let is_cut = (from < shown.0, to > shown.1);
        // Where one ends another may begin: that column is the other's.
        Some(Piece { row, is_own, start, columns: (end - start + usize::from(is_cut.1)).max(1), is_cut })
    };
    order.into_iter().filter_map(piece).collect()
}

/// A node in so many columns: its name as far as there is room, and what became of it at its end.
fn bar(node: &NodeRun, width: usize, is_cut_before: bool, is_cut_behind: bool) -> String {
    let sign = match node.status {
        _ if is_cut_behind => '━',
        Status::Running { .. } => '▶',
        Status::Failed => '✗',
        Status::Cancelled => '■',
        _ => '┥',
    };
    match width {
        0 => String::new(),
        1 if sign == '┥' => "┃".into(),
        1 => sign.to_string(),
        _ => {
            let inner = width - 2;
            let name = if inner < 3 { String::new() } else { fitted(&node.node, inner).trim_end().to_string() };
            let rest = inner.saturating_sub(super::pen::columns(&name));
            let start = if is_cut_before { '━' } else { '┝' };
            format!("{start}{name}{}{sign}", "━".repeat(rest))
        }
    }
}
