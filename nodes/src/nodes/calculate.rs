//! `Calculate`: arithmetic on numbers.

use easel_engine::{
    Context, InputProblem, InputSpec, Inputs, Lanes, Literals, Node, NodeError, NodeResult, NodeSpec, OutputSpec,
    Outputs, kinds,
};

use super::expression::Expression;

/// The value of an expression.
pub struct Calculate;

/// The inputs that an expression can name.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

impl Node for Calculate {
    fn spec(&self) -> NodeSpec {
        let spec = NodeSpec::new(
            "Calculate",
            "Computes an expression in float64, such as `min(a, 8) * 2 + 1`. There are + − * / % ^, brackets, pi, and abs, \
             ceil, cos, exp, floor, ln, max, min, round, sin, sqrt.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("expression", kinds::TEXT, "the expression; a … f are the inputs of these names"));
        NAMES
            .iter()
            .fold(spec, |spec, name| {
                let about = "a number that the expression can name";
                spec.input(InputSpec::new(name, kinds::FLOAT, about).optional())
            })
            .output(OutputSpec::new("value", kinds::FLOAT, "its value"))
            .output(OutputSpec::new("integer", kinds::INTEGER, "its value, rounded to the nearest integer"))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        let parsed = literals.get::<String>("expression").map(|text| Expression::parse(text, &NAMES));
        let problem = |message| InputProblem { input: "expression", message, hint: None };
        parsed.and_then(Result::err).map(problem).into_iter().collect()
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let text = inputs.get::<String>("expression")?;
        let expression = Expression::parse(text, &NAMES).map_err(NodeError::new)?;
        let mut variables = [None; NAMES.len()];
        for (variable, name) in variables.iter_mut().zip(NAMES) {
            *variable = inputs.optional::<f64>(name)?.copied();
        }
        let value = expression.value(&variables).map_err(|index| {
            let name = NAMES[index];
            NodeError::new(format!("the expression names {name}, but nothing feeds the input `{name}`"))
        })?;
        if !value.is_finite() {
            return Err(NodeError::new(format!("{text:?} is {value} with these inputs"))
                .with_hint("is something divided by zero, or the root of a negative number taken?"));
        }
        let outputs = Outputs::one("value", value);
        // i64::MAX as a float is 2⁶³, one more than fits.
        if value.round() >= i64::MIN as f64 && value.round() < i64::MAX as f64 {
            Ok(outputs.with("integer", value.round() as i64))
        } else {
            Ok(outputs.block("integer", format!("{value} is beyond the 64-bit integers")))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use easel_engine::Value;

    use super::*;
    use crate::nodes::trial::{failure, output, run, text};

    fn calculate(expression: &str, a: f64) -> NodeResult {
        run(&Calculate, [("expression", text(expression)), ("a", Value::new(a))])
    }

    #[test]
    fn a_value_comes_as_float_and_as_integer() {
        let outputs = calculate("a * 2 + 0.6", 3.0).unwrap();
        assert_eq!((*output::<f64>(&outputs, "value"), *output::<i64>(&outputs, "integer")), (6.6, 7));
        assert_eq!(*output::<i64>(&calculate("-a", 2.5).unwrap(), "integer"), -3);
    }

    #[test]
    fn a_value_too_large_for_an_integer_is_kept_back() {
        for value in [1e30, -1e30, 9_223_372_036_854_775_808.0] {
            let outputs = calculate("a", value).unwrap();
            assert_eq!(*output::<f64>(&outputs, "value"), value);
            assert!(outputs.blocked("integer").is_some_and(|reason| reason.contains("beyond the 64-bit integers")));
        }
        assert_eq!(*output::<i64>(&calculate("a", i64::MIN as f64).unwrap(), "integer"), i64::MIN);
    }

    #[test]
    fn what_has_no_value_fails() {
        assert!(failure(calculate("1 / (a - 3)", 3.0)).contains("is inf with these inputs"));
        assert!(failure(calculate("sqrt(a)", -1.0)).contains("is NaN with these inputs"));
        assert!(failure(calculate("a + b", 1.0)).contains("nothing feeds the input `b`"));
        assert!(failure(calculate("a +", 1.0)).contains("it ends where a number"));
    }
}
