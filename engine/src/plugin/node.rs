//! A node type of a plugin, as the engine sees it: a node like any other.

use std::path::PathBuf;
use std::sync::Arc;

use super::abi;
use super::describe;
use super::error::PluginError;
use super::host::{Host, Telling};
use super::sandbox::{Fault, Module};
use super::wire;
use crate::guard;
use crate::node::{Context, External, Inputs, Node, NodeError, NodeResult, Surroundings};
use crate::registry::Registry;
use crate::spec::NodeSpec;
use crate::value::{Fingerprint, FingerprintHasher, Value};

/// So many times as much memory as when it is encoded a list takes here at the most; other values take about as much.
const LISTS: usize = 8;

/// A plugin that was loaded: its code, and what it says that it is.
pub(super) struct Plugin {
    pub(super) path: PathBuf,
    /// Of the bytes of its file.
    pub(super) fingerprint: Fingerprint,
    pub(super) about: String,
    pub(super) specs: Vec<NodeSpec>,
    module: Module,
    /// To read its outputs.
    kinds: Arc<Registry>,
}

impl Plugin {
    /// Checks a plugin and asks it what it is.
    pub(super) fn load(
        path: PathBuf,
        bytes: &[u8],
        fingerprint: Fingerprint,
        kinds: &Arc<Registry>,
    ) -> Result<Self, PluginError> {
        // The interpreter is code of others, and what it is given here comes from anywhere.
        let loaded = guard::catch(|| {
            let module = Module::new(bytes)?;
            let description = describe(&module, kinds)?;
            Ok((module, description))
        });
        let (module, description) =
            loaded.unwrap_or_else(|panic| Err(PluginError::NotWasm(format!("reading it panicked: {panic}"))))?;
        let describe::Description { about, nodes: specs } = description;
        Ok(Plugin { path, fingerprint, about, specs, module, kinds: Arc::clone(kinds) })
    }

    /// Its node types.
    pub(super) fn nodes(self: &Arc<Self>) -> impl Iterator<Item = PluginNode> {
        let plugin = Arc::clone(self);
        (0..self.specs.len()).map(move |index| PluginNode { plugin: Arc::clone(&plugin), index })
    }

    fn failed(&self, fault: &Fault) -> NodeError {
        if *fault == Fault::Cancelled {
            return NodeError::Cancelled;
        }
        let hint = match fault {
            Fault::Memory => "give it smaller or fewer inputs, or ask its author to take less memory",
            _ => "the fault is the plugin's: tell its author, or take the file away",
        };
        NodeError::new(format!("the plugin {} {fault}", self.path.display())).with_hint(hint)
    }
}

fn describe(module: &Module, kinds: &Registry) -> Result<describe::Description, PluginError> {
    let mut slices = 0;
    let mut between = |_: &mut Host| {
        slices += 1;
        if slices > abi::MAX_SLICES { Err(Fault::Endless) } else { Ok(()) }
    };
    let fault = |fault: Fault| PluginError::fault(&fault);
    let mut instance = module.instantiate().map_err(fault)?;
    let version: i32 = instance.call(abi::ABI_VERSION, (), &mut between).map_err(fault)?;
    if version != abi::VERSION {
        return Err(PluginError::Version { found: version });
    }
    let place: i64 = instance.call(abi::DESCRIBE, (), &mut between).map_err(fault)?;
    let text = instance.bytes("its description", abi::unpack(place)).map_err(fault)?;
    let description = describe::read(text, kinds);
    description.map_err(|reason| PluginError::Description(abi::cut(&reason, abi::MAX_TOLD).into_owned()))
}

/// A node type of a plugin.
pub(super) struct PluginNode {
    plugin: Arc<Plugin>,
    index: usize,
}

impl PluginNode {
    fn spec(&self) -> &NodeSpec {
        &self.plugin.specs[self.index]
    }

    /// The reply to these inputs, read.
    fn call(&self, inputs: Vec<u8>, context: &mut Context<'_>) -> Result<NodeResult, Fault> {
        let mut between = |host: &mut Host| tell(host, context);
        let mut instance = self.plugin.module.instantiate()?;
        let length = i32::try_from(inputs.len()).map_err(|_| Fault::Memory)?;
        let place: i32 = instance.call(abi::ALLOCATE, length, &mut between)?;
        if place == 0 {
            return Err(Fault::Memory);
        }
        instance.write("the room for its inputs", place.cast_unsigned() as usize, &inputs)?;
        drop(inputs);
        let index = i32::try_from(self.index).map_err(|_| Fault::Memory)?;
        let reply: i64 = instance.call(abi::RUN, (index, place, length), &mut between)?;
        let reply = instance.bytes("its reply", abi::unpack(reply))?;
        let reply = wire::reply(reply, self.spec(), &self.plugin.kinds);
        reply.map_err(|error| Fault::Reply(abi::cut(&error.to_string(), abi::MAX_TOLD).into_owned()))
    }
}

/// Says what the plugin said, and whether it may go on.
fn tell(host: &mut Host, context: &mut Context<'_>) -> Result<(), Fault> {
    for telling in host.take_tellings() {
        match telling {
            Telling::Warning(message) => context.warn(message),
            Telling::Note(key, value) => context.note(key, value),
        }
    }
    let going_on = match host.take_progress() {
        Some((step, steps)) => context.progress(step, steps),
        None => context.check_cancelled(),
    };
    going_on.map_err(|_| Fault::Cancelled)
}

impl Node for PluginNode {
    fn spec(&self) -> NodeSpec {
        self.spec().clone()
    }

    /// Other code gives other results.
    fn external(&self, _: &Inputs, _: &Surroundings<'_>) -> Result<External, NodeError> {
        let mut hasher = FingerprintHasher::new("easel plugin");
        hasher.number(abi::VERSION.unsigned_abs().into());
        hasher.fingerprint(&self.plugin.fingerprint);
        Ok(External::Content(hasher.finish()))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        // What is made with it says so: the same file has the same hash wherever it is.
        context.note("plugin.blake3", self.plugin.fingerprint.to_string());
        // Before anything is encoded that a plugin has certainly no room for.
        let given = self.spec().inputs.iter().filter_map(|input| inputs.value(input.name));
        if given.map(least_encoded).sum::<usize>() > abi::MAX_MEMORY {
            return Err(self.plugin.failed(&Fault::Memory));
        }
        let Some(inputs) = wire::inputs(self.spec(), inputs, abi::MAX_MEMORY)? else {
            return Err(self.plugin.failed(&Fault::Memory));
        };
        self.call(inputs, context).unwrap_or_else(|fault| Err(self.plugin.failed(&fault)))
    }
}

/// About how many bytes a value encodes to at the least.
fn least_encoded(value: &Value) -> usize {
    if value.list().is_some() { value.size() / LISTS } else { value.size() }
}
