//! How the inputs of a node go into a plugin, and how its reply is read. Values are written as everywhere in the engine.

use crate::node::{Inputs, NodeError, NodeResult, Outputs};
use crate::registry::Registry;
use crate::spec::NodeSpec;
use crate::value::{DecodeError, Decoder, Encoder};

/// It has given outputs, or kept them back.
const GIVEN: u64 = 0;
/// It has failed.
const FAILED: u64 = 1;

/// An output that has a value.
const VALUE: u64 = 0;
/// An output that is kept back.
const BLOCKED: u64 = 1;

/// The inputs that are given: how many, and of each its name, its kind and its value, in the order of the spec.
pub(super) fn inputs(spec: &NodeSpec, inputs: &Inputs) -> Result<Vec<u8>, NodeError> {
    let given: Vec<_> = spec.inputs.iter().map(|input| input.name).filter(|name| inputs.has(name)).collect();
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes).number(given.len() as u64);
    for name in given {
        let value = inputs.value(name);
        let value = value.ok_or_else(|| NodeError::new(format!("the value of input `{name}` is lost")))?;
        let encoded = value.encode();
        // Large values are copied once more than they would have to be, but never twice to make room.
        bytes.reserve_exact(encoded.len() + name.len() + 64);
        let mut encoder = Encoder::new(&mut bytes);
        encoder.text(name);
        encoder.text(&value.kind().to_string());
        encoder.bytes(&encoded);
    }
    Ok(bytes)
}

/// What a plugin replied: its outputs, or its own words for why there are none.
///
/// # Errors
/// The outer one: it is no reply.
pub(super) fn reply(bytes: &[u8], spec: &NodeSpec, kinds: &Registry) -> Result<NodeResult, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let reply = match decoder.number()? {
        GIVEN => Ok(outputs(&mut decoder, spec, kinds)?),
        FAILED => {
            let (message, hint) = (decoder.text()?, decoder.text()?);
            let error = NodeError::new(if message.is_empty() { "it failed without a reason" } else { message });
            Err(if hint.is_empty() { error } else { error.with_hint(hint) })
        }
        other => return Err(DecodeError::new(format!("{other} is no way to end"))),
    };
    decoder.finish()?;
    Ok(reply)
}

fn outputs(decoder: &mut Decoder<'_>, spec: &NodeSpec, kinds: &Registry) -> Result<Outputs, DecodeError> {
    let mut outputs = Outputs::none();
    // The number may be a lie: a name that is not there or comes twice ends this.
    for _ in 0..decoder.number()? {
        let name = decoder.text()?;
        let output = spec.find_output(name);
        let output = output.ok_or_else(|| DecodeError::new(format!("there is no output {name:?}")))?;
        if outputs.get(name).is_some() || outputs.blocked(name).is_some() {
            return Err(DecodeError::new(format!("the output `{name}` is given twice")));
        }
        let named =
            |error: DecodeError| DecodeError::new(format!("the output `{name}` is no {}: {error}", output.kind));
        outputs = match decoder.number()? {
            VALUE => outputs.with_value(output.name, kinds.decode(output.kind, decoder.bytes()?).map_err(named)?),
            BLOCKED => outputs.block(output.name, decoder.text()?),
            other => return Err(DecodeError::new(format!("{other} is neither a value nor one that is kept back"))),
        };
    }
    Ok(outputs)
}
