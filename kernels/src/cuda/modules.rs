//! Compiled kernels, loaded when the first of a module is launched.

use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use cudarc::driver::{result, sys};

use super::error::During;
use super::overrides::{self, Target};
use super::{Context, fatbins};
use crate::{Device, KernelError, Result};

/// The modules and functions that were loaded.
#[derive(Default)]
pub(crate) struct Modules {
    functions: RwLock<Loaded<Arc<Function>>>,
    modules: Mutex<Loaded<Module>>,
}

/// What was loaded, by name, since other kernels were last put in force.
struct Loaded<Item> {
    /// As [`overrides::changes`] counts.
    changes: u64,
    items: HashMap<&'static str, Item>,
}

impl<Item> Default for Loaded<Item> {
    fn default() -> Self {
        Loaded { changes: 0, items: HashMap::new() }
    }
}

impl<Item: Clone> Loaded<Item> {
    fn find(&self, changes: u64, name: &str) -> Option<Item> {
        self.items.get(name).filter(|_| self.changes == changes).cloned()
    }

    /// Keeps what was loaded while `changes` held; what is older goes.
    fn keep(&mut self, changes: u64, name: &'static str, item: Item) {
        if self.changes < changes {
            *self = Loaded { changes, items: HashMap::new() };
        }
        if self.changes == changes {
            self.items.insert(name, item);
        }
    }
}

/// Where a module's code comes from.
enum Code {
    /// The program.
    Embedded(&'static [u8]),
    /// A folder of kernels.
    Compiled(Vec<u8>),
    /// Nowhere.
    NotBuilt,
}

/// A module is never unloaded: its functions are used as long as the process lives.
#[derive(Clone, Copy)]
struct Module(sys::CUmodule);

// SAFETY: handles of modules may be used from every thread.
unsafe impl Send for Module {}

/// A kernel, ready to be launched.
pub(crate) struct Function {
    pub(super) handle: sys::CUfunction,
    /// The dynamic shared memory that it may use: what the driver was told, and never more.
    shared_bytes: AtomicU32,
    /// Held while the driver is told, so that a smaller amount never comes after a larger one.
    raising: Mutex<()>,
}

// SAFETY: handles of functions may be used from every thread.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

impl Function {
    fn new(handle: sys::CUfunction) -> Self {
        Function { handle, shared_bytes: AtomicU32::new(0), raising: Mutex::default() }
    }

    /// Has `allow` allow it as much, unless it may use as much already. Whoever comes meanwhile waits: a launch before it is
    /// allowed would fail.
    pub(super) fn raise_shared_bytes(&self, bytes: u32, allow: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.shared_bytes.load(Ordering::Acquire) >= bytes {
            return Ok(());
        }
        let _raising = self.raising.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared_bytes.load(Ordering::Acquire) < bytes {
            allow()?;
            self.shared_bytes.store(bytes, Ordering::Release);
        }
        Ok(())
    }
}

impl Context {
    /// A kernel by its name in the compiled code.
    pub(super) fn function(&self, module: &'static str, symbol: &'static str) -> Result<Arc<Function>> {
        let functions = &self.modules().functions;
        let changes = overrides::changes();
        if let Some(function) = functions.read().unwrap_or_else(PoisonError::into_inner).find(changes, symbol) {
            return Ok(function);
        }
        let name = CString::new(symbol).expect("names of kernels are identifiers");
        let module = self.module(module, changes)?;
        // SAFETY: modules are never unloaded.
        let handle = unsafe { result::module::get_function(module.0, name) }
            .during(self.ordinal(), || format!("looking for the kernel `{symbol}`"))?;
        let function = Arc::new(Function::new(handle));
        functions.write().unwrap_or_else(PoisonError::into_inner).keep(changes, symbol, Arc::clone(&function));
        Ok(function)
    }

