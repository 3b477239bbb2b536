//! The graph of a workflow on the screen: what it looks like, what is where on it, and how to move about in it.
//!
//! Everything here is a function of its arguments: nothing is remembered from one picture to the next.

mod boxes;
mod camera;
mod canvas;
mod frames;
mod highlight;
mod minimap;
mod moves;
mod palette;
mod search;
mod wires;

use std::collections::BTreeSet;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::Widget;

use super::layout::{Area, Detail, Layout, socket_row};
use super::scene::{Port, Scene};
use canvas::Canvas;
use highlight::Highlight;
use minimap::Minimap;
use wires::Wires;

pub use moves::{Direction, along, downstream, neighbour, upstream};
pub use palette::{Look, Palette, Plain};
pub use search::{member, search};

/// What is known of a node's run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Status {
    /// It takes no part in a run.
    #[default]
    Idle,
    /// What it needs is not there yet.
    Waiting,
    /// Its result was known.
    Cached,
    /// It is at work.
    Running {
        /// Steps that are done.
        step: u64,
        /// Steps that there are; 0 if it does not tell.
        steps: u64,
        /// How long it will take still, if that can be told.
        left: Option<Duration>,
    },
    /// It has run.
    Done {
        /// How long it took.
        seconds: f64,
    },
    /// It failed.
    Failed,
    /// Something that it needs failed.
    Skipped,
    /// Something that it needs kept its value back.
    Blocked,
    /// The run was stopped before it ended.
    Cancelled,
}

/// Where the view is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Camera {
    /// The column of the layout that is at the left.
    pub x: i32,
    /// The row of the layout that is at the top.
    pub y: i32,
}

/// A socket or a wire that the keys are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// A wire, by its place in the scene.
    Wire(usize),
    /// An input.
    Input(Port),
    /// An output.
    Output(Port),
}

/// The graph as a widget.
#[derive(Clone, Copy)]
pub struct GraphView<'a> {
    /// What there is.
    pub scene: &'a Scene,
    /// Where it is: [`layout`](super::layout::layout) of the scene.
    pub layout: &'a Layout,
    /// How much of each node: what the layout was made for.
    pub detail: Detail,
    /// Where the view is.
    pub camera: Camera,
    /// Of each node; those that are not there are idle.
    pub statuses: &'a [Status],
    /// The node that the keys are on.
    pub selected: Option<usize>,
    /// Nodes that are marked for what is done next.
    pub marked: &'a BTreeSet<usize>,
    /// The socket or wire that the keys are on.
    pub focus: Option<Focus>,
    /// Nodes that a search has found.
    pub found: &'a BTreeSet<usize>,
    /// Colours and signs.
    pub theme: &'a dyn Palette,
}

/// What is at a place of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A node, by its place in the scene.
    Node(usize),
    /// The socket of an input.
    Input(Port),
    /// The socket of an output.
    Output(Port),
    /// A wire, by its place in the scene; where several run together, the first of them.
    Wire(usize),
    /// The minimap; the cell of the layout that it shows there.
    Minimap {
        /// Its column.
        x: i32,
        /// Its row.
        y: i32,
    },
    /// Nothing.
    Nothing,
}

impl GraphView<'_> {
    /// The cells of the layout that an area of the screen shows.
    fn visible(&self, area: Rect) -> Area {
        Area { x: self.camera.x, y: self.camera.y, width: i32::from(area.width), height: i32::from(area.height) }
    }
}

impl GraphView<'_> {
    /// Where the picture of a node goes when the view is drawn into `area`: only if all of it is seen.
    pub fn picture(&self, area: Rect, node: usize) -> Option<Rect> {
        let Area { x, y, width, height } = self.layout.picture(self.scene, self.detail, node)?;
        let (x, y) = (i64::from(x) - i64::from(self.camera.x), i64::from(y) - i64::from(self.camera.y));
        let (right, bottom) = (x + i64::from(width), y + i64::from(height));
        if x < 0 || y < 0 || right > i64::from(area.width) || bottom > i64::from(area.height) {
            return None;
        }
        let place = Rect::new(area.x + x as u16, area.y + y as u16, width as u16, height as u16);
        let map = Minimap::new(self.layout.size, area);
        map.is_none_or(|map| !map.covers(place)).then_some(place)
    }
}

impl Widget for GraphView<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let mut canvas = Canvas::new(buffer, area, self.camera);
        let visible = self.visible(area);
        let highlight = Highlight::new(&self, visible);
        frames::draw(&self, visible, &mut canvas);
        wires::draw(&Wires::new(&self, &highlight, visible), &self, &mut canvas);
        for node in self.layout.boxes_near(visible) {
            boxes::draw(&self, &highlight, node, &mut canvas);
        }
        if let Some(map) = Minimap::new(self.layout.size, area) {
            map.draw(&self, area, buffer);
        }
    }
}

/// What is at a place of the screen when the view is drawn into `area`.
pub fn hit(view: &GraphView<'_>, area: Rect, position: Position) -> Hit {
    if !area.contains(position) {
        return Hit::Nothing;
    }
    if let Some(cell) = Minimap::new(view.layout.size, area).and_then(|map| map.cell(view.layout.size, position)) {
        return Hit::Minimap { x: cell.0, y: cell.1 };
    }
    let x = view.camera.x.saturating_add(i32::from(position.x - area.x));
    let y = view.camera.y.saturating_add(i32::from(position.y - area.y));
    if let Some(node) = view.layout.node_at(x, y) {
        return socket_at(view, node, x, y).unwrap_or(Hit::Node(node));
    }
    let cell = Area { x, y, width: 1, height: 1 };
    let highlight = Highlight::new(view, cell);
    Wires::new(view, &highlight, cell).top(x, y).map_or(Hit::Nothing, Hit::Wire)
}

/// The socket that is drawn on the border of a box at that cell.
fn socket_at(view: &GraphView<'_>, node: usize, x: i32, y: i32) -> Option<Hit> {
    let (area, here) = (view.layout.boxes.get(node)?, view.scene.nodes.get(node)?);
    let find = |count: usize, is_input: bool| match view.detail {
        Detail::Name | Detail::State if y - area.y == socket_row(view.detail, 0) => shared_socket(view, node, is_input),
        Detail::Name | Detail::State => None,
        Detail::Parameters | Detail::Preview => {
            (0..count).find(|&socket| socket_row(view.detail, socket) == y - area.y)
        }
    };
    if x == area.x {
        return find(here.inputs.len(), true).map(|socket| Hit::Input(Port { node, socket }));
    }
    let output = (x == area.right() - 1).then(|| find(here.outputs.len(), false))?;
    output.map(|socket| Hit::Output(Port { node, socket }))
}

/// Where sockets have no rows of their own, the one that is drawn for all on one side: the first that is wired.
fn shared_socket(view: &GraphView<'_>, node: usize, is_input: bool) -> Option<usize> {
    let wires = if is_input { view.layout.wires_into(node) } else { view.layout.wires_out_of(node) };
    let wires = wires.iter().filter_map(|&wire| view.scene.wires.get(wire));
    wires.map(|wire| if is_input { wire.to.socket } else { wire.from.socket }).min()
}

#[cfg(test)]
mod tests;
