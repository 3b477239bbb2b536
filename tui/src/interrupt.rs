//! Ctrl-C, SIGTERM and SIGHUP: the first asks the run to stop, the second ends the process at once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};

use easel_engine::CancelToken;

use crate::error::Exit;

/// How to tell the person at the keyboard something, through whatever keeps the terminal tidy.
pub(crate) type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// The run that signals are for. There is one handler per process, but a process may run several workflows in turn.
static CURRENT: Mutex<Option<Arc<State>>> = Mutex::new(None);
static HANDLER: Once = Once::new();

struct State {
    cancel: CancelToken,
    notice: Notice,
    asked: AtomicBool,
    scratch: Mutex<Vec<PathBuf>>,
}

/// While this lives, the first signal cancels the run instead of ending the process.
pub(crate) struct Interrupt {
    state: Arc<State>,
}

impl Interrupt {
    /// Takes the signals over.
    pub(crate) fn install(notice: Notice) -> Self {
        let state =
            State { cancel: CancelToken::new(), notice, asked: AtomicBool::new(false), scratch: Mutex::default() };
        let interrupt = Interrupt { state: Arc::new(state) };
        *lock(&CURRENT) = Some(Arc::clone(&interrupt.state));
        HANDLER.call_once(|| {
            keep_file_size_limits_from_killing();
            // Whoever took the signals over before us (a program that calls this library) keeps them.
            let _ = ctrlc::set_handler(handle);
        });
        interrupt
    }

    /// The token of the runs that the signals stop.
    pub(crate) fn token(&self) -> CancelToken {
        self.state.cancel.clone()
    }

    /// A folder to remove even when the process ends at once.
    pub(crate) fn remove_at_exit(&self, folder: PathBuf) {
        lock(&self.state.scratch).push(folder);
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        *lock(&CURRENT) = None;
    }
}

fn handle() {
    let current = lock(&CURRENT).clone();
    if let Some(state) = current {
        if !state.asked.swap(true, Ordering::Relaxed) {
            state.cancel.cancel();
            (state.notice)("stopping; files already written are kept. Once more to stop at once.");
            return;
        }
        for folder in lock(&state.scratch).iter() {
            // The process ends whatever comes of it.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
    std::process::exit(Exit::Failed.code().into());
}

/// A file that outgrows `ulimit -f` then fails to be written, like one on a full disk, and what was begun is removed;
/// by default the signal would end the process in the middle.
pub(crate) fn keep_file_size_limits_from_killing() {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigHandler, Signal, signal};

        // SAFETY: ignoring a signal installs no handler, so no code can run at a bad moment.
        let ignored = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
        // Without it the limit kills, as it would any program.
        let _ = ignored;
    }
}

/// What is behind these locks is whole after a panic too: each is changed in one go.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
