//! What the processor can do at most, measured.
//!
//! Loops of nothing but multiply-adds on registers, and copies of memory that no cache holds, on all threads: what ops reach
//! is told as a part of that.

use std::hint::black_box;
use std::time::Instant;

use bytemuck::Zeroable;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::Precision;
use crate::cpu::Isa;
#[cfg(target_arch = "x86_64")]
use crate::cpu::gemm::Native;

/// Accumulators: enough to hide the latency of a multiply-add everywhere, few enough for sixteen registers.
pub(crate) const CHAINS: usize = 12;

/// Steps of the loops: some milliseconds.
const STEPS: u64 = 1 << 22;

/// Numbers that are copied: 64 MiB.
const COPIED: usize = 16 << 20;

/// The best of so many counts: whatever else runs only takes from it.
const TRIES: usize = 7;

/// Rates of all threads together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceilings {
    /// Operations a second in float32, two for each multiply-add.
    pub float32: f64,
    /// The same in bfloat16, if the processor has instructions for that.
    pub bfloat16: Option<f64>,
    /// Bytes a second read and written while memory is copied.
    pub bandwidth: f64,
}

impl Ceilings {
    /// Measures for about a second, on all threads.
    pub fn measure() -> Self {
        let isa = Isa::detect();
        let lanes = isa.lanes() as u64;
        let float32 = rate(2 * lanes * CHAINS as u64 * STEPS, || isa.dispatch(MultiplyAdds));
        Ceilings { float32, bfloat16: bfloat16(), bandwidth: bandwidth() }
    }

    /// Operations a second of products in `precision`.
    pub fn operations(&self, precision: Precision) -> f64 {
        match precision {
            Precision::BFloat16 => self.bfloat16.unwrap_or(self.float32),
            Precision::Float32 | Precision::Float16 => self.float32,
        }
    }
}

/// Operations a second, if every thread does so many at once.
fn rate(operations: u64, work: impl Fn() -> f32 + Sync) -> f64 {
    let fastest = (0..TRIES)
        .map(|_| {
            let start = Instant::now();
            rayon::broadcast(|_| black_box(work()));
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    (operations * rayon::current_num_threads() as u64) as f64 / fastest
}

#[cfg(target_arch = "x86_64")]
fn bfloat16() -> Option<f64> {
    let native = Native::detect()?;
    // A lane takes two products.
    let operations = 4 * Native::LANES as u64 * CHAINS as u64 * STEPS;
    Some(rate(operations, || native.multiply_adds(STEPS)))
}

#[cfg(not(target_arch = "x86_64"))]
fn bfloat16() -> Option<f64> {
    None
}

fn bandwidth() -> f64 {
    let from = vec![1.0_f32; COPIED];
    let mut to = vec![0.0_f32; COPIED];
    let part = COPIED.div_ceil(rayon::current_num_threads());
    let fastest = (0..TRIES)
        .map(|_| {
            let start = Instant::now();
            to.par_chunks_mut(part).zip(from.par_chunks(part)).for_each(|(to, from)| to.copy_from_slice(from));
            black_box(&mut to);
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    (2 * size_of_val(&from[..])) as f64 / fastest
}

/// Multiply-adds of vectors, each chain waiting for itself alone.
struct MultiplyAdds;

impl WithSimd for MultiplyAdds {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        // Neither grows nor becomes subnormal, and the compiler knows neither.
        let (x, y) = (simd.splat_f32s(black_box(0.5)), simd.splat_f32s(black_box(1.0)));
        let mut chains = [S::f32s::zeroed(); CHAINS];
        for _ in 0..STEPS {
            for chain in &mut chains {
                *chain = simd.mul_add_e_f32s(*chain, x, y);
            }
        }
        chains.into_iter().map(|chain| simd.reduce_sum_f32s(chain)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_are_rates_of_this_machine() {
        let ceilings = Ceilings::measure();
        // No processor that this runs on is slower or that fast.
        for rate in [ceilings.float32, ceilings.operations(Precision::BFloat16), ceilings.bandwidth] {
            assert!((1e7..1e17).contains(&rate), "{ceilings:?}");
        }
        assert_eq!(ceilings.operations(Precision::Float32), ceilings.float32);
    }

    #[test]
    fn the_loop_computes_what_it_says() {
        // x / 2 + 1 from 0 on nears 2.
        let lanes = Isa::detect().lanes() as f32;
        assert_eq!(Isa::detect().dispatch(MultiplyAdds), 2.0 * lanes * CHAINS as f32);
    }
}
