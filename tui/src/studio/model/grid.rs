//! A sweep as the journal knows it: put together from what stands at its runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use easel_engine::{Literal, RunId, SweepPart, SweepValue};

use super::sweep::{Axis, MOST_VALUES, Sweep, bare};

impl Sweep {
    /// The sweep of these runs, oldest first. Of several in one place the newest counts: it was run again. Columns and rows
    /// whose runs were all forgotten are left out. None if nothing is known of any.
    pub(crate) fn of_journal(asked_at: RunId, parts: &[(RunId, Arc<SweepPart>)]) -> Option<Self> {
        let columns = places(parts.iter().map(|(_, part)| &part.column));
        let rows = places(parts.iter().filter_map(|(_, part)| part.row.as_ref()));
        let mut sweep = Sweep::new(axis(&columns)?, axis(&rows));
        let place = |of: &BTreeMap<usize, &SweepValue>, at: usize| of.keys().position(|known| *known == at);
        for (run, part) in parts {
            let row = part.row.as_ref().map_or(Some(0), |row| place(&rows, row.at));
            let cell = place(&columns, part.column.at).zip(row).map(|(column, row)| row * sweep.width() + column);
            if let Some(cell) = cell.and_then(|at| sweep.cells.get_mut(at)) {
                cell.run = Some(*run);
            }
        }
        sweep.asked_at = Some(asked_at);
        sweep.at = sweep.cells.iter().position(|cell| cell.run == Some(asked_at)).unwrap_or(0);
        Some(sweep)
    }

    /// The same sweep as before, with what was known of its runs and the cursor where it was.
    pub(crate) fn going_on(mut self, before: &Sweep) -> Self {
        let chosen = before.cells.get(before.at).and_then(|cell| cell.run);
        for (at, cell) in self.cells.iter_mut().enumerate() {
            if let Some(known) = before.cells.iter().find(|known| known.run.is_some() && known.run == cell.run) {
                cell.clone_from(known);
            }
            if cell.run.is_some() && cell.run == chosen {
                self.at = at;
            }
        }
        self
    }

    /// Whether a run is one of it.
    pub(crate) fn has(&self, run: RunId) -> bool {
        self.cells.iter().any(|cell| cell.run == Some(run))
    }
}

/// The values of an axis, each once, by its place there; no more than can be begun.
fn places<'a>(values: impl Iterator<Item = &'a SweepValue>) -> BTreeMap<usize, &'a SweepValue> {
    let mut all: BTreeMap<usize, &SweepValue> = BTreeMap::new();
    for value in values {
        all.insert(value.at, value);
    }
    all.into_iter().take(MOST_VALUES).collect()
}

/// None if there is no value.
fn axis(places: &BTreeMap<usize, &SweepValue>) -> Option<Axis> {
    let name = places.values().next()?.input.clone();
    let values: Vec<Literal> = places.values().map(|value| literal(value)).collect();
    let typed = written(&values);
    Some(Axis { name, values, typed })
}

/// The value that was written down.
fn literal(value: &SweepValue) -> Literal {
    let text = || Literal::Text(value.value.clone());
    if value.is_text {
        return text();
    }
    let integer = value.value.parse().ok().map(Literal::Integer);
    let float = || value.value.parse().ok().map(Literal::Float);
    let boolean = || value.value.parse().ok().map(Literal::Boolean);
    integer.or_else(float).or_else(boolean).unwrap_or_else(text)
}

/// Values as somebody would write them.
fn written(values: &[Literal]) -> String {
    let is_text = values.iter().any(|value| matches!(value, Literal::Text(_)));
    let words: Vec<_> = values.iter().map(bare).collect();
    words.join(if is_text { " | " } else { ", " })
}

/// What a run is a part of, in a few words.
pub(crate) fn about(part: &SweepPart) -> String {
    match &part.row {
        Some(row) => format!("of a sweep over {} and {}", part.column.input, row.input),
        None => format!("of a sweep over {}", part.column.input),
    }
}

#[cfg(test)]
mod tests {
    use easel_engine::{Kind, kinds};
    use proptest::prelude::*;

