//! What the functions do that Easel calls. Numbers are places in memory and lengths; every call has its own memory.

use std::sync::Mutex;

use crate::call::Call;
use crate::describe::{self, NodeType};
use crate::host;

/// The version of the plugin interface.
pub const ABI_VERSION: i32 = 1;

/// What the host may read or write: it stays where it is until the memory is thrown away, after the call.
static SHARED: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// Keeps bytes where the host finds them, and says where: the place in the upper half, the length in the lower.
fn share(bytes: Vec<u8>) -> i64 {
    let bytes = bytes.into_boxed_slice();
    let (place, length) = (bytes.as_ptr().addr(), bytes.len());
    let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    shared.push(bytes);
    ((place as u64) << 32 | length as u64).cast_signed()
}

/// The description of a plugin.
pub fn describe(about: &str, nodes: &[NodeType]) -> i64 {
    host::say_panics();
    share(describe::plugin(about, nodes).into_bytes())
}

/// Room for so many bytes.
pub fn allocate(length: i32) -> i32 {
    host::say_panics();
    let place = share(vec![0; length.cast_unsigned() as usize]) >> 32;
    place as i32
}

/// Runs a node type on the inputs that the host wrote into the room that it was given.
pub fn run(nodes: &[NodeType], node: i32, inputs: i32, length: i32) -> i64 {
    host::say_panics();
    let inputs = taken(inputs, length);
    let reply = match nodes.get(node.cast_unsigned() as usize) {
        Some(node) => Call::carry_out(&inputs, node),
        None => panic!("there is no node type {node}"),
    };
    share(reply)
}

/// The room at that place, with what was written into it.
fn taken(place: i32, length: i32) -> Box<[u8]> {
    let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let (place, length) = (place.cast_unsigned(), length.cast_unsigned());
    let found = shared.iter().position(|bytes| (bytes.as_ptr().addr() as u32, bytes.len() as u32) == (place, length));
    match found {
        Some(index) => shared.swap_remove(index),
        None => panic!("there are no {length} bytes of inputs at {place}"),
    }
}
