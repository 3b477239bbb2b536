//! Lines of which there may be thousands: the first few are told one by one, the others together.

use std::collections::{BTreeMap, HashMap};

use crate::terminal;

/// How many lines may say the same of different nodes.
const OF_A_KIND: usize = 8;

/// How many such lines there may be in all. A map of a thousand elements may have a thousand reasons.
const IN_ALL: usize = 64;

/// How many reasons are named at the end.
const REASONS: usize = 8;

/// Which lines were told, and how many were not.
#[derive(Debug, Default)]
pub(super) struct Few {
    told: HashMap<String, usize>,
    lines: usize,
    untold: BTreeMap<String, usize>,
}

impl Few {
    /// Whether one more line may say this of a node. If not, it is counted.
    pub(super) fn admits(&mut self, what: &str) -> bool {
        let told = self.told.entry(what.to_string()).or_default();
        if *told < OF_A_KIND && self.lines < IN_ALL {
            *told += 1;
            self.lines += 1;
            return true;
        }
        *self.untold.entry(what.to_string()).or_default() += 1;
        false
    }

    /// What was counted only, a line for each reason; afterwards everything is new again.
    pub(super) fn rest(&mut self) -> Vec<String> {
        let Few { untold, .. } = std::mem::take(self);
        let others: usize = untold.values().skip(REASONS).sum();
        let mut lines: Vec<_> = untold.into_iter().take(REASONS).map(|(what, number)| more(number, &what)).collect();
        if others > 0 {
            lines.push(more(others, "likewise, for other reasons"));
        }
        lines
    }
}

fn more(number: usize, what: &str) -> String {
    format!("{}: {what}", terminal::count(number, "more node"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_of_a_kind_take_few_lines() {
        let mut few = Few::default();
        assert_eq!((0..1000).filter(|_| few.admits("cached")).count(), OF_A_KIND);
        assert!(few.admits("not run, since a failed"), "another kind has lines of its own");
        assert_eq!(few.rest(), vec!["992 more nodes: cached"]);
        assert_eq!(few.rest(), Vec::<String>::new());
        assert!(few.admits("cached"), "the next run begins anew");
    }

    #[test]
    fn a_thousand_reasons_take_few_lines_too() {
        let mut few = Few::default();
        let told = (0..1000).filter(|i| few.admits(&format!("not run, since all[{i:03}] failed"))).count();
        assert_eq!(told, IN_ALL);
        let rest = few.rest();
        assert_eq!(rest.len(), REASONS + 1);
        assert_eq!(rest[0], "1 more node: not run, since all[064] failed");
        assert_eq!(rest[REASONS], "928 more nodes: likewise, for other reasons");
    }
}
