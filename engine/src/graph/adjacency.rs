//! Which nodes take from which, in two flat tables: a workflow may have a hundred thousand nodes.

/// For each node some others, ascending, each once.
#[derive(Default)]
pub(super) struct Adjacency {
    /// Where each node's others begin; one more than there are nodes.
    starts: Vec<u32>,
    others: Vec<u32>,
}

impl Adjacency {
    pub(super) fn with_capacity(nodes: usize) -> Self {
        let mut starts = Vec::with_capacity(nodes + 1);
        starts.push(0);
        Adjacency { starts, others: Vec::with_capacity(nodes) }
    }

    /// The others of the next node, in any order, some perhaps twice.
    pub(super) fn push(&mut self, others: &mut Vec<u32>) {
        if others.len() > 1 {
            others.sort_unstable();
            others.dedup();
        }
        self.others.append(others);
        self.starts.push(self.others.len() as u32);
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(super) fn of(&self, node: usize) -> &[u32] {
        &self.others[self.starts[node] as usize..self.starts[node + 1] as usize]
    }

    /// The same the other way round.
    pub(super) fn reversed(&self) -> Adjacency {
        let count = self.len();
        let mut starts = vec![0_u32; count + 1];
        for &other in &self.others {
            starts[other as usize + 1] += 1;
        }
        for node in 0..count {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut others = vec![0; self.others.len()];
        for node in 0..count {
            for &other in self.of(node) {
                others[next[other as usize] as usize] = node as u32;
                next[other as usize] += 1;
            }
        }
        Adjacency { starts, others }
    }

    /// Whether every node stands behind all of its others.
    pub(super) fn is_ordered(&self) -> bool {
        (0..self.len()).all(|node| self.of(node).last().is_none_or(|&other| (other as usize) < node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_can_be_turned_round() {
        let mut needs = Adjacency::with_capacity(4);
        for mut others in [vec![], vec![0], vec![1, 0, 1], vec![2]] {
            needs.push(&mut others);
        }
        assert_eq!((needs.len(), needs.of(2)), (4, &[0, 1][..]));
        assert!(needs.is_ordered());
        let given = needs.reversed();
        assert_eq!([given.of(0), given.of(1), given.of(2), given.of(3)], [&[1, 2][..], &[2], &[3], &[]]);
        assert!(!given.is_ordered());
    }
}
