//! The lanes of a run: what computed where, and what beside it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
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
use crate::terminal::seconds;

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
    let name = lines.iter().map(|line| line.track.label().chars().count()).max().unwrap_or(0);
    let name = name.clamp(6, usize::from(area.width / 4).max(6)) + 1;
    let bars = usize::from(area.width).saturating_sub(name + 1 + FIGURES);
    let row =
        |number: usize| Rect { y: area.y.saturating_add(u16::try_from(number).unwrap_or(u16::MAX)), height: 1, ..area };
    let head = format!("{}{}", " ".repeat(name), axis(shown, bars));
    Pen::new(row(0), buffer).text(&head, style(Role::Dim));
    if lines.is_empty() {
        return Pen::new(row(1), buffer).text("No node has computed yet.", style(Role::Dim));
    }
    let height = usize::from(area.height).saturating_sub(1);
    let here = lines.iter().position(|line| line.rows.contains(&at)).unwrap_or(0);
    let start = page_start(here, height);
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

/// How long the line was busy, and what part of the run that is.
fn figures(line: &LaneLine, rows: &[Row], run: &RunView, model: &Model) -> String {
    let took = |at: &usize| rows[*at].span.map_or(0.0, |(from, to)| to - from);
    let busy: f64 = line.rows.iter().chain(&line.held).map(took).sum();
    let whole = run.took(run.clock(model.now)).as_secs_f64();
    let part = match line.track {
        Track::Lane(_) | Track::Device(_) if whole > 0.0 => format!("{:.0}%", (busy / whole * 100.0).min(100.0)),
        _ => String::new(),
    };
    format!("{:>9} {part:>5}", seconds(busy))
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
    let length = |row: &usize| rows[*row].span.map_or(0.0, |(from, to)| to - from);
    let mut order: Vec<(usize, bool)> = line.rows.iter().map(|row| (*row, true)).collect();
    order.extend(line.held.iter().map(|row| (*row, false)));
    order.sort_by(|one, other| (one.0 == at).cmp(&(other.0 == at)).then(length(&other.0).total_cmp(&length(&one.0))));
    for (row, is_own) in order {
        let (row, is_here) = (&rows[row], row == at);
        let Some(node) = run.nodes.get(row.index) else { continue };
        let Some((from, to)) = row.span.filter(|(from, to)| *to >= shown.0 && *from <= shown.1) else { continue };
        let width = usize::from(area.width);
        let ends = column(from.max(shown.0), shown, width).zip(column(to.min(shown.1), shown, width));
        let Some((start, end)) = ends else { continue };
        // Where one ends another may begin: that column is the other's.
        let columns = (end - start + usize::from(to > shown.1)).max(1);
        let text = if is_own { bar(node, columns, from < shown.0, to > shown.1) } else { "╌".repeat(columns) };
        let role = status(&node.status).1;
        let lit = if is_here { model.theme.style(Role::Selection) } else { Style::new() };
        let x = area.x + u16::try_from(start).unwrap_or(0);
        buffer.set_stringn(x, area.y, text, width - start, model.theme.style(role).patch(lit));
    }
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
