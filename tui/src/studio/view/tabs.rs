//! The tabs of the side pane, and the line between it and the graph: they say where keys go, without colours too.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::graph_view::Palette;
use super::super::keymap::Chord;
use super::super::model::{Focus, Model, Side};
use super::super::theme::Role;
use super::pen::columns;
use super::regions;

/// A pane lower than this has one line of tabs, others two.
const ROOM_FOR_TWO: u16 = 10;

/// How much of a tab's name is written.
#[derive(Clone, Copy)]
enum Names {
    Whole,
    Short,
    /// Of the tab that is shown alone.
    One,
}

/// A tab: where it begins, its line, what is written, and what it shows.
struct Tab {
    x: u16,
    line: u16,
    text: String,
    side: Side,
}

/// The key that shows a tab here; where another has it, the next.
fn key(model: &Model, side: Side) -> String {
    let action = side.action();
    let means_it = |key: &&Chord| model.keymap.action(**key, model.context()) == Some(action);
    model.keymap.keys(action).find(means_it).map(ToString::to_string).unwrap_or_default()
}

fn text(model: &Model, side: Side, names: Names) -> String {
    let (errors, warnings) = model.flow.as_ref().map(|flow| flow.counts()).unwrap_or_default();
    let count = match side {
        Side::Problems if errors + warnings > 0 => format!("({})", errors + warnings),
        _ => String::new(),
    };
    let name = match names {
        _ if side == model.side => side.name(),
        Names::Whole => side.name(),
        Names::Short => side.short_name(),
        Names::One => "",
    };
    let text = format!(" {} {name}", key(model, side));
    format!("{}{count}", text.trim_end())
}

/// The tabs in lines of so many columns, and how many lines these are.
fn placed(model: &Model, area: Rect, names: Names) -> (Vec<Tab>, u16) {
    let (mut x, mut line) = (0_u16, 0_u16);
    let mut tabs = Vec::new();
    for side in Side::ALL {
        let text = text(model, side, names);
        let width = u16::try_from(columns(&text)).unwrap_or(u16::MAX);
        if x > 0 && x.saturating_add(width) > area.width {
            (x, line) = (0, line + 1);
        }
        tabs.push(Tab { x: area.x + x, line, text, side });
        x = x.saturating_add(width);
    }
    (tabs, line + 1)
}

/// The tabs with as much of their names as there is room for.
fn tabs(model: &Model, area: Rect, most: u16) -> (Vec<Tab>, u16) {
    let all = [Names::Whole, Names::Short, Names::One].map(|names| placed(model, area, names));
    let [whole, short, one] = all;
    [whole, short].into_iter().find(|(_, lines)| *lines <= most).unwrap_or(one)
}

/// Lines of the tabs at the top of a pane.
pub(super) fn height(model: &Model, side: Rect) -> u16 {
    let most = if side.height < ROOM_FOR_TWO { side.height.min(1) } else { 2 };
    if side.width == 0 { most.min(1) } else { tabs(model, side, most).1.min(most) }
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let errors = model.flow.as_ref().map_or(0, |flow| flow.counts().0);
    for Tab { x, line, text, side } in tabs(model, area, area.height).0 {
        let role = match side {
            _ if side == model.side => {
                if model.focus == Focus::Side {
                    Role::Selection
                } else {
                    Role::Title
                }
            }
            Side::Problems if errors > 0 => Role::Error,
            _ => Role::Dim,
        };
        let room = area.right().saturating_sub(x);
        if line < area.height && room > 0 {
            buffer.set_stringn(x, area.y + line, text, usize::from(room), model.theme.style(role));
        }
    }
}

/// The tab at a place of the screen.
pub(crate) fn tab_at(model: &Model, place: Position) -> Option<Side> {
    let area = regions(model).tabs;
    if !area.contains(place) {
        return None;
    }
    let is_it = |tab: &&Tab| area.y + tab.line == place.y && tab.x <= place.x;
    tabs(model, area, area.height).0.iter().rev().find(is_it).map(|tab| tab.side)
}

/// The line between graph and side pane. It points at the one that keys go to.
pub(super) fn divider(model: &Model, area: Rect, buffer: &mut Buffer) {
    let is_ascii = model.theme.is_ascii();
    let (role, line, mark) = match (model.focus, is_ascii) {
        (Focus::Side, false) => (Role::Focus, "┃", "▶"),
        (Focus::Side, true) => (Role::Focus, "|", ">"),
        (Focus::Graph, false) => (Role::Border, "│", "◀"),
        (Focus::Graph, true) => (Role::Border, "|", "<"),
    };
    let marks = [area.top(), area.top() + area.height / 2];
    for y in area.top()..area.bottom() {
        let is_mark = marks.contains(&y);
        let style = model.theme.style(if is_mark { Role::Focus } else { role });
        buffer.set_stringn(area.x, y, if is_mark { mark } else { line }, usize::from(area.width), style);
    }
}
