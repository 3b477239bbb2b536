//! Which program this is.

use std::env::consts;

/// Its version and what it was built for: "0.1.0 for linux on x86_64".
pub(crate) fn version() -> String {
    format!("{} for {} on {}", env!("CARGO_PKG_VERSION"), consts::OS, consts::ARCH)
}
