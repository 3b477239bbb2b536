//! Whatever is on disk, reading it as a kept result, a value or half-done work ends without a panic and without taking more
//! memory than there are bytes.

#![no_main]

use std::sync::LazyLock;

use easel_engine::{Registry, cache_probe};
use libfuzzer_sys::fuzz_target;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

fuzz_target!(|bytes: &[u8]| {
    cache_probe::decode(bytes, &REGISTRY);
});
