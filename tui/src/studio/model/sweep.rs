//! One workflow with several values of an input or two: every combination a run of its own, their pictures a grid.

use std::collections::BTreeMap;
use std::path::PathBuf;

use easel_engine::{Kind, Literal, RunId, RunState, SweepPart, SweepValue, kinds};

/// So many runs are begun at once at the most.
pub(crate) const MOST_RUNS: usize = 200;

/// So many values of one input at the most.
pub(super) const MOST_VALUES: usize = 64;

/// An input and the values that it is given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    /// `seed`, `decoder.steps`.
    pub(crate) name: String,
    /// The values, in order.
    pub(crate) values: Vec<Literal>,
    /// As somebody wrote them.
    pub(crate) typed: String,
}

impl Axis {
    /// A value as the grid names it.
    pub(crate) fn label(&self, at: usize) -> String {
        let (name, value) = self.label_parts(at);
        format!("{name} {value}")
    }

    /// What the grid calls the input, and a value, which is what matters where there is little room.
    pub(crate) fn label_parts(&self, at: usize) -> (&str, String) {
        let value = self.values.get(at).map_or_else(String::new, bare);
        (self.name.rsplit('.').next().unwrap_or(&self.name), value)
    }

    /// A value as the journal keeps it.
    fn part(&self, at: usize) -> Option<SweepValue> {
        let value = self.values.get(at)?;
        let is_text = matches!(value, Literal::Text(_));
        Some(SweepValue { at, input: self.name.clone(), value: bare(value), is_text })
    }
}

/// A value without quotes.
pub(super) fn bare(value: &Literal) -> String {
    match value {
        Literal::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What became of one combination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Its run; none: it is not in the queue yet.
    pub(crate) run: Option<RunId>,
    /// Where that is.
    pub(crate) state: Option<RunState>,
    /// The picture that it wrote.
    pub(crate) picture: Option<PathBuf>,
    /// Why it could not be queued.
    pub(crate) problem: Option<String>,
}

/// A sweep.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sweep {
    /// The values of each row.
    pub(crate) rows: Option<Axis>,
    /// The values of each column.
    pub(crate) columns: Axis,
    /// Row by row.
    pub(crate) cells: Vec<Cell>,
    /// Which cell the cursor is on.
    pub(crate) at: usize,
    /// The run at which the journal was asked for it; none: it was begun here.
    pub(crate) asked_at: Option<RunId>,
}

/// What was typed for sweeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Swept {
    /// The values, by the name of the input.
    pub(crate) values: BTreeMap<String, String>,
    /// Which input was swept over with another one, by the name of that.
    pub(crate) seconds: BTreeMap<String, String>,
}

impl Swept {
    /// What was typed for a sweep is remembered.
    pub(crate) fn remember(&mut self, first: &Axis, second: Option<&Axis>) {
        for axis in [Some(first), second].into_iter().flatten() {
            self.values.insert(axis.name.clone(), axis.typed.clone());
        }
        match second {
            Some(second) => drop(self.seconds.insert(first.name.clone(), second.name.clone())),
            None => drop(self.seconds.remove(&first.name)),
        }
    }
}

impl Sweep {
    /// Every value of the first input with every value of the second, if there is one.
    pub(crate) fn new(columns: Axis, rows: Option<Axis>) -> Self {
        let count = columns.values.len() * rows.as_ref().map_or(1, |rows| rows.values.len());
        Sweep { rows, columns, cells: vec![Cell::default(); count], at: 0, asked_at: None }
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.columns.values.len().max(1)
    }

    /// How many rows there are.
    pub(crate) fn height(&self) -> usize {
        self.rows.as_ref().map_or(1, |rows| rows.values.len())
    }

    /// What a cell's inputs are.
    pub(crate) fn given(&self, at: usize) -> Vec<(&str, &Literal)> {
        let (row, column) = (at / self.width(), at % self.width());
        let of = |axis: &'_ Axis, at: usize| axis.values.get(at).is_some();
        let mut given = Vec::new();
        if of(&self.columns, column) {
            given.push((self.columns.name.as_str(), &self.columns.values[column]));
        }
        if let Some(rows) = self.rows.as_ref().filter(|rows| of(rows, row)) {
            given.push((rows.name.as_str(), &rows.values[row]));
        }
        given
    }

