//! The newest picture of each node of a run.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Picture;
use super::full::Seen;
use super::inside::without_pass;
use super::still::Source;

/// Of more nodes at once, nobody sees pictures.
const MOST: usize = 256;

/// A picture of a node.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    /// The node.
    pub(crate) node: Arc<str>,
    /// The file that holds it; none while the node is still drawing.
    pub(crate) path: Option<PathBuf>,
    /// It, small.
    pub(crate) picture: Picture,
}

impl Shot {
    /// Where its pixels are.
    pub(crate) fn source(&self) -> Source {
        self.path.as_ref().map_or_else(|| Source::Pixels(self.picture.clone()), |path| Source::File(path.clone()))
    }
}

/// The newest picture of each node, the newest of all last. Bounded: of many nodes, those that were drawn last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shots {
    by_node: HashMap<Arc<str>, Shot>,
    order: VecDeque<Arc<str>>,
}

impl Shots {
    /// A node has a newer one.
    pub(crate) fn add(&mut self, shot: Shot) {
        let node = Arc::clone(&shot.node);
        if self.order.back() != Some(&node) {
            self.order.retain(|known| *known != node);
            self.order.push_back(Arc::clone(&node));
        }
        self.by_node.insert(node, shot);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_node.remove(&oldest);
        }
    }

    /// The newest of all.
    pub(crate) fn newest(&self) -> Option<&Shot> {
        self.by_node.get(self.order.back()?)
    }

    /// The newest of a node, or of those inside of it.
    pub(crate) fn of(&self, node: &str) -> Option<&Shot> {
        let is_inside = |name: &Arc<str>| name.strip_prefix(node).is_some_and(|rest| rest.starts_with(['/', '[']));
        let inside = || self.order.iter().rev().find(|name| is_inside(name)).and_then(|name| self.by_node.get(name));
        self.by_node.get(node).or_else(inside)
    }

    /// The newest of a node that is inside of these, whichever time it ran.
    pub(crate) fn of_inside(&self, way: &[String], node: &str) -> Option<&Shot> {
        if way.is_empty() {
            return self.of(node);
        }
        let wanted = || way.iter().map(String::as_str).chain([node]);
        let is_it = |name: &Arc<str>| {
            let mut parts = name.split('/').map(without_pass);
            wanted().all(|wanted| parts.next() == Some(wanted))
        };
        self.order.iter().rev().find(|name| is_it(name)).and_then(|name| self.by_node.get(name))
    }

    /// What was seen of a file.
    pub(crate) fn of_file(&self, path: &Path) -> Option<&Picture> {
        self.by_node.values().find(|shot| shot.path.as_deref() == Some(path)).map(|shot| &shot.picture)
    }

    /// Those that are in no file, oldest first.
    pub(crate) fn unsaved(&self) -> impl Iterator<Item = Seen> + '_ {
        let shots = self.order.iter().filter_map(|node| self.by_node.get(node));
        let unsaved = shots.filter(|shot| shot.path.is_none());
        unsaved.map(|shot| Seen { node: Arc::clone(&shot.node), source: shot.source(), small: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shot(node: &str, shade: u8) -> Shot {
        let picture = Picture { width: 1, pixels: [[shade; 3]].into() };
        Shot { node: node.into(), path: None, picture }
    }

    #[test]
    fn each_node_has_its_newest_and_they_are_bounded() {
        let mut shots = Shots::default();
        for number in 0..MOST + 5 {
            shots.add(shot(&format!("n{number}"), 1));
        }
        shots.add(shot("n9", 7));
        let shade = |node: &str| shots.of(node).map(|shot| shot.picture.pixels[0][0]);
        assert_eq!((shade("n9"), shade("n4"), shade("n5")), (Some(7), None, Some(1)));
        assert_eq!(shots.newest().map(|shot| &*shot.node), Some("n9"));
        assert_eq!(shots.unsaved().count(), MOST);
    }

    #[test]
    fn a_node_that_runs_others_shows_theirs() {
        let mut shots = Shots::default();
        shots.add(shot("grid[0]/decoder", 3));
        shots.add(shot("grid[1]/decoder", 4));
        shots.add(shot("griddle/decoder", 5));
        assert_eq!(shots.of("grid").map(|shot| shot.picture.pixels[0][0]), Some(4));
        assert!(shots.of("gri").is_none());
    }
}
