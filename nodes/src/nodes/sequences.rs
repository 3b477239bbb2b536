//! Lists made from nothing: numbers in a row, and every combination of lists.

use easel_engine::{
    Context, Derived, InputSpec, Inputs, Lanes, List, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs,
    Value, kinds,
};

use super::lists::{list_in, list_of};

/// No list that is made here is longer.
const MOST: usize = 100_000;

/// Integers in a row.
pub struct Range;

impl Node for Range {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Range", "Counts: integers at equal distances. Good for a list of seeds.")
            .lanes(Lanes::None)
            .input(InputSpec::new("first", kinds::INTEGER, "the first").default(0_i64))
            .input(InputSpec::new("count", kinds::INTEGER, "how many").range(0.0..=MOST as f64))
            .input(InputSpec::new("step", kinds::INTEGER, "from one to the next").default(1_i64))
            .output(OutputSpec::new("values", kinds::INTEGER_LIST, "first, first + step, first + 2 · step, …"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let (first, step) = (*inputs.get::<i64>("first")?, *inputs.get::<i64>("step")?);
        let value = |index: i64| step.checked_mul(index).and_then(|offset| first.checked_add(offset)).map(Value::new);
        let values = (0..*inputs.get::<i64>("count")?).map(value).collect::<Option<Vec<_>>>();
        let values = values.ok_or_else(|| {
            NodeError::new(format!("counting from {first} in steps of {step} leaves the 64-bit integers"))
                .with_hint("choose a smaller step or a smaller count")
        })?;
        Ok(Outputs::none().with_value("values", list_of(kinds::INTEGER, values)?))
    }
}

/// Floats in a row.
pub struct Linspace;

impl Node for Linspace {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Linspace", "Floats at equal distances between two ends. Good for the amounts of a transition.")
            .lanes(Lanes::None)
            .input(InputSpec::new("first", kinds::FLOAT, "the first").default(0.0))
            .input(InputSpec::new("last", kinds::FLOAT, "the last").default(1.0))
            .input(InputSpec::new("count", kinds::INTEGER, "how many, the ends included").range(0.0..=MOST as f64))
            .output(OutputSpec::new(
                "values",
                kinds::FLOAT_LIST,
                "`first` … `last`; `first` alone if there is only one",
            ))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let (first, last) = (*inputs.get::<f64>("first")?, *inputs.get::<f64>("last")?);
        if !first.is_finite() || !last.is_finite() {
            return Err(NodeError::new(format!("there are no equal steps from {first} to {last}")));
        }
        let count = *inputs.get::<i64>("count")?;
        let value = |index: i64| {
            let amount = index as f64 / (count - 1).max(1) as f64;
            // Both ends come out exactly, and ends of opposite sign cannot overflow.
            Value::new(first * (1.0 - amount) + last * amount)
        };
        Ok(Outputs::none().with_value("values", list_of(kinds::FLOAT, (0..count).map(value).collect())?))
    }
}

/// Every combination of the elements of two or three lists.
pub struct Product;

