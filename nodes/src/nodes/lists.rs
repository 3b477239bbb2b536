//! Lists of anything: how long they are, parts of them, several made one.

use easel_engine::{
    Context, Derived, InputSpec, Inputs, Kind, Lanes, List, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs,
    Value, kinds,
};

/// The list that is fed to an input which takes every kind.
pub(super) fn list_in<'a>(inputs: &'a Inputs, name: &'static str) -> Result<&'a List, NodeError> {
    let value = inputs.value(name).ok_or_else(|| NodeError::new(format!("input `{name}` is missing")))?;
    value.list().ok_or_else(|| {
        let error = NodeError::new(format!("input `{name}` takes a list, this is {}", value.kind()));
        match value.kind().base() {
            "Image" => error.with_hint("an Unbatch makes a list of a batch of pictures"),
            _ => error.with_hint("write [ … ] around it to make it a list of one"),
        }
    })
}

/// A list of values that all are of that kind.
pub(super) fn list_of(element: Kind, items: Vec<Value>) -> Result<Value, NodeError> {
    List::new(element, items)
        .map(Value::from)
        .ok_or_else(|| NodeError::new(format!("not all of the values are of kind {element}")))
}

/// Where an index points to; below zero it counts from the end.
fn position(index: i64, length: usize) -> Result<usize, NodeError> {
    let from_start = if index < 0 { index.checked_add_unsigned(length as u64) } else { Some(index) };
    let position = from_start.and_then(|position| usize::try_from(position).ok());
    position.filter(|&position| position < length).ok_or_else(|| {
        let error = NodeError::new(format!("there is no element {index} in a list of {length}"));
        match length {
            0 => error.with_hint("the list is empty"),
            _ => error.with_hint(format!("elements are numbered 0 … {}, or −{length} … −1 from the end", length - 1)),
        }
    })
}

fn values() -> InputSpec {
    InputSpec::new("values", kinds::ANY, "a list of anything")
}

fn spec(name: &'static str, about: &'static str) -> NodeSpec {
    NodeSpec::new(name, about).lanes(Lanes::None)
}

/// How long a list is.
pub struct Length;

impl Node for Length {
    fn spec(&self) -> NodeSpec {
        spec("Length", "Counts the elements of a list.").input(values()).output(OutputSpec::new(
            "length",
            kinds::INTEGER,
            "how many there are",
        ))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::one("length", list_in(inputs, "values")?.items().len() as i64))
    }
}

/// One element of a list.
pub struct Element;

