//! Whatever a plugin says that it is, and whatever it replies, reading that ends without a panic and without taking more
//! memory than there are bytes.

#![no_main]

use std::sync::LazyLock;

use easel_engine::{Registry, plugin_probe};
use libfuzzer_sys::fuzz_target;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

fuzz_target!(|bytes: &[u8]| {
    plugin_probe::decode(bytes, &REGISTRY);
});
