//! A node's box.

use ratatui::style::{Modifier, Style};

use super::canvas::{Canvas, columns};
use super::highlight::{Highlight, Light};
use super::palette::{Signs, signs};
use super::{Focus, GraphView, Look, Status, shared_socket};
use crate::studio::layout::{Area, Detail, shown_literal, socket_row, workflow_input};
use crate::studio::scene::{Port, SceneNode, Socket};

/// What is needed to draw one box.
struct Pen<'p, 'v> {
    view: &'p GraphView<'v>,
    signs: &'static Signs,
    node: &'p SceneNode,
    index: usize,
    area: Area,
    light: Light,
    status: Status,
}

/// Draws the box of a node.
pub(super) fn draw(view: &GraphView<'_>, highlight: &Highlight, index: usize, canvas: &mut Canvas<'_>) {
    let (Some(&area), Some(node)) = (view.layout.boxes.get(index), view.scene.nodes.get(index)) else { return };
    let status = view.statuses.get(index).copied().unwrap_or_default();
    let light = highlight.node(index);
    let pen = Pen { view, signs: signs(view.theme), node, index, area, light, status };
    match view.detail {
        Detail::Name => pen.chip(canvas),
        Detail::State => {
            pen.frame(canvas);
            pen.state(canvas);
            pen.end(canvas, true);
            pen.end(canvas, false);
        }
        Detail::Parameters | Detail::Preview => {
            pen.frame(canvas);
            pen.state(canvas);
            pen.sockets(canvas);
        }
    }
}

impl Pen<'_, '_> {
    fn look(&self, look: Look) -> Style {
        let style = self.view.theme.look(look);
        if self.light == Light::Faded { self.light.on(style) } else { style }
    }

    fn is_left_out(&self) -> bool {
        self.node.is_muted || self.node.is_bypassed
    }

    fn is_selected(&self) -> bool {
        self.view.selected == Some(self.index)
    }

    fn name_style(&self) -> Style {
        let style = match (self.view.found.contains(&self.index), self.is_selected()) {
            (true, _) => self.look(Look::Found),
            (false, true) => self.look(Look::Selected),
            (false, false) if self.is_left_out() => self.look(Look::Dim),
            (false, false) => self.look(Look::Name),
        };
        if self.node.is_muted { style.add_modifier(Modifier::CROSSED_OUT) } else { style }
    }

    /// All on one line.
    fn chip(&self, canvas: &mut Canvas<'_>) {
        let Area { x, y, width, .. } = self.area;
        let (sign, look) = self.status_sign();
        let is_selected = self.is_selected();
        let reversed = |style: Style| if is_selected { style.add_modifier(Modifier::REVERSED) } else { style };
        canvas.line(x, y, width, " ", reversed(Style::new()));
        let (mark, style) = match (self.view.marked.contains(&self.index), self.node.errors, self.node.warnings) {
            (true, ..) => ("*", self.look(Look::Marked)),
            (_, 1.., _) => (self.signs.error, self.look(Look::Error)),
            (_, _, 1..) if self.status == Status::Idle => (self.signs.warning, self.look(Look::Warning)),
            _ => (sign, self.look(look)),
        };
        canvas.put(x + 1, y, mark, reversed(style));
        canvas.text(x + 2, y, &self.node.id, width - 4, self.signs.more, reversed(self.name_style()));
        self.end(canvas, true);
        self.end(canvas, false);
    }

    /// Where all wires of one side end, if sockets have no rows of their own.
    fn end(&self, canvas: &mut Canvas<'_>, is_input: bool) {
        let x = if is_input { self.area.x } else { self.area.right() - 1 };
        let y = self.area.y + socket_row(self.view.detail, 0);
        let sockets = if is_input { &self.node.inputs } else { &self.node.outputs };
        let Some(place) = shared_socket(self.view, self.index, is_input) else {
            if self.view.detail == Detail::Name {
                canvas.put(x, y, self.signs.ends[usize::from(!is_input)], self.border());
            }
            return;
        };
        let style = self.light.on(self.view.theme.kind(sockets.get(place).map_or("", |socket| &socket.kind)));
        let port = Port { node: self.index, socket: place };
        let focus = self.focus(if is_input { Focus::Input(port) } else { Focus::Output(port) });
        canvas.put(x, y, self.signs.sockets[0], style.patch(focus));
    }

    fn border(&self) -> Style {
        match (self.is_selected(), self.view.marked.contains(&self.index), self.status) {
            (true, ..) => self.look(Look::Selected),
            (_, true, _) => self.look(Look::Marked),
            (.., Status::Running { .. }) => self.look(Look::Running),
            (.., Status::Failed) => self.look(Look::Error),
            _ if self.node.errors > 0 => self.look(Look::Error),
            _ => self.look(Look::Border),
        }
    }

