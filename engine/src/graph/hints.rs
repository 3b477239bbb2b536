//! What a registry knows about getting from one kind to another.

use super::link::Socket;
use crate::check::Fit;
use crate::document::NodeEntry;
use crate::registry::Registry;
use crate::spec::NodeSpec;
use crate::suggest;
use crate::value::{Kind, kinds};

/// How to feed a socket from a node whose output does not fit: that node has these outputs.
pub(super) fn for_wire(
    registry: &Registry,
    giver: &str,
    outputs: &[(&str, Kind)],
    from: Kind,
    socket: &Socket<'_>,
) -> Option<String> {
    let to = socket.kinds;
    if socket.is_mapped && to.contains(&from.list()) {
        return Some(format!("feed a list, or take `{}` out of `over`", socket.name));
    }
    let other = outputs.iter().find(|(_, kind)| Fit::find(registry, *kind, to).is_some());
    if let Some((name, kind)) = other {
        return Some(format!("`{giver}.{name}` gives {kind}"));
    }
    let between = registry.specs().find(|spec| {
        let takes = spec
            .inputs
            .iter()
            .any(|input| !input.kinds.contains(&kinds::ANY) && Fit::find(registry, from, &input.kinds).is_some());
        takes && spec.outputs.iter().any(|output| to.contains(&output.kind))
    });
    between.map(|spec| format!("put a {} between them", spec.name)).or_else(|| givers(registry, to))
}

/// How to feed a socket that nothing feeds, or a literal that does not fit.
pub(super) fn for_socket(registry: &Registry, nodes: &[NodeEntry], socket: &Socket<'_>) -> Option<String> {
    const LITERALS: [(Kind, &str); 8] = [
        (kinds::TEXT, "\"…\""),
        (kinds::TEXT_LIST, "[\"…\"]"),
        (kinds::INTEGER, "1"),
        (kinds::FLOAT, "1.0"),
        (kinds::BOOLEAN, "true"),
        (kinds::INTEGER_LIST, "[1]"),
        (kinds::FLOAT_LIST, "[1.0]"),
        (kinds::BOOLEAN_LIST, "[true]"),
    ];
    if let Some((kind, example)) = LITERALS.iter().find(|(kind, _)| socket.kinds.contains(kind)) {
        let example = match socket.choices.first() {
            Some(choice) if *kind == kinds::TEXT_LIST => format!("[{choice:?}]"),
            Some(choice) => format!("{choice:?}"),
            None => (*example).to_string(),
        };
        return Some(format!("write `{}: {example}`", socket.name));
    }
    let fits = |spec: &NodeSpec| {
        spec.outputs.iter().find(|output| Fit::find(registry, output.kind, socket.kinds).is_some()).map(|o| o.name)
    };
    // A workflow is short; a generated one need not be searched to its end for a hint.
    let written = nodes.iter().take(1_000).find_map(|node| {
        let spec = registry.spec(&node.node_type.as_ref()?.value)?;
        let output = fits(spec)?;
        let id = &node.id.value;
        Some(if spec.outputs.len() == 1 { id.clone() } else { format!("{id}.{output}") })
    });
    match written {
        Some(output) => Some(format!("write `{}: From(\"{output}\")`", socket.name)),
        None => givers(registry, socket.kinds),
    }
}

/// The node types that give one of these kinds.
fn givers(registry: &Registry, kinds: &[Kind]) -> Option<String> {
    let gives = |spec: &&NodeSpec| spec.outputs.iter().any(|output| kinds.contains(&output.kind));
    let names = suggest::listing(registry.specs().filter(gives).map(|spec| spec.name))?;
    Some(format!("{} comes from {names}", kind_words(kinds)))
}

/// "A", "A or B", "A, B or C".
pub(super) fn kind_words(kinds: &[Kind]) -> String {
    match kinds {
        [] => "nothing".into(),
        [one] => one.to_string(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(Kind::to_string).collect();
            format!("{} or {last}", first.join(", "))
        }
    }
}