impl Node for Element {
    fn spec(&self) -> NodeSpec {
        spec("Element", "Takes one element out of a list.")
            .input(values())
            .input(InputSpec::new("index", kinds::INTEGER, "which: 0 is the first, −1 the last").default(0_i64))
            .output(OutputSpec::derived("value", Derived::ElementOf("values"), "that element"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let items = list_in(inputs, "values")?.items();
        let position = position(*inputs.get::<i64>("index")?, items.len())?;
        Ok(Outputs::none().with_value("value", items[position].clone()))
    }
}

/// Chosen elements of a list.
pub struct Pick;

impl Node for Pick {
    fn spec(&self) -> NodeSpec {
        spec("Pick", "Takes elements out of a list, in the order of their indices. An index may come more than once.")
            .input(values())
            .input(InputSpec::new("indices", kinds::INTEGER_LIST, "which: 0 is the first, −1 the last"))
            .output(OutputSpec::derived("values", Derived::SameAs("values"), "one element for each index"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let list = list_in(inputs, "values")?;
        let take = |&index: &i64| position(index, list.items().len()).map(|position| list.items()[position].clone());
        let picked = inputs.list::<i64>("indices")?.into_iter().map(take).collect::<Result<Vec<_>, _>>()?;
        Ok(Outputs::none().with_value("values", list_of(list.element_kind(), picked)?))
    }
}

/// A run of elements of a list.
pub struct Slice;

impl Node for Slice {
    fn spec(&self) -> NodeSpec {
        spec("Slice", "Takes elements that stand side by side out of a list. What lies beyond its ends is left out.")
            .input(values())
            .input(InputSpec::new("start", kinds::INTEGER, "where it begins; below zero from the end").default(0_i64))
            .input(
                InputSpec::new("count", kinds::INTEGER, "how many; without it, all to the end")
                    .range(0.0..=f64::INFINITY)
                    .optional(),
            )
            .output(OutputSpec::derived("values", Derived::SameAs("values"), "the elements"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let list = list_in(inputs, "values")?;
        let length = list.items().len() as i64;
        let start = *inputs.get::<i64>("start")?;
        let start = if start < 0 { start.saturating_add(length) } else { start }.clamp(0, length);
        let count = inputs.optional::<i64>("count")?.copied().unwrap_or(length);
        let end = start.saturating_add(count).clamp(start, length);
        let part = list.items()[start as usize..end as usize].to_vec();
        Ok(Outputs::none().with_value("values", list_of(list.element_kind(), part)?))
    }
}

/// Lists one after the other.
pub struct Concat;

impl Node for Concat {
    fn spec(&self) -> NodeSpec {
        spec(
            "Concat",
            "Makes one list of several: `lists: [From(\"a\"), From(\"b\")]`. It also flattens the lists that a Map inside \
             a Map gives.",
        )
        .input(InputSpec::new("lists", kinds::ANY, "a list of lists of one kind"))
        .output(OutputSpec::derived("values", Derived::ElementOf("lists"), "all their elements, in order"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let lists = list_in(inputs, "lists")?;
        let Some(element) = lists.element_kind().element() else {
            let kind = lists.element_kind().list();
            return Err(NodeError::new(format!("input `lists` takes a list of lists, this is {kind}"))
                .with_hint("write [ … ] around it, or leave the Concat out"));
        };
        let items = lists.items().iter().filter_map(Value::list).flat_map(|list| list.items().iter().cloned());
        Ok(Outputs::none().with_value("values", list_of(element, items.collect())?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;
    use crate::nodes::trial::{elements, failure, list, list_of as values_of, output, run, text};

    fn letters() -> Value {
        Value::texts(["a", "b", "c"])
    }

    #[test]
    fn a_list_knows_its_length() {
        assert_eq!(*output::<i64>(&run(&Length, [("values", letters())]).unwrap(), "length"), 3);
        assert_eq!(*output::<i64>(&run(&Length, [("values", list::<i64>([]))]).unwrap(), "length"), 0);
        let message = failure(run(&Length, [("values", text("a"))]));
        assert!(message.contains("takes a list, this is Text"), "{message}");
    }

    #[test]
    fn an_element_is_found_from_either_end() {
        for (index, wanted) in [(0, "a"), (2, "c"), (-1, "c"), (-3, "a")] {
            let outputs = run(&Element, [("values", letters()), ("index", Value::new(index as i64))]).unwrap();
            assert_eq!(output::<String>(&outputs, "value"), wanted, "{index}");
        }
    }

    #[test]
    fn an_index_outside_of_the_list_is_refused() {
        for index in [3, -4, i64::MAX, i64::MIN] {
            let message = failure(run(&Element, [("values", letters()), ("index", Value::new(index))]));
            assert!(message.contains(&format!("no element {index} in a list of 3 (elements are numbered 0 … 2")));
        }
        let message = failure(run(&Element, [("values", list::<f64>([]))]));
        assert!(message.contains("in a list of 0 (the list is empty)"), "{message}");
    }

    #[test]
    fn picked_elements_come_in_the_order_of_their_indices() {
        let pick = |indices: &[i64]| run(&Pick, [("values", letters()), ("indices", list(indices.iter().copied()))]);
        assert_eq!(elements::<String>(&pick(&[2, 0, -1, 2]).unwrap(), "values"), ["c", "a", "c", "c"]);
        let none = pick(&[]).unwrap();
        assert_eq!(none.get("values").map(Value::kind), Some(kinds::TEXT_LIST), "an empty list keeps its kind");
        assert!(failure(pick(&[0, 3])).contains("no element 3"));
    }

    #[test]
    fn a_slice_ends_where_the_list_ends() {
        let slice = |start: i64, count: Option<i64>| {
            let given = [("values", letters()), ("start", Value::new(start))];
            let count = count.map(|count| ("count", Value::new(count)));
            elements::<String>(&run(&Slice, given.into_iter().chain(count)).unwrap(), "values").concat()
        };
        let cases = [
            (slice(0, None), "abc"),
            (slice(1, Some(1)), "b"),
            (slice(-2, None), "bc"),
            (slice(-9, Some(2)), "ab"),
            (slice(1, Some(i64::MAX)), "bc"),
            (slice(9, Some(2)), ""),
            (slice(i64::MIN, Some(0)), ""),
        ];
        for (got, wanted) in cases {
            assert_eq!(got, wanted);
        }
    }

    #[test]
    fn lists_become_one() {
        let lists = values_of(kinds::TEXT_LIST, [letters(), Value::texts(Vec::<String>::new()), Value::texts(["d"])]);
        let outputs = run(&Concat, [("lists", lists)]).unwrap();
        assert_eq!(elements::<String>(&outputs, "values"), ["a", "b", "c", "d"]);
        let outputs = run(&Concat, [("lists", values_of(kinds::INTEGER_LIST, []))]).unwrap();
        assert_eq!(outputs.get("values").map(Value::kind), Some(kinds::INTEGER_LIST));
        let message = failure(run(&Concat, [("lists", letters())]));
        assert!(message.contains("a list of lists, this is TextList"), "{message}");
    }
}
