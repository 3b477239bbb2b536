//! Constants, arithmetic, lists, laziness.

use easel_engine::{
    Context, Derived, External, InputProblem, Inputs, List, NodeError, NodeResult, OutputSpec, Outputs, Value, kinds,
};

use super::{Bench, Stub, content, input, output, passes, spec};

pub(super) fn stubs() -> Vec<Stub> {
    constants().into_iter().chain(arithmetic()).chain(lists()).chain(lazy()).chain(outside()).chain(telling()).collect()
}

fn value(inputs: &Inputs) -> Result<f64, NodeError> {
    inputs.get::<f64>("value").copied()
}

fn constants() -> Vec<Stub> {
    let same = |name, kind| {
        let spec = spec(name).input(input("value", kind)).output(output("value", kind));
        Stub::new(spec, |inputs, _, _| {
            let value = inputs.value("value").ok_or_else(|| NodeError::new("no value"))?;
            Ok(Outputs::none().with_value("value", value.clone()))
        })
    };
    vec![
        same("Number", kinds::FLOAT),
        same("Whole", kinds::INTEGER),
        same("Word", kinds::TEXT),
        same("Flag", kinds::BOOLEAN),
        same("Numbers", kinds::FLOAT_LIST),
        same("Flags", kinds::BOOLEAN_LIST),
    ]
}

fn arithmetic() -> Vec<Stub> {
    vec![
        Stub::new(
            spec("Add")
                .input(input("a", kinds::FLOAT))
                .input(input("b", kinds::FLOAT))
                .output(output("value", kinds::FLOAT)),
            |inputs, _, _| Ok(Outputs::one("value", inputs.get::<f64>("a")? + inputs.get::<f64>("b")?)),
        ),
        Stub::new(
            spec("Multiply")
                .input(input("a", kinds::FLOAT))
                .input(input("b", kinds::FLOAT).default(2.0))
                .output(output("value", kinds::FLOAT)),
            |inputs, _, _| Ok(Outputs::one("value", inputs.get::<f64>("a")? * inputs.get::<f64>("b")?)),
        ),
        Stub::new(
            spec("Increment").input(input("value", kinds::FLOAT)).output(output("value", kinds::FLOAT)),
            |inputs, _, _| Ok(Outputs::one("value", value(inputs)? + 1.0)),
        ),
        Stub::new(
            spec("Rounded").input(input("value", kinds::FLOAT)).output(output("value", kinds::INTEGER)),
            |inputs, _, _| Ok(Outputs::one("value", value(inputs)?.round() as i64)),
        ),
        Stub::new(
            spec("Split")
                .input(input("value", kinds::FLOAT))
                .output(output("whole", kinds::FLOAT))
                .output(output("rest", kinds::FLOAT)),
            |inputs, _, _| {
                let value = value(inputs)?;
                Ok(Outputs::none().with("whole", value.trunc()).with("rest", value.fract()))
            },
        ),
        Stub::new(
            spec("Less")
                .input(input("value", kinds::FLOAT))
                .input(input("than", kinds::FLOAT))
                .output(output("value", kinds::BOOLEAN)),
            |inputs, _, _| Ok(Outputs::one("value", value(inputs)? < *inputs.get::<f64>("than")?)),
        ),
        Stub::new(
            spec("Either").input(input("value", kinds::TEXT).or(kinds::INTEGER)).output(output("kind", kinds::TEXT)),
            |inputs, _, _| {
                let kind = inputs.value("value").map_or_else(String::new, |value| value.kind().to_string());
                Ok(Outputs::one("kind", kind))
            },
        ),
        Stub::new(
            spec("Anything").input(input("value", kinds::ANY)).output(OutputSpec::derived(
                "value",
                Derived::SameAs("value"),
                "the same",
            )),
            |inputs, _, _| {
                let value = inputs.value("value").ok_or_else(|| NodeError::new("no value"))?;
                Ok(Outputs::none().with_value("value", value.clone()))
            },
        ),
        Stub::new(
            spec("Judged")
                .input(input("level", kinds::INTEGER).range(0.0..=10.0).checked_by_node())
                .output(output("value", kinds::INTEGER)),
            |inputs, _, _| Ok(Outputs::one("value", *inputs.get::<i64>("level")?)),
        )
        .check(|literals| {
            let odd = literals.get::<i64>("level").filter(|level| *level % 2 != 0);
            let problem = |level: &i64| InputProblem {
                input: "level",
                message: format!("is {level}, an odd level"),
                hint: Some("take an even one".into()),
            };
            odd.map(problem).into_iter().collect()
        }),
        Stub::new(
            spec("Ranged")
                .input(input("level", kinds::INTEGER).range(0.0..=10.0))
                .output(output("value", kinds::INTEGER)),
            |inputs, _, _| Ok(Outputs::one("value", *inputs.get::<i64>("level")?)),
        ),
        Stub::new(
            spec("Maybe").input(input("value", kinds::FLOAT).optional()).output(output("value", kinds::FLOAT)),
            |inputs, _, _| Ok(Outputs::one("value", inputs.optional::<f64>("value")?.copied().unwrap_or(-1.0))),
        ),
    ]
}