    /// Where a cell's run belongs, as the journal keeps it; whoever writes it down says which sweep it is.
    pub(crate) fn part(&self, at: usize) -> SweepPart {
        let column = self.columns.part(at % self.width()).unwrap_or_default();
        let row = self.rows.as_ref().and_then(|rows| rows.part(at / self.width()));
        SweepPart { sweep: String::new(), column, row }
    }

    /// The runs that it is made of.
    pub(crate) fn runs(&self) -> Vec<RunId> {
        self.cells.iter().filter_map(|cell| cell.run).collect()
    }

    /// How many runs are over, and how many there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let is_over = |cell: &&Cell| cell.problem.is_some() || cell.state.is_some_and(RunState::is_over);
        (self.cells.iter().filter(is_over).count(), self.cells.len())
    }
}

/// How values of a kind are written, in a few words.
pub(crate) fn how(kind: Kind) -> &'static str {
    match kind {
        kinds::INTEGER => "as 1, 2, 5 or 1..10 or 1..10 step 3",
        kinds::FLOAT => "as 0.5, 1.5, 3 or 0.5..3 step 0.5",
        kinds::BOOLEAN => "as true, false",
        _ => "with | between them, or each on a line of its own",
    }
}

/// Values as people write them: `1, 2, 4`, `1..10 step 3`, `0.5..2 step 0.5`, `true, false`; texts in lines of their own or
/// with `|` between them.
///
/// # Errors
/// What is wrong, in one sentence.
pub(crate) fn values(text: &str, kind: Kind) -> Result<Vec<Literal>, String> {
    let values = if kind == kinds::TEXT { texts(text) } else { numbers(text, kind)? };
    match values.len() {
        0 => Err("no value is there".into()),
        1..=MOST_VALUES => Ok(values),
        more => Err(format!("these are {more} values; at most {MOST_VALUES} can be swept over")),
    }
}

fn texts(text: &str) -> Vec<Literal> {
    let parts = text.split(['\n', '|']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Literal::Text(part.to_string())).collect()
}

fn numbers(text: &str, kind: Kind) -> Result<Vec<Literal>, String> {
    let mut values = Vec::new();
    for part in text.split([',', '\n', '|']).map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once("..") {
            Some((from, rest)) => values.extend(range(part, from, rest, kind)?),
            None => values.push(one(part, kind)?),
        }
        if values.len() > MOST_VALUES {
            break;
        }
    }
    Ok(values)
}

fn one(part: &str, kind: Kind) -> Result<Literal, String> {
    let wrong = || format!("`{part}` is no {kind}");
    match kind {
        kinds::INTEGER => part.replace('_', "").parse().map(Literal::Integer).map_err(|_| wrong()),
        kinds::FLOAT => {
            let number: f64 = part.parse().map_err(|_| wrong())?;
            if number.is_finite() { Ok(Literal::Float(number)) } else { Err(wrong()) }
        }
        kinds::BOOLEAN => part.parse().map(Literal::Boolean).map_err(|_| wrong()),
        _ => Err(format!("values of kind {kind} cannot be swept over")),
    }
}

