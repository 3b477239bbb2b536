//! How the inputs of a node go into a plugin, and how its reply is read. Values are written as everywhere in the engine.

use std::borrow::Cow;

use super::abi;
use crate::node::{Inputs, NodeError, NodeResult, Outputs};
use crate::registry::{Elements, Registry};
use crate::spec::NodeSpec;
use crate::value::{DecodeError, Decoder, Encoder, Sink, Value};

/// It has given outputs, or kept them back.
const GIVEN: u64 = 0;
/// It has failed.
const FAILED: u64 = 1;

/// An output that has a value.
const VALUE: u64 = 0;
/// An output that is kept back.
const BLOCKED: u64 = 1;

/// The inputs that are given: how many, and of each its name, its kind and its value, in the order of the spec. None if
/// they are more than `room` bytes: not much more room than that is ever taken.
pub(super) fn inputs(spec: &NodeSpec, inputs: &Inputs, room: usize) -> Result<Option<Vec<u8>>, NodeError> {
    let given: Vec<_> = spec.inputs.iter().map(|input| input.name).filter(|name| inputs.has(name)).collect();
    let mut bytes = Bounded { bytes: Vec::new(), room, is_full: false };
    Encoder::new(&mut bytes).number(given.len() as u64);
    for name in given {
        let value = inputs.value(name);
        let value = value.ok_or_else(|| NodeError::new(format!("the value of input `{name}` is lost")))?;
        Encoder::new(&mut bytes).text(name);
        Encoder::new(&mut bytes).text(&value.kind().to_string());
        bytes.value(value);
    }
    Ok((!bytes.is_full).then_some(bytes.bytes))
}

/// Bytes of which no more are kept than there is room for.
struct Bounded {
    bytes: Vec<u8>,
    room: usize,
    is_full: bool,
}

impl Bounded {
    /// The value as bytes: how many, and these. Lists are written in place: encoded by themselves, every element and
    /// every list of them would be there twice, however large.
    fn value(&mut self, value: &Value) {
        let begin = self.bytes.len();
        Encoder::new(self).number(0);
        match value.list() {
            Some(list) => {
                Encoder::new(self).number(list.items().len() as u64);
                for item in list.items() {
                    if self.is_full {
                        break;
                    }
                    self.value(item);
                }
            }
            None => value.encode_into(&mut Encoder::new(self)),
        }
        let length = self.bytes.len().saturating_sub(begin + size_of::<u64>());
        if let Some(place) = self.bytes.get_mut(begin..begin + size_of::<u64>()) {
            place.copy_from_slice(&(length as u64).to_le_bytes());
        }
    }
}

impl Sink for Bounded {
    fn write(&mut self, bytes: &[u8]) {
        let length = self.bytes.len() + bytes.len();
        self.is_full |= length > self.room;
        if self.is_full {
            return;
        }
        if length > self.bytes.capacity() {
            // At least twice as much, or all that may be needed.
            let capacity = (self.bytes.capacity() * 2).max(length).min(self.room);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
    }
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
            let (message, hint) = (words(decoder.text()?), words(decoder.text()?));
            let error = NodeError::new(if message.is_empty() { "it failed without a reason" } else { &*message });
            Err(if hint.is_empty() { error } else { error.with_hint(hint) })
        }
        other => return Err(DecodeError::new(format!("{other} is no way to end"))),
    };
    decoder.finish()?;
    Ok(reply)
}

/// What a plugin has the user read goes into events and journals, several times.
fn words(text: &str) -> Cow<'_, str> {
    abi::cut(text, abi::MAX_TOLD)
}

fn outputs(decoder: &mut Decoder<'_>, spec: &NodeSpec, kinds: &Registry) -> Result<Outputs, DecodeError> {
    let mut outputs = Outputs::none();
    let mut elements = Elements::at_most(abi::MAX_ELEMENTS);
    // The number may be a lie: a name that is not there or comes twice ends this.
    for _ in 0..decoder.number()? {
        let name = decoder.text()?;
        let output = spec.find_output(name);
        let output = output
            .ok_or_else(|| DecodeError::new(format!("there is no output {:?}", abi::cut(name, abi::MAX_NAME))))?;
        if outputs.get(name).is_some() || outputs.blocked(name).is_some() {
            return Err(DecodeError::new(format!("the output `{name}` is given twice")));
        }
        let named =
            |error: DecodeError| DecodeError::new(format!("the output `{name}` is no {}: {error}", output.kind));
        outputs = match decoder.number()? {
            VALUE => {
                let value = kinds.decode_within(output.kind, decoder.bytes()?, &mut elements);
                outputs.with_value(output.name, value.map_err(named)?)
            }
            BLOCKED => outputs.block(output.name, words(decoder.text()?)),
            other => return Err(DecodeError::new(format!("{other} is neither a value nor one that is kept back"))),
        };
    }
    Ok(outputs)
}