fn floats(numbers: impl IntoIterator<Item = f64>) -> Value {
    let list = List::new(kinds::FLOAT, numbers.into_iter().map(Value::new).collect());
    list.expect("they are floats").into()
}

fn lists() -> Vec<Stub> {
    vec![
        Stub::new(
            spec("Average").input(input("values", kinds::FLOAT_LIST)).output(output("value", kinds::FLOAT)),
            |inputs, _, _| {
                let values = inputs.list::<f64>("values")?;
                let count = values.len().max(1) as f64;
                Ok(Outputs::one("value", values.into_iter().sum::<f64>() / count))
            },
        ),
        Stub::new(
            spec("Count").input(input("values", kinds::ANY)).output(output("value", kinds::INTEGER)),
            |inputs, _, _| {
                let list = inputs.value("values").and_then(Value::list);
                let list = list.ok_or_else(|| NodeError::new("that is no list"))?;
                Ok(Outputs::one("value", list.items().len() as i64))
            },
        ),
        Stub::new(
            spec("Range")
                .input(input("count", kinds::INTEGER))
                .input(input("from", kinds::FLOAT).default(0.0))
                .output(output("value", kinds::FLOAT_LIST)),
            |inputs, _, _| {
                let (count, from) = (*inputs.get::<i64>("count")?, *inputs.get::<f64>("from")?);
                Ok(Outputs::none().with_value("value", floats((0..count).map(|at| from + at as f64))))
            },
        ),
        Stub::new(
            spec("Join").input(input("parts", kinds::TEXT_LIST)).output(output("value", kinds::TEXT)),
            |inputs, _, _| Ok(Outputs::one("value", inputs.texts("parts")?.join(" "))),
        ),
        Stub::new(
            spec("Append")
                .input(input("list", kinds::FLOAT_LIST))
                .input(input("value", kinds::FLOAT))
                .output(output("list", kinds::FLOAT_LIST)),
            |inputs, _, _| {
                let mut numbers: Vec<f64> = inputs.list::<f64>("list")?.into_iter().copied().collect();
                numbers.push(value(inputs)?);
                Ok(Outputs::none().with_value("list", floats(numbers)))
            },
        ),
        Stub::new(
            spec("Label").input(input("value", kinds::FLOAT)).output(output("value", kinds::TEXT)),
            |inputs, _, _| Ok(Outputs::one("value", value(inputs)?.to_string())),
        ),
        // What is kept back drops out of lists.
        Stub::new(passes("KeepsBackOdd"), |inputs, _, _| match value(inputs)? {
            odd if odd % 2.0 != 0.0 => Ok(Outputs::none().block("value", format!("{odd} is odd"))),
            even => Ok(Outputs::one("value", even)),
        }),
    ]
}

/// Which of `a` and `b` a mix needs: `a` unless the mask is all 1, `b` unless it is all 0.
fn mixed(inputs: &Inputs) -> Vec<&'static str> {
    let mask = inputs.list::<f64>("mask").unwrap_or_default();
    let all = |wanted: f64| mask.iter().all(|part| **part == wanted);
    [("a", !all(1.0)), ("b", !all(0.0))].into_iter().filter(|(_, needed)| *needed).map(|(name, _)| name).collect()
}

