//! What is near a place, without looking at everything: the layout in tiles.

use std::ops::Range;

use super::{Area, Route};
use crate::studio::scene::Scene;

/// Columns of a tile.
const COLUMNS: i32 = 64;
/// Rows of a tile.
const ROWS: i32 = 32;
/// Columns and rows of the picture of the whole.
const MAP: (i32, i32) = (128, 64);

/// Boxes and wires by the tiles that they touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// How many tiles there are in a row of tiles, and how many rows.
    tiles: (i32, i32),
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

/// For each tile what is in it, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table<T> {
    /// Where each tile begins; one more than there are tiles.
    starts: Vec<u32>,
    items: Vec<T>,
}

impl Index {
    pub(super) fn new(boxes: &[Area], routes: &[Route], size: (i32, i32)) -> Index {
        let mut most = (0, 0);
        boxes.iter().for_each(|area| most = (most.0.max(area.right()), most.1.max(area.bottom())));
        routes.iter().flat_map(|route| &route.cells).for_each(|&(x, y)| most = (most.0.max(x + 1), most.1.max(y + 1)));
        let tiles = ((most.0 + COLUMNS - 1) / COLUMNS, (most.1 + ROWS - 1) / ROWS);
        let tile = |x: i32, y: i32| ((y.max(0) / ROWS) * tiles.0 + x.max(0) / COLUMNS) as u32;
        let mut areas = Vec::new();
        for (node, area) in boxes.iter().enumerate() {
            for (column, row) in tiles_of(*area, tiles) {
                areas.push(((row * tiles.0 + column) as u32, node as u32));
            }
        }
        let mut stretches = Vec::new();
        for (wire, route) in routes.iter().enumerate() {
            let mut start = 0;
            while let Some(&(x, y)) = route.cells.get(start) {
                let here = tile(x, y);
                let length = route.cells[start..].iter().take_while(|cell| tile(cell.0, cell.1) == here).count();
                stretches.push((here, (wire as u32, start as u32, (start + length) as u32)));
                start += length;
            }
        }
        let count = (tiles.0 * tiles.1) as usize;
        Index {
            tiles,
            boxes: Table::new(count, &areas),
            stretches: Table::new(count, &stretches),
            map: map(boxes, size),
        }
    }

    pub(super) fn boxes(&self, area: Area) -> Vec<usize> {
        let mut found: Vec<_> = tiles_of(area, self.tiles)
            .flat_map(|tile| self.boxes.get(self.place(tile)))
            .map(|&node| node as usize)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    pub(super) fn routes(&self, area: Area) -> Vec<(usize, Range<usize>)> {
        let stretches = tiles_of(area, self.tiles).flat_map(|tile| self.stretches.get(self.place(tile)));
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

    fn place(&self, (column, row): (i32, i32)) -> usize {
        (row * self.tiles.0 + column) as usize
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

/// The tiles that an area touches, by column and row.
fn tiles_of(area: Area, tiles: (i32, i32)) -> impl Iterator<Item = (i32, i32)> {
    let range = |start: i32, end: i32, size: i32, count: i32| {
        if end <= start || end <= 0 { 0..0 } else { start.max(0) / size..((end - 1) / size + 1).min(count) }
    };
    let columns = range(area.x, area.right(), COLUMNS, tiles.0);
    let rows = range(area.y, area.bottom(), ROWS, tiles.1);
    rows.flat_map(move |row| columns.clone().map(move |column| (column, row)))
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
