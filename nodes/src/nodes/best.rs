//! `Best`: the elements with the highest scores.

use std::cmp::Ordering;

use easel_engine::{
    Context, Derived, InputSpec, Inputs, Lanes, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, Value,
    kinds,
};

use super::lists::{list_in, list_of};

/// Ranks a list by scores.
pub struct Best;

impl Node for Best {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "Best",
            "Ranks the elements of a list by their scores and gives the best ones, best first. Equal scores keep their \
             order; a score that is no number (NaN) is the worst.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("values", kinds::ANY, "a list of anything"))
        .input(InputSpec::new("scores", kinds::FLOAT_LIST, "a score for each"))
        .input(
            InputSpec::new("count", kinds::INTEGER, "how many to give; without it, all of them")
                .range(0.0..=f64::INFINITY)
                .optional(),
        )
        .input(
            InputSpec::new("order", kinds::TEXT, "which scores are the best")
                .choices(&["highest", "lowest"])
                .default("highest".to_string()),
        )
        .output(OutputSpec::derived("values", Derived::SameAs("values"), "the best elements, best first"))
        .output(OutputSpec::new("scores", kinds::FLOAT_LIST, "their scores"))
        .output(OutputSpec::new(
            "indices",
            kinds::INTEGER_LIST,
            "where they stood, from 0: for a Pick from other lists",
        ))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let (values, scores) = (list_in(inputs, "values")?, inputs.list::<f64>("scores")?);
        if values.items().len() != scores.len() {
            let count = values.items().len();
            return Err(NodeError::new(format!("there are {count} value(s) and {} score(s)", scores.len()))
                .with_hint("give one score for each value"));
        }
        let highest = inputs.get::<String>("order")? == "highest";
        let mut indices: Vec<usize> = (0..scores.len()).collect();
        indices.sort_by(|&a, &b| rank(*scores[a], *scores[b], highest));
        if let Some(&count) = inputs.optional::<i64>("count")? {
            indices.truncate(usize::try_from(count).unwrap_or(0));
        }
        let best = indices.iter().map(|&index| values.items()[index].clone()).collect();
        let their_scores = indices.iter().map(|&index| Value::new(*scores[index])).collect();
        let indices = indices.iter().map(|&index| Value::new(index as i64)).collect();
        Ok(Outputs::none()
            .with_value("values", list_of(values.element_kind(), best)?)
            .with_value("scores", list_of(kinds::FLOAT, their_scores)?)
            .with_value("indices", list_of(kinds::INTEGER, indices)?))
    }
}

/// The better score first.
fn rank(a: f64, b: f64, highest: bool) -> Ordering {
    a.is_nan().cmp(&b.is_nan()).then_with(|| {
        let ascending = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
        if highest { ascending.reverse() } else { ascending }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;
    use crate::nodes::trial::{elements, failure, list, run, text};

    fn best(scores: &[f64], more: &[(&'static str, Value)]) -> (String, Vec<i64>) {
        let values = Value::texts(["a", "b", "c", "d", "e"].into_iter().take(scores.len()));
        let given = [("values", values), ("scores", list(scores.iter().copied()))];
        let outputs = run(&Best, given.into_iter().chain(more.iter().cloned())).unwrap();
        (elements::<String>(&outputs, "values").concat(), elements(&outputs, "indices"))
    }

    #[test]
    fn the_best_come_first() {
        let scores = [0.1, 0.9, -1.0, 0.9];
        assert_eq!(best(&scores, &[]), ("bdac".to_string(), vec![1, 3, 0, 2]));
        assert_eq!(best(&scores, &[("count", Value::new(1_i64))]), ("b".to_string(), vec![1]));
        assert_eq!(best(&scores, &[("count", Value::new(99_i64))]).0, "bdac");
        assert_eq!(best(&scores, &[("count", Value::new(0_i64))]).0, "");
        assert_eq!(best(&scores, &[("order", text("lowest"))]).0, "cabd");
        assert_eq!(best(&[], &[]), (String::new(), vec![]));
    }

    #[test]
    fn what_is_no_number_is_the_worst() {
        let scores = [f64::NAN, 0.5, f64::NEG_INFINITY, f64::NAN, f64::INFINITY];
        assert_eq!(best(&scores, &[]).0, "ebcad");
        assert_eq!(best(&scores, &[("order", text("lowest"))]).0, "cbead");
    }

    #[test]
    fn every_value_needs_a_score() {
        let message = failure(run(&Best, [("values", Value::texts(["a"])), ("scores", list([1.0, 2.0]))]));
        assert!(message.contains("there are 1 value(s) and 2 score(s)"), "{message}");
        let message = failure(run(&Best, [("values", text("a")), ("scores", list([1.0]))]));
        assert!(message.contains("takes a list, this is Text"), "{message}");
    }
}
