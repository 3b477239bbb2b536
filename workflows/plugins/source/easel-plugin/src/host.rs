//! What a plugin can say to Easel while it runs.

#[cfg(target_family = "wasm")]
mod imports {
    #[link(wasm_import_module = "easel")]
    unsafe extern "C" {
        pub safe fn progress(step: i32, steps: i32);
        pub safe fn warn(text: *const u8, length: usize);
        pub safe fn note(key: *const u8, key_length: usize, value: *const u8, value_length: usize);
        pub safe fn panic(text: *const u8, length: usize);
    }
}

/// Tests of plugins run without Easel.
#[cfg(not(target_family = "wasm"))]
mod imports {
    pub fn progress(_: i32, _: i32) {}
    pub fn warn(_: *const u8, _: usize) {}
    pub fn note(_: *const u8, _: usize, _: *const u8, _: usize) {}
    pub fn panic(_: *const u8, _: usize) {}
}

pub fn progress(step: usize, steps: usize) {
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    imports::progress(number(step), number(steps));
}

pub fn warn(text: &str) {
    imports::warn(text.as_ptr(), text.len());
}

pub fn note(key: &str, value: &str) {
    imports::note(key.as_ptr(), key.len(), value.as_ptr(), value.len());
}

/// Has panics say what they are about: WebAssembly by itself knows only that there was one.
pub fn say_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        imports::panic(text.as_ptr(), text.len());
    }));
    #[cfg(not(target_family = "wasm"))]
    let _ = imports::panic;
}
