//! Work that may panic, on threads that go on.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does a piece of work; none if it panicked. Where and why is told by the guard of the terminal; what that means, and what to
/// do about it, is for the caller to say.
pub(super) fn attempt<T>(work: impl FnOnce() -> T) -> Option<T> {
    // Whoever calls this begins anew, or says what of it is still whole.
    catch_unwind(AssertUnwindSafe(work)).ok()
}
