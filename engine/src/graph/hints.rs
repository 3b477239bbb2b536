//! What a registry knows about getting from one kind to another.

use crate::check::Fit;
use crate::document::Document;
use crate::registry::Registry;
use crate::spec::{InputSpec, NodeSpec};
use crate::suggest;
use crate::value::{Kind, kinds};

/// How to feed a socket from a node whose output does not fit.
pub(super) fn for_wire(
    registry: &Registry,
    giver: &str,
    outputs: &NodeSpec,
    from: Kind,
    to: &[Kind],
) -> Option<String> {
    let other = outputs.outputs.iter().find(|output| Fit::find(registry, output.kind, to).is_some());
    if let Some(other) = other {
        return Some(format!("`{giver}.{}` gives {}", other.name, other.kind));
    }
    let between = registry.specs().find(|spec| {
        let takes = spec.inputs.iter().any(|input| Fit::find(registry, from, &input.kinds).is_some());
        takes && spec.outputs.iter().any(|output| to.contains(&output.kind))
    });
    between.map(|spec| format!("put a {} between them", spec.name)).or_else(|| givers(registry, to))
}

/// How to feed a socket that nothing feeds, or a literal that does not fit.
pub(super) fn for_socket(registry: &Registry, document: &Document, input: &InputSpec) -> Option<String> {
    const LITERALS: [(Kind, &str); 5] = [
        (kinds::TEXT, "\"…\""),
        (kinds::TEXT_LIST, "[\"…\"]"),
        (kinds::INTEGER, "1"),
        (kinds::FLOAT, "1.0"),
        (kinds::BOOLEAN, "true"),
    ];
    if let Some((_, example)) = LITERALS.iter().find(|(kind, _)| input.kinds.contains(kind)) {
        let example = input.choices.first().map_or_else(|| (*example).to_string(), |choice| format!("{choice:?}"));
        return Some(format!("write `{}: {example}`", input.name));
    }
    let fits = |spec: &NodeSpec| {
        spec.outputs.iter().find(|output| Fit::find(registry, output.kind, &input.kinds).is_some()).map(|o| o.name)
    };
    // A workflow is short; a generated one need not be searched to its end for a hint.
    let written = document.nodes.iter().take(1_000).find_map(|node| {
        let spec = registry.spec(&node.node_type.as_ref()?.value)?;
        let output = fits(spec)?;
        let id = &node.id.value;
        Some(if spec.outputs.len() == 1 { id.clone() } else { format!("{id}.{output}") })
    });
    match written {
        Some(socket) => Some(format!("write `{}: From(\"{socket}\")`", input.name)),
        None => givers(registry, &input.kinds),
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