    use super::super::sweep::values;
    use super::*;

    fn axis(name: &str, typed: &str, kind: Kind) -> Axis {
        Axis { name: name.into(), values: values(typed, kind).expect("they can be read"), typed: typed.into() }
    }

    fn parts(sweep: &Sweep) -> Vec<(RunId, Arc<SweepPart>)> {
        (0..sweep.cells.len()).map(|at| (RunId(at as u64 + 10), Arc::new(sweep.part(at)))).collect()
    }

    #[test]
    fn a_sweep_comes_back_from_what_stands_at_its_runs() {
        let columns = axis("seed", "1, 5, 7", kinds::INTEGER);
        for rows in [
            None,
            Some(axis("prompt", "a cat, red | 7 | true", kinds::TEXT)),
            Some(axis("d.scale", "0.5, 2.0", kinds::FLOAT)),
            Some(axis("d.on", "true, false", kinds::BOOLEAN)),
        ] {
            let begun = Sweep::new(columns.clone(), rows);
            let read = Sweep::of_journal(RunId(11), &parts(&begun)).expect("there are runs");
            assert_eq!((&read.columns, &read.rows), (&begun.columns, &begun.rows));
            let runs: Vec<_> = read.cells.iter().map(|cell| cell.run).collect();
            assert_eq!(runs, (0..begun.cells.len()).map(|at| Some(RunId(at as u64 + 10))).collect::<Vec<_>>());
            assert_eq!((read.at, read.asked_at), (1, Some(RunId(11))));
        }
    }

    #[test]
    fn what_was_forgotten_is_left_out_and_what_was_run_again_counts() {
        let begun = Sweep::new(axis("seed", "1..3", kinds::INTEGER), Some(axis("steps", "5, 6", kinds::INTEGER)));
        let mut parts = parts(&begun);
        parts.push((RunId(90), Arc::clone(&parts[5].1)));
        // The whole second column, and the first of the last row.
        parts.retain(|(run, _)| ![11, 14, 13].contains(&run.0));
        let read = Sweep::of_journal(RunId(1), &parts).expect("there are runs");
        assert_eq!(read.columns.values, [Literal::Integer(1), Literal::Integer(3)]);
        let runs: Vec<_> = read.cells.iter().map(|cell| cell.run.map(|run| run.0)).collect();
        assert_eq!(runs, [Some(10), Some(12), None, Some(90)]);
        assert_eq!(Sweep::of_journal(RunId(1), &[]), None);
    }

    #[test]
    fn what_is_known_of_runs_stays_when_there_are_more() {
        let begun = Sweep::new(axis("seed", "1..3", kinds::INTEGER), None);
        let parts = parts(&begun);
        let mut before = Sweep::of_journal(RunId(12), &parts[2..]).expect("there are runs");
        before.cells[0].picture = Some("a.png".into());
        let after = Sweep::of_journal(RunId(12), &parts).expect("there are runs").going_on(&before);
        assert_eq!((after.at, after.cells[2].picture.is_some(), after.cells[0].picture.is_some()), (2, true, false));
        assert!(after.has(RunId(10)) && !before.has(RunId(10)));
    }

    proptest! {
        #[test]
        fn no_journal_makes_a_grid_that_is_too_large(
            places in prop::collection::vec((any::<usize>(), prop::option::of(any::<usize>()), ".*"), 0..200),
        ) {
            let value = |at, value: &str| SweepValue { at, value: value.into(), ..SweepValue::default() };
            let part = |(at, row, text): &(usize, Option<usize>, String)| SweepPart {
                sweep: "a".into(),
                column: value(*at, text),
                row: row.map(|row| value(row, text)),
            };
            let parts: Vec<_> = places.iter().map(|place| (RunId(1), Arc::new(part(place)))).collect();
            if let Some(sweep) = Sweep::of_journal(RunId(1), &parts) {
                prop_assert_eq!(sweep.cells.len(), sweep.width() * sweep.height());
                prop_assert!(sweep.width() <= MOST_VALUES && sweep.height() <= MOST_VALUES);
            }
        }
    }
}
