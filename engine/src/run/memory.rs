//! How much memory a node takes, now that everything that it is given is there.

use super::resources::Need;
use super::state::Shared;
use crate::guard;
use crate::node::{Inputs, Literals, MemoryNeed, NodeError};
use crate::plan::{Origin, Step};
use crate::registry::Registered;
use crate::spec::Lanes;

/// What a node will take of the machine; no memory if it cannot tell how much. What came by wire (how many
/// pictures) was not known when the plan asked, and what a device has left changes: then it is asked again.
pub(super) fn needed(
    shared: &Shared,
    step: &Step,
    registered: &Registered,
    inputs: &Inputs,
) -> Result<Need, NodeError> {
    let was_known = step.inputs.iter().all(|input| matches!(input.origin, Origin::Known(_)));
    let told = if was_known && !step.takes_device_memory { None } else { ask(shared, step, registered, inputs)? };
    // Asked again it may not know what it told the plan: then that holds.
    let memory = told.as_ref().map(|need| need.host).or(step.memory);
    let need = told.unwrap_or_else(|| MemoryNeed::host(memory.unwrap_or(0)));
    if let Some(lack) = need.lack(shared.resources.memory()) {
        return Err(NodeError::new(format!("it {}", lack.sentence)).with_hint(lack.hint));
    }
    let device = need.device.map(|need| (need.device.into(), need.bytes));
    // What a device computes keeps one thread here busy, not all.
    let lanes = if device.is_some() { Lanes::One } else { registered.spec.lanes };
    Ok(Need { lanes, memory, device })
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
