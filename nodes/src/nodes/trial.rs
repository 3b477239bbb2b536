//! Running one node by itself, for the tests of this folder.

use std::path::Path;
use std::sync::Arc;

use easel_engine::{CancelToken, Context, EventSink, Inputs, List, Node, NodeError, NodeResult, Outputs, Presence};
use easel_engine::{Data, Kind, Services, Surroundings, Value};

/// Runs a node with these inputs; the others have their defaults.
pub(super) fn run(node: &dyn Node, given: impl IntoIterator<Item = (&'static str, Value)>) -> NodeResult {
    run_in(Path::new("."), node, given)
}

/// The same where relative paths count from `base_dir`.
pub(super) fn run_in(
    base_dir: &Path,
    node: &dyn Node,
    given: impl IntoIterator<Item = (&'static str, Value)>,
) -> NodeResult {
    let (name, services): (Arc<str>, _) = ("node".into(), Services::default());
    let (cancel, events) = (CancelToken::new(), EventSink::new());
    let mut context = Context::outside_a_run(&name, base_dir, base_dir, &services, &cancel, &events);
    node.run(&inputs(node, given), &mut context)
}

/// What a node says that its result depends on.
pub(super) fn external_in(
    base_dir: &Path,
    node: &dyn Node,
    given: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<easel_engine::External, NodeError> {
    let services = Services::default();
    node.external(&inputs(node, given), &Surroundings::new(base_dir, base_dir, &services))
}

/// What is given, and the defaults of the rest.
pub(super) fn inputs(node: &dyn Node, given: impl IntoIterator<Item = (&'static str, Value)>) -> Inputs {
    let defaults = node.spec().inputs.into_iter().filter_map(|input| match input.presence {
        Presence::Default(value) => Some((input.name, value)),
        Presence::Required | Presence::Optional => None,
    });
    Inputs::new(defaults.chain(given))
}

/// A list of values of one kind.
pub(super) fn list<T: Data>(items: impl IntoIterator<Item = T>) -> Value {
    list_of(T::KIND, items.into_iter().map(Value::new))
}

/// A list of values of that kind.
pub(super) fn list_of(kind: Kind, items: impl IntoIterator<Item = Value>) -> Value {
    List::new(kind, items.into_iter().collect()).expect("the items are of one kind").into()
}

/// A text.
pub(super) fn text(text: &str) -> Value {
    Value::new(text.to_string())
}

/// An output, which must be there.
pub(super) fn output<'a, T: Data>(outputs: &'a Outputs, name: &str) -> &'a T {
    outputs.get(name).and_then(Value::get).unwrap_or_else(|| panic!("there is no output `{name}` of kind {}", T::KIND))
}

/// The elements of an output, which must be a list.
pub(super) fn elements<T: Data + Clone>(outputs: &Outputs, name: &str) -> Vec<T> {
    let list = outputs.get(name).and_then(Value::list).unwrap_or_else(|| panic!("`{name}` is no list"));
    list.items().iter().map(|item| item.get::<T>().expect("an element of that kind").clone()).collect()
}

/// What a failure says, its hint included.
pub(super) fn failure(result: NodeResult) -> String {
    match result {
        Err(NodeError::Failed { message, hint, .. }) => format!("{message} ({})", hint.unwrap_or_default()),
        other => panic!("it did not fail: {other:?}"),
    }
}
