//! Counter-based random numbers: no state, so the same bits whatever the batch and the number of threads.

use rayon::prelude::*;

use crate::cpu::TASK_ELEMENTS;
use crate::cuda::{self, Context};
use crate::storage::Buffer;
use crate::{DType, Device, Result, Shape, Tensor};

/// Standard normal noise. Element i of the result depends on `seed`, `stream`, `draw` and i alone.
///
/// `seed`: the picture's; `stream`: which sampling loop draws (so that two loops with one seed differ);
/// `draw`: how many draws that loop made before.
pub fn normal(shape: impl Into<Shape>, seed: u64, stream: u32, draw: u32) -> Result<Tensor> {
    let shape = shape.into();
    let mut out = Buffer::result_f32(&shape)?;
    let key = [seed as u32, (seed >> 32) as u32];
    out.par_chunks_mut(TASK_ELEMENTS).enumerate().for_each(|(task, out)| {
        for (block, out) in out.chunks_mut(4).enumerate() {
            let block = (task * (TASK_ELEMENTS / 4) + block) as u64;
            let words = philox4x32([block as u32, (block >> 32) as u32, draw, stream], key);
            let values = normals(words);
            out.copy_from_slice(&values[..out.len()]);
        }
    });
    Ok(Tensor::from_buffer(out, DType::F32, shape))
}

/// `[batch, item ..]` of noise on a device: item i is [`normal`]'s for the seed plus i, with the same bits on every device.
pub fn normal_batch(
    device: Device,
    batch: usize,
    item: impl Into<Shape>,
    seed: u64,
    stream: u32,
    draw: u32,
) -> Result<Tensor> {
    let item = item.into();
    let mut dims = vec![batch];
    dims.extend_from_slice(item.dims());
    let shape = Shape::from(dims);
    match device {
        Device::Cpu if batch == 0 => Tensor::zeros(shape),
        Device::Cpu => {
            let seeds = (0..batch as u64).map(|i| seed.wrapping_add(i));
            let items = seeds.map(|seed| normal(item.clone(), seed, stream, draw)).collect::<Result<Vec<_>>>()?;
            Tensor::stack(&items.iter().collect::<Vec<_>>())
        }
        Device::Cuda(ordinal) => cuda::ops::random::normal(Context::get(ordinal)?, &shape, seed, stream, draw),
    }
}

/// Box & Muller (1958), on two pairs of words. In `f64` and with `libm`, whose results do not depend on the platform.
fn normals(words: [u32; 4]) -> [f32; 4] {
    const UNIT: f64 = 1.0 / (1u64 << 32) as f64;
    let mut out = [0.0; 4];
    for (out, words) in out.chunks_exact_mut(2).zip(words.chunks_exact(2)) {
        // In (0, 1], so that the logarithm is finite.
        let uniform = (f64::from(words[0]) + 1.0) * UNIT;
        let radius = libm::sqrt(-2.0 * libm::log(uniform));
        let (sine, cosine) = libm::sincos(std::f64::consts::TAU * (f64::from(words[1]) * UNIT));
        out[0] = (radius * cosine) as f32;
        out[1] = (radius * sine) as f32;
    }
    out
}

