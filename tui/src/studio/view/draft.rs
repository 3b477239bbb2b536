//! What the mouse draws over the graph: a wire that is not there yet, or a rectangle.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;

use super::super::graph_view::{Focus, GraphView, Look};
use super::super::model::{Drag, Flow};
use super::super::scene::Port;

/// Draws it over a graph that was drawn into `area`.
pub(super) fn draw(view: &GraphView<'_>, flow: &Flow, area: Rect, buffer: &mut Buffer) {
    match &flow.drag {
        Some(Drag::Wire { anchor, fits, at, is_moved: true, .. }) => {
            let pen = Pen { view, area, is_ascii: view.theme.is_ascii() };
            pen.dim(buffer);
            let (end, is_output) = match anchor {
                Focus::Output(port) => (*port, true),
                Focus::Input(port) => (*port, false),
                Focus::Wire(_) => return,
            };
            for port in fits {
                pen.light(*port, !is_output, buffer);
            }
            pen.light(end, is_output, buffer);
            pen.wire(end, is_output, *at, buffer);
        }
        Some(Drag::Band { from, to }) if from != to => {
            Pen { view, area, is_ascii: view.theme.is_ascii() }.band(*from, *to, buffer);
        }
        _ => {}
    }
}

struct Pen<'a> {
    view: &'a GraphView<'a>,
    area: Rect,
    is_ascii: bool,
}

impl Pen<'_> {
    /// The place on the screen of a cell of the layout.
    fn place(&self, x: i32, y: i32) -> Option<Position> {
        let x = x.checked_sub(self.view.camera.x).and_then(|x| u16::try_from(x).ok())?;
        let y = y.checked_sub(self.view.camera.y).and_then(|y| u16::try_from(y).ok())?;
        let place = Position { x: self.area.x.checked_add(x)?, y: self.area.y.checked_add(y)? };
        self.area.contains(place).then_some(place)
    }

    fn socket(&self, port: Port, is_output: bool) -> Option<(i32, i32)> {
        match is_output {
            true => self.view.layout.output(self.view.detail, port),
            false => self.view.layout.input(self.view.detail, port),
        }
    }

    /// Everything steps back.
    fn dim(&self, buffer: &mut Buffer) {
        for place in self.area.positions() {
            if let Some(cell) = buffer.cell_mut(place) {
                cell.modifier.insert(Modifier::DIM);
                cell.modifier.remove(Modifier::BOLD);
            }
        }
    }

    /// A socket at which the wire can end stands out.
    fn light(&self, port: Port, is_output: bool, buffer: &mut Buffer) {
        let place = self.socket(port, is_output).and_then(|(x, y)| self.place(x, y));
        if let Some(cell) = place.and_then(|place| buffer.cell_mut(place)) {
            cell.modifier.remove(Modifier::DIM);
            cell.modifier.insert(Modifier::BOLD | Modifier::REVERSED);
        }
    }

    /// From a socket to the mouse: across, up or down in the middle, across.
    fn wire(&self, end: Port, is_output: bool, mouse: Position, buffer: &mut Buffer) {
        let Some((x, y)) = self.socket(end, is_output) else { return };
        let aside = if is_output { 1 } else { -1 };
        let camera = self.view.camera;
        let start = (x + aside, y);
        let to_cell = |at: u16, from: u16| i32::from(at) - i32::from(from);
        let goal = (camera.x + to_cell(mouse.x, self.area.x), camera.y + to_cell(mouse.y, self.area.y));
        let middle = start.0 + (goal.0 - start.0) / 2;
        let [across, down] = if self.is_ascii { ["=", "H"] } else { ["━", "┃"] };
        // By what it joins: a line to the right, and one that goes down.
        let corner = |is_right: bool, is_down: bool| match (self.is_ascii, is_right, is_down) {
            (true, ..) => "#",
            (_, true, true) => "┏",
            (_, true, false) => "┗",
            (_, false, true) => "┓",
            (_, false, false) => "┛",
        };
        let style = self.view.theme.look(Look::Selected);
        let mut put = |x: i32, y: i32, sign: &str| {
            if let Some(cell) = self.place(x, y).and_then(|place| buffer.cell_mut(place)) {
                cell.set_symbol(sign).set_style(style);
                cell.modifier.remove(Modifier::DIM);
            }
        };
        // What is not on the screen is not gone along.
        let (left, right) = (camera.x - 1, camera.x + i32::from(self.area.width) + 1);
        let mut line = |from: i32, to: i32, y: i32| {
            (from.min(to).max(left)..=from.max(to).min(right)).for_each(|x| put(x, y, across));
        };
        line(start.0, middle, start.1);
        line(middle, goal.0, goal.1);
        if start.1 != goal.1 {
            let (top, bottom) = (camera.y - 1, camera.y + i32::from(self.area.height) + 1);
            for y in (start.1.min(goal.1) + 1).max(top)..start.1.max(goal.1).min(bottom) {
                put(middle, y, down);
            }
            let is_down = goal.1 > start.1;
            put(middle, start.1, corner(middle < start.0, is_down));
            put(middle, goal.1, corner(middle < goal.0, !is_down));
        }
    }

    /// The border of a rectangle.
    fn band(&self, from: (i32, i32), to: (i32, i32), buffer: &mut Buffer) {
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
        let style = self.view.theme.look(Look::Marked);
        let [across, down, corner] = if self.is_ascii { [".", ":", "+"] } else { ["┄", "┆", "·"] };
        for place in self.area.positions() {
            let x = self.view.camera.x + i32::from(place.x - self.area.x);
            let y = self.view.camera.y + i32::from(place.y - self.area.y);
            let is_within = (left..=right).contains(&x) && (top..=bottom).contains(&y);
            let (is_side, is_end) = (x == left || x == right, y == top || y == bottom);
            let sign = match (is_within, is_side, is_end) {
                (true, true, true) => corner,
                (true, true, false) => down,
                (true, false, true) => across,
                _ => continue,
            };
            if let Some(cell) = buffer.cell_mut(place) {
                cell.set_symbol(sign).set_style(style);
            }
        }
    }
}
