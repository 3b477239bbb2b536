//! One thing or another: nodes that decide what is computed.

use easel_engine::{
    Context, Derived, InputSpec, Inputs, Lanes, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, Value,
    kinds,
};

fn lazy(name: &'static str, about: &'static str) -> InputSpec {
    InputSpec::new(name, kinds::ANY, about).lazy()
}

/// A lazy input that was asked for.
fn chosen(inputs: &Inputs, name: &'static str) -> Result<Value, NodeError> {
    inputs.value(name).cloned().ok_or_else(|| NodeError::new(format!("input `{name}` is chosen, but nothing feeds it")))
}

/// One of two values.
pub struct If;

impl Node for If {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("If", "Gives one of two values. What leads to the other one alone is not computed.")
            .lanes(Lanes::None)
            .input(InputSpec::new("condition", kinds::BOOLEAN, "decides"))
            .input(lazy("then", "given if the condition is true"))
            .input(lazy("else", "given if it is false; of the same kind").like("then"))
            .output(OutputSpec::derived("value", Derived::SameAs("then"), "the value that was chosen"))
    }

    fn needs(&self, inputs: &Inputs) -> Vec<&'static str> {
        inputs.get::<bool>("condition").map(|&condition| side(condition)).into_iter().collect()
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let value = chosen(inputs, side(*inputs.get("condition")?))?;
        Ok(Outputs::none().with_value("value", value))
    }
}

fn side(condition: bool) -> &'static str {
    if condition { "then" } else { "else" }
}

/// A value, or nothing.
pub struct Gate;

impl Node for Gate {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "Gate",
            "Lets a value pass, or keeps it back: then nothing that needs it runs, which is no failure, and a list of \
             such values is one shorter. What leads to a value that is kept back is not computed either.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("pass", kinds::BOOLEAN, "whether it passes"))
        .input(lazy("value", "anything"))
        .input(
            InputSpec::new("reason", kinds::TEXT, "told when it is kept back")
                .default("the gate is closed".to_string()),
        )
        .output(OutputSpec::derived("value", Derived::SameAs("value"), "the value, if it passes"))
    }

    fn needs(&self, inputs: &Inputs) -> Vec<&'static str> {
        match inputs.get::<bool>("pass") {
            Ok(true) => vec!["value"],
            _ => Vec::new(),
        }
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        if *inputs.get("pass")? {
            return Ok(Outputs::none().with_value("value", chosen(inputs, "value")?));
        }
        Ok(Outputs::none().block("value", inputs.get::<String>("reason")?))
    }
}

/// One of several values.
pub struct Select;

const OPTIONS: [&str; 8] =
    ["option_0", "option_1", "option_2", "option_3", "option_4", "option_5", "option_6", "option_7"];

impl Node for Select {
    fn spec(&self) -> NodeSpec {
        let spec = NodeSpec::new(
            "Select",
            "Gives one of up to eight values. What leads to the others alone is not computed; to take one out of a list \
             that is there anyway, use Element.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("index", kinds::INTEGER, "which option").range(0.0..=(OPTIONS.len() - 1) as f64))
        .input(lazy(OPTIONS[0], "the first option"));
        OPTIONS[1..]
            .iter()
            .fold(spec, |spec, name| {
                spec.input(lazy(name, "another option, of the same kind").optional().like(OPTIONS[0]))
            })
            .output(OutputSpec::derived("value", Derived::SameAs(OPTIONS[0]), "the option that was chosen"))
    }

    fn needs(&self, inputs: &Inputs) -> Vec<&'static str> {
        inputs.get::<i64>("index").ok().and_then(|&index| option(index)).into_iter().collect()
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let index = *inputs.get::<i64>("index")?;
        let name = option(index).ok_or_else(|| NodeError::new(format!("there is no option {index}")))?;
        Ok(Outputs::none().with_value("value", chosen(inputs, name)?))
    }
}

fn option(index: i64) -> Option<&'static str> {
    OPTIONS.get(usize::try_from(index).ok()?).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;
    use crate::nodes::trial::{failure, inputs, output, run, text};

    #[test]
    fn only_the_chosen_side_is_asked_for() {
        let needs = |condition: bool| If.needs(&inputs(&If, [("condition", Value::new(condition))]));
        assert_eq!((needs(true), needs(false)), (vec!["then"], vec!["else"]));
        let run = |condition: bool| {
            run(&If, [("condition", Value::new(condition)), ("then", text("a")), ("else", text("b"))]).unwrap()
        };
        assert_eq!(output::<String>(&run(true), "value"), "a");
        assert_eq!(output::<String>(&run(false), "value"), "b");
    }

    #[test]
    fn a_side_that_nothing_feeds_is_named() {
        let message = failure(run(&If, [("condition", Value::new(false)), ("then", text("a"))]));
        assert!(message.contains("input `else` is chosen, but nothing feeds it"), "{message}");
    }

    #[test]
    fn a_closed_gate_keeps_its_value_back_and_says_why() {
        let closed = [("pass", Value::new(false)), ("reason", text("not for children"))];
        assert!(Gate.needs(&inputs(&Gate, closed.clone())).is_empty());
        let outputs = run(&Gate, closed).unwrap();
        assert_eq!(outputs.blocked("value"), Some("not for children"));
        assert!(outputs.get("value").is_none());
        let open = [("pass", Value::new(true)), ("value", text("x"))];
        assert_eq!(Gate.needs(&inputs(&Gate, open.clone())), ["value"]);
        assert_eq!(output::<String>(&run(&Gate, open).unwrap(), "value"), "x");
    }

    #[test]
    fn an_option_is_selected_by_its_number() {
        let given = |index: i64| {
            [("index", Value::new(index)), ("option_0", Value::new(10_i64)), ("option_2", Value::new(12_i64))]
        };
        assert_eq!(Select.needs(&inputs(&Select, given(2))), ["option_2"]);
        assert_eq!(*output::<i64>(&run(&Select, given(2)).unwrap(), "value"), 12);
        assert!(failure(run(&Select, given(1))).contains("`option_1` is chosen, but nothing feeds it"));
        assert!(failure(run(&Select, given(8))).contains("there is no option 8"));
        assert!(Select.needs(&inputs(&Select, given(-1))).is_empty());
    }
}
