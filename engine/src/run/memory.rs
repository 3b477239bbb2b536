//! How much memory a node takes, now that everything that it is given is there.

use super::state::Shared;
use crate::guard;
use crate::node::{Inputs, Literals, MemoryNeed, NodeError};
use crate::plan::{Origin, Step};
use crate::registry::Registered;

/// Bytes of this machine's memory that a node will take at the most; 0 if it cannot tell. What came by wire (how many
/// pictures) was not known when the plan asked, and what a device has left changes: then it is asked again.
pub(super) fn needed(shared: &Shared, step: &Step, registered: &Registered, inputs: &Inputs) -> Result<u64, NodeError> {
    let was_known = step.inputs.iter().all(|input| matches!(input.origin, Origin::Known(_)));
    let told = if was_known && !step.takes_device_memory { None } else { ask(shared, step, registered, inputs)? };
    let need = told.unwrap_or_else(|| MemoryNeed::host(step.memory.unwrap_or(0)));
    match need.lack(shared.resources.memory()) {
        None => Ok(need.host),
        Some(lack) => Err(NodeError::new(format!("it {}", lack.sentence)).with_hint(lack.hint)),
    }
}

fn ask(
    shared: &Shared,
    step: &Step,
    registered: &Registered,
    inputs: &Inputs,
) -> Result<Option<MemoryNeed>, NodeError> {
    let literals = Literals::of(inputs, &shared.plan.0.base_dir).at(&shared.services, step.options.device.as_deref());
    guard::catch(|| registered.node.memory(&literals))
        .map_err(|panic| NodeError::new(format!("asking it how much memory it needs panicked: {panic}")))
}
