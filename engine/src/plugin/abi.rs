//! What host and plugin agree on, and what a plugin may take. `workflows/plugins/README.md` tells it to authors.

use std::borrow::Cow;

/// The version of everything in this file, of [`super::wire`] and of the descriptions. A plugin of another is refused.
pub(super) const VERSION: i32 = 1;

/// The module that all imports come from.
pub(super) const IMPORTS: &str = "easel";
/// What there is in it: functions that take so many `i32` and return nothing.
pub(super) const FUNCTIONS: [(&str, usize); 4] = [("progress", 2), ("warn", 2), ("note", 4), ("panic", 2)];

/// The linear memory.
pub(super) const MEMORY: &str = "memory";
/// `() -> i32`: [`VERSION`].
pub(super) const ABI_VERSION: &str = "easel_abi_version";
/// `() -> i64`: where the description is, a text in RON.
pub(super) const DESCRIBE: &str = "easel_describe";
/// `(length: i32) -> i32`: room for so many bytes; 0 if there is none.
pub(super) const ALLOCATE: &str = "easel_alloc";
/// `(node: i32, inputs: i32, length: i32) -> i64`: where the reply is. Nodes are counted from 0, as they are described.
pub(super) const RUN: &str = "easel_run";

/// Larger files are no plugins: what is computed with travels as inputs.
pub(super) const MAX_FILE: u64 = 16 << 20;
/// More files than this in a folder are a mistake.
pub(super) const MAX_FILES: usize = 256;
/// Bytes of linear memory.
pub(super) const MAX_MEMORY: usize = 256 << 20;
/// Entries of a table of functions.
pub(super) const MAX_TABLE: usize = 1 << 16;
/// Bytes of a description. Its names are kept as long as the process, so it is not to be large.
pub(super) const MAX_DESCRIPTION: usize = 64 << 10;
/// Bytes of a text that a plugin has the user read; the rest is cut off.
pub(super) const MAX_TOLD: usize = 4 << 10;
/// Bytes of a name that is not known; the rest is cut off.
pub(super) const MAX_NAME: usize = 100;
/// Warnings and notes of one call; further ones are dropped.
pub(super) const MAX_TELLINGS: usize = 64;
/// Elements of all lists in a reply. Each takes up to some 250 bytes of the host besides its content, and need not take
/// more than 8 of the plugin.
pub(super) const MAX_ELEMENTS: usize = 1 << 20;
/// Calls in calls.
pub(super) const MAX_DEPTH: usize = 1 << 12;
/// Bytes of the values of all calls in calls, besides the plugin's own stack in its linear memory.
pub(super) const MAX_STACK: usize = 4 << 20;

/// So many instructions, about, are carried out between two looks at whether the run was cancelled: some milliseconds.
pub(super) const SLICE: u64 = 1_000_000;
/// What a call of the host costs, in instructions, besides one for each byte of its texts: about the time that it takes.
pub(super) const CALL: u64 = 100;
/// So many slices may pass before a plugin has said which version it is, or described itself.
pub(super) const MAX_SLICES: usize = 50;

/// Where something is in the plugin's memory, as its functions return it: the upper half is the place.
pub(super) fn unpack(packed: i64) -> (usize, usize) {
    let packed = packed.cast_unsigned();
    ((packed >> 32) as usize, (packed & u64::from(u32::MAX)) as usize)
}

/// The beginning of a text that is longer than so many bytes, and a sign that it goes on.
pub(super) fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(limit)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("grün", 5), "grün");
        assert_eq!(cut("grün", 4), "grü…");
        assert_eq!(cut("grün", 3), "gr…");
        assert_eq!(cut("grün", 0), "…");
    }

    #[test]
    fn places_are_unsigned() {
        assert_eq!(unpack(0x0000_0010_0000_0003), (16, 3));
        assert_eq!(unpack(-1), (u32::MAX as usize, u32::MAX as usize));
    }
}
