//! All kernels, each named once, with the types of its arguments.

use std::ffi::c_void;

use super::launch::{Argument, In, Launch, Out, T, activations};
use super::{Context, TensorMap};
use crate::{DType, KernelError, Result};

/// A kernel as the compiled code has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol {
    /// Its name.
    pub(crate) name: &'static str,
    /// The dtype of its activations, if its name ends in one.
    pub(crate) dtype: Option<DType>,
}

/// What the table says about a kernel.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(test), allow(dead_code, reason = "tests compare it with the compiled code"))]
pub(crate) struct Kernel {
    /// The `.cu` that it is in.
    pub(crate) module: &'static str,
    /// One for each dtype.
    pub(crate) symbols: &'static [Symbol],
    /// The sizes of its arguments in bytes.
    pub(crate) sizes: &'static [usize],
    /// Whether only code for `sm_90a` has it.
    pub(crate) hopper: bool,
}

/// Makes of every kernel a struct with a field for each argument, in the order of the kernel's parameters, and a `launch`
/// that passes them; and of all of them [`KERNELS`], which tests compare with the compiled code.
///
/// `module NAME { … }` for every `.cu`. In it the kernels: `name[f32 f16 bf16](argument: type, …);`, or `name[](…)` if the name
/// has no suffix. Names
/// that end in `_wgmma` are those that only Hopper has.
///
/// Types: `In<'a, T>` and `Out<'a, T>` point to activations, `In<'a, f32>` and `Out<'a, f32>` to float32 whatever the
/// activations are, `In<'a, u32>` and `Out<'a, u32>` to other words; `Option` of them may be null; `usize` is an `int` that
/// counts something; `i32`, `u32`, `u64`, `f32` and `TensorMap` are themselves.
macro_rules! kernels {
    ($(
        module $module:ident {
            $( $(#[$doc:meta])+ $name:ident [$($dtype:ident)*] ( $($field:ident: $type:ty),* $(,)? ); )*
        }
    )*) => {
        /// All kernels.
        #[cfg_attr(not(test), allow(dead_code, reason = "tests compare it with the compiled code"))]
        pub(crate) static KERNELS: &[Kernel] = &[$($(
            Kernel {
                module: stringify!($module),
                symbols: $name::SYMBOLS,
                sizes: $name::SIZES,
                hopper: ends_in_wgmma(stringify!($name)),
            },
        )*)*];

        $($(
            $(#[$doc])+
            #[allow(non_camel_case_types, reason = "the kernel's own name")]
            pub(crate) struct $name<'a> {
                $( #[allow(missing_docs)] pub(crate) $field: $type, )*
            }

            impl<'a> $name<'a> {
                const SYMBOLS: &'static [Symbol] = symbols!($name $($dtype)*);
                const SIZES: &'static [usize] = &[$( size_of::<<$type as Argument>::Raw>() ),*];

                /// Launches it for the dtype that its activations have.
                pub(crate) fn launch(&self, context: &'static Context, launch: Launch) -> Result<()> {
                    let name = stringify!($name);
                    let dtype = activations(name, &[$( self.$field.activations() ),*])?;
                    let symbol = symbol_for(name, Self::SYMBOLS, dtype)?;
                    let bytes = [$( self.$field.bytes() ),*].into_iter().sum();
                    $( let $field = self.$field.raw(symbol, stringify!($field))?; )*
                    let mut parameters = [$( (&raw const $field).cast_mut().cast::<c_void>() ),*];
                    // SAFETY: a test compares the types with the compiled kernel's. The pointers lead to live memory of
                    // the device, of which the op that launches this has checked the sizes; it is no memory of Rust's.
                    unsafe { context.launch(stringify!($module), symbol, launch, bytes, &mut parameters) }
                }
            }
        )*)*
    };
}

macro_rules! symbols {
    ($name:ident) => {
        &[Symbol { name: stringify!($name), dtype: None }]
    };
    ($name:ident $($dtype:ident)+) => {
        &[$( Symbol { name: concat!(stringify!($name), "_", stringify!($dtype)), dtype: Some(dtype!($dtype)) } ),+]
    };
}

macro_rules! dtype {
    (f32) => {
        DType::F32
    };
    (f16) => {
        DType::F16
    };
    (bf16) => {
        DType::BF16
    };
}

const fn ends_in_wgmma(name: &str) -> bool {
    matches!(name.as_bytes(), [.., b'_', b'w', b'g', b'm', b'm', b'a'])
}

fn symbol_for(kernel: &'static str, symbols: &[Symbol], dtype: Option<DType>) -> Result<&'static str> {
    symbols.iter().find(|symbol| symbol.dtype.is_none() || symbol.dtype == dtype).map(|symbol| symbol.name).ok_or_else(
        || KernelError::parameter(kernel, format!("no version for {}", dtype.map_or("no dtype", DType::name))),
    )
}

kernels! {
    module elementwise {
        /// `a + b`, both `[rows, columns]`, or `b` one row for all (`b_rows` 1). A grid of (blocks of columns, rows).
        add[f32 f16 bf16](a: In<'a, T>, b: In<'a, T>, out: Out<'a, T>, rows: usize, columns: usize, b_rows: usize);
        /// An activation by its number.
        activate[f32 f16 bf16](x: In<'a, T>, out: Out<'a, T>, rows: usize, columns: usize, activation: i32);
        /// `x`, or where it is negative `x · slope` of its channel; rows are runs of whole pixels.
        prelu[f32 f16 bf16](x: In<'a, T>, slope: In<'a, f32>, out: Out<'a, T>, rows: usize, columns: usize,
            channels: usize);
        /// `x · scale + shift`; numbers for each column come before those for all.
        affine[f32 f16 bf16](x: In<'a, T>, column_scale: Option<In<'a, f32>>, column_shift: Option<In<'a, f32>>,
            out: Out<'a, T>, rows: usize, columns: usize, scale: f32, shift: f32);
        /// Into `low..=high`.
        clamp[f32 f16 bf16](x: In<'a, T>, out: Out<'a, T>, rows: usize, columns: usize, low: f32, high: f32);
        /// One value everywhere.
        fill[f32 f16 bf16](out: Out<'a, T>, rows: usize, columns: usize, value: f32);
        /// How many elements are NaN or infinite. One block of 1024 threads.
        count_not_finite[f32 f16 bf16](x: In<'a, T>, out: Out<'a, u32>, rows: usize, columns: usize);
    }
    module cast {
        /// To float32.
        cast_to_f32[f16 bf16](x: In<'a, T>, out: Out<'a, f32>, rows: usize, columns: usize);
        /// From float32, rounded to nearest even.
        cast_from_f32[f16 bf16](x: In<'a, f32>, out: Out<'a, T>, rows: usize, columns: usize);
    }
    module group_norm {
        /// One block for a group of an item: a grid of (groups, batch).
        group_norm_naive[f32 f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, f32>, bias: In<'a, f32>,
            scale_shift: Option<In<'a, f32>>, out: Out<'a, T>, pixels: usize, channels0: usize, channels1: usize,
            groups: usize, activation: i32, eps: f32);
        /// The same where a group fits the block's registers.
        group_norm_small[f32 f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, f32>, bias: In<'a, f32>,
            scale_shift: Option<In<'a, f32>>, out: Out<'a, T>, pixels: usize, channels0: usize, channels1: usize,
            groups: usize, activation: i32, eps: f32);
        /// Partial statistics of a source: a grid of (chunks, tiles of channels, batch).
        group_norm_moments[f32 f16 bf16](x: In<'a, T>, moments: Out<'a, f32>, pixels: usize, channels: usize,
            chunk_pixels: usize, tile_columns: usize);
        /// From partial statistics to what each channel goes through: a grid of (groups, batch).
        group_norm_finish[](moments0: In<'a, f32>, moments1: Option<In<'a, f32>>, weight: In<'a, f32>,
            bias: In<'a, f32>, scale_shift: Option<In<'a, f32>>, affine: Out<'a, f32>, pixels: usize, channels0: usize,
            channels1: usize, chunk_pixels0: usize, chunk_pixels1: usize, groups: usize, eps: f32);
        /// The result: a grid of (chunks, tiles of channels, batch).
        group_norm_apply[f32 f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, affine: In<'a, f32>, out: Out<'a, T>,
            pixels: usize, channels0: usize, channels1: usize, chunk_pixels: usize, tile_columns: usize,
            activation: i32);
    }
    module layer_norm {
        /// A block for a row of any length.
        layer_norm_naive[f32 f16 bf16](x: In<'a, T>, weight: In<'a, f32>, bias: In<'a, f32>, out: Out<'a, T>,
            length: usize, eps: f32);
        /// A block for a row that fits its registers.
        layer_norm[f32 f16 bf16](x: In<'a, T>, weight: In<'a, f32>, bias: In<'a, f32>, out: Out<'a, T>, length: usize,
            eps: f32);
    }
    module softmax {
        /// A block for a row of any length.
        softmax_naive[f32 f16 bf16](x: In<'a, T>, out: Out<'a, T>, length: usize);
        /// A block for a row that fits its registers.
        softmax[f32 f16 bf16](x: In<'a, T>, out: Out<'a, T>, length: usize);
    }
    module resample {
        /// Every pixel twice in both directions: a grid of (blocks of a row, rows, batch) of the input.
        upsample_nearest2x[f32 f16 bf16](x: In<'a, T>, out: Out<'a, T>, height: usize, width: usize, channels: usize);
        /// Means of 2 × 2 blocks: a grid of (blocks of a row, rows, batch) of the result.
        average_pool2x[f32 f16 bf16](x: In<'a, T>, out: Out<'a, T>, height: usize, width: usize, channels: usize);
        /// Channels to pixels, plus pixels repeated: a grid of (blocks of a row, rows, batch) of the result.
        pixel_shuffle[f32 f16 bf16](x: In<'a, T>, base: In<'a, f32>, out: Out<'a, f32>, height: usize, width: usize,
            channels: usize, factor: usize);
        /// The second dimension of `[outer, from, inner]` resized, to float32.
        resample_to_f32[f32 f16 bf16](x: In<'a, T>, starts: In<'a, u32>, counts: In<'a, u32>, weights: In<'a, f32>,
            out: Out<'a, f32>, outer: usize, from: usize, to: usize, inner: usize, taps: usize);
        /// The same from float32.
        resample_from_f32[f32 f16 bf16](x: In<'a, f32>, starts: In<'a, u32>, counts: In<'a, u32>, weights: In<'a, f32>,
            out: Out<'a, T>, outer: usize, from: usize, to: usize, inner: usize, taps: usize);
    }
    module embedding {
        /// Rows of a table: a grid of (blocks of channels, rows).
        embedding[f32 f16 bf16](table: In<'a, T>, ids: In<'a, u32>, out: Out<'a, T>, rows: usize, channels: usize);
    }
    module sampler {
        /// Classifier-free guidance, to float32.
        guidance[f32 f16 bf16](unconditional: In<'a, T>, conditional: In<'a, T>, out: Out<'a, f32>, rows: usize,
            columns: usize, scale: f32);
        /// One step of ancestral sampling.
        scheduler_step[](sample: In<'a, f32>, output: In<'a, f32>, noise: Option<In<'a, f32>>,
            predicted: Option<In<'a, f32>>, out: Out<'a, f32>, rows: usize, columns: usize, predicts_noise: i32,
            signal: f32, noise_scale: f32, clip: f32, x0_to_previous: f32, sample_to_previous: f32, deviation: f32,
            min_log: f32, max_log: f32);
        /// Both in one pass over both branches.
        guided_step[f32 f16 bf16](sample: In<'a, f32>, output: In<'a, T>, noise: Option<In<'a, f32>>,
            out: Out<'a, f32>, batch: usize, pixels: usize, channels: usize, output_channels: usize, is_guided: i32,
            predicts_variance: i32, predicts_noise: i32, guidance_scale: f32, signal: f32, noise_scale: f32, clip: f32,
            x0_to_previous: f32, sample_to_previous: f32, deviation: f32, min_log: f32, max_log: f32);
    }
    module random {
        /// Standard normal noise: a grid of (blocks of 1024 numbers of an item, items).
        normal[](out: Out<'a, f32>, items: usize, length: usize, seed_low: u32, seed_high: u32, stream: u32, draw: u32);
    }
    module skinny_linear {
        /// `x · weightᵀ`, finished, for up to 1 rows a group: a grid of (blocks of 8 columns, groups).
        skinny_linear_1[f32 f16 bf16](x: In<'a, T>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, rows: usize, columns: usize,
            depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// The same for up to 2 rows.
        skinny_linear_2[f32 f16 bf16](x: In<'a, T>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, rows: usize, columns: usize,
            depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// The same for up to 4 rows.
        skinny_linear_4[f32 f16 bf16](x: In<'a, T>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, rows: usize, columns: usize,
            depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// The same for up to 8 rows.
        skinny_linear_8[f32 f16 bf16](x: In<'a, T>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, rows: usize, columns: usize,
            depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// The same for up to 16 rows.
        skinny_linear_16[f32 f16 bf16](x: In<'a, T>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, rows: usize, columns: usize,
            depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// Activations in float32: for up to 1 rows.
        skinny_linear_1_wide[f16 bf16](x: In<'a, f32>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, f32>>, out: Out<'a, f32>, rows: usize, columns: usize,
            depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// Activations in float32: for up to 2 rows.
        skinny_linear_2_wide[f16 bf16](x: In<'a, f32>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, f32>>, out: Out<'a, f32>, rows: usize, columns: usize,
            depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// Activations in float32: for up to 4 rows.
        skinny_linear_4_wide[f16 bf16](x: In<'a, f32>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, f32>>, out: Out<'a, f32>, rows: usize, columns: usize,
            depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// Activations in float32: for up to 8 rows.
        skinny_linear_8_wide[f16 bf16](x: In<'a, f32>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, f32>>, out: Out<'a, f32>, rows: usize, columns: usize,
            depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// Activations in float32: for up to 16 rows.
        skinny_linear_16_wide[f16 bf16](x: In<'a, f32>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, f32>>, out: Out<'a, f32>, rows: usize, columns: usize,
            depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
    }
    module layout {
        /// Rows of a strided matrix to rows of another, 16 bytes at a time: a grid of (blocks of a row, rows).
        copy_rows_16[](from: In<'a, u32>, to: Out<'a, u32>, rows: usize, length: usize, from_stride: usize,
            to_stride: usize, times: usize);
        /// The same, 8 bytes at a time.
        copy_rows_8[](from: In<'a, u32>, to: Out<'a, u32>, rows: usize, length: usize, from_stride: usize,
            to_stride: usize, times: usize);
        /// The same, 4 bytes at a time.
        copy_rows_4[](from: In<'a, u32>, to: Out<'a, u32>, rows: usize, length: usize, from_stride: usize,
            to_stride: usize, times: usize);
        /// The same, 2 bytes at a time.
        copy_rows_2[](from: In<'a, u32>, to: Out<'a, u32>, rows: usize, length: usize, from_stride: usize,
            to_stride: usize, times: usize);
        /// Matrices of elements of 4 bytes turned round: a grid of (tiles of 32 × 32, batch).
        transpose_4[](from: In<'a, u32>, to: Out<'a, u32>, rows: usize, columns: usize);
        /// The same for elements of 2 bytes.
        transpose_2[](from: In<'a, u32>, to: Out<'a, u32>, rows: usize, columns: usize);
    }
    module gemm {
        /// `x · weightᵀ`, finished. A thread an output.
        linear_naive[f32 f16 bf16](x: In<'a, T>, weight: In<'a, T>, bias: Option<In<'a, f32>>, sample_bias: Option<In<'a, f32>>,
            residual: Option<In<'a, T>>, out: Out<'a, T>, rows: usize,
            columns: usize, depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// Tiles of 128 × 128, 256 threads, those along the columns first.
        linear_tiled[f32 f16 bf16](x: In<'a, T>, weight: In<'a, T>, bias: Option<In<'a, f32>>, sample_bias: Option<In<'a, f32>>,
            residual: Option<In<'a, T>>, out: Out<'a, T>, rows: usize,
            columns: usize, depth: usize, rows_per_sample: usize, activation: i32, scale: f32);
        /// Adds `partial: [splits, rows, columns]` and finishes. A thread for four columns of a row (one if 4 does not divide
        /// them).
        linear_reduce[f16 bf16](partial: In<'a, f32>, bias: Option<In<'a, f32>>, sample_bias: Option<In<'a, f32>>,
            residual: Option<In<'a, T>>, out: Out<'a, T>, rows: usize,
            columns: usize, splits: usize, rows_per_sample: usize, activation: i32, scale: f32);
    }
    module gemm_mma {
        /// Tiles of 128 × 128: a grid of (tiles, parts of K).
        linear_128x128_mma[f16 bf16](x: In<'a, T>, weight: In<'a, T>, bias: Option<In<'a, f32>>, sample_bias: Option<In<'a, f32>>,
            residual: Option<In<'a, T>>, out: Out<'a, T>,
            partial: Option<Out<'a, f32>>, rows: usize, columns: usize, depth: usize, rows_per_sample: usize,
            activation: i32, scale: f32);
        /// Tiles of 128 × 160: a grid of (tiles, parts of K).
        linear_128x160_mma[f16 bf16](x: In<'a, T>, weight: In<'a, T>, bias: Option<In<'a, f32>>, sample_bias: Option<In<'a, f32>>,
            residual: Option<In<'a, T>>, out: Out<'a, T>,
            partial: Option<Out<'a, f32>>, rows: usize, columns: usize, depth: usize, rows_per_sample: usize,
            activation: i32, scale: f32);
        /// Tiles of 64 × 64: a grid of (tiles, parts of K).
        linear_64x64_mma[f16 bf16](x: In<'a, T>, weight: In<'a, T>, bias: Option<In<'a, f32>>, sample_bias: Option<In<'a, f32>>,
            residual: Option<In<'a, T>>, out: Out<'a, T>,
            partial: Option<Out<'a, f32>>, rows: usize, columns: usize, depth: usize, rows_per_sample: usize,
            activation: i32, scale: f32);
    }
    module gemm_wgmma {
        /// Tiles of 256 × 160: at most one block for each multiprocessor.
        linear_256x160_wgmma[f16 bf16](x0: TensorMap, x1: TensorMap, weight: TensorMap, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, partial: Option<Out<'a, f32>>,
            rows: usize, columns: usize, depth0: usize, depth1: usize, parts: usize, rows_per_sample: usize,
            activation: i32, scale: f32);
        /// Tiles of 128 × 160: at most one block for each multiprocessor.
        linear_128x160_wgmma[f16 bf16](x0: TensorMap, x1: TensorMap, weight: TensorMap, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, partial: Option<Out<'a, f32>>,
            rows: usize, columns: usize, depth0: usize, depth1: usize, parts: usize, rows_per_sample: usize,
            activation: i32, scale: f32);
        /// Tiles of 128 × 128: at most one block for each multiprocessor.
        linear_128x128_wgmma[f16 bf16](x0: TensorMap, x1: TensorMap, weight: TensorMap, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, partial: Option<Out<'a, f32>>,
            rows: usize, columns: usize, depth0: usize, depth1: usize, parts: usize, rows_per_sample: usize,
            activation: i32, scale: f32);
    }
    module conv2d {
        /// A convolution. A thread an output.
        conv2d_naive[f32 f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, batch: usize,
            height: usize, width: usize, channels0: usize, channels1: usize, out_height: usize, out_width: usize,
            out_channels: usize, kernel_height: usize, kernel_width: usize, stride: usize, padding: usize, activation: i32, scale: f32);
        /// Tiles of 128 windows × 128 channels, 256 threads.
        conv2d_tiled[f32 f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, batch: usize,
            height: usize, width: usize, channels0: usize, channels1: usize, out_height: usize, out_width: usize,
            out_channels: usize, kernel_height: usize, kernel_width: usize, stride: usize, padding: usize, activation: i32, scale: f32);
        /// A convolution of an upsampled picture. A grid of (outputs of a phase, phases).
        upsample_conv3x3_naive[f32 f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, batch: usize,
            height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize,
            activation: i32, scale: f32);
        /// A grid of (tiles of 128 × 128, phases), 256 threads.
        upsample_conv3x3_tiled[f32 f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, batch: usize,
            height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize,
            activation: i32, scale: f32);
    }
    module conv2d_mma {
        /// Tiles of 128 × 128: a grid of (tiles, parts of K).
        conv2d_128x128_mma[f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>,
            partial: Option<Out<'a, f32>>, moments: Option<Out<'a, f32>>, batch: usize,
            height: usize, width: usize, channels0: usize, channels1: usize, out_height: usize, out_width: usize,
            out_channels: usize, kernel_height: usize, kernel_width: usize, stride: usize, padding: usize, activation: i32, scale: f32);
        /// Tiles of 128 × 128: a grid of (tiles, phases).
        upsample_conv3x3_128x128_mma[f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>,
            moments: Option<Out<'a, f32>>, batch: usize,
            height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize,
            activation: i32, scale: f32);
        /// Tiles of 128 × 160: a grid of (tiles, parts of K).
        conv2d_128x160_mma[f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>,
            partial: Option<Out<'a, f32>>, moments: Option<Out<'a, f32>>, batch: usize,
            height: usize, width: usize, channels0: usize, channels1: usize, out_height: usize, out_width: usize,
            out_channels: usize, kernel_height: usize, kernel_width: usize, stride: usize, padding: usize, activation: i32, scale: f32);
        /// Tiles of 128 × 160: a grid of (tiles, phases).
        upsample_conv3x3_128x160_mma[f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>,
            moments: Option<Out<'a, f32>>, batch: usize,
            height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize,
            activation: i32, scale: f32);
        /// Tiles of 64 × 64: a grid of (tiles, parts of K).
        conv2d_64x64_mma[f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>,
            partial: Option<Out<'a, f32>>, moments: Option<Out<'a, f32>>, batch: usize,
            height: usize, width: usize, channels0: usize, channels1: usize, out_height: usize, out_width: usize,
            out_channels: usize, kernel_height: usize, kernel_width: usize, stride: usize, padding: usize, activation: i32, scale: f32);
        /// Tiles of 64 × 64: a grid of (tiles, phases).
        upsample_conv3x3_64x64_mma[f16 bf16](x0: In<'a, T>, x1: Option<In<'a, T>>, weight: In<'a, T>, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>,
            moments: Option<Out<'a, f32>>, batch: usize,
            height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize,
            activation: i32, scale: f32);
    }
    module conv3x3_wgmma {
        /// Tiles of 8 × 32 pixels × 160 channels: at most one block for each multiprocessor.
        conv3x3_8x32_wgmma[f16 bf16](x0: TensorMap, x1: TensorMap, weight: TensorMap, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, partial: Option<Out<'a, f32>>,
            moments: Option<Out<'a, f32>>, batch: usize, height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize, parts: usize,
            activation: i32, scale: f32);
        /// The same of upsampled pictures.
        upsample_conv3x3_8x32_wgmma[f16 bf16](x0: TensorMap, x1: TensorMap, weight: TensorMap, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>,
            moments: Option<Out<'a, f32>>, batch: usize, height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize,
            activation: i32, scale: f32);
        /// Tiles of 8 × 16 pixels × 160 channels: at most one block for each multiprocessor.
        conv3x3_8x16_wgmma[f16 bf16](x0: TensorMap, x1: TensorMap, weight: TensorMap, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, partial: Option<Out<'a, f32>>,
            moments: Option<Out<'a, f32>>, batch: usize, height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize, parts: usize,
            activation: i32, scale: f32);
        /// The same of upsampled pictures.
        upsample_conv3x3_8x16_wgmma[f16 bf16](x0: TensorMap, x1: TensorMap, weight: TensorMap, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>,
            moments: Option<Out<'a, f32>>, batch: usize, height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize,
            activation: i32, scale: f32);
        /// Tiles of 8 × 8 pixels of two items × 160 channels: at most one block for each multiprocessor.
        conv3x3_2x8x8_wgmma[f16 bf16](x0: TensorMap, x1: TensorMap, weight: TensorMap, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>, partial: Option<Out<'a, f32>>,
            moments: Option<Out<'a, f32>>, batch: usize, height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize, parts: usize,
            activation: i32, scale: f32);
        /// The same of upsampled pictures.
        upsample_conv3x3_2x8x8_wgmma[f16 bf16](x0: TensorMap, x1: TensorMap, weight: TensorMap, bias: Option<In<'a, f32>>,
            sample_bias: Option<In<'a, f32>>, residual: Option<In<'a, T>>, out: Out<'a, T>,
            moments: Option<Out<'a, f32>>, batch: usize, height: usize, width: usize, channels0: usize, channels1: usize, out_channels: usize,
            activation: i32, scale: f32);
    }
    module attention {
        /// One warp a query and head; `head_dim` floats of shared memory. A grid of (queries, heads, batch).
        attention_naive[f32 f16 bf16](q: In<'a, T>, k: In<'a, T>, v: In<'a, T>, added_k: Option<In<'a, T>>,
            added_v: Option<In<'a, T>>, key_bias: Option<In<'a, f32>>, out: Out<'a, T>, queries: usize, keys: usize,
            added_keys: usize, heads: usize, head_dim: usize, causal: i32, scale: f32);
        /// `head_dim` at most 64. A grid of (blocks of 64 queries, heads, batch), 256 threads.
        attention_tiled[f32 f16 bf16](q: In<'a, T>, k: In<'a, T>, v: In<'a, T>, added_k: Option<In<'a, T>>,
            added_v: Option<In<'a, T>>, key_bias: Option<In<'a, f32>>, out: Out<'a, T>, queries: usize, keys: usize,
            added_keys: usize, heads: usize, head_dim: usize, causal: i32, scale: f32);
    }
    module attention_mma {
        /// `head_dim` 64. A grid of (blocks of 64 queries, heads, batch), 128 threads.
        attention_64_mma[f16 bf16](q: In<'a, T>, k: In<'a, T>, v: In<'a, T>, added_k: Option<In<'a, T>>,
            added_v: Option<In<'a, T>>, key_bias: Option<In<'a, f32>>, out: Out<'a, T>, queries: usize, keys: usize,
            added_keys: usize, heads: usize, head_dim: usize, causal: i32, scale: f32);
        /// `head_dim` 64. A grid of (blocks of 128 queries, heads, batch), 128 threads.
        attention_128_mma[f16 bf16](q: In<'a, T>, k: In<'a, T>, v: In<'a, T>, added_k: Option<In<'a, T>>,
            added_v: Option<In<'a, T>>, key_bias: Option<In<'a, f32>>, out: Out<'a, T>, queries: usize, keys: usize,
            added_keys: usize, heads: usize, head_dim: usize, causal: i32, scale: f32);
        /// `head_dim` 32. A grid of (blocks of 64 queries, heads, batch), 128 threads.
        attention_32wide_mma[f16 bf16](q: In<'a, T>, k: In<'a, T>, v: In<'a, T>, added_k: Option<In<'a, T>>,
            added_v: Option<In<'a, T>>, key_bias: Option<In<'a, f32>>, out: Out<'a, T>, queries: usize, keys: usize,
            added_keys: usize, heads: usize, head_dim: usize, causal: i32, scale: f32);
        /// `head_dim` 40. A grid of (blocks of 64 queries, heads, batch), 128 threads.
        attention_40wide_mma[f16 bf16](q: In<'a, T>, k: In<'a, T>, v: In<'a, T>, added_k: Option<In<'a, T>>,
            added_v: Option<In<'a, T>>, key_bias: Option<In<'a, f32>>, out: Out<'a, T>, queries: usize, keys: usize,
            added_keys: usize, heads: usize, head_dim: usize, causal: i32, scale: f32);
        /// `head_dim` 80. A grid of (blocks of 64 queries, heads, batch), 128 threads.
        attention_80wide_mma[f16 bf16](q: In<'a, T>, k: In<'a, T>, v: In<'a, T>, added_k: Option<In<'a, T>>,
            added_v: Option<In<'a, T>>, key_bias: Option<In<'a, f32>>, out: Out<'a, T>, queries: usize, keys: usize,
            added_keys: usize, heads: usize, head_dim: usize, causal: i32, scale: f32);
        /// `head_dim` 96. A grid of (blocks of 64 queries, heads, batch), 128 threads.
        attention_96wide_mma[f16 bf16](q: In<'a, T>, k: In<'a, T>, v: In<'a, T>, added_k: Option<In<'a, T>>,
            added_v: Option<In<'a, T>>, key_bias: Option<In<'a, f32>>, out: Out<'a, T>, queries: usize, keys: usize,
            added_keys: usize, heads: usize, head_dim: usize, causal: i32, scale: f32);
        /// `head_dim` 128. A grid of (blocks of 64 queries, heads, batch), 128 threads.
        attention_128wide_mma[f16 bf16](q: In<'a, T>, k: In<'a, T>, v: In<'a, T>, added_k: Option<In<'a, T>>,
            added_v: Option<In<'a, T>>, key_bias: Option<In<'a, f32>>, out: Out<'a, T>, queries: usize, keys: usize,
            added_keys: usize, heads: usize, head_dim: usize, causal: i32, scale: f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_have_one_name_each_and_the_sizes_of_their_parameters() {
        let mut names: Vec<_> = KERNELS.iter().flat_map(|kernel| kernel.symbols).map(|symbol| symbol.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "a name stands twice in the table");
        let add = KERNELS.iter().find(|kernel| kernel.symbols[0].name == "add_f32").expect("it is in the table");
        assert_eq!((add.module, add.sizes, add.hopper), ("elementwise", &[8, 8, 8, 4, 4, 4][..], false));
    }

    #[test]
    fn only_names_in_wgmma_are_hoppers() {
        assert!(ends_in_wgmma("conv3x3_wgmma"));
        assert!(!ends_in_wgmma("conv3x3_mma") && !ends_in_wgmma("wgmma_x"));
    }
}
