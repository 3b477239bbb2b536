//! What the nodes before a node noted, shared instead of copied: a chain of nodes that all note something would
//! otherwise hold as many copies of the first note as it is long.

use std::collections::HashSet;
use std::sync::Arc;

use super::Notes;

/// What a node noted, and what everything before it did.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    before: Vec<Arc<Trail>>,
    node: Option<Arc<str>>,
    own: Vec<(String, String)>,
}

impl Trail {
    /// What these noted; nothing if none of them did. Shared where one holds it all.
    pub(crate) fn of(mut before: Vec<Arc<Trail>>) -> Option<Arc<Trail>> {
        before.sort_unstable_by_key(Arc::as_ptr);
        before.dedup_by_key(|trail| Arc::as_ptr(trail));
        match before.len() {
            0 | 1 => before.pop(),
            _ => Some(Arc::new(Trail { before, node: None, own: Vec::new() })),
        }
    }

    /// The same, and then what a node noted.
    pub(crate) fn then(before: Option<Arc<Trail>>, node: &Arc<str>, own: &[(String, String)]) -> Option<Arc<Trail>> {
        if own.is_empty() {
            return before;
        }
        let trail = Trail { before: before.into_iter().collect(), node: Some(Arc::clone(node)), own: own.to_vec() };
        Some(Arc::new(trail))
    }

    /// All of it, by node and key.
    pub(crate) fn notes(&self) -> Notes {
        let mut notes = Notes::new();
        let mut seen = HashSet::new();
        let mut left = vec![self];
        while let Some(trail) = left.pop() {
            if let Some(node) = &trail.node {
                for (key, text) in &trail.own {
                    notes.insert((node.to_string(), key.clone()), text.clone());
                }
            }
            left.extend(
                trail.before.iter().map(|before| &**before).filter(|before| seen.insert(std::ptr::from_ref(*before))),
            );
        }
        notes
    }
}

/// One after another, since a chain may be longer than a stack is deep.
impl Drop for Trail {
    fn drop(&mut self) {
        let mut left = std::mem::take(&mut self.before);
        while let Some(trail) = left.pop() {
            if let Some(mut last) = Arc::into_inner(trail) {
                left.append(&mut last.before);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(before: Option<Arc<Trail>>, node: &str) -> Option<Arc<Trail>> {
        Trail::then(before, &node.into(), &[("key".into(), format!("of {node}"))])
    }

    fn nodes(trail: &Option<Arc<Trail>>) -> Vec<String> {
        trail.as_ref().map_or_else(Vec::new, |trail| trail.notes().into_keys().map(|(node, _)| node).collect())
    }

    #[test]
    fn what_was_noted_before_is_shared_and_there_once() {
        let first = note(None, "first");
        let (left, right) = (note(first.clone(), "left"), note(first.clone(), "right"));
        let both = Trail::of([&left, &right, &left].into_iter().flatten().cloned().collect());
        assert_eq!(nodes(&both), ["first", "left", "right"]);
        assert_eq!(nodes(&left), ["first", "left"]);
        let one = Trail::of(vec![first.clone().expect("it noted"); 3]).expect("it noted");
        assert!(Arc::ptr_eq(&one, first.as_ref().expect("it noted")), "nothing new is made of one");
        assert!(Trail::of(Vec::new()).is_none() && Trail::then(None, &"a".into(), &[]).is_none());
    }

    #[test]
    fn a_long_chain_is_held_once_and_let_go_without_recursion() {
        let mut trail = None;
        for node in 0..200_000 {
            trail = note(trail, &node.to_string());
        }
        let trail = trail.expect("they noted");
        assert_eq!(trail.before.len(), 1);
        assert_eq!(trail.notes().len(), 200_000);
    }
}
