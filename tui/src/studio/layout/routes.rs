//! One component laid out: everything put together, and the wires drawn out cell by cell.

use std::collections::{BTreeMap, HashMap};

use super::channel::{Channel, Ends, Way, channel};
use super::mesh::{Mesh, Strand};
use super::pack::Component;
use super::ranks::{Ranks, ranks};
use super::together::Groups;
use super::{Area, Detail, Route, order, rows, size, socket_row};
use crate::studio::scene::Scene;

/// A gap is at least this wide.
const NARROWEST_GAP: i32 = 3;
/// Columns of a gap left and right of its tracks.
const MARGIN: i32 = 1;
/// Up to so many tracks there is an empty column between one and the next: lines side by side are hard to tell apart.
const FEW_TRACKS: i32 = 8;
/// So many layers all wires together may span, and so many cells all routes may have: far more than anybody follows by
/// eye, and little enough for any memory. Of what is beyond that, the longest wires are not drawn.
const MOST_STEPS: usize = 100_000;
const MOST_CELLS: usize = 8_000_000;

/// A component with its upper left corner at (0, 0).
pub(super) struct Part {
    pub(super) nodes: Vec<(usize, Area)>,
    pub(super) wires: Vec<(usize, Route)>,
    pub(super) size: (i32, i32),
}

/// Lays one component of a scene out.
pub(super) fn part(scene: &Scene, detail: Detail, component: &Component) -> Part {
    let sizes: Vec<_> = component.nodes.iter().map(|&node| size::size(&scene.nodes[node], detail)).collect();
    let strand = |&(wire, from, to): &(usize, usize, usize)| Strand {
        from,
        from_row: socket_row(detail, scene.wires[wire].from.socket),
        to,
        to_row: socket_row(detail, scene.wires[wire].to.socket),
    };
    let mut strands: Vec<_> = component.wires.iter().map(strand).collect();
    let pairs: Vec<_> = strands.iter().map(|strand| (strand.from, strand.to)).collect();
    let mut ranks = ranks(component.nodes.len(), &pairs);
    let drawn = drawn(&strands, &ranks);
    strands = drawn.iter().map(|&wire| strands[wire]).collect();
    ranks.leads_back = drawn.iter().map(|&wire| ranks.leads_back[wire]).collect();
    let mut mesh = Mesh::new(&sizes, &strands, &ranks);
    order::order(&mut mesh);
    let mut rows = rows::rows(&mesh, detail);
    if let Some(groups) = Groups::of(scene, &component.nodes, &mesh) {
        let all = groups.order(&mut mesh, &rows);
        rows = rows::rows(&mesh, detail);
        groups.part(&mesh, &all, detail, &mut rows);
    }
    let plan = Plan::new(&mesh, &rows, &strands, &ranks);
    let nodes = component.nodes.iter().enumerate().map(|(vertex, &node)| (node, plan.area(vertex))).collect();
    let mut left = MOST_CELLS;
    let mut wires = Vec::with_capacity(drawn.len());
    for (strand, &wire) in drawn.iter().enumerate() {
        let route = plan.route(strand);
        if route.cells.len() <= left {
            left -= route.cells.len();
            wires.push((component.wires[wire].0, route));
        }
    }
    Part { nodes, wires, size: (plan.width, plan.bottom()) }
}

/// The wires that are drawn, ascending: all, or the shortest.
fn drawn(strands: &[Strand], ranks: &Ranks) -> Vec<usize> {
    let span = |strand: &Strand| ranks.of[strand.from].abs_diff(ranks.of[strand.to]) + 1;
    let mut drawn: Vec<_> = (0..strands.len()).collect();
    if strands.iter().map(span).sum::<usize>() <= MOST_STEPS {
        return drawn;
    }
    // Wires of one output have the way in common.
    let mut reached: HashMap<(usize, i32), usize> = HashMap::new();
    let mut steps = 0;
    drawn.sort_by_key(|&wire| span(&strands[wire]));
    drawn.retain(|&wire| {
        let reach = reached.entry((strands[wire].from, strands[wire].from_row)).or_default();
        let span = span(&strands[wire]);
        let is_near = steps + span - *reach <= MOST_STEPS;
        if is_near {
            steps += span - *reach;
            *reach = span;
        }
        is_near
    });
    drawn.sort_unstable();
    drawn
}

