//! Descriptions of tensors that Hopper's copy engine reads boxes of.

use std::ffi::c_void;

use cudarc::driver::sys;

use super::DeviceSlice;
use super::error::During;
use crate::{DType, KernelError, Result};

/// What a kernel gets by value (`const __grid_constant__`). It holds the tensor's address, not the tensor: who launches
/// keeps that.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct TensorMap([u64; 16]);

/// A tensor and the boxes that are read of it, dimensions innermost first, up to five of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiling<'a> {
    /// Sizes in elements.
    pub(crate) sizes: &'a [usize],
    /// Distances in bytes between neighbours along every dimension but the innermost: multiples of 16.
    pub(crate) strides: &'a [usize],
    /// Elements of a box along every dimension, 256 at most.
    pub(crate) tile: &'a [usize],
    /// Whether 16-byte pieces are exchanged within 128-byte rows, as warpgroup products want them: a box is then 128 bytes
    /// wide at most.
    pub(crate) swizzled: bool,
}

impl TensorMap {
    /// Describes `slice` as a tensor of `dtype`. What a box has outside of the tensor is read as zeros.
    pub(crate) fn tiled(slice: &DeviceSlice, dtype: DType, tiling: Tiling<'_>) -> Result<Self> {
        let rank = tiling.sizes.len();
        let wrong = || KernelError::parameter("tensor_map", format!("{tiling:?} is no tiling"));
        let fits = (1..=5).contains(&rank) && tiling.strides.len() + 1 == rank && tiling.tile.len() == rank;
        if !fits {
            return Err(wrong());
        }
        let wide = |values: &[usize]| values.iter().map(|&value| value as u64).collect::<Vec<_>>();
        let (sizes, strides) = (wide(tiling.sizes), wide(tiling.strides));
        let tile: Vec<u32> =
            tiling.tile.iter().map(|&size| u32::try_from(size)).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let steps = vec![1; rank];
        let swizzle = match tiling.swizzled {
            true => sys::CUtensorMapSwizzle::CU_TENSOR_MAP_SWIZZLE_128B,
            false => sys::CUtensorMapSwizzle::CU_TENSOR_MAP_SWIZZLE_NONE,
        };
        let mut map = TensorMap([0; 16]);
        // SAFETY: the map is 128 bytes long and 64-byte aligned, and the four lists have `rank` entries, the strides one
        // fewer, as the call wants. It reads no device memory.
        let encoded = unsafe {
            sys::cuTensorMapEncodeTiled(
                (&raw mut map).cast(),
                data_type(dtype),
                rank as u32,
                slice.address() as *mut c_void,
                sizes.as_ptr(),
                strides.as_ptr(),
                tile.as_ptr(),
                steps.as_ptr(),
                sys::CUtensorMapInterleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
                swizzle,
                sys::CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
                sys::CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
            )
        };
        encoded.result().during(slice.context().ordinal(), || format!("describing a tensor by {tiling:?}"))?;
        Ok(map)
    }
}

fn data_type(dtype: DType) -> sys::CUtensorMapDataType {
    match dtype {
        DType::F32 => sys::CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_FLOAT32,
        DType::F16 => sys::CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
        DType::BF16 => sys::CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
    }
}