    /// The sizes of a kernel's parameters in bytes.
    #[cfg(test)]
    pub(super) fn parameter_sizes(&self, function: &Function) -> Result<Vec<usize>> {
        let mut sizes = Vec::new();
        loop {
            let (mut offset, mut size) = (0, 0);
            // SAFETY: the function lives as long as the process, and both pointers are valid for one number.
            let code = unsafe { sys::cuFuncGetParamInfo(function.handle, sizes.len(), &raw mut offset, &raw mut size) };
            match code {
                sys::CUresult::CUDA_SUCCESS => sizes.push(size),
                // There is no parameter of that number.
                sys::CUresult::CUDA_ERROR_INVALID_VALUE => return Ok(sizes),
                code => code.result().during(self.ordinal(), || "asking for a kernel's parameters".to_owned())?,
            }
        }
    }

    fn module(&self, name: &'static str, changes: u64) -> Result<Module> {
        let mut modules = self.modules().modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = modules.find(changes, name) {
            return Ok(module);
        }
        self.bind()?;
        let code = self.code(name)?;
        let start: *const c_void = match &code {
            Code::Embedded(bytes) => bytes.as_ptr().cast(),
            Code::Compiled(bytes) => bytes.as_ptr().cast(),
            // A program without a kernel is refused by a driver, and taken by the emulation, whose kernels are linked in.
            Code::NotBuilt => c"// not built".as_ptr().cast(),
        };
        // SAFETY: the code is a fatbin or a cubin, which say how long they are, or a string. The driver copies it.
        let module =
            unsafe { result::module::load_data(start) }.map_err(|error| self.not_loadable(name, &code, error))?;
        modules.keep(changes, name, Module(module));
        Ok(Module(module))
    }

    fn code(&self, module: &str) -> Result<Code> {
        if let Some(overrides) = overrides::installed()
            && let Some(cubin) = overrides.image(module, self.target())?
        {
            return Ok(Code::Compiled(cubin));
        }
        Ok(fatbins::embedded(module).map_or(Code::NotBuilt, Code::Embedded))
    }

    /// What a folder of kernels is compiled for.
    pub(super) fn target(&self) -> Target {
        let mut driver_version = 0;
        // SAFETY: the driver is open, and the pointer is valid for one `int`. Without an answer it stays 0, which costs
        // no more than a compilation that would not have been necessary.
        let _ = unsafe { sys::cuDriverGetVersion(&raw mut driver_version) };
        Target {
            compute_capability: self.properties().compute_capability,
            driver_version: driver_version.unsigned_abs(),
        }
    }

    fn not_loadable(&self, name: &str, code: &Code, error: result::DriverError) -> KernelError {
        let device = Device::Cuda(self.ordinal());
        let (major, minor) = self.properties().compute_capability;
        match (code, error.0) {
            (Code::NotBuilt, _) | (_, sys::CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU) => KernelError::Device(format!(
                "{device} cannot be used because the kernels of `{name}` were not built for compute capability {major}.{minor}"
            )),
            _ => Err::<(), _>(error)
                .during(self.ordinal(), || format!("loading the kernels of `{name}`"))
                .expect_err("it was an error"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    fn refused() -> Result<()> {
        Err(KernelError::Device("refused".to_owned()))
    }

    #[test]
    fn shared_memory_counts_as_allowed_only_when_it_is() {
        let function = Function::new(std::ptr::null_mut());
        assert!(function.raise_shared_bytes(100, refused).is_err());
        let mut asked = Vec::new();
        for bytes in [100, 70, 100, 101, 5] {
            let allow = || {
                assert!(function.shared_bytes.load(Ordering::Acquire) < bytes, "not before the driver was told");
                asked.push(bytes);
                Ok(())
            };
            assert_eq!(function.raise_shared_bytes(bytes, allow), Ok(()));
        }
        assert_eq!(asked, [100, 101], "what was refused is asked for again, what was allowed is not");
    }

    #[test]
    fn nobody_launches_before_what_another_asked_for_is_allowed() {
        let (function, barrier) = (Function::new(std::ptr::null_mut()), Barrier::new(2));
        let allowed = AtomicU32::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                let allow = || {
                    barrier.wait();
                    // The other thread asks now, or soon.
                    thread::yield_now();
                    allowed.store(100, Ordering::Release);
                    Ok(())
                };
                assert_eq!(function.raise_shared_bytes(100, allow), Ok(()));
            });
            barrier.wait();
            assert_eq!(function.raise_shared_bytes(90, || panic!("the other has done so")), Ok(()));
            assert_eq!(allowed.load(Ordering::Acquire), 100);
        });
    }
}
