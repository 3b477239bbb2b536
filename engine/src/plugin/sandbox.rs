//! Where the code of a plugin runs: a WebAssembly interpreter, in which it reaches its own memory and four functions of
//! the host. It has no files, no network, no clock and no randomness; it takes as much memory as [`abi`] says, and is
//! interrupted every few milliseconds.

use std::ops::Range;

use wasmi::{
    CompilationMode, Config, EnforcedLimits, Engine, ExternType, FuncType, Linker, Memory, Store, TrapCode,
    TypedResumableCall, ValType, WasmParams, WasmResults,
};

use super::abi;
use super::error::PluginError;
use super::host::{self, Host, Paused};

/// Why a call into a plugin came to nothing: goes on after "the plugin".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Its code did what no code may, or gave up.
    #[error("trapped: {0}")]
    Trap(String),
    /// It said why it gives up.
    #[error("panicked: {0}")]
    Panic(String),
    /// It was not done when everybody else would have been.
    #[error("does not come to an end")]
    Endless,
    /// It wanted more memory than there is.
    #[error("wants more memory than it may have ({} MiB, or the maximum that it declares)", abi::MAX_MEMORY >> 20)]
    Memory,
    /// It points at something that it does not have.
    #[error("says that {what} is {length} byte(s) at {place}, but its memory ends at {end}")]
    Bounds {
        /// What it points at.
        what: &'static str,
        /// Where it says that this begins.
        place: usize,
        /// How long it says that this is.
        length: usize,
        /// Where its memory ends.
        end: usize,
    },
    /// It gave something that is no reply.
    #[error("gave no sound reply: {0}")]
    Reply(String),
    /// The run does not want its result any more.
    #[error("was stopped")]
    Cancelled,
}

/// Called between slices of a call, with what the plugin said meanwhile. An error ends the call.
pub(super) type Between<'a> = &'a mut dyn FnMut(&mut Host) -> Result<(), Fault>;

/// The code of a plugin, checked and translated, of which nothing has run.
pub(super) struct Module {
    // An interpreter of its own: what it keeps of translated code goes when the plugin goes.
    engine: Engine,
    module: wasmi::Module,
    linker: Linker<Host>,
}

impl Module {
    /// Checks and translates a module: all of it, so that nothing about it is found to be wrong later.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, PluginError> {
        let engine = Engine::new(&config());
        let module = wasmi::Module::new(&engine, bytes).map_err(|error| PluginError::NotWasm(one_line(&error)))?;
        check_imports(&module)?;
        check_exports(&module)?;
        let linker = host::linker(&engine).map_err(|error| PluginError::NotWasm(one_line(&error)))?;
        Ok(Module { engine, module, linker })
    }

    /// A fresh instance. Every call gets its own: what a plugin gives depends on what it is given, and on nothing that
    /// happened before.
    pub(super) fn instantiate(&self) -> Result<Instance, Fault> {
        let mut store = Store::new(&self.engine, Host::default());
        store.limiter(|host| host);
        store.set_fuel(abi::SLICE).map_err(|error| Fault::Trap(one_line(&error)))?;
        let made = self.linker.instantiate_and_start(&mut store, &self.module);
        let instance = made.map_err(|error| fault(&error, store.data()))?;
        let memory = instance.get_memory(&store, abi::MEMORY);
        let memory = memory.ok_or_else(|| Fault::Trap("its memory is gone".into()))?;
        Ok(Instance { store, instance, memory, slice: abi::SLICE })
    }
}

/// What WebAssembly a plugin may be made of: what compilers write unless they are told otherwise.
fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        // It would run before anybody could interrupt it.
        .allow_start_fn(false)
        // Translated on the way, functions would cost the first call more fuel than the second.
        .compilation_mode(CompilationMode::Eager)
        .enforced_limits(EnforcedLimits::strict())
        .ignore_custom_sections(true)
        .set_max_recursion_depth(abi::MAX_DEPTH)
        .set_max_stack_height(abi::MAX_STACK)
        .wasm_multi_memory(false)
        .wasm_tail_call(false);
    config
}

fn check_imports(module: &wasmi::Module) -> Result<(), PluginError> {
    for import in module.imports() {
        let name = format!("{}.{}", import.module(), import.name());
        let known = abi::FUNCTIONS.iter().find(|(name, _)| (abi::IMPORTS, *name) == (import.module(), import.name()));
        let Some((_, parameters)) = known else {
            return Err(PluginError::Import(abi::cut(&name, abi::MAX_NAME).into_owned()));
        };
        let wanted = FuncType::new(vec![ValType::I32; *parameters], []);
        if !matches!(import.ty(), ExternType::Func(found) if *found == wanted) {
            return Err(PluginError::Import(format!("{name}, but not as a function of {parameters} i32")));
        }
    }
    Ok(())
}