    /// The border with the name and what else must be seen from afar.
    fn frame(&self, canvas: &mut Canvas<'_>) {
        let Area { x, y, width, height } = self.area;
        let [upper_left, upper_right, lower_left, lower_right, across, down] = match self.is_selected() {
            true => self.signs.selected,
            false if self.is_left_out() => self.signs.left_out,
            false if !self.node.members.is_empty() => self.signs.group,
            false => self.signs.frame,
        };
        let style = self.border();
        let (right, bottom) = (x + width - 1, y + height - 1);
        for (row, left_corner, right_corner) in [(y, upper_left, upper_right), (bottom, lower_left, lower_right)] {
            canvas.put(x, row, left_corner, style);
            canvas.line(x + 1, row, width - 2, across, style);
            canvas.put(right, row, right_corner, style);
        }
        for row in y + 1..bottom {
            canvas.put(x, row, down, style);
            canvas.line(x + 1, row, width - 2, " ", Style::new());
            canvas.put(right, row, down, style);
        }
        if let Some(group) = self.node.group.as_ref().filter(|_| self.node.members.is_empty()) {
            // Seen where there is no frame around the group, too.
            let style = self.view.theme.group(group.colour.as_deref());
            let style = if self.light == Light::Faded { self.light.on(style) } else { style };
            canvas.put(x + 1, bottom, " ", style);
            let used = canvas.text(x + 2, bottom, &group.name, width - 5, self.signs.more, style);
            canvas.put(x + 2 + used, bottom, " ", style);
        }
        let end = self.badges(canvas, right);
        let mark = if self.view.marked.contains(&self.index) { "*" } else { " " };
        canvas.put(x + 1, y, mark, style);
        let used = canvas.text(x + 2, y, &self.node.id, end - x - 3, self.signs.more, self.name_style());
        canvas.put(x + 2 + used, y, " ", style);
    }

    /// At the right of the upper border; gives where they begin.
    fn badges(&self, canvas: &mut Canvas<'_>, right: i32) -> i32 {
        let (y, mut end) = (self.area.y, right);
        let mut badge = |text: &str, look: Look| {
            end -= columns(text) + 1;
            canvas.text(end, y, text, i32::MAX, "", self.look(look));
            canvas.put(end + columns(text), y, " ", self.border());
        };
        if self.node.has_body {
            badge(self.signs.body, Look::Dim);
        }
        if self.node.warnings > 0 {
            badge(&format!("{}{}", self.signs.warning, self.node.warnings), Look::Warning);
        }
        if self.node.errors > 0 {
            badge(&format!("{}{}", self.signs.error, self.node.errors), Look::Error);
        }
        end
    }

    fn status_sign(&self) -> (&'static str, Look) {
        match self.status {
            Status::Idle => (" ", Look::Dim),
            Status::Waiting => (self.signs.waiting, Look::Waiting),
            Status::Cached => (self.signs.cached, Look::Cached),
            Status::Running { .. } => (self.signs.running, Look::Running),
            Status::Done { .. } => (self.signs.done, Look::Done),
            Status::Failed => (self.signs.failed, Look::Error),
            Status::Skipped => (self.signs.skipped, Look::Waiting),
            Status::Blocked => (self.signs.blocked, Look::Waiting),
            Status::Cancelled => (self.signs.cancelled, Look::Warning),
        }
    }

    fn status_words(&self) -> String {
        match self.status {
            Status::Idle if self.node.is_muted => "muted".into(),
            Status::Idle if self.node.is_bypassed => "bypassed".into(),
            Status::Idle => String::new(),
            Status::Waiting => "waiting".into(),
            Status::Cached => "cached".into(),
            Status::Running { .. } => "running".into(),
            Status::Done { seconds } => duration(seconds),
            Status::Failed => "failed".into(),
            Status::Skipped => "skipped".into(),
            Status::Blocked => "blocked".into(),
            Status::Cancelled => "stopped".into(),
        }
    }

    /// The row below the name: the type and the state, or how far it is.
    fn state(&self, canvas: &mut Canvas<'_>) {
        let (x, y, width) = (self.area.x + 1, self.area.y + 1, self.area.width - 2);
        if let Status::Running { step, steps, left } = self.status
            && steps > 0
        {
            let left = left.map(|left| left.as_secs_f64());
            return self.progress(canvas, (x, y, width), (step.min(steps), steps), left);
        }
        let (sign, look) = self.status_sign();
        let words = self.status_words();
        let state = if sign == " " { words } else { format!("{sign} {words}") };
        let end = x + width - 1;
        let start = end - columns(&state);
        canvas.text(start, y, &state, columns(&state), "", self.look(look));
        let room = start - x - 1 - i32::from(!state.is_empty());
        canvas.text(x + 1, y, &self.node.node_type, room, self.signs.more, self.look(Look::Dim));
    }