impl Node for Product {
    fn spec(&self) -> NodeSpec {
        let list = |name, about| InputSpec::new(name, kinds::ANY, about);
        NodeSpec::new(
            "Product",
            "Makes every combination of the elements of two or three lists: parallel lists for a Map, in the order of \
             nested loops, the last list fastest.",
        )
        .lanes(Lanes::None)
        .input(list("first", "a list; it changes slowest"))
        .input(list("second", "a list"))
        .input(list("third", "a list; it changes fastest").optional())
        .output(OutputSpec::derived("first", Derived::SameAs("first"), "the first of each combination"))
        .output(OutputSpec::derived("second", Derived::SameAs("second"), "the second of each"))
        .output(OutputSpec::derived("third", Derived::SameAs("third"), "the third of each, if there is a third list"))
        .output(OutputSpec::new("count", kinds::INTEGER, "how many combinations there are"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let mut lists = vec![("first", list_in(inputs, "first")?), ("second", list_in(inputs, "second")?)];
        if inputs.value("third").is_some() {
            lists.push(("third", list_in(inputs, "third")?));
        }
        let lengths: Vec<_> = lists.iter().map(|(_, list)| list.items().len()).collect();
        let count = lengths.iter().try_fold(1_usize, |count, length| count.checked_mul(*length));
        let Some(count) = count.filter(|&count| count <= MOST) else {
            let lengths: Vec<_> = lengths.iter().map(ToString::to_string).collect();
            return Err(NodeError::new(format!("{} combinations are too many", lengths.join(" × ")))
                .with_hint(format!("there may be {MOST}: shorten the lists")));
        };
        let mut outputs = Outputs::one("count", count as i64);
        let mut period = count;
        for (name, list) in lists {
            period /= list.items().len().max(1);
            outputs = outputs.with_value(name, spread(list, count, period)?);
        }
        Ok(outputs)
    }
}

/// `count` elements, each standing `period` times before the next; over and over.
fn spread(list: &List, count: usize, period: usize) -> Result<Value, NodeError> {
    let items = (0..count).map(|at| list.items()[at / period.max(1) % list.items().len()].clone());
    list_of(list.element_kind(), items.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;
    use crate::nodes::trial::{elements, failure, list, output, run};

    fn range(first: i64, count: i64, step: i64) -> NodeResult {
        run(&Range, [("first", Value::new(first)), ("count", Value::new(count)), ("step", Value::new(step))])
    }

    fn linspace(first: f64, last: f64, count: i64) -> NodeResult {
        run(&Linspace, [("first", Value::new(first)), ("last", Value::new(last)), ("count", Value::new(count))])
    }

    #[test]
    fn a_range_counts_up_and_down() {
        assert_eq!(elements::<i64>(&range(5, 3, 1).unwrap(), "values"), [5, 6, 7]);
        assert_eq!(elements::<i64>(&range(0, 3, -10).unwrap(), "values"), [0, -10, -20]);
        assert_eq!(elements::<i64>(&range(7, 2, 0).unwrap(), "values"), [7, 7]);
        let none = range(5, 0, 1).unwrap();
        assert_eq!(none.get("values").map(Value::kind), Some(kinds::INTEGER_LIST));
        assert_eq!(elements::<i64>(&range(i64::MAX, 1, i64::MAX).unwrap(), "values"), [i64::MAX]);
        assert!(failure(range(i64::MAX, 2, 1)).contains("leaves the 64-bit integers"));
    }

    #[test]
    fn equal_steps_reach_both_ends() {
        assert_eq!(elements::<f64>(&linspace(0.0, 1.0, 5).unwrap(), "values"), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(elements::<f64>(&linspace(0.1, 0.7, 2).unwrap(), "values"), [0.1, 0.7]);
        assert_eq!(elements::<f64>(&linspace(3.0, 9.0, 1).unwrap(), "values"), [3.0]);
        assert!(elements::<f64>(&linspace(3.0, 9.0, 0).unwrap(), "values").is_empty());
        assert_eq!(elements::<f64>(&linspace(f64::MAX, -f64::MAX, 3).unwrap(), "values"), [f64::MAX, 0.0, -f64::MAX]);
        assert!(failure(linspace(0.0, f64::NAN, 2)).contains("no equal steps"));
    }

    #[test]
    fn combinations_come_in_the_order_of_nested_loops() {
        let given =
            [("first", Value::texts(["cat", "dog"])), ("second", list([1.0, 2.0, 3.0])), ("third", list([7_i64, 8]))];
        let outputs = run(&Product, given).unwrap();
        let (first, second) = (elements::<String>(&outputs, "first"), elements::<f64>(&outputs, "second"));
        let third = elements::<i64>(&outputs, "third");
        let mut wanted = Vec::new();
        for animal in ["cat", "dog"] {
            for scale in [1.0, 2.0, 3.0] {
                for seed in [7, 8] {
                    wanted.push((animal.to_string(), scale, seed));
                }
            }
        }
        let got: Vec<_> = first.into_iter().zip(second).zip(third).map(|((a, b), c)| (a, b, c)).collect();
        assert_eq!(got, wanted);
        assert_eq!(*output::<i64>(&outputs, "count"), 12);
    }

    #[test]
    fn an_empty_list_combines_to_nothing() {
        let outputs = run(&Product, [("first", list::<i64>([])), ("second", list([1.0]))]).unwrap();
        assert!(elements::<f64>(&outputs, "second").is_empty());
        assert!(outputs.get("third").is_none());
        let outputs = run(&Product, [("first", list([1_i64])), ("second", list::<f64>([]))]).unwrap();
        assert!(elements::<i64>(&outputs, "first").is_empty());
    }

    #[test]
    fn too_many_combinations_are_refused() {
        let long = || elements::<i64>(&range(0, 1000, 1).unwrap(), "values");
        let message = failure(run(&Product, [("first", list(long())), ("second", list(long()))]));
        assert!(message.contains("1000 × 1000 combinations are too many (there may be 100000"), "{message}");
    }
}
