//! For the fuzz targets: what is read of a plugin's memory, without a plugin.

use super::{describe, wire};
use crate::registry::Registry;
use crate::spec::{NodeSpec, OutputSpec};
use crate::value::kinds;

/// Reads bytes as a description, and as a reply of a node with outputs of several kinds.
pub fn decode(bytes: &[u8], registry: &Registry) {
    if let Ok(description) = describe::read(bytes, registry) {
        assert!(!description.nodes.is_empty());
    }
    let spec = NodeSpec::new("Probe", "")
        .output(OutputSpec::new("a", kinds::TEXT, ""))
        .output(OutputSpec::new("b", kinds::FLOAT_LIST.list(), ""))
        .output(OutputSpec::new("c", kinds::BOOLEAN, ""));
    if let Ok(Ok(outputs)) = wire::reply(bytes, &spec, registry) {
        assert!(outputs.iter().len() <= 3);
    }
}
