//! The driver's errors in this crate's words.

use cudarc::driver::result::DriverError;

use crate::{Device, KernelError, Result};

/// The driver's own text, and its name for the error.
pub(super) fn in_words(error: DriverError) -> String {
    let text = |text: Result<&std::ffi::CStr, DriverError>| text.ok().map(|text| text.to_string_lossy().into_owned());
    match (text(error.error_name()), text(error.error_string())) {
        (Some(name), Some(text)) => format!("{text} ({name})"),
        (Some(name), None) => name,
        (None, _) => format!("error {}", error.0 as u32),
    }
}

/// Says what a driver call was for.
pub(super) trait During<T> {
    /// The error of `ordinal`'s device while it was `action`.
    fn during(self, ordinal: usize, action: impl FnOnce() -> String) -> Result<T>;
}

impl<T> During<T> for Result<T, DriverError> {
    fn during(self, ordinal: usize, action: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| KernelError::Driver {
            device: Device::Cuda(ordinal),
            action: action(),
            problem: in_words(error),
        })
    }
}