fn mix(inputs: &Inputs, _: &mut Context<'_>, _: &Bench) -> NodeResult {
    let mask = inputs.list::<f64>("mask")?;
    let (a, b) = (inputs.optional::<f64>("a")?, inputs.optional::<f64>("b")?);
    let (a, b) = (a.copied().unwrap_or(0.0), b.copied().unwrap_or(0.0));
    let count = mask.len().max(1) as f64;
    Ok(Outputs::one("value", mask.into_iter().map(|part| a * (1.0 - part) + b * part).sum::<f64>() / count))
}

fn lazy() -> Vec<Stub> {
    vec![
        Stub::new(
            spec("LazyMix")
                .input(input("a", kinds::FLOAT).lazy())
                .input(input("b", kinds::FLOAT).lazy())
                .input(input("mask", kinds::FLOAT_LIST))
                .output(output("value", kinds::FLOAT)),
            mix,
        )
        .needs(mixed),
        Stub::new(
            spec("Pick")
                .input(input("condition", kinds::BOOLEAN))
                .input(input("yes", kinds::FLOAT).lazy())
                .input(input("no", kinds::FLOAT).lazy())
                .output(output("value", kinds::FLOAT)),
            |inputs, _, _| {
                let chosen = if *inputs.get::<bool>("condition")? { "yes" } else { "no" };
                Ok(Outputs::one("value", *inputs.get::<f64>(chosen)?))
            },
        )
        .needs(|inputs| match inputs.get::<bool>("condition") {
            Ok(true) => vec!["yes"],
            _ => vec!["no"],
        }),
        // Asks twice: for the second only when it has seen the first.
        Stub::new(
            spec("Fallback")
                .input(input("first", kinds::FLOAT).lazy())
                .input(input("second", kinds::FLOAT).lazy())
                .output(output("value", kinds::FLOAT)),
            |inputs, _, _| {
                let second = inputs.optional::<f64>("second")?;
                Ok(Outputs::one("value", *second.map_or_else(|| inputs.get::<f64>("first"), Ok)?))
            },
        )
        .needs(|inputs| match inputs.optional::<f64>("first") {
            Ok(Some(first)) if *first < 0.0 => vec!["first", "second"],
            _ => vec!["first"],
        }),
    ]
}

/// Nodes that depend on more than their inputs.
fn outside() -> Vec<Stub> {
    let pass = |inputs: &Inputs, _: &mut Context<'_>, _: &Bench| Ok(Outputs::one("value", value(inputs)?));
    vec![
        Stub::new(passes("Pinned"), pass).external(|_, _| content(1)),
        Stub::new(passes("Outside"), pass).external(|_, surroundings| match surroundings.service::<Bench>() {
            Some(bench) => content(bench.outside()),
            None => External::Unknowable,
        }),
        Stub::new(passes("Fickle"), pass).external(|_, _| External::Unknowable),
        // Depends on what it is fed as far as a whole number can tell; its own input is part of the key all the same.
        Stub::new(passes("SeesInputs"), pass).external(|inputs, _| match inputs.get::<f64>("value") {
            Ok(value) if *value < 0.0 => External::Unknowable,
            _ => External::Nothing,
        }),
    ]
}

fn telling() -> Vec<Stub> {
    vec![
        Stub::new(passes("Talks"), |inputs, context, _| {
            context.note("seed", "7");
            context.warn("it is late");
            context.preview(Value::new(value(inputs)?));
            context.progress(1, 1)?;
            Ok(Outputs::one("value", value(inputs)?))
        }),
        Stub::new(passes("Save").effect(), |inputs, context, _| {
            let path = context.out_dir().join(format!("{}.txt", context.node().replace(['/', '[', ']'], "-")));
            std::fs::write(&path, value(inputs)?.to_string()).map_err(NodeError::from_error)?;
            context.artifact(path);
            Ok(Outputs::one("value", value(inputs)?))
        }),
        Stub::new(spec("Sink").effect().input(input("value", kinds::ANY)), |_, _, _| Ok(Outputs::none())),
    ]
}
