//! Frames around the nodes of groups, where nothing else stands among them.

use std::collections::BTreeMap;

use super::canvas::{Canvas, columns};
use super::{GraphView, palette};
use crate::studio::layout::Area;

/// Draws the frames that have a cell in an area.
pub(super) fn draw(view: &GraphView<'_>, visible: Area, canvas: &mut Canvas<'_>) {
    let signs = palette::signs(view.theme);
    let [upper_left, upper_right, lower_left, lower_right, across, down] = signs.left_out;
    for (name, members) in groups(view) {
        let Some(frame) = frame(view, &members).filter(|frame| frame.overlaps(&visible)) else { continue };
        let group = view.scene.nodes[members[0]].group.as_ref();
        let style = view.theme.group(group.and_then(|group| group.colour.as_deref()));
        let (right, bottom) = (frame.right() - 1, frame.bottom() - 1);
        for (y, left, end) in [(frame.y, upper_left, upper_right), (bottom, lower_left, lower_right)] {
            canvas.put(frame.x, y, left, style);
            canvas.line(frame.x + 1, y, frame.width - 2, across, style);
            canvas.put(right, y, end, style);
        }
        for y in (frame.y + 1).max(visible.y)..bottom.min(visible.bottom()) {
            canvas.put(frame.x, y, down, style);
            canvas.put(right, y, down, style);
        }
        let room = (frame.width - 4).min(columns(name));
        canvas.put(frame.x + 1, frame.y, " ", style);
        let used = canvas.text(frame.x + 2, frame.y, name, room, signs.more, style);
        canvas.put(frame.x + 2 + used, frame.y, " ", style);
    }
}

/// The nodes of each group that are drawn by themselves.
fn groups<'v>(view: &GraphView<'v>) -> BTreeMap<&'v str, Vec<usize>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, node) in view.scene.nodes.iter().enumerate().filter(|(_, node)| node.members.is_empty()) {
        if let Some(group) = node.group.as_ref().filter(|_| at < view.layout.boxes.len()) {
            groups.entry(&group.name).or_default().push(at);
        }
    }
    groups
}

/// The frame around nodes; none if another node stands in it.
fn frame(view: &GraphView<'_>, members: &[usize]) -> Option<Area> {
    let mut areas = members.iter().filter_map(|&member| view.layout.boxes.get(member));
    let first = *areas.next()?;
    let around = areas.fold(first, |all, area| {
        let (x, y) = (all.x.min(area.x), all.y.min(area.y));
        Area { x, y, width: all.right().max(area.right()) - x, height: all.bottom().max(area.bottom()) - y }
    });
    let frame = Area { x: around.x - 1, y: around.y - 1, width: around.width + 2, height: around.height + 2 };
    let is_other = |node: usize| !members.contains(&node) && view.layout.boxes[node].overlaps(&frame);
    (!view.layout.boxes_near(frame).into_iter().any(is_other)).then_some(frame)
}
