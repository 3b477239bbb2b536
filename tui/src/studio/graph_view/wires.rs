//! Wires as lines that join and cross.
//!
//! Wires of one output are one line with branches, and wires that end in the same input run together: where they meet is
//! a junction. All others meet at right angles and have nothing to do with each other: there one of them, the brighter or
//! else the vertical one, is drawn through and the other is interrupted.

use ratatui::style::Style;

use super::canvas::Canvas;
use super::highlight::{Highlight, Light};
use super::{GraphView, palette};
use crate::studio::layout::{Area, socket_row};

const UP: u8 = 1;
const RIGHT: u8 = 2;
const DOWN: u8 = 4;
const LEFT: u8 = 8;

/// The line of one output in one cell.
#[derive(Clone, Copy, Debug)]
struct Strand {
    /// The node and the row of its box.
    source: (usize, i32),
    /// The directions in which it goes on.
    ways: u8,
    light: Light,
    /// Of the brightest wires the first.
    wire: usize,
    /// The next strand in this cell.
    next: Option<u32>,
}

/// All lines in an area.
pub(super) struct Wires {
    area: Area,
    /// Of each cell the first strand.
    cells: Vec<Option<u32>>,
    strands: Vec<Strand>,
}

impl Wires {
    pub(super) fn new(view: &GraphView<'_>, highlight: &Highlight, area: Area) -> Wires {
        let count = area.width.max(0) as usize * area.height.max(0) as usize;
        let mut wires = Wires { area, cells: vec![None; count], strands: Vec::new() };
        for (index, stretch) in view.layout.routes_near(area) {
            let (Some(wire), Some(route)) = (view.scene.wires.get(index), view.layout.routes.get(index)) else {
                continue;
            };
            let source = (wire.from.node, socket_row(view.detail, wire.from.socket));
            let light = highlight.wire(index, wire.from.node, wire.to.node);
            for at in stretch {
                let Some(&(x, y)) = route.cells.get(at) else { break };
                if area.contains(x, y) {
                    let before = at.checked_sub(1).and_then(|before| route.cells.get(before));
                    let ways = before.map_or(LEFT, |&cell| way((x, y), cell))
                        | route.cells.get(at + 1).map_or(RIGHT, |&cell| way((x, y), cell));
                    wires.add((x, y), Strand { source, ways, light, wire: index, next: None });
                }
            }
        }
        wires
    }

    fn add(&mut self, cell: (i32, i32), strand: Strand) {
        let place = self.place(cell);
        let first = self.cells[place];
        let mut at = first;
        while let Some(index) = at {
            let known = &mut self.strands[index as usize];
            if known.source == strand.source {
                known.ways |= strand.ways;
                if strand.light > known.light {
                    (known.light, known.wire) = (strand.light, strand.wire);
                }
                return;
            }
            at = known.next;
        }
        self.cells[place] = Some(self.strands.len() as u32);
        self.strands.push(Strand { next: first, ..strand });
    }

    fn place(&self, (x, y): (i32, i32)) -> usize {
        (i64::from(y) - i64::from(self.area.y)) as usize * self.area.width as usize
            + (i64::from(x) - i64::from(self.area.x)) as usize
    }

    /// What is seen in a cell: of strands that share a way, all ways.
    fn seen(&self, cell: (i32, i32)) -> Option<Strand> {
        let mut lines: Vec<Strand> = Vec::new();
        let mut at = *self.cells.get(self.place(cell))?;
        while let Some(index) = at {
            let strand = self.strands[index as usize];
            at = strand.next;
            let mut joined = Strand { next: None, ..strand };
            lines.retain(|line| {
                let is_joint = line.ways & joined.ways != 0;
                if is_joint {
                    joined.ways |= line.ways;
                    if (line.light, joined.wire) > (joined.light, line.wire) {
                        (joined.light, joined.wire, joined.source) = (line.light, line.wire, line.source);
                    }
                }
                !is_joint
            });
            lines.push(joined);
        }
        lines.into_iter().max_by_key(|line| (line.light, line.ways == UP | DOWN))
    }

    /// The wire that is seen in a cell of the area.
    pub(super) fn top(&self, x: i32, y: i32) -> Option<usize> {
        self.area.contains(x, y).then(|| self.seen((x, y)))?.map(|strand| strand.wire)
    }
}

fn way((x, y): (i32, i32), (to_x, to_y): (i32, i32)) -> u8 {
    match (to_x - x, to_y - y) {
        (1, _) => RIGHT,
        (-1, _) => LEFT,
        (_, -1) => UP,
        _ => DOWN,
    }
}

/// Draws all lines.
pub(super) fn draw(wires: &Wires, view: &GraphView<'_>, canvas: &mut Canvas<'_>) {
    let signs = palette::signs(view.theme);
    let area = wires.area;
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            if let Some(strand) = wires.seen((x, y)) {
                let style = strand.light.on(colour(view, strand.wire));
                let lines = if strand.light == Light::Chosen { &signs.heavy } else { &signs.lines };
                canvas.put(x, y, lines[usize::from(strand.ways & 15)], style);
            }
        }
    }
}

fn colour(view: &GraphView<'_>, wire: usize) -> Style {
    let from = view.scene.wires[wire].from;
    let socket = view.scene.nodes.get(from.node).and_then(|node| node.outputs.get(from.socket));
    view.theme.kind(socket.map_or("", |socket| &socket.kind))
}
