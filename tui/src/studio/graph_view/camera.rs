//! Where the view goes.

use super::Camera;
use crate::studio::layout::{Area, Layout};

/// Columns and rows that stay free around a box that is shown, where there is room.
const MARGIN: (i32, i32) = (4, 2);

impl Camera {
    /// With the whole of the layout in the middle; what is larger than the screen begins at its upper left.
    pub fn fitting(layout: &Layout, screen: (u16, u16)) -> Camera {
        let start = |size: i32, shown: u16| -((i32::from(shown) - size).max(0) / 2);
        Camera { x: start(layout.size.0, screen.0), y: start(layout.size.1, screen.1) }
    }

    /// With a node in the middle of the screen; unchanged if it is not there.
    pub fn centred(self, layout: &Layout, screen: (u16, u16), node: usize) -> Camera {
        layout.boxes.get(node).map_or(self, |area| self.centred_on(area.centre(), screen))
    }

    /// With a cell of the layout in the middle of the screen.
    pub fn centred_on(self, (x, y): (i32, i32), screen: (u16, u16)) -> Camera {
        Camera { x: x.saturating_sub(i32::from(screen.0) / 2), y: y.saturating_sub(i32::from(screen.1) / 2) }
    }

    /// Moved as little as need be for a node to be seen with some room around it. Of a box that is larger than the
    /// screen the upper left is seen.
    pub fn revealing(self, layout: &Layout, screen: (u16, u16), node: usize) -> Camera {
        let Some(&Area { x, y, width, height }) = layout.boxes.get(node) else { return self };
        Camera { x: revealed(self.x, screen.0, x, width, MARGIN.0), y: revealed(self.y, screen.1, y, height, MARGIN.1) }
    }

    /// After the layout has become another one: a node stays where it was on the screen, as far as it is seen then.
    pub fn following(self, before: &Layout, after: &Layout, screen: (u16, u16), node: Option<usize>) -> Camera {
        let area = |layout: &Layout| node.and_then(|node| layout.boxes.get(node).copied());
        match (node, area(before), area(after)) {
            (Some(node), Some(old), Some(new)) => {
                let (old, new_centre) = (old.centre(), new.centre());
                let camera = Camera {
                    x: self.x.saturating_add(new_centre.0.saturating_sub(old.0)),
                    y: self.y.saturating_add(new_centre.1.saturating_sub(old.1)),
                };
                camera.revealing(after, screen, node)
            }
            _ => {
                let scaled = |at: i32, shown: u16, old: i32, new: i32| {
                    let middle = i64::from(at) + i64::from(shown / 2);
                    let middle = middle * i64::from(new) / i64::from(old.max(1));
                    (middle - i64::from(shown / 2)).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
                };
                let camera = Camera {
                    x: scaled(self.x, screen.0, before.size.0, after.size.0),
                    y: scaled(self.y, screen.1, before.size.1, after.size.1),
                };
                camera.bounded(after, screen)
            }
        }
    }

    /// Moved, if need be, so that something of the layout is always seen.
    pub fn bounded(self, layout: &Layout, screen: (u16, u16)) -> Camera {
        let bounded = |at: i32, shown: u16, size: i32| {
            let keep = i32::from(shown) / 4;
            let (least, most) = (keep - i32::from(shown), size - keep);
            at.clamp(least.min(most), most.max(least))
        };
        Camera { x: bounded(self.x, screen.0, layout.size.0), y: bounded(self.y, screen.1, layout.size.1) }
    }
}

fn revealed(at: i32, shown: u16, start: i32, length: i32, margin: i32) -> i32 {
    let shown = i32::from(shown);
    let margin = margin.min((shown - length).max(0) / 2);
    let (first, last) = (start - margin, start + length + margin - shown);
    // The beginning counts for more than the end.
    at.max(last).min(first)
}
