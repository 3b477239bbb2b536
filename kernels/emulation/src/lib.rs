//! Runs Easel's CUDA kernels on the CPU, behind a stand-in for the CUDA driver, so that tests need no GPU.
//!
//! [`install`] loads the driver under the name that `cudarc` looks for; from then on its unmodified code runs kernels here.
//! The README beside this crate says what is checked and what cannot be seen.
//!
//! ```no_run
//! use easel_cuda_emulation::{Settings, install};
//! let emulation = install(Settings { compute_capability: (9, 0), seed: 7, ..Settings::default() })?;
//! // … use cudarc; a faulty kernel gives an error there, whose story is here:
//! println!("{:?}", emulation.last_report());
//! # Ok::<(), easel_cuda_emulation::Error>(())
//! ```

mod library;
mod settings;

use std::sync::{Mutex, MutexGuard, PoisonError};

use library::Library;
pub use library::{Error, Launch};
pub use settings::Settings;

/// Holds the emulation for one user: tests of one process take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Loads the emulation, once per process and before any other CUDA call, and sets it up.
///
/// Whoever calls next waits until the value returned is dropped. What ran before leaves no trace in the settings, the report
/// and the list of launches; allocations stay.
///
/// # Errors
///
/// If a CUDA driver has been loaded already, or a library of the emulation cannot be loaded.
pub fn install(settings: Settings) -> Result<Emulation, Error> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let library = Library::get()?;
    library.configure(&settings);
    Ok(Emulation { library, _turn: turn })
}

/// The story of the last call that failed: which kernel, which block and thread, which access; `None` if none has failed.
#[must_use]
pub fn last_report() -> Option<String> {
    Library::get().ok()?.report()
}

/// The launches since [`install`], or since the last [`Emulation::forget_launches`], in order.
#[must_use]
pub fn launches() -> Vec<Launch> {
    Library::get().map(Library::launches).unwrap_or_default()
}

/// The names of all kernels that there are, in order.
///
/// # Errors
///
/// As [`install`].
pub fn kernel_names() -> Result<Vec<String>, Error> {
    Ok(Library::get()?.kernel_names())
}

/// The emulation, held by one user until it is dropped.
#[derive(Debug)]
pub struct Emulation {
    library: &'static Library,
    _turn: MutexGuard<'static, ()>,
}

impl Emulation {
    /// Sets it up anew: the error of a kernel that failed, the report and the launches are forgotten.
    pub fn configure(&self, settings: &Settings) {
        self.library.configure(settings);
    }

    /// See [`last_report`].
    #[must_use]
    pub fn last_report(&self) -> Option<String> {
        self.library.report()
    }

    /// See [`launches`].
    #[must_use]
    pub fn launches(&self) -> Vec<Launch> {
        self.library.launches()
    }

    /// Empties the list of launches.
    pub fn forget_launches(&self) {
        self.library.forget_launches();
    }

    /// Loads the small kernels that this crate's own tests run.
    ///
    /// # Errors
    ///
    /// If their library cannot be loaded.
    #[doc(hidden)]
    pub fn load_test_kernels(&self) -> Result<(), Error> {
        self.library.load_test_kernels()
    }
}
