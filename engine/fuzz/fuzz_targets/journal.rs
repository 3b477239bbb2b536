//! Whatever is in a journal, reading it ends without a panic; and settings that can be read are the same when they are
//! written and read again.

#![no_main]

use easel_engine::journal_probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    journal_probe::decode(bytes);
});
