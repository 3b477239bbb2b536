//! Elementary functions on vectors.

use pulp::Simd;

use super::map::Lanewise;
use crate::ops::Activation;

impl Lanewise<1> for Activation {
    #[inline(always)]
    fn apply<S: Simd>(&self, simd: S, [x]: [S::f32s; 1]) -> S::f32s {
        match self {
            Activation::None => x,
            Activation::Silu => silu(simd, x),
            Activation::Gelu => gelu(simd, x),
            Activation::QuickGelu => quick_gelu(simd, x),
        }
    }
}

/// Into `low..=high`; NaN stays NaN. Selects, because min and max drop a NaN, and which of two differs across sets.
#[inline(always)]
pub(crate) fn clamp<S: Simd>(simd: S, x: S::f32s, low: S::f32s, high: S::f32s) -> S::f32s {
    let x = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
    simd.select_f32s(simd.less_than_f32s(high, x), high, x)
}

/// Adding this rounds a number of small magnitude to an integer and leaves the integer in the low bits.
const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³

/// `e^x` with an error below 2 ulp; results below 2⁻¹²⁵ become zero.
///
/// Cody & Waite (1980): `x = n·ln 2 + r` with `|r| ≤ ½ ln 2`, ln 2 in two parts so that `r` is exact enough, then a
/// polynomial for `e^r` and `n` into the exponent.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Beyond these bounds the result stays 0 or ∞.
    let x = clamp(simd, x, simd.splat_f32s(-87.3), simd.splat_f32s(89.0));

    let n = round(simd, simd.mul_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E)));
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-355.0 / 512.0), x);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(2.121_944_4e-4), r);
    let p = polynomial(simd, r, [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5]);
    let p = simd.mul_add_e_f32s(p, simd.mul_f32s(r, r), simd.add_f32s(r, simd.splat_f32s(1.0)));

    // 2·2ⁿ⁻¹, because 2¹²⁸ is no f32. The smallest n leaves a biased exponent of 0: the factor is 0.
    let biased = simd.add_f32s(n, simd.splat_f32s(ROUND + 126.0));
    let bits = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(biased), simd.splat_u32s(23));
    simd.mul_f32s(simd.add_f32s(p, p), simd.transmute_f32s_u32s(bits))
}

#[inline(always)]
fn round<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let magic = simd.splat_f32s(ROUND);
    simd.sub_f32s(simd.add_f32s(x, magic), magic)
}

/// Horner's rule, highest coefficient first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::f32s, coefficients: [f32; N]) -> S::f32s {
    let mut p = simd.splat_f32s(coefficients[0]);
    for &coefficient in &coefficients[1..] {
        p = simd.mul_add_e_f32s(p, x, simd.splat_f32s(coefficient));
    }
    p
}

/// `x / (1 + e^(−s·x))`.
#[inline(always)]
fn scaled_sigmoid_product<S: Simd>(simd: S, x: S::f32s, s: f32) -> S::f32s {
    let e = exp(simd, simd.mul_f32s(x, simd.splat_f32s(-s)));
    simd.div_f32s(x, simd.add_f32s(e, simd.splat_f32s(1.0)))
}

/// `x · sigmoid(x)`.
#[inline(always)]
pub(crate) fn silu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    scaled_sigmoid_product(simd, x, 1.0)
}

/// `x · sigmoid(1.702 x)`.
#[inline(always)]
pub(crate) fn quick_gelu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    scaled_sigmoid_product(simd, x, 1.702)
}

