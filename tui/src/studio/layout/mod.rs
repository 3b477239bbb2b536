//! Where the boxes of a scene stand and how its wires run, on a grid of character cells.
//!
//! A layered layout (Sugiyama, Tagawa and Toda 1981) from left to right: every node gets a layer (`ranks`), wires that
//! span several are given a place in each (`mesh`), places are put in an order with few crossings (`order`) and then on
//! rows (`rows`). Between two layers every wire has a track for its vertical part (`channel`), and no two that do not
//! belong together share one. The nodes of a group stand together (`together`). What is neither connected nor of one group is
//! laid out by itself and then packed (`pack`).
//!
//! Everything is decided by the scene alone, in the order in which it is written: the same scene gives the same layout.

mod channel;
mod index;
mod mesh;
mod order;
mod pack;
mod ranks;
mod routes;
mod rows;
mod size;
mod together;

use super::scene::{Port, Scene};
use index::{Index, Ties};

pub use size::{PICTURE_COLUMNS, PICTURE_ROWS, picture_row, socket_row};
pub(super) use size::{shown_literal, workflow_input};

/// How much of a node is shown, outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// Its name, on one line.
    Name,
    /// Its name and its state.
    State,
    /// Its state, its sockets and what is written in them.
    #[default]
    Parameters,
    /// All that and a picture.
    Preview,
}

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Area {
    /// The leftmost column.
    pub x: i32,
    /// The topmost row.
    pub y: i32,
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
}

/// The way of a wire: cells, each next to the one before, from the one right of its output to the one left of its input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Columns and rows.
    pub cells: Vec<(i32, i32)>,
}

/// Where everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Of each node, in the order of the scene.
    pub boxes: Vec<Area>,
    /// Of each wire, in the order of the scene. A wire that is not drawn, because the workflow is too large for that, has
    /// no cells.
    pub routes: Vec<Route>,
    /// Columns and rows of the whole; everything is within.
    pub size: (i32, i32),
    index: Index,
    ties: Ties,
}

impl Detail {
    /// All, outermost first.
    pub const ALL: [Detail; 4] = [Detail::Name, Detail::State, Detail::Parameters, Detail::Preview];

    /// More of each node and fewer of them; itself if there is no more.
    pub fn closer(self) -> Detail {
        match self {
            Detail::Name => Detail::State,
            Detail::State => Detail::Parameters,
            Detail::Parameters | Detail::Preview => Detail::Preview,
        }
    }

    /// Less of each node and more of them; itself if there is no less.
    pub fn farther(self) -> Detail {
        match self {
            Detail::Name | Detail::State => Detail::Name,
            Detail::Parameters => Detail::State,
            Detail::Preview => Detail::Parameters,
        }
    }
}

impl Area {
    /// The column right of it.
    pub fn right(&self) -> i32 {
        self.x.saturating_add(self.width)
    }

    /// The row below it.
    pub fn bottom(&self) -> i32 {
        self.y.saturating_add(self.height)
    }

    /// Whether that cell is in it.
    pub fn contains(&self, x: i32, y: i32) -> bool {
        (self.x..self.right()).contains(&x) && (self.y..self.bottom()).contains(&y)
    }

    /// Whether they share a cell.
    pub fn overlaps(&self, other: &Area) -> bool {
        let (left, right) = (self.x.max(other.x), self.right().min(other.right()));
        let (top, bottom) = (self.y.max(other.y), self.bottom().min(other.bottom()));
        left < right && top < bottom
    }

    /// The cell in the middle; of an even number the one before it.
    pub fn centre(&self) -> (i32, i32) {
        (self.x + (self.width - 1).max(0) / 2, self.y + (self.height - 1).max(0) / 2)
    }
}

impl Layout {
    /// The cell on the left border of a box at which an input is; `detail` is what the layout was made for. None if
    /// there is no such node.
    pub fn input(&self, detail: Detail, port: Port) -> Option<(i32, i32)> {
        let area = self.boxes.get(port.node)?;
        Some((area.x, area.y + socket_row(detail, port.socket)))
    }

    /// The cell on the right border of a box at which an output is.
    pub fn output(&self, detail: Detail, port: Port) -> Option<(i32, i32)> {
        let area = self.boxes.get(port.node)?;
        Some((area.right() - 1, area.y + socket_row(detail, port.socket)))
    }

    /// Where a node's box has room for a picture, if it has.
    pub fn picture(&self, scene: &Scene, detail: Detail, node: usize) -> Option<Area> {
        let (area, row) = (self.boxes.get(node)?, picture_row(scene.nodes.get(node)?, detail)?);
        let x = area.x + (area.width - PICTURE_COLUMNS) / 2;
        Some(Area { x, y: area.y + row, width: PICTURE_COLUMNS, height: PICTURE_ROWS })
    }

    /// The boxes that may have a cell in an area, ascending.
    pub fn boxes_near(&self, area: Area) -> Vec<usize> {
        self.index.boxes(area)
    }

    /// The wires that may have a cell in an area, each with the stretches of its cells that are near, ascending.
    pub fn routes_near(&self, area: Area) -> Vec<(usize, std::ops::Range<usize>)> {
        self.index.routes(area)
    }

    /// The wires that end at a node, in the order of the scene.
    pub fn wires_into(&self, node: usize) -> &[usize] {
        self.ties.into.get(node)
    }

    /// The wires that begin at a node, in the order of the scene.
    pub fn wires_out_of(&self, node: usize) -> &[usize] {
        self.ties.out_of.get(node)
    }

    /// Whether there is a box in a part of the layout: that at `column` and `row` of `columns` × `rows` equal ones.
    pub fn has_box(&self, (column, row): (i32, i32), (columns, rows): (i32, i32)) -> bool {
        self.index.has_box((column, row), (columns, rows))
    }

    /// The node whose box has that cell.
    pub fn node_at(&self, x: i32, y: i32) -> Option<usize> {
        let near = self.boxes_near(Area { x, y, width: 1, height: 1 });
        near.into_iter().find(|&node| self.boxes[node].contains(x, y))
    }
}

/// Lays a scene out. Wires whose ends are not in the scene have no cells.
pub fn layout(scene: &Scene, detail: Detail) -> Layout {
    let parts = pack::components(scene);
    let parts = parts.iter().map(|part| routes::part(scene, detail, part)).collect();
    let (boxes, routes, size) = pack::pack(scene, parts);
    let index = Index::new(&boxes, &routes, size);
    Layout { boxes, routes, size, index, ties: Ties::new(scene) }
}

#[cfg(test)]
mod tests;