/// Where the layers and the gaps are.
struct Plan<'p> {
    mesh: &'p Mesh,
    rows: &'p [i32],
    strands: &'p [Strand],
    ranks: &'p Ranks,
    /// Of wires that lead back, the row below everything on which they do, by net.
    lanes: BTreeMap<usize, i32>,
    gaps: Vec<Gap>,
    /// The left border of each layer.
    columns: Vec<i32>,
    width: i32,
}

/// What is left of a layer, or right of the last.
struct Gap {
    x: i32,
    channel: Channel,
    /// The nets in it, as places in the channel.
    nets: BTreeMap<usize, usize>,
}

impl<'p> Plan<'p> {
    fn new(mesh: &'p Mesh, rows: &'p [i32], strands: &'p [Strand], ranks: &'p Ranks) -> Self {
        let mut plan = Plan {
            mesh,
            rows,
            strands,
            ranks,
            lanes: lanes(mesh, rows, ranks),
            gaps: Vec::new(),
            columns: Vec::new(),
            width: 0,
        };
        let ends = plan.ends();
        let last = mesh.layers.len();
        let mut x = 0;
        for (gap, nets) in ends.into_iter().enumerate() {
            let places = nets.keys().enumerate().map(|(place, &net)| (net, place)).collect();
            let channel = channel(&nets.into_values().collect::<Vec<_>>());
            let is_inner = gap > 0 && gap < last;
            let width = match channel.tracks {
                0 if !is_inner => 0,
                tracks => ((tracks - 1) * pitch(tracks) + 1 + 2 * MARGIN).max(NARROWEST_GAP),
            };
            plan.gaps.push(Gap { x, channel, nets: places });
            x += width;
            if let Some(layer) = mesh.layers.get(gap) {
                plan.columns.push(x);
                x += layer.iter().map(|&vertex| mesh.vertices[vertex].width).max().unwrap_or(0);
            }
        }
        plan.width = x;
        plan
    }

    /// Of every gap, where which nets meet its borders.
    fn ends(&self) -> Vec<BTreeMap<usize, Ends>> {
        let mut gaps: Vec<BTreeMap<usize, Ends>> = vec![BTreeMap::new(); self.mesh.layers.len() + 1];
        for link in &self.mesh.links {
            let ends = gaps[self.mesh.vertices[link.to].layer].entry(link.net).or_default();
            ends.left.insert(self.rows[link.from] + link.from_row);
            ends.right.insert(self.rows[link.to] + link.to_row);
        }
        for (index, strand) in self.strands.iter().enumerate().filter(|(index, _)| self.ranks.leads_back[*index]) {
            let net = self.mesh.net_of[index];
            let Some(&lane) = self.lanes.get(&net) else { continue };
            let (from, to) = (self.mesh.vertices[strand.from].layer, self.mesh.vertices[strand.to].layer);
            let out = gaps[from + 1].entry(net).or_default();
            out.left.extend([self.rows[strand.from] + strand.from_row, lane]);
            for gap in &mut gaps[to + 1..=from] {
                let ends = gap.entry(net).or_default();
                ends.left.insert(lane);
                ends.right.insert(lane);
            }
            gaps[to].entry(net).or_default().right.extend([lane, self.rows[strand.to] + strand.to_row]);
        }
        gaps
    }

    /// The row below everything.
    fn bottom(&self) -> i32 {
        let boxes = self.mesh.vertices.iter().zip(self.rows).map(|(vertex, row)| row + vertex.height);
        let lanes = self.lanes.values().map(|lane| lane + 1);
        let asides = self.gaps.iter().flat_map(|gap| &gap.channel.ways).map(|way| match way {
            Way::Aside { row, .. } => row + 1,
            Way::Straight | Way::Turn(_) => 0,
        });
        boxes.chain(lanes).chain(asides).max().unwrap_or(0)
    }

    fn area(&self, vertex: usize) -> Area {
        let here = &self.mesh.vertices[vertex];
        Area { x: self.columns[here.layer], y: self.rows[vertex], width: here.width, height: here.height }
    }

