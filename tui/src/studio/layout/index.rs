//! What is near a place, without looking at everything: the layout in tiles.

use std::ops::Range;

use super::{Area, Route};
use crate::studio::scene::Scene;

/// Columns and rows of a tile, unless there would be too many.
const TILE: (i32, i32) = (64, 32);
/// Tiles of a layout, at the most.
const MOST_TILES: i64 = 1 << 18;
/// Columns and rows of the picture of the whole.
const MAP: (i32, i32) = (128, 64);

/// Boxes and wires by the tiles that they touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    grid: Grid,
    boxes: Table<u32>,
    /// A wire, and which of its cells are in the tile.
    stretches: Table<(u32, u32, u32)>,
    /// Where there are boxes, seen from afar: row by row.
    map: Vec<bool>,
}

/// Which wires begin and end at which nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ties {
    pub(super) into: Table<usize>,
    pub(super) out_of: Table<usize>,
}

/// How a layout is cut into tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Grid {
    /// Columns and rows of a tile.
    tile: (i32, i32),
    /// How many tiles there are in a row of tiles, and how many rows.
    count: (i32, i32),
}

/// For each tile what is in it, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table<T> {
    /// Where each tile begins; one more than there are tiles.
    starts: Vec<u32>,
    items: Vec<T>,
}

impl Index {
    pub(super) fn new(boxes: &[Area], routes: &[Route], size: (i32, i32)) -> Index {
        let grid = Grid::new(size);
        let mut areas = Vec::new();
        for (node, area) in boxes.iter().enumerate() {
            areas.extend(grid.near(*area).map(|tile| (tile as u32, node as u32)));
        }
        let mut stretches = Vec::new();
        for (wire, route) in routes.iter().enumerate() {
            let mut start = 0;
            while let Some(&(x, y)) = route.cells.get(start) {
                let here = grid.at(x, y);
                let area = grid.area(x, y);
                let length = route.cells[start..].iter().take_while(|cell| area.contains(cell.0, cell.1)).count();
                stretches.push((here as u32, (wire as u32, start as u32, (start + length) as u32)));
                start += length;
            }
        }
        let count = grid.tiles();
        Index {
            grid,
            boxes: Table::new(count, &areas),
            stretches: Table::new(count, &stretches),
            map: map(boxes, size),
        }
    }

    pub(super) fn boxes(&self, area: Area) -> Vec<usize> {
        let near = self.grid.near(area).flat_map(|tile| self.boxes.get(tile));
        let mut found: Vec<_> = near.map(|&node| node as usize).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    pub(super) fn routes(&self, area: Area) -> Vec<(usize, Range<usize>)> {
        let stretches = self.grid.near(area).flat_map(|tile| self.stretches.get(tile));
        let mut found: Vec<_> =
            stretches.map(|&(wire, start, end)| (wire as usize, start as usize..end as usize)).collect();
        found.sort_unstable_by_key(|(wire, cells)| (*wire, cells.start));
        found
    }

    /// Whether there is a box in one of `columns` × `rows` equal parts of the layout.
    pub(super) fn has_box(&self, (column, row): (i32, i32), (columns, rows): (i32, i32)) -> bool {
        let range = |at: i32, parts: i32, most: i32| {
            let edge = |at: i32| (i64::from(at) * i64::from(most) / i64::from(parts.max(1))).clamp(0, i64::from(most));
            let start = edge(at);
            start as usize..edge(at.saturating_add(1)).max(start + 1).min(i64::from(most)) as usize
        };
        let columns = range(column, columns, MAP.0);
        range(row, rows, MAP.1).any(|row| {
            let start = row * MAP.0 as usize;
            self.map.get(start + columns.start..start + columns.end).is_some_and(|cells| cells.contains(&true))
        })
    }
}

impl Grid {
    /// For a layout of that many columns and rows.
    fn new(size: (i32, i32)) -> Grid {
        let mut grid = Grid { tile: TILE, count: (0, 0) };
        loop {
            let count = |length: i32, tile: i32| length.max(0).div_euclid(tile) + 1;
            grid.count = (count(size.0, grid.tile.0), count(size.1, grid.tile.1));
            if i64::from(grid.count.0) * i64::from(grid.count.1) <= MOST_TILES {
                return grid;
            }
            grid.tile = (grid.tile.0 * 2, grid.tile.1 * 2);
        }
    }

