//! Asking a run to stop.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Asks a run to stop; clones ask the same run.
///
/// ```
/// use easel_engine::CancelToken;
///
/// let run = CancelToken::new();
/// let node = run.child();
/// node.cancel();
/// assert!(node.is_cancelled() && !run.is_cancelled());
/// run.cancel();
/// assert!(run.child().is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Default)]
struct Inner {
    asked: AtomicBool,
    parent: Option<CancelToken>,
    /// Called once, by whoever asks.
    listeners: Mutex<Vec<Box<dyn Fn() + Send>>>,
}

impl CancelToken {
    /// Not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token for a part: asking this one to stop asks that part too, but not the other way round.
    pub fn child(&self) -> Self {
        CancelToken(Arc::new(Inner { parent: Some(self.clone()), ..Inner::default() }))
    }

    /// Asks. Cannot be taken back.
    pub fn cancel(&self) {
        self.0.asked.store(true, Ordering::Release);
        let listeners = std::mem::take(&mut *self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner));
        for listener in listeners {
            listener();
        }
    }

    /// Whether it was asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.asked.load(Ordering::Acquire) || self.0.parent.as_ref().is_some_and(CancelToken::is_cancelled)
    }

    /// Calls `listener` when this very token is asked, at once if it was.
    pub(crate) fn on_cancel(&self, listener: impl Fn() + Send + 'static) {
        let mut listeners = self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.asked.load(Ordering::Acquire) {
            drop(listeners);
            listener();
        } else {
            listeners.push(Box::new(listener));
        }
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelToken").field(&self.is_cancelled()).finish()
    }
}
