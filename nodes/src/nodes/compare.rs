//! Comparing values, and combining what came out.

use std::cmp::Ordering;

use easel_engine::{
    Context, InputSpec, Inputs, Lanes, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, Value, kinds,
};

/// Whether one value is less than, equal to or greater than another.
pub struct Compare;

const OPERATORS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

impl Node for Compare {
    fn spec(&self) -> NodeSpec {
        let side = |name, about| InputSpec::new(name, kinds::FLOAT, about).or(kinds::INTEGER).or(kinds::TEXT);
        NodeSpec::new(
            "Compare",
            "Compares two numbers, or two texts by their characters. A number that is not one (NaN) differs from every \
             number and is neither less nor greater.",
        )
        .lanes(Lanes::None)
        .input(side("left", "a number or a text"))
        .input(InputSpec::new("operator", kinds::TEXT, "how they should be to each other").choices(&OPERATORS))
        .input(side("right", "what it is compared with"))
        .output(OutputSpec::new("result", kinds::BOOLEAN, "whether they are like that"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let side = |name: &str| inputs.value(name).ok_or_else(|| NodeError::new(format!("input `{name}` is missing")));
        let order = compare(side("left")?, side("right")?)?;
        let result = match inputs.get::<String>("operator")?.as_str() {
            "==" => order == Some(Ordering::Equal),
            "!=" => order != Some(Ordering::Equal),
            "<" => order == Some(Ordering::Less),
            "<=" => order.is_some_and(Ordering::is_le),
            ">" => order == Some(Ordering::Greater),
            ">=" => order.is_some_and(Ordering::is_ge),
            other => return Err(NodeError::new(format!("there is no operator {other:?}"))),
        };
        Ok(Outputs::one("result", result))
    }
}

/// None if one of them is no number.
fn compare(left: &Value, right: &Value) -> Result<Option<Ordering>, NodeError> {
    if let (Some(left), Some(right)) = (left.get::<String>(), right.get::<String>()) {
        return Ok(Some(left.cmp(right)));
    }
    // Not as floats: above 2⁵³ those are too coarse to tell an integer from the one beside it.
    if let (Some(left), Some(right)) = (left.get::<i64>(), right.get::<i64>()) {
        return Ok(Some(left.cmp(right)));
    }
    match (float(left), float(right)) {
        (Some(left), Some(right)) => Ok(left.partial_cmp(&right)),
        _ => Err(NodeError::new(format!("{} and {} cannot be compared", left.kind(), right.kind()))
            .with_hint("compare two numbers or two texts")),
    }
}

fn float(value: &Value) -> Option<f64> {
    value.get::<f64>().copied().or_else(|| value.get::<i64>().map(|&integer| integer as f64))
}

/// Several conditions as one.
pub struct Logic;

impl Node for Logic {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Logic", "Makes one condition of several.")
            .lanes(Lanes::None)
            .input(
                InputSpec::new(
                    "operator",
                    kinds::TEXT,
                    "of how many to ask that they are true; `none` of one is its opposite",
                )
                .choices(&["all", "any", "none"]),
            )
            .input(InputSpec::new("conditions", kinds::BOOLEAN_LIST, "the conditions"))
            .output(OutputSpec::new("result", kinds::BOOLEAN, "of no conditions `all` and `none` are true"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let mut conditions = inputs.list::<bool>("conditions")?.into_iter();
        let result = match inputs.get::<String>("operator")?.as_str() {
            "all" => conditions.all(|&condition| condition),
            "any" => conditions.any(|&condition| condition),
            "none" => !conditions.any(|&condition| condition),
            other => return Err(NodeError::new(format!("there is no operator {other:?}"))),
        };
        Ok(Outputs::one("result", result))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;
    use crate::nodes::trial::{failure, list, output, run, text};

    fn holds(left: Value, right: Value) -> String {
        let result = |operator: &str| {
            let given = [("left", left.clone()), ("operator", text(operator)), ("right", right.clone())];
            *output::<bool>(&run(&Compare, given).unwrap(), "result")
        };
        OPERATORS.into_iter().filter(|operator| result(operator)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn numbers_and_texts_are_compared() {
        assert_eq!(holds(Value::new(1_i64), Value::new(2.5)), "!= < <=");
        assert_eq!(holds(Value::new(2.0), Value::new(2_i64)), "== <= >=");
        assert_eq!(holds(text("b"), text("a")), "!= > >=");
        assert_eq!(holds(Value::new(f64::NAN), Value::new(f64::NAN)), "!=");
    }

    #[test]
    fn large_integers_are_told_apart() {
        let large = (1_i64 << 53) + 1;
        assert_eq!(holds(Value::new(large), Value::new(large - 1)), "!= > >=");
    }

    #[test]
    fn a_text_is_not_compared_with_a_number() {
        let given = [("left", text("1")), ("operator", text("==")), ("right", Value::new(1_i64))];
        assert!(failure(run(&Compare, given)).contains("Text and Integer cannot be compared"));
    }

    #[test]
    fn conditions_are_combined() {
        let result = |operator: &str, conditions: &[bool]| {
            let given = [("operator", text(operator)), ("conditions", list(conditions.iter().copied()))];
            *output::<bool>(&run(&Logic, given).unwrap(), "result")
        };
        let cases: [(&[bool], [bool; 3]); 4] = [
            (&[], [true, false, true]),
            (&[true], [true, true, false]),
            (&[false], [false, false, true]),
            (&[true, false], [false, true, false]),
        ];
        for (conditions, wanted) in cases {
            assert_eq!(["all", "any", "none"].map(|operator| result(operator, conditions)), wanted, "{conditions:?}");
        }
    }
}