/// `1..10`, `1..10 step 3`: both ends belong to it.
fn range(part: &str, from: &str, rest: &str, kind: Kind) -> Result<Vec<Literal>, String> {
    let (to, step) = match rest.split_once("step") {
        Some((to, step)) => (to, step.trim()),
        None => (rest, "1"),
    };
    let to = to.trim().trim_start_matches('=');
    match (one(from.trim(), kind)?, one(to.trim(), kind)?, one(step, kind)?) {
        (Literal::Integer(from), Literal::Integer(to), Literal::Integer(step)) if step > 0 && from <= to => {
            let all = std::iter::successors(Some(from), |number| number.checked_add(step));
            Ok(all.take_while(|number| *number <= to).take(MOST_VALUES + 1).map(Literal::Integer).collect())
        }
        (Literal::Float(from), Literal::Float(to), Literal::Float(step)) if step > 0.0 && from <= to => {
            // Multiples rather than sums: of these, what is off does not add up.
            let count = ((to - from) / step + 1e-9).floor().min(MOST_VALUES as f64) as usize;
            let rounded = |number: f64| (number * 1e9).round() / 1e9;
            Ok((0..=count).map(|at| Literal::Float(rounded(from + step * at as f64))).collect())
        }
        _ => Err(format!("`{part}` is no range: the ends ascend, and the step is above 0")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str, kind: Kind) -> String {
        match values(text, kind) {
            Ok(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Err(why) => why,
        }
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        let cases = [
            ("1, 2, 4", kinds::INTEGER, "1 2 4"),
            ("1..10 step 3", kinds::INTEGER, "1 4 7 10"),
            ("1..3, 10", kinds::INTEGER, "1 2 3 10"),
            (" 5 ..= 6 ", kinds::INTEGER, "5 6"),
            ("-2..0", kinds::INTEGER, "-2 -1 0"),
            ("0.5..2 step 0.5", kinds::FLOAT, "0.5 1.0 1.5 2.0"),
            ("0..0.3 step 0.1", kinds::FLOAT, "0.0 0.1 0.2 0.3"),
            ("1, 2.5,", kinds::FLOAT, "1.0 2.5"),
            ("true, false", kinds::BOOLEAN, "true false"),
            ("a cat, sitting | a dog\n a \"mouse\"", kinds::TEXT, r#""a cat, sitting" "a dog" "a \"mouse\"""#),
        ];
        for (text, kind, expected) in cases {
            assert_eq!(told(text, kind), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_values_is_told() {
        let cases = [
            ("", kinds::INTEGER, "no value is there"),
            (" | ", kinds::TEXT, "no value is there"),
            ("1, x", kinds::INTEGER, "`x` is no Integer"),
            ("2.5", kinds::INTEGER, "`2.5` is no Integer"),
            ("inf", kinds::FLOAT, "`inf` is no Float"),
            ("5..1", kinds::INTEGER, "`5..1` is no range: the ends ascend, and the step is above 0"),
            ("1..5 step 0", kinds::INTEGER, "`1..5 step 0` is no range: the ends ascend, and the step is above 0"),
            ("1..100000000000", kinds::INTEGER, "these are 65 values; at most 64 can be swept over"),
            ("x", kinds::TEXT_LIST, "values of kind TextList cannot be swept over"),
        ];
        for (text, kind, expected) in cases {
            assert_eq!(told(text, kind), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_values_panic_or_go_on_for_ever(text in ".*", at in 0..4_usize) {
            let kind = [kinds::INTEGER, kinds::FLOAT, kinds::BOOLEAN, kinds::TEXT][at];
            if let Ok(values) = values(&text, kind) {
                prop_assert!(!values.is_empty() && values.len() <= MOST_VALUES);
            }
        }
    }

    #[test]
    fn what_is_said_of_writing_values_is_so() {
        for kind in [kinds::INTEGER, kinds::FLOAT, kinds::BOOLEAN] {
            let examples = how(kind).trim_start_matches("as ").split(" or ");
            examples.for_each(|example| assert!(values(example, kind).is_ok_and(|found| found.len() > 1), "{example}"));
        }
    }

    #[test]
    fn every_combination_has_a_cell() {
        let axis = |name: &str, values: &[i64]| Axis {
            name: name.into(),
            values: values.iter().map(|value| Literal::Integer(*value)).collect(),
            typed: String::new(),
        };
        let sweep = Sweep::new(axis("seed", &[1, 2, 3]), Some(axis("d.steps", &[5, 9])));
        assert_eq!((sweep.width(), sweep.height(), sweep.cells.len(), sweep.counts()), (3, 2, 6, (0, 6)));
        let given = sweep.given(5);
        assert_eq!(given, [("seed", &Literal::Integer(3)), ("d.steps", &Literal::Integer(9))]);
        assert_eq!(
            (sweep.columns.label(1), sweep.rows.as_ref().map(|rows| rows.label(0))),
            ("seed 2".into(), Some("steps 5".into()))
        );
        let alone = Sweep::new(axis("seed", &[4]), None);
        assert_eq!((alone.given(0), alone.height()), (vec![("seed", &Literal::Integer(4))], 1));
    }
}
