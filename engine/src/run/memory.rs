//! How much memory a node takes, now that everything that it is given is there.

use super::state::Shared;
use crate::guard;
use crate::node::{Inputs, Literals, NodeError};
use crate::plan::{Origin, Step};
use crate::registry::Registered;
use crate::size::{self, bytes};

/// Bytes that a node will take at the most; 0 if it cannot tell. What came by wire (how many pictures) was not known when
/// the plan asked, so it is asked again.
pub(super) fn needed(shared: &Shared, step: &Step, registered: &Registered, inputs: &Inputs) -> Result<u64, NodeError> {
    let was_known = step.inputs.iter().all(|input| matches!(input.origin, Origin::Known(_)));
    let told = if was_known { None } else { ask(shared, registered, inputs)? };
    let needed = told.or(step.memory).unwrap_or(0);
    match shared.resources.memory().filter(|limit| needed > *limit) {
        None => Ok(needed),
        Some(limit) => {
            let message = format!("it needs {} of memory, but there are {}", bytes(needed), bytes(limit));
            Err(NodeError::new(message).with_hint(size::TOO_MUCH))
        }
    }
}

fn ask(shared: &Shared, registered: &Registered, inputs: &Inputs) -> Result<Option<u64>, NodeError> {
    let literals = Literals::of(inputs, &shared.plan.0.base_dir);
    guard::catch(|| registered.node.memory(&literals))
        .map_err(|panic| NodeError::new(format!("asking it how much memory it needs panicked: {panic}")))
}
