//! Nodes that turn into a piece of graph.

use easel_engine::{Fragment, FragmentFeed, Inputs, NodeError, NodeSpec, Outputs, kinds};

use super::{Stub, input, output, passes, spec};

fn number(inputs: &Inputs) -> Result<FragmentFeed, NodeError> {
    Ok(FragmentFeed::value(*inputs.get::<f64>("value")?))
}

fn from(socket: &str) -> FragmentFeed {
    FragmentFeed::from(socket)
}

fn one(fragment: Fragment, feed: FragmentFeed) -> Outputs {
    Outputs::expand(fragment.output("value", feed))
}

fn of_list(name: &'static str) -> NodeSpec {
    spec(name).input(input("values", kinds::FLOAT_LIST)).output(output("value", kinds::FLOAT))
}

pub(super) fn stubs() -> Vec<Stub> {
    simple().into_iter().chain(lists()).chain(nested()).chain(wrong()).collect()
}

fn simple() -> Vec<Stub> {
    vec![
        Stub::new(passes("ExpandsToLiteral"), |inputs, _, _| Ok(one(Fragment::new(), number(inputs)?))),
        Stub::new(passes("ExpandsToResult"), |inputs, _, _| {
            let fragment = Fragment::new().node("first", "Increment", [("value", number(inputs)?)]).node(
                "second",
                "Increment",
                [("value", from("first.value"))],
            );
            Ok(one(fragment, from("second")))
        }),
        Stub::new(passes("ExpandsToBoth").output(output("given", kinds::FLOAT)), |inputs, _, _| {
            let fragment = Fragment::new()
                .node("inner", "Increment", [("value", number(inputs)?)])
                .output("value", from("inner"))
                .output("given", number(inputs)?);
            Ok(Outputs::expand(fragment))
        }),
        // Two of the fragment's nodes, of which its output needs but one.
        Stub::new(passes("ExpandsToMore"), |inputs, _, _| {
            let fragment = Fragment::new().node("needed", "Increment", [("value", number(inputs)?)]).node(
                "idle",
                "Fails",
                [("value", number(inputs)?)],
            );
            Ok(one(fragment, from("needed")))
        }),
    ]
}

/// A node for every element of `values`, and feeds from them.
fn for_each(
    inputs: &Inputs,
    node_type: &str,
    feeds: impl Fn(usize, f64) -> Vec<(&'static str, FragmentFeed)>,
) -> Result<(Fragment, Vec<FragmentFeed>), NodeError> {
    let (mut fragment, mut made) = (Fragment::new(), Vec::new());
    for (at, value) in inputs.list::<f64>("values")?.into_iter().enumerate() {
        fragment = fragment.node(format!("part{at}"), node_type, feeds(at, *value));
        made.push(FragmentFeed::From(format!("part{at}.value")));
    }
    Ok((fragment, made))
}

fn average(fragment: Fragment, made: Vec<FragmentFeed>) -> Outputs {
    one(fragment.node("all", "Average", [("values", FragmentFeed::List(made))]), from("all"))
}

fn lists() -> Vec<Stub> {
    vec![
        Stub::new(of_list("ExpandsEach"), |inputs, _, _| {
            let (fragment, made) =
                for_each(inputs, "Increment", |_, value| vec![("value", FragmentFeed::value(value))])?;
            Ok(average(fragment, made))
        }),
        // Gives the list itself: literals and results side by side.
        Stub::new(
            spec("ExpandsToList").input(input("values", kinds::FLOAT_LIST)).output(output("values", kinds::FLOAT_LIST)),
            |inputs, _, _| {
                let (fragment, made) =
                    for_each(inputs, "Increment", |_, value| vec![("value", FragmentFeed::value(value))])?;
                let mixed = made.into_iter().flat_map(|made| [FragmentFeed::value(0.5), made]).collect();
                Ok(Outputs::expand(fragment.output("values", FragmentFeed::List(mixed))))
            },
        ),
        Stub::new(of_list("ExpandsToSleepers"), |inputs, _, _| {
            let (fragment, made) = for_each(inputs, "Sleep", |at, value| {
                vec![("milliseconds", FragmentFeed::value(value)), ("value", FragmentFeed::value(at as f64))]
            })?;
            Ok(average(fragment, made))
        }),
        // As many nodes as there are values, which end only when all of them run at once.
        Stub::new(of_list("ExpandsToMeeting"), |inputs, _, _| {
            let parties = inputs.list::<f64>("values")?.len() as i64;
            let (fragment, made) = for_each(inputs, "Meet", |_, value| {
                vec![
                    ("room", FragmentFeed::value("expansion".to_string())),
                    ("parties", FragmentFeed::value(parties)),
                    ("value", FragmentFeed::value(value)),
                ]
            })?;
            Ok(average(fragment, made))
        }),
    ]
}

fn nested() -> Vec<Stub> {
    vec![
        // As deep as its value says; adds one at every level.
        Stub::new(passes("ExpandsNested"), |inputs, _, _| {
            let value = *inputs.get::<f64>("value")?;
            if value <= 0.0 {
                return Ok(Outputs::one("value", 0.0));
            }
            let fragment = Fragment::new()
                .node("inner", "ExpandsNested", [("value", FragmentFeed::value(value - 1.0))])
                .node("sum", "Increment", [("value", from("inner"))]);
            Ok(one(fragment, from("sum")))
        }),
        Stub::new(passes("ExpandsToItself"), |inputs, _, _| {
            Ok(one(Fragment::new().node("same", "ExpandsToItself", [("value", number(inputs)?)]), from("same")))
        }),
        Stub::new(passes("ExpandsForEver"), |inputs, _, _| {
            let next = FragmentFeed::value(inputs.get::<f64>("value")? + 1.0);
            Ok(one(Fragment::new().node("next", "ExpandsForEver", [("value", next)]), from("next")))
        }),
    ]
}

fn wrong() -> Vec<Stub> {
    vec![
        Stub::new(passes("ExpandsToCycle"), |_, _, _| {
            let fragment = Fragment::new().node("chicken", "Increment", [("value", from("egg"))]).node(
                "egg",
                "Increment",
                [("value", from("chicken"))],
            );
            Ok(one(fragment, from("egg")))
        }),
        Stub::new(passes("ExpandsToUnknown"), |inputs, _, _| {
            Ok(one(Fragment::new().node("inner", "Nonsense", [("value", number(inputs)?)]), from("inner")))
        }),
        Stub::new(passes("ExpandsToWrongKind"), |_, _, _| {
            let fragment = Fragment::new().node("inner", "Word", [("value", FragmentFeed::value("a".to_string()))]);
            Ok(one(fragment, from("inner")))
        }),
        Stub::new(passes("ExpandsToNoOutput"), |inputs, _, _| {
            Ok(Outputs::expand(Fragment::new().node("inner", "Increment", [("value", number(inputs)?)])))
        }),
        Stub::new(passes("ExpandsToFailure"), |inputs, _, _| {
            Ok(one(Fragment::new().node("inner", "Fails", [("value", number(inputs)?)]), from("inner")))
        }),
        Stub::new(passes("ExpandsToBlocked"), |inputs, _, _| {
            Ok(one(Fragment::new().node("inner", "KeepsBackOdd", [("value", number(inputs)?)]), from("inner")))
        }),
        Stub::new(passes("ExpandsToCancel"), |inputs, _, _| {
            let fragment = Fragment::new().node("before", "Increment", [("value", number(inputs)?)]).node(
                "inner",
                "Cancels",
                [("value", from("before"))],
            );
            Ok(one(fragment, from("inner")))
        }),
    ]
}
