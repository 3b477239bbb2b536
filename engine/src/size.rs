//! Amounts of memory in words.

/// What to do when a node needs more memory than there is.
pub(crate) const TOO_MUCH: &str = "ask for fewer or smaller things at a time, or raise the memory limit";

/// The same where it is a device that has too little.
pub(crate) const TOO_MUCH_FOR_A_DEVICE: &str =
    "ask for fewer or smaller things at a time, end what else uses the device, or choose another one";

/// "1.5 GiB".
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut size = count as f64;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} bytes"),
        _ => format!("{size:.1} {}", UNITS[unit]),
    }
}
