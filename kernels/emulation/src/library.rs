//! The libraries that `build.rs` made, and the functions of theirs that are not CUDA's.

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use libloading::os::unix::{self, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};

use crate::settings::{RawSettings, Settings};

const DRIVER: &str = env!("EASEL_EMULATION_DRIVER");
const KERNELS: [&str; 2] = [env!("EASEL_EMULATION_KERNELS_PLAIN"), env!("EASEL_EMULATION_KERNELS_CHECKED")];
const TEST_KERNELS: [&str; 2] =
    [env!("EASEL_EMULATION_TEST_KERNELS_PLAIN"), env!("EASEL_EMULATION_TEST_KERNELS_CHECKED")];

/// `RTLD_NOLOAD` of glibc and musl: find a library only if it is loaded.
const RTLD_NOLOAD: i32 = 4;

/// Why there is no emulation.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Another libcuda.so came first.
    #[error("a CUDA driver is loaded already: install the emulation before any other CUDA call")]
    DriverLoaded,
    /// The dynamic linker refused.
    #[error("{library} cannot be loaded ({reason}): build easel-cuda-emulation again")]
    Load {
        /// The file.
        library: String,
        /// What the dynamic linker says.
        reason: String,
    },
}

/// One launch of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The kernel's name.
    pub kernel: String,
    /// Blocks along x, y and z.
    pub grid: (u32, u32, u32),
    /// Threads of a block along x, y and z.
    pub block: (u32, u32, u32),
    /// Bytes of dynamic shared memory.
    pub shared_bytes: u32,
}

type Text = unsafe extern "C" fn(*mut u8, usize) -> usize;

/// The driver's functions beyond CUDA's. They lock for themselves, so any thread may call them.
#[derive(Debug)]
pub(crate) struct Library {
    configure: unsafe extern "C" fn(*const RawSettings),
    report: Text,
    kernel_names: Text,
    launch_count: unsafe extern "C" fn() -> usize,
    launch: unsafe extern "C" fn(usize, *mut u8, usize, *mut [u32; 7]) -> usize,
    forget_launches: unsafe extern "C" fn(),
    test_kernels: Mutex<bool>,
}

impl Library {
    /// Loads the driver and the kernels the first time.
    pub(crate) fn get() -> Result<&'static Self, Error> {
        static LIBRARY: OnceLock<Result<Library, Error>> = OnceLock::new();
        LIBRARY.get_or_init(Self::load).as_ref().map_err(Clone::clone)
    }

    fn load() -> Result<Self, Error> {
        // SAFETY: RTLD_NOLOAD runs no code: it looks through what is loaded.
        if unsafe { unix::Library::open(Some("libcuda.so"), RTLD_NOW | RTLD_NOLOAD) }.is_ok() {
            return Err(Error::DriverLoaded);
        }
        let driver = open(DRIVER, RTLD_GLOBAL)?;
        for kernels in KERNELS {
            open(kernels, RTLD_LOCAL)?;
        }
        Ok(Self {
            configure: symbol(driver, "easel_emulation_configure")?,
            report: symbol(driver, "easel_emulation_report")?,
            kernel_names: symbol(driver, "easel_emulation_kernel_names")?,
            launch_count: symbol(driver, "easel_emulation_launch_count")?,
            launch: symbol(driver, "easel_emulation_launch")?,
            forget_launches: symbol(driver, "easel_emulation_forget_launches")?,
            test_kernels: Mutex::new(false),
        })
    }

    pub(crate) fn load_test_kernels(&self) -> Result<(), Error> {
        let mut loaded = self.test_kernels.lock().unwrap_or_else(PoisonError::into_inner);
        if !*loaded {
            for kernels in TEST_KERNELS {
                open(kernels, RTLD_LOCAL)?;
            }
            *loaded = true;
        }
        Ok(())
    }

    pub(crate) fn configure(&self, settings: &Settings) {
        // SAFETY: the settings live through the call, and have the layout that the function expects.
        unsafe { (self.configure)(&RawSettings::from(settings)) }
    }

    pub(crate) fn report(&self) -> Option<String> {
        Some(text(|buffer, capacity| {
            // SAFETY: the function writes at most `capacity` bytes to the buffer.
            unsafe { (self.report)(buffer, capacity) }
        }))
        .filter(|report| !report.is_empty())
    }

    pub(crate) fn kernel_names(&self) -> Vec<String> {
        let names = text(|buffer, capacity| {
            // SAFETY: the function writes at most `capacity` bytes to the buffer.
            unsafe { (self.kernel_names)(buffer, capacity) }
        });
        names.lines().map(ToString::to_string).collect()
    }

    pub(crate) fn launches(&self) -> Vec<Launch> {
        // SAFETY: the function takes nothing.
        let count = unsafe { (self.launch_count)() };
        (0..count).map(|index| self.launch(index)).collect()
    }

    fn launch(&self, index: usize) -> Launch {
        let mut shape = [0; 7];
        let kernel = text(|buffer, capacity| {
            // SAFETY: the function writes at most `capacity` bytes to the buffer, and seven numbers to the shape.
            unsafe { (self.launch)(index, buffer, capacity, &raw mut shape) }
        });
        let [grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes] = shape;
        Launch { kernel, grid: (grid_x, grid_y, grid_z), block: (block_x, block_y, block_z), shared_bytes }
    }

    pub(crate) fn forget_launches(&self) {
        // SAFETY: the function takes nothing.
        unsafe { (self.forget_launches)() }
    }
}

/// Loads a library for the rest of the process: kernels, once announced, may be launched at any time.
fn open(path: &str, scope: i32) -> Result<&'static unix::Library, Error> {
    // SAFETY: what runs on loading is ours: kernels announce themselves.
    let library = unsafe { unix::Library::open(Some(Path::new(path)), RTLD_NOW | scope) };
    library.map(|library| &*Box::leak(Box::new(library))).map_err(|error| failure(path, &error))
}

/// The dynamic linker's own words are the error's source.
fn failure(path: &str, error: &libloading::Error) -> Error {
    let reason = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    Error::Load { library: path.to_string(), reason }
}

fn symbol<F: Copy>(library: &unix::Library, name: &str) -> Result<F, Error> {
    // SAFETY: the callers' types are those of the functions of these names in runtime/driver/control.cpp.
    unsafe { library.get::<F>(name) }.map(|symbol| *symbol).map_err(|error| failure(DRIVER, &error))
}

/// What a function writes to a buffer and says the length of, however long it is.
fn text(mut write: impl FnMut(*mut u8, usize) -> usize) -> String {
    let mut bytes = vec![0; 1024];
    let mut length = write(bytes.as_mut_ptr(), bytes.len());
    if length > bytes.len() {
        bytes.resize(length, 0);
        length = write(bytes.as_mut_ptr(), bytes.len()).min(bytes.len());
    }
    bytes.truncate(length);
    String::from_utf8_lossy(&bytes).into_owned()
}