    fn tiles(&self) -> usize {
        self.count.0 as usize * self.count.1 as usize
    }

    /// The tile of a cell of the layout.
    fn at(&self, x: i32, y: i32) -> usize {
        (y / self.tile.1) as usize * self.count.0 as usize + (x / self.tile.0) as usize
    }

    /// All cells of the tile that has that one.
    fn area(&self, x: i32, y: i32) -> Area {
        let (width, height) = self.tile;
        Area { x: x - x % width, y: y - y % height, width, height }
    }

    /// The tiles that an area touches.
    fn near(&self, area: Area) -> impl Iterator<Item = usize> + use<> {
        let range = |start: i32, end: i32, tile: i32, count: i32| {
            if end <= start || end <= 0 { 0..0 } else { start.max(0) / tile..((end - 1) / tile + 1).min(count) }
        };
        let columns = range(area.x, area.right(), self.tile.0, self.count.0);
        let rows = range(area.y, area.bottom(), self.tile.1, self.count.1);
        let across = self.count.0;
        rows.flat_map(move |row| columns.clone().map(move |column| (row * across + column) as usize))
    }
}

impl Ties {
    pub(super) fn new(scene: &Scene) -> Ties {
        let nodes = scene.nodes.len();
        let wires = || scene.wires.iter().enumerate();
        let known = |pairs: &mut Vec<(u32, usize)>| pairs.retain(|(node, _)| (*node as usize) < nodes);
        let mut into: Vec<_> = wires().map(|(index, wire)| (wire.to.node as u32, index)).collect();
        let mut out_of: Vec<_> = wires().map(|(index, wire)| (wire.from.node as u32, index)).collect();
        known(&mut into);
        known(&mut out_of);
        Ties { into: Table::new(nodes, &into), out_of: Table::new(nodes, &out_of) }
    }
}

/// The boxes seen from afar.
fn map(boxes: &[Area], size: (i32, i32)) -> Vec<bool> {
    let mut map = if boxes.is_empty() { Vec::new() } else { vec![false; (MAP.0 * MAP.1) as usize] };
    let scale = |at: i32, whole: i32, cells: i32| {
        (i64::from(at) * i64::from(cells) / i64::from(whole.max(1))).clamp(0, i64::from(cells - 1)) as usize
    };
    for area in boxes.iter().filter(|area| area.width > 0 && area.height > 0) {
        let columns = scale(area.x, size.0, MAP.0)..=scale(area.right() - 1, size.0, MAP.0);
        for row in scale(area.y, size.1, MAP.1)..=scale(area.bottom() - 1, size.1, MAP.1) {
            let start = row * MAP.0 as usize;
            map[start + columns.start()..=start + columns.end()].fill(true);
        }
    }
    map
}

impl<T: Copy + Default> Table<T> {
    fn new(tiles: usize, items: &[(u32, T)]) -> Self {
        let mut starts = vec![0_u32; tiles + 1];
        items.iter().for_each(|(tile, _)| starts[*tile as usize + 1] += 1);
        for tile in 0..tiles {
            starts[tile + 1] += starts[tile];
        }
        let mut next = starts.clone();
        let mut sorted = vec![T::default(); items.len()];
        for &(tile, item) in items {
            let at = &mut next[tile as usize];
            sorted[*at as usize] = item;
            *at += 1;
        }
        Table { starts, items: sorted }
    }

    pub(super) fn get(&self, tile: usize) -> &[T] {
        match (self.starts.get(tile), self.starts.get(tile + 1)) {
            (Some(&start), Some(&end)) => &self.items[start as usize..end as usize],
            _ => &[],
        }
    }
}