/// `x · Φ(x)`.
///
/// Near zero `Φ(x) = ½ + ½ erf(x/√2)`; further out `erfc` comes from the exponential of a polynomial fit of its
/// logarithm, so that the negative tail loses no digits to `1 − erf`. Both fits are N. Juffa's minimax polynomials
/// for `erff` (each below 1 ulp of erf).
#[inline(always)]
pub(crate) fn gelu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (zero, half, one) = (simd.splat_f32s(0.0), simd.splat_f32s(0.5), simd.splat_f32s(1.0));
    let z = simd.mul_f32s(x, simd.splat_f32s(std::f32::consts::FRAC_1_SQRT_2));
    let t = simd.abs_f32s(z);

    let p = polynomial(
        simd,
        simd.mul_f32s(z, z),
        [-5.967_617e-4, 4.991_194e-3, -2.676_813_5e-2, 1.128_199_25e-1, -3.761_253_4e-1, 1.283_791_7e-1],
    );
    let erf = simd.mul_add_e_f32s(p, z, z);
    let center = simd.mul_add_e_f32s(erf, half, half);

    let log_erfc = polynomial(
        simd,
        t,
        [
            -1.728_534_7e-5,
            3.831_971_3e-4,
            -3.883_964_4e-3,
            2.425_462_2e-2,
            -1.067_778_8e-1,
            -6.348_467e-1,
            -1.287_175_1e-1,
        ],
    );
    let log_erfc = simd.mul_f32s(t, simd.sub_f32s(log_erfc, one));
    let below = simd.mul_f32s(half, exp(simd, log_erfc));
    let tail = simd.select_f32s(simd.less_than_f32s(z, zero), below, simd.sub_f32s(one, below));

    let is_tail = simd.less_than_f32s(simd.splat_f32s(0.927_734_4), t);
    simd.mul_f32s(x, simd.select_f32s(is_tail, tail, center))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pulp::WithSimd;

    use super::*;
    use crate::cpu::{Isa, load, store};

    struct Apply<'a>(Function, &'a mut [f32]);

    #[derive(Clone, Copy)]
    enum Function {
        Exp,
        Silu,
        QuickGelu,
        Gelu,
    }

    impl WithSimd for Apply<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            for x in self.1.chunks_mut(S::F32_LANES) {
                let value = load(simd, x);
                let value = match self.0 {
                    Function::Exp => exp(simd, value),
                    Function::Silu => silu(simd, value),
                    Function::QuickGelu => quick_gelu(simd, value),
                    Function::Gelu => gelu(simd, value),
                };
                store(simd, x, value);
            }
        }
    }

    fn apply(isa: Isa, function: Function, x: &[f32]) -> Vec<f32> {
        let mut y = x.to_vec();
        isa.dispatch(Apply(function, &mut y));
        y
    }

    fn range(from: f32, to: f32) -> Vec<f32> {
        (0..=200_000).map(|i| from + (to - from) * (i as f32 / 200_000.0)).collect()
    }

    /// Distance in units of the last place of the exact result.
    fn ulps(got: f32, exact: f64) -> f64 {
        let nearest = (exact as f32).abs().max(f32::MIN_POSITIVE);
        let ulp = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
        (f64::from(got) - exact).abs() / ulp
    }

    #[test]
    fn exp_is_within_two_ulp() {
        for isa in Isa::available() {
            for x in [range(-86.6, 88.7), range(-1.0, 1.0), range(-1e-3, 1e-3)] {
                for (x, y) in x.iter().zip(apply(isa, Function::Exp, &x)) {
                    let error = ulps(y, f64::from(*x).exp());
                    assert!(error <= 2.0, "exp({x:e}) = {y:e} is {error} ulp off on {}", isa.name());
                }
            }
        }
    }

    #[test]
    fn exp_at_the_edges() {
        let x = [f32::NEG_INFINITY, -1000.0, 0.0, -0.0, 89.0, 1000.0, f32::INFINITY, f32::NAN];
        for isa in Isa::available() {
            let y = apply(isa, Function::Exp, &x);
            let inf = f32::INFINITY;
            assert_eq!(y[..7], [0.0, 0.0, 1.0, 1.0, inf, inf, inf], "on {}", isa.name());
            assert!(y[7].is_nan());
        }
    }

    /// Largest error relative to `|x|`, the size of the terms that the activation is made of.
    fn worst(isa: Isa, function: Function, exact: fn(f64) -> f64) -> f64 {
        let x = range(-20.0, 20.0);
        let y = apply(isa, function, &x);
        x.iter()
            .zip(y)
            .filter(|(x, _)| **x != 0.0)
            .map(|(x, y)| (f64::from(y) - exact(f64::from(*x))).abs() / f64::from(x.abs()))
            .fold(0.0, f64::max)
    }

    /// The factor Φ or sigmoid is at most 1 and made of a handful of roundings, 2⁻²⁴ each at that size.
    const FEW_ROUNDINGS: f64 = 4.0 / (1 << 24) as f64;

    #[test]
    fn activations_match_float64() {
        for isa in Isa::available() {
            let silu = worst(isa, Function::Silu, |x| x / (1.0 + (-x).exp()));
            let quick = worst(isa, Function::QuickGelu, |x| x / (1.0 + (-1.702 * x).exp()));
            let gelu = worst(isa, Function::Gelu, |x| 0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2));
            assert!(silu <= FEW_ROUNDINGS, "silu {silu:e} on {}", isa.name());
            assert!(quick <= FEW_ROUNDINGS, "quick_gelu {quick:e} on {}", isa.name());
            assert!(gelu <= FEW_ROUNDINGS, "gelu {gelu:e} on {}", isa.name());
        }
    }

    #[test]
    fn activations_keep_nan_and_pass_large_numbers() {
        for isa in Isa::available() {
            for function in [Function::Silu, Function::QuickGelu, Function::Gelu] {
                let y = apply(isa, function, &[f32::NAN, 1e30, -1e30, 0.0]);
                assert!(y[0].is_nan());
                assert_eq!(y[1..], [1e30, 0.0, 0.0], "on {}", isa.name());
            }
        }
    }
}