fn check_exports(module: &wasmi::Module) -> Result<(), PluginError> {
    use ValType::{I32, I64};

    let functions: [(&str, &[ValType], ValType, &str); 4] = [
        (abi::ABI_VERSION, &[], I32, "() -> i32"),
        (abi::DESCRIBE, &[], I64, "() -> i64"),
        (abi::ALLOCATE, &[I32], I32, "(i32) -> i32"),
        (abi::RUN, &[I32, I32, I32], I64, "(i32, i32, i32) -> i64"),
    ];
    if !matches!(module.get_export(abi::MEMORY), Some(ExternType::Memory(_))) {
        return Err(PluginError::Export(format!("a memory called `{}`", abi::MEMORY)));
    }
    for (name, parameters, result, words) in functions {
        let wanted = FuncType::new(parameters.to_vec(), [result]);
        if !matches!(module.get_export(name), Some(ExternType::Func(found)) if found == wanted) {
            return Err(PluginError::Export(format!("a function `{name}` of type {words}")));
        }
    }
    Ok(())
}

/// A plugin that code can be run in.
pub(super) struct Instance {
    store: Store<Host>,
    instance: wasmi::Instance,
    memory: Memory,
    /// Fuel between two looks.
    pub(super) slice: u64,
}

impl Instance {
    /// Calls an export, in slices.
    pub(super) fn call<P, R>(&mut self, export: &'static str, parameters: P, between: Between<'_>) -> Result<R, Fault>
    where
        P: WasmParams,
        R: WasmResults,
    {
        let function = self.instance.get_typed_func::<P, R>(&self.store, export);
        let function = function.map_err(|error| Fault::Trap(one_line(&error)))?;
        self.refuel(self.slice)?;
        let mut going = function.call_resumable(&mut self.store, parameters);
        loop {
            match going {
                Ok(TypedResumableCall::Finished(result)) => {
                    between(self.store.data_mut())?;
                    return Ok(result);
                }
                Ok(TypedResumableCall::OutOfFuel(paused)) => {
                    between(self.store.data_mut())?;
                    // To fill a large part of the memory is one instruction, which has to be paid at once.
                    self.refuel(self.slice.max(paused.required_fuel()))?;
                    going = paused.resume(&mut self.store);
                }
                Ok(TypedResumableCall::HostTrap(paused)) if paused.host_error().downcast_ref::<Paused>().is_some() => {
                    between(self.store.data_mut())?;
                    self.refuel(self.slice)?;
                    going = paused.resume(&mut self.store, &[]);
                }
                Ok(TypedResumableCall::HostTrap(refused)) => return Err(self.failed(refused.host_error(), between)),
                Err(error) => return Err(self.failed(&error, between)),
            }
        }
    }

    /// Why a call failed. What the plugin said before is heard: it may say more about the reason than the reason.
    fn failed(&mut self, error: &wasmi::Error, between: Between<'_>) -> Fault {
        // The call is over: whether it might have gone on does not matter.
        let _ = between(self.store.data_mut());
        fault(error, self.store.data())
    }

    /// A part of its memory.
    pub(super) fn bytes(&self, what: &'static str, (place, length): (usize, usize)) -> Result<&[u8], Fault> {
        let memory = self.memory.data(&self.store);
        Ok(&memory[range(what, place, length, memory.len())?])
    }

    /// Writes into its memory.
    pub(super) fn write(&mut self, what: &'static str, place: usize, bytes: &[u8]) -> Result<(), Fault> {
        let memory = self.memory.data_mut(&mut self.store);
        let range = range(what, place, bytes.len(), memory.len())?;
        memory[range].copy_from_slice(bytes);
        Ok(())
    }

    fn refuel(&mut self, fuel: u64) -> Result<(), Fault> {
        self.store.set_fuel(fuel).map_err(|error| Fault::Trap(one_line(&error)))
    }
}

/// The part of a memory, if it lies within.
fn range(what: &'static str, place: usize, length: usize, end: usize) -> Result<Range<usize>, Fault> {
    match place.checked_add(length) {
        Some(behind) if behind <= end => Ok(place..behind),
        _ => Err(Fault::Bounds { what, place, length, end }),
    }
}

/// What an error of the interpreter means for a plugin.
fn fault(error: &wasmi::Error, host: &Host) -> Fault {
    if let Some(refused) = error.downcast_ref::<host::Refused>() {
        return refused.0.clone();
    }
    match error.as_trap_code() {
        _ if host.memory_refused() => Fault::Memory,
        Some(TrapCode::OutOfFuel) => Fault::Endless,
        Some(code) => Fault::Trap(code.trap_message().into()),
        None => Fault::Trap(one_line(error)),
    }
}

fn one_line(error: &wasmi::Error) -> String {
    let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    abi::cut(&line, abi::MAX_TOLD).into_owned()
}