    fn route(&self, index: usize) -> Route {
        let strand = &self.strands[index];
        let net = self.mesh.net_of[index];
        let (from, to) = (self.area(strand.from), self.area(strand.to));
        let (first, last) = (self.mesh.vertices[strand.from].layer, self.mesh.vertices[strand.to].layer);
        let end = (to.x - 1, to.y + strand.to_row);
        let mut pen = Pen::new((from.right(), from.y + strand.from_row), end);
        if self.ranks.leads_back[index] {
            let lane = self.lanes.get(&net).copied().unwrap_or(end.1);
            pen.turn(self.track(first + 1, net, true), lane);
            pen.turn(self.track(last, net, false), end.1);
        } else {
            for layer in first + 1..=last {
                let through = self.mesh.passing.get(&(net, layer)).filter(|_| layer < last);
                let row = through.map_or(end.1, |&vertex| self.rows[vertex]);
                self.cross(&mut pen, layer, net, row);
            }
        }
        pen.along(end.0);
        Route { cells: pen.cells }
    }

    /// Through the gap left of a layer, to that row.
    fn cross(&self, pen: &mut Pen, layer: usize, net: usize, row: i32) {
        let gap = &self.gaps[layer];
        let Some(&place) = gap.nets.get(&net) else { return };
        let x = |track: i32| gap.column(track);
        match gap.channel.ways[place] {
            _ if pen.row() == row => {}
            Way::Straight => {}
            Way::Turn(track) => pen.turn(x(track), row),
            Way::Aside { first, row: aside, second } => {
                pen.turn(x(first), aside);
                pen.turn(x(second), row);
            }
        }
    }

    /// The column of a net's vertical part in a gap, of its ends on the left or of those on the right.
    fn track(&self, gap: usize, net: usize, is_left: bool) -> i32 {
        let gap = &self.gaps[gap];
        let track = match gap.nets.get(&net).map(|&place| gap.channel.ways[place]) {
            Some(Way::Turn(track)) => track,
            Some(Way::Aside { first, .. }) if is_left => first,
            Some(Way::Aside { second, .. }) => second,
            Some(Way::Straight) | None => 0,
        };
        gap.column(track)
    }
}

impl Gap {
    fn column(&self, track: i32) -> i32 {
        self.x + MARGIN + track * pitch(self.channel.tracks)
    }
}

/// From one track to the next.
fn pitch(tracks: i32) -> i32 {
    if tracks <= FEW_TRACKS { 2 } else { 1 }
}

/// A row of its own below everything for each net that leads back.
fn lanes(mesh: &Mesh, rows: &[i32], ranks: &Ranks) -> BTreeMap<usize, i32> {
    let bottom = mesh.vertices.iter().zip(rows).map(|(vertex, row)| row + vertex.height).max().unwrap_or(0);
    let mut lanes: BTreeMap<usize, i32> = BTreeMap::new();
    for (net, _) in mesh.net_of.iter().zip(&ranks.leads_back).filter(|(_, back)| **back) {
        let next = bottom + lanes.len() as i32;
        lanes.entry(*net).or_insert(next);
    }
    lanes
}

/// Draws a line cell by cell.
struct Pen {
    /// At least one.
    cells: Vec<(i32, i32)>,
}

impl Pen {
    /// At the start of a line that ends there.
    fn new(start: (i32, i32), end: (i32, i32)) -> Self {
        let length = start.0.abs_diff(end.0) + start.1.abs_diff(end.1) + 1;
        let mut cells = Vec::with_capacity(length as usize);
        cells.push(start);
        Pen { cells }
    }

    fn row(&self) -> i32 {
        self.cells.last().map_or(0, |cell| cell.1)
    }

    /// Along the row to that column.
    fn along(&mut self, to: i32) {
        let Some(&(x, y)) = self.cells.last() else { return };
        if x < to {
            self.cells.extend((x + 1..=to).map(|x| (x, y)));
        } else {
            self.cells.extend((to..x).rev().map(|x| (x, y)));
        }
    }

    /// Along the row to that column, and from there to that row.
    fn turn(&mut self, column: i32, row: i32) {
        self.along(column);
        let Some(&(x, y)) = self.cells.last() else { return };
        if y < row {
            self.cells.extend((y + 1..=row).map(|y| (x, y)));
        } else {
            self.cells.extend((row..y).rev().map(|y| (x, y)));
        }
    }
}
