//! The host's memory.

use std::fmt;
use std::ops::{Deref, DerefMut};

use bytemuck::{Pod, Zeroable};

use super::{checked_bytes, spare};
use crate::{KernelError, Result, Shape};

/// A cache line, the unit of allocation: buffers start on one, so that no full vector straddles two.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct CacheLine([f32; 16]);

// SAFETY: all-zero bytes are sixteen zeros.
unsafe impl Zeroable for CacheLine {}
// SAFETY: sixteen `f32` fill the 64 bytes without padding, and every bit pattern is valid for them.
unsafe impl Pod for CacheLine {}

/// 64-byte aligned memory; reads as a slice of `f32`.
pub(crate) struct Buffer {
    /// At least as long as `bytes`.
    lines: Vec<CacheLine>,
    bytes: usize,
    /// Whether the memory is kept for other results.
    is_result: bool,
}

impl Buffer {
    /// Room for `shape` at `element_size` bytes an element, all zeros. `shape` is also what an error names.
    pub(crate) fn zeroed(shape: &Shape, element_size: usize) -> Result<Self> {
        let bytes = checked_bytes(shape, element_size)?;
        Ok(Buffer { lines: zeros(shape, bytes)?, bytes, is_result: false })
    }

    /// Room for a result of `shape` in `f32`, all of which is going to be written: it holds any numbers. What was the memory of
    /// earlier results is used again.
    pub(crate) fn result_f32(shape: &Shape) -> Result<Self> {
        let bytes = checked_bytes(shape, size_of::<f32>())?;
        let lines = match spare::take(bytes.div_ceil(size_of::<CacheLine>())) {
            Some(lines) => lines,
            None => zeros(shape, bytes)?,
        };
        let mut buffer = Buffer { lines, bytes, is_result: true };
        if cfg!(debug_assertions) {
            // Whoever does not write all of it finds out.
            buffer.fill(f32::NAN);
        }
        Ok(buffer)
    }

    /// Room for `shape` in `f32`, all zeros.
    pub(crate) fn zeroed_f32(shape: &Shape) -> Result<Self> {
        Self::zeroed(shape, size_of::<f32>())
    }

    /// The raw bytes, to be written.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.bytes]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.is_result {
            spare::keep(std::mem::take(&mut self.lines));
        }
    }
}

/// Lines for so many bytes of `shape`.
fn zeros(shape: &Shape, bytes: usize) -> Result<Vec<CacheLine>> {
    let line_count = bytes.div_ceil(size_of::<CacheLine>());
    let mut lines = Vec::new();
    lines.try_reserve_exact(line_count).map_err(|_| KernelError::OutOfMemory { shape: shape.clone(), bytes })?;
    lines.resize(line_count, CacheLine::zeroed());
    Ok(lines)
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.bytes]
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.bytes / size_of::<f32>()]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.bytes / size_of::<f32>()]
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.bytes)
    }
}
