//! Which layer a node is in: right of everything that it takes from.

/// The layers of a component's nodes.
pub(super) struct Ranks {
    /// Of each node.
    pub(super) of: Vec<usize>,
    /// Of each wire, whether it leads back: in a document with cycles some must.
    pub(super) leads_back: Vec<bool>,
}

/// Nodes by their places, wires as (giver, taker).
pub(super) fn ranks(nodes: usize, wires: &[(usize, usize)]) -> Ranks {
    let leads_back = leading_back(nodes, wires);
    let (mut giving, mut taking) = (vec![Vec::new(); nodes], vec![Vec::new(); nodes]);
    for (&(from, to), _) in wires.iter().zip(&leads_back).filter(|(_, back)| !**back) {
        giving[from].push(to);
        taking[to].push(from);
    }
    for list in giving.iter_mut().chain(&mut taking) {
        list.sort_unstable();
        list.dedup();
    }
    let mut of = vec![0; nodes];
    let order = topological(&giving, &taking);
    for &node in &order {
        of[node] = taking[node].iter().map(|&from| of[from] + 1).max().unwrap_or(0);
    }
    // A node that takes from no more nodes than it gives to stands beside those it gives to: the wires get shorter.
    for &node in order.iter().rev().filter(|&&node| taking[node].len() <= giving[node].len()) {
        if let Some(nearest) = giving[node].iter().map(|&to| of[to]).min() {
            of[node] = nearest - 1;
        }
    }
    Ranks { of, leads_back }
}

/// The wires that close a cycle when the nodes are gone through in depth, in the order in which they are written.
fn leading_back(nodes: usize, wires: &[(usize, usize)]) -> Vec<bool> {
    #[derive(Clone, Copy, PartialEq)]
    enum Visit {
        Never,
        UnderWay,
        Over,
    }
    let mut out = vec![Vec::new(); nodes];
    for (index, &(from, _)) in wires.iter().enumerate() {
        out[from].push(index);
    }
    let mut leads_back = vec![false; wires.len()];
    let mut visits = vec![Visit::Never; nodes];
    let mut stack: Vec<(usize, usize)> = Vec::new();
    for start in 0..nodes {
        if visits[start] != Visit::Never {
            continue;
        }
        visits[start] = Visit::UnderWay;
        stack.push((start, 0));
        while let Some((node, next)) = stack.last_mut() {
            let Some(&wire) = out[*node].get(*next) else {
                visits[*node] = Visit::Over;
                stack.pop();
                continue;
            };
            *next += 1;
            let to = wires[wire].1;
            match visits[to] {
                Visit::Never => {
                    visits[to] = Visit::UnderWay;
                    stack.push((to, 0));
                }
                Visit::UnderWay => leads_back[wire] = true,
                Visit::Over => {}
            }
        }
    }
    leads_back
}

fn topological(giving: &[Vec<usize>], taking: &[Vec<usize>]) -> Vec<usize> {
    let mut missing: Vec<_> = taking.iter().map(Vec::len).collect();
    let mut order: Vec<_> = (0..giving.len()).filter(|&node| missing[node] == 0).collect();
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        next += 1;
        for &to in &giving[node] {
            missing[to] -= 1;
            if missing[to] == 0 {
                order.push(to);
            }
        }
    }
    order
}
