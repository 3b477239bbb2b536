//! The gap between two layers: which track each wire's vertical part has.
//!
//! All wires of an output are one net with one vertical part, from its topmost end to its lowest. A net that comes in
//! from the left on a row must turn before (left of) another that goes out to the right on that row: these constraints
//! give an order. Where they run in a circle (two wires that change places), one net is split: it goes aside on a row
//! that nobody uses and turns twice. Nets that overlap never share a track, so wires of two outputs only meet at right
//! angles, or where they end in the same input.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Where a net meets the borders of the gap.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    /// Rows on the left border.
    pub(super) left: BTreeSet<i32>,
    /// Rows on the right border.
    pub(super) right: BTreeSet<i32>,
}

/// How a net runs; tracks count from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// All on one row.
    Straight,
    /// With a vertical part on that track.
    Turn(i32),
    /// From the left to `first`, along `row` to `second`, and on to the right.
    Aside {
        /// The track of the ends on the left.
        first: i32,
        /// A row that no other net uses.
        row: i32,
        /// The track of the ends on the right.
        second: i32,
    },
}

/// The ways of all nets, and how many tracks they take.
pub(super) struct Channel {
    pub(super) ways: Vec<Way>,
    pub(super) tracks: i32,
}

/// Finds the ways of the nets. Rows are not negative.
pub(super) fn channel(nets: &[Ends]) -> Channel {
    let mut router = Router::new(nets);
    router.run();
    let tracks = router.highest.iter().copied().max().map_or(0, |track| track + 1);
    Channel { ways: router.ways, tracks }
}

struct Router<'n> {
    nets: &'n [Ends],
    ways: Vec<Way>,
    /// Those that must turn right of a net.
    after: Vec<Vec<usize>>,
    /// Those that must turn left of it and have not yet.
    before: Vec<BTreeSet<usize>>,
    /// Nets that may turn now, in the order that makes few crossings.
    ready: BinaryHeap<Reverse<(i32, usize)>>,
    is_placed: Vec<bool>,
    /// Rows on which something ends or goes aside.
    used: BTreeSet<i32>,
    /// The rightmost track that is taken on a row.
    highest: Vec<i32>,
}

impl<'n> Router<'n> {
    fn new(nets: &'n [Ends]) -> Self {
        let mut from_left = BTreeMap::new();
        let mut used = BTreeSet::new();
        for (net, ends) in nets.iter().enumerate() {
            from_left.extend(ends.left.iter().map(|&row| (row, net)));
            used.extend(ends.left.iter().chain(&ends.right));
        }
        let mut router = Router {
            nets,
            ways: vec![Way::Straight; nets.len()],
            after: vec![Vec::new(); nets.len()],
            before: vec![BTreeSet::new(); nets.len()],
            ready: BinaryHeap::new(),
            is_placed: nets.iter().map(|ends| ends.span().is_none_or(|(top, bottom)| top == bottom)).collect(),
            used,
            highest: Vec::new(),
        };
        for (net, ends) in nets.iter().enumerate().filter(|(net, _)| !router.is_placed[*net]) {
            for row in &ends.right {
                if let Some(&other) = from_left.get(row)
                    && other != net
                    && !router.is_placed[other]
                    && router.before[net].insert(other)
                {
                    router.after[other].push(net);
                }
            }
        }
        router
    }

    fn run(&mut self) {
        for net in 0..self.nets.len() {
            self.offer(net);
        }
        loop {
            while let Some(Reverse((_, net))) = self.ready.pop() {
                self.turn(net);
            }
            match (0..self.nets.len()).find(|&net| !self.is_placed[net]) {
                Some(stuck) => self.split(stuck),
                None => break,
            }
        }
    }

    fn offer(&mut self, net: usize) {
        if !self.is_placed[net] && self.before[net].is_empty() {
            self.ready.push(Reverse((self.nets[net].preference(), net)));
        }
    }

    /// Gives a net that waits for nobody its track.
    fn turn(&mut self, net: usize) {
        let Some((top, bottom)) = self.nets[net].span() else { return };
        self.ways[net] = match self.ways[net] {
            Way::Aside { first, row, .. } => {
                let rows = self.nets[net].right.iter().chain([&row]);
                let (top, bottom) = rows.fold((row, row), |(top, bottom), &row| (top.min(row), bottom.max(row)));
                Way::Aside { first, row, second: self.take(top, bottom) }
            }
            Way::Straight | Way::Turn(_) => {
                self.release(net);
                Way::Turn(self.take(top, bottom))
            }
        };
        self.is_placed[net] = true;
    }

    /// Lets those go on that must turn right of a net.
    fn release(&mut self, net: usize) {
        for other in std::mem::take(&mut self.after[net]) {
            self.before[other].remove(&net);
            self.offer(other);
        }
    }

    /// The first track right of all that is on these rows already.
    fn take(&mut self, top: i32, bottom: i32) -> i32 {
        let (top, end) = (top.max(0) as usize, bottom.max(0) as usize + 1);
        if self.highest.len() < end {
            self.highest.resize(end, -1);
        }
        let rows = &mut self.highest[top..end];
        let track = rows.iter().copied().max().unwrap_or(-1) + 1;
        rows.fill(track);
        track
    }

    /// Breaks the circle that keeps a net waiting.
    fn split(&mut self, stuck: usize) {
        let mut seen = BTreeSet::new();
        let mut net = stuck;
        while seen.insert(net) {
            match self.before[net].first() {
                Some(&earlier) => net = earlier,
                None => break,
            }
        }
        let ends = &self.nets[net];
        let middle = ends.span().map_or(0, |(top, bottom)| top + (bottom - top) / 2);
        let row = self.free_row(middle);
        self.used.insert(row);
        let rows = ends.left.iter().fold((row, row), |(top, bottom), &row| (top.min(row), bottom.max(row)));
        let first = self.take(rows.0, rows.1);
        self.ways[net] = Way::Aside { first, row, second: first + 1 };
        self.release(net);
        self.offer(net);
    }

    /// The row nearest to that one on which nothing ends.
    fn free_row(&self, middle: i32) -> i32 {
        let is_free = |row: &i32| *row >= 0 && !self.used.contains(row);
        (0..).flat_map(|distance| [middle + distance, middle - distance]).find(is_free).unwrap_or(middle)
    }
}

impl Ends {
    fn span(&self) -> Option<(i32, i32)> {
        let rows = || self.left.iter().chain(&self.right);
        Some((*rows().min()?, *rows().max()?))
    }

    /// Of wires that go up the upper, of those that go down the lower should turn first: then they do not cross.
    fn preference(&self) -> i32 {
        let from = self.left.first().or(self.right.first()).copied().unwrap_or(0);
        let change: i64 = self.right.iter().chain(self.left.iter().skip(1)).map(|&row| i64::from(row - from)).sum();
        if change < 0 { from } else { -from }
    }
}
