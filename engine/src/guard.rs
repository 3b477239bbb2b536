//! Calls into code that others brought.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `f`; a panic becomes its message. What `f` changed is only used further where half a change does no harm.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(message)
}

fn message(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    // A payload may panic when it is dropped; a leak is the lesser evil.
    std::mem::forget(payload);
    text.unwrap_or_else(|| "without a message".into())
}