/// Philox4x32-10 (Salmon et al. 2011, *Parallel Random Numbers: As Easy as 1, 2, 3*).
fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const ROUNDS: usize = 10;
    let multiply = |a: u32, b: u32| {
        let product = u64::from(a) * u64::from(b);
        ((product >> 32) as u32, product as u32)
    };
    for _ in 0..ROUNDS {
        let (high0, low0) = multiply(0xD251_1F53, counter[0]);
        let (high1, low1) = multiply(0xCD9E_8D57, counter[2]);
        counter = [high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::harness::for_each_cuda_device;
    use crate::reference::{same_bits, with_threads};

    /// The known answers that Random123 publishes.
    #[test]
    fn philox_known_answers() {
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox4x32(counter, key), expected);
        }
    }

    #[test]
    fn moments_are_those_of_a_normal() {
        let x = normal([1 << 18], 7, 1, 2).unwrap();
        let x: Vec<f64> = x.as_f32().unwrap().iter().map(|&x| f64::from(x)).collect();
        let moment = |power: i32| x.iter().map(|x| x.powi(power)).sum::<f64>() / x.len() as f64;
        // Standard errors at 2¹⁸ samples are √(1, 2, 15, 96) / 512; five of them.
        for (power, expected, spread) in [(1, 0.0, 1.0f64), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            assert!((moment(power) - expected).abs() < 5.0 * spread.sqrt() / 512.0, "moment {power}");
        }
    }

    #[test]
    fn the_extreme_words_are_finite() {
        for words in [[0; 4], [u32::MAX; 4]] {
            assert!(normals(words).iter().all(|x| x.is_finite()));
        }
    }

    #[test]
    fn cuda_gives_the_same_bits() {
        for_each_cuda_device(|place| {
            for (batch, item, seed) in [(1, 20_003, 11), (3, 64, 5), (2, 1, u64::MAX), (2, 1027, 9 << 40), (2, 0, 1)] {
                let draw = |device| normal_batch(device, batch, [item], seed, 7, 3).unwrap();
                let there = draw(place.device);
                assert_eq!(there.device(), place.device);
                same_bits(&there, &draw(Device::Cpu));
            }
            assert_eq!(normal_batch(place.device, 0, [4], 1, 2, 3).unwrap().dims(), [0, 4]);
        });
    }

    /// Seeds whose first numbers come of words at the ends of their range and at quarters of a turn, where the reduction of
    /// angles has cases of its own. They were found by trying them one after the other.
    #[test]
    fn cuda_gives_the_same_bits_for_extreme_words() {
        let cases: [(u64, usize, u32); 15] = [
            (627_779_616, 2, 0x0000_0000),
            (760_393_872, 0, 0x0000_0001),
            (1_352_247_272, 0, 0xffff_ffff),
            (3_003_777_325, 2, 0x7fff_ffff),
            (1_343_428, 3, 0x0000_0000),
            (452_212_855, 3, 0x0000_0001),
            (2_985_265_716, 3, 0x3fff_ffff),
            (599_368_034, 3, 0x4000_0000),
            (410_068_939, 1, 0x4000_0001),
            (822_691_687, 3, 0x7fff_ffff),
            (3_435_937_029, 3, 0x8000_0000),
            (995_596_506, 1, 0xbfff_ffff),
            (182_551_708, 3, 0xc000_0000),
            (994_107_740, 3, 0xe000_0000),
            (454_088_803, 1, 0xffff_ffff),
        ];
        for (seed, word, expected) in cases {
            assert_eq!(philox4x32([0; 4], [seed as u32, (seed >> 32) as u32])[word], expected);
        }
        for_each_cuda_device(|place| {
            for (seed, _, expected) in cases {
                let there = normal_batch(place.device, 1, [4], seed, 0, 0).unwrap();
                let here = normal_batch(Device::Cpu, 1, [4], seed, 0, 0).unwrap();
                assert_eq!(there.to_vec_f32().unwrap(), here.to_vec_f32().unwrap(), "word {expected:#x}");
                same_bits(&there, &here);
            }
        });
    }

    #[test]
    fn a_batch_has_consecutive_seeds() {
        let batch = normal_batch(Device::Cpu, 3, [2, 5], u64::MAX, 1, 4).unwrap();
        for (i, seed) in [u64::MAX, 0, 1].into_iter().enumerate() {
            let one = normal([1, 2, 5], seed, 1, 4).unwrap();
            same_bits(&batch.narrow(0, i, 1).unwrap(), &one);
        }
    }

    #[test]
    fn an_element_depends_on_nothing_else() {
        let long = normal([30_001], 3, 1, 4).unwrap();
        let short = normal([5, 7], 3, 1, 4).unwrap();
        same_bits(&short, &long.narrow(0, 0, 35).unwrap().reshape([5, 7]).unwrap());
        let run = || normal([30_001], 3, 1, 4).unwrap();
        same_bits(&with_threads(1, run), &with_threads(2, run));
    }

    #[test]
    fn seeds_streams_and_draws_differ() {
        let base = normal([64], 1, 2, 3).unwrap().to_vec_f32().unwrap();
        for (seed, stream, draw) in [(2, 2, 3), (1 | 1 << 32, 2, 3), (1, 3, 3), (1, 2, 4), (1, 3, 2)] {
            assert_ne!(normal([64], seed, stream, draw).unwrap().to_vec_f32().unwrap(), base);
        }
    }
}
