//! Finding nodes by a few letters of their names.

use std::cmp::Reverse;

use crate::studio::scene::{Scene, SceneNode};

/// The nodes whose name or type, or a node in whose group, has the letters of `typed` in that order, best first: whole words before beginnings,
/// beginnings before what is within, letters in a row before letters apart, names before types. Nothing typed finds
/// nothing.
pub fn search(scene: &Scene, typed: &str) -> Vec<usize> {
    let typed = letters(typed);
    if typed.is_empty() {
        return Vec::new();
    }
    let score = |node: usize| {
        let node = &scene.nodes[node];
        let names = [&node.id].into_iter().chain(&node.members);
        let name = names.filter_map(|name| fit(&typed, name)).max().map(|score| score * 2);
        name.max(fit(&typed, &node.node_type))
    };
    let mut found: Vec<_> = (0..scene.nodes.len()).filter_map(|node| Some((Reverse(score(node)?), node))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, node)| node).collect()
}

/// The node of a group that is one box whose name fits best; none if the group's own does as well.
pub fn member<'s>(group: &'s SceneNode, typed: &str) -> Option<&'s str> {
    let typed = letters(typed);
    let score = |name: &str| if typed.is_empty() { None } else { fit(&typed, name) };
    let best = group.members.iter().max_by_key(|member| score(member))?;
    (score(best) > score(&group.id)).then_some(best)
}

/// What was typed, as it is looked for.
fn letters(typed: &str) -> Vec<char> {
    typed.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// How well a name fits, if it does: the best over all places at which it may begin.
fn fit(typed: &[char], name: &str) -> Option<i64> {
    // Changing the case may make several of one: each stands for where that one is.
    let mut letters = Vec::new();
    let mut before = None;
    for c in name.chars() {
        let is_start =
            before.is_none_or(|before: char| !before.is_alphanumeric() || (before.is_lowercase() && c.is_uppercase()));
        letters.extend(c.to_lowercase().enumerate().map(|(at, lower)| (lower, is_start && at == 0)));
        before = Some(c);
    }
    let starts = (0..letters.len()).filter(|&at| letters[at].0 == typed[0]);
    starts.filter_map(|start| fit_from(typed, &letters, start)).max().map(|score| {
        let is_whole = letters.len() == typed.len();
        score + if is_whole { 1000 } else { 0 } - letters.len().min(100) as i64
    })
}

fn fit_from(typed: &[char], letters: &[(char, bool)], start: usize) -> Option<i64> {
    let mut score = if start == 0 { 200 } else { 0 };
    let mut next = start;
    for (count, wanted) in typed.iter().enumerate() {
        let at = next + letters[next..].iter().position(|(letter, _)| letter == wanted)?;
        score += if letters[at].1 { 60 } else { 10 };
        score += if count > 0 && at == next { 40 } else { 0 };
        next = at + 1;
    }
    Some(score)
}