    fn progress(
        &self,
        canvas: &mut Canvas<'_>,
        (x, y, width): (i32, i32, i32),
        (step, steps): (u64, u64),
        left: Option<f64>,
    ) {
        let mut figures = format!(" {step}/{steps}");
        let rate = left.filter(|left| *left > 0.0 && step < steps).map(|left| (steps - step) as f64 / left);
        let rate = rate
            .map(|rate| if rate >= 1.0 { format!(" {rate:.1}/s") } else { format!(" {}/step", duration(1.0 / rate)) });
        let parts = [left.map(|left| format!(" {}", duration(left))), rate];
        for part in parts.into_iter().flatten() {
            if columns(&figures) + columns(&part) + 6 <= width {
                figures.push_str(&part);
            }
        }
        let length = (width - 2 - columns(&figures)).max(0);
        let done = (u128::from(step) * length as u128 / u128::from(steps)) as i32;
        canvas.line(x + 1, y, done, self.signs.bar[0], self.look(Look::Running));
        canvas.line(x + 1 + done, y, length - done, self.signs.bar[1], self.look(Look::Dim));
        canvas.text(x + 1 + length, y, &figures, width - 2 - length, "", self.look(Look::Running));
    }

    fn sockets(&self, canvas: &mut Canvas<'_>) {
        for row in 0..self.node.inputs.len().max(self.node.outputs.len()) {
            let outputs = self.node.outputs.get(row).map_or(0, |output| self.output(canvas, row, output));
            if let Some(input) = self.node.inputs.get(row) {
                let gap = if outputs > 0 { 2 } else { 1 };
                self.input(canvas, row, input, self.area.width - 3 - outputs - gap);
            }
        }
    }

    /// Draws an output; gives the columns of its name.
    fn output(&self, canvas: &mut Canvas<'_>, socket: usize, output: &Socket) -> i32 {
        let port = Port { node: self.index, socket };
        let y = self.area.y + socket_row(self.view.detail, socket);
        let right = self.area.right() - 1;
        let wires = self.view.layout.wires_out_of(self.index);
        let is_wired = wires.iter().any(|&wire| self.view.scene.wires[wire].from == port);
        let focus = self.focus(Focus::Output(port));
        let sign = self.signs.sockets[usize::from(!is_wired)];
        canvas.put(right, y, sign, self.socket_style(output).patch(focus));
        let width = columns(&output.name).min(self.area.width / 2);
        let style = self.look(Look::Socket).patch(focus);
        canvas.text(right - 1 - width, y, &output.name, width, self.signs.more, style)
    }

    fn input(&self, canvas: &mut Canvas<'_>, socket: usize, input: &Socket, room: i32) {
        let port = Port { node: self.index, socket };
        let y = self.area.y + socket_row(self.view.detail, socket);
        let x = self.area.x;
        let wires = self.view.layout.wires_into(self.index);
        let is_wired = wires.iter().any(|&wire| self.view.scene.wires[wire].to == port);
        let is_missing = !is_wired && input.literal.is_none();
        let focus = self.focus(Focus::Input(port));
        let sign = match is_missing {
            true => 4,
            false => usize::from(!is_wired) + if input.is_lazy { 2 } else { 0 },
        };
        let style = if is_missing { self.look(Look::Error) } else { self.socket_style(input) };
        canvas.put(x, y, self.signs.sockets[sign], style.patch(focus));
        let style = self.look(if is_missing { Look::Error } else { Look::Socket }).patch(focus);
        let used = canvas.text(x + 2, y, &input.name, room, self.signs.more, style) + 1;
        let Some(literal) = input.literal.as_deref().filter(|_| room > used + 1) else { return };
        let style = self.look(Look::Literal).patch(focus);
        let mut x = x + 2 + used;
        if workflow_input(literal).is_some() {
            canvas.put(x, y, self.signs.from_input, style);
            x += 1;
        }
        let room = self.area.x + 2 + room - x;
        canvas.text(x, y, shown_literal(literal), room, self.signs.more, style);
    }

    fn socket_style(&self, socket: &Socket) -> Style {
        self.light.on(self.view.theme.kind(&socket.kind))
    }

    fn focus(&self, focus: Focus) -> Style {
        if self.view.focus == Some(focus) { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() }
    }
}

/// Seconds in words, at most six columns.
fn duration(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1}s"),
        0..100 => format!("{whole}s"),
        100..6000 => format!("{}m{:02}", whole / 60, whole % 60),
        3_600_000.. => ">999h".into(),
        _ => format!("{}h{:02}", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_short() {
        let shown = [0.04, 9.96, 99.4, 100.0, 6000.0, f64::MAX, f64::NAN, -1.0].map(duration);
        assert_eq!(shown, ["0.0s", "10s", "99s", "1m40", "1h40", ">999h", "0.0s", "0.0s"]);
    }
}
