//! Checkpoints of random numbers: the full size and shape of a model without its licence or its download.
//!
//! The numbers are scaled so that a forward pass stays finite. They depend on the seed, the tensor's name and the
//! place in the tensor alone, not on the number of threads.

use std::io::{self, Write};
use std::path::Path;

use easel_kernels::DType;
use half::{bf16, f16};
use rayon::prelude::*;

use super::reader::TensorSpec;
use crate::error::{Error, Result};
use crate::whole_file::write_whole_file;

/// Numbers made at a time: enough to keep all cores busy, little beside the model.
const CHUNK: usize = 1 << 21;

/// Numbers per task within a chunk.
const TASK: usize = 1 << 15;

/// Writes a safetensors file of random tensors. `on_progress` is given the bytes written and those to write.
///
/// The file appears whole or not at all: it is written beside its place and renamed.
pub fn write_random_part(
    path: &Path,
    tensors: &[TensorSpec],
    dtype: DType,
    seed: u64,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let header = header(tensors, dtype)?;
    let total = header.len() as u64 + data_len(tensors, dtype)?;
    write_whole_file(path, |file| {
        file.write_all(&header)?;
        let mut done = header.len() as u64;
        on_progress(done, total);
        for tensor in tensors {
            let mut report = |bytes: usize| {
                done += bytes as u64;
                on_progress(done, total);
            };
            write_tensor(file, tensor, dtype, seed, &mut report)?;
        }
        Ok(())
    })
}

fn element_count(tensor: &TensorSpec) -> Option<u64> {
    tensor.shape.iter().try_fold(1u64, |count, &dim| count.checked_mul(dim as u64))
}

fn data_len(tensors: &[TensorSpec], dtype: DType) -> Result<u64> {
    let mut total = 0u64;
    for tensor in tensors {
        let bytes = element_count(tensor).and_then(|count| count.checked_mul(dtype.size() as u64));
        let sum = bytes.and_then(|bytes| total.checked_add(bytes)).filter(|&sum| sum <= i64::MAX as u64);
        total = sum.ok_or_else(|| Error::invalid(format!("`{}` {:?} is too large", tensor.name, tensor.shape)))?;
    }
    Ok(total)
}

/// Length prefix and JSON, padded so that the data is aligned.
fn header(tensors: &[TensorSpec], dtype: DType) -> Result<Vec<u8>> {
    let stored = match dtype {
        DType::F32 => "F32",
        DType::F16 => "F16",
        DType::BF16 => "BF16",
    };
    data_len(tensors, dtype)?;
    let mut entries = serde_json::Map::new();
    entries.insert("__metadata__".into(), serde_json::json!({ "format": "pt" }));
    let mut begin = 0u64;
    for tensor in tensors {
        let end = begin + element_count(tensor).unwrap_or(0) * dtype.size() as u64;
        let entry = serde_json::json!({ "dtype": stored, "shape": tensor.shape, "data_offsets": [begin, end] });
        if entries.insert(tensor.name.clone(), entry).is_some() {
            return Err(Error::invalid(format!("tensor `{}` is listed twice", tensor.name)));
        }
        begin = end;
    }
    let mut json = serde_json::Value::Object(entries).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(64), b' ');
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut json);
    Ok(bytes)
}

fn write_tensor(
    file: &mut impl Write,
    tensor: &TensorSpec,
    dtype: DType,
    seed: u64,
    report: &mut dyn FnMut(usize),
) -> io::Result<()> {
    let fill = Fill::of(tensor);
    let key = tensor_key(seed, &tensor.name);
    let count = tensor.shape.iter().product::<usize>();
    let mut buffer = vec![0u8; count.min(CHUNK) * dtype.size()];
    for start in (0..count).step_by(CHUNK) {
        let len = CHUNK.min(count - start);
        let bytes = &mut buffer[..len * dtype.size()];
        bytes.par_chunks_mut(TASK * dtype.size()).enumerate().for_each(|(task, out)| {
            fill.write(key, (start + task * TASK) as u64, dtype, out);
        });
        file.write_all(bytes)?;
        report(bytes.len());
    }
    Ok(())
}

/// What a tensor is filled with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fill {
    Constant(f32),
    /// Bell-shaped around 0.
    Normal {
        std: f32,
    },
}

impl Fill {
    /// By what the names of these models' tensors say.
    fn of(tensor: &TensorSpec) -> Fill {
        let mut segments = tensor.name.rsplit('.');
        let last = segments.next().unwrap_or_default();
        let module = segments.next().unwrap_or_default();
        let is_table = |name: &str| name.contains("embedding") && !name.contains("proj");
        let rank = tensor.shape.len();
        match last {
            "clip_std" => Fill::Constant(1.0),
            "clip_mean" => Fill::Constant(0.0),
            // ln 100, where the training of CLIP ends.
            "logit_scale" => Fill::Constant(4.605_17),
            "bias" => Fill::Constant(0.0),
            _ if is_table(last) => Fill::Normal { std: 0.02 },
            "weight" if rank == 2 && is_table(module) => Fill::Normal { std: 0.02 },
            "weight" if rank == 1 && (module.contains("norm") || module.starts_with("ln_")) => Fill::Constant(1.0),
            _ if rank >= 2 => {
                let fan_in = tensor.shape[1..].iter().product::<usize>().max(1);
                Fill::Normal { std: 1.0 / (fan_in as f32).sqrt() }
            }
            _ => Fill::Normal { std: 0.02 },
        }
    }

    /// The numbers from `start` on, as little-endian bytes.
    fn write(self, key: u64, start: u64, dtype: DType, out: &mut [u8]) {
        let value = |index: usize| match self {
            Fill::Constant(value) => value,
            Fill::Normal { std } => std * bell(mix(key.wrapping_add(start + index as u64))),
        };
        match dtype {
            DType::F32 => fill_with(out, |index| value(index).to_le_bytes()),
            DType::F16 => fill_with(out, |index| f16::from_f32(value(index)).to_le_bytes()),
            DType::BF16 => fill_with(out, |index| bf16::from_f32(value(index)).to_le_bytes()),
        }
    }
}

fn fill_with<const N: usize>(out: &mut [u8], bytes: impl Fn(usize) -> [u8; N]) {
    for (index, slot) in out.as_chunks_mut::<N>().0.iter_mut().enumerate() {
        *slot = bytes(index);
    }
}

/// Tensors of one seed differ from each other.
fn tensor_key(seed: u64, name: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(name.as_bytes());
    let mut key = [0; 8];
    hasher.finalize_xof().fill(&mut key);
    u64::from_le_bytes(key)
}

/// The finaliser of SplitMix64: 64 well-mixed bits per counter, one multiplication chain.
fn mix(counter: u64) -> u64 {
    let mut bits = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Mean 0, deviation 1, bell-shaped within ±3.47: the sum of four 16-bit uniforms. No logarithm, hence fast.
fn bell(bits: u64) -> f32 {
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    // Four uniforms of width 2¹⁶ have the variance 4 · 2³² / 12.
    const SCALE: f32 = 1.732_050_8 / 65536.0;
    (sum as f32 - 2.0 * 65535.0) * SCALE
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    fn spec(name: &str, shape: &[usize]) -> TensorSpec {
        TensorSpec { name: name.into(), shape: shape.to_vec() }
    }

    #[test]
    fn names_choose_the_scale() {
        let fill = |name: &str, shape: &[usize]| Fill::of(&spec(name, shape));
        assert_eq!(fill("conv_in.weight", &[48, 4, 3, 3]), Fill::Normal { std: 1.0 / 6.0 });
        assert_eq!(fill("a.norm1.weight", &[8]), Fill::Constant(1.0));
        assert_eq!(fill("text_model.pre_layrnorm.weight", &[8]), Fill::Constant(1.0));
        assert_eq!(fill("a.norm1.bias", &[8]), Fill::Constant(0.0));
        assert_eq!(fill("clip_std", &[1, 8]), Fill::Constant(1.0));
        assert_eq!(fill("clip_mean", &[1, 8]), Fill::Constant(0.0));
        assert_eq!(fill("a.token_embedding.weight", &[9, 4]), Fill::Normal { std: 0.02 });
        assert_eq!(fill("positional_embedding", &[1, 9, 4]), Fill::Normal { std: 0.02 });
        assert_eq!(fill("time_embedding.linear_1.weight", &[9, 4]), Fill::Normal { std: 0.5 });
        assert_eq!(fill("embedding_proj.weight", &[9, 16]), Fill::Normal { std: 0.25 });
        assert_eq!(fill("embeddings.class_embedding", &[9]), Fill::Normal { std: 0.02 });
    }

    #[test]
    fn the_bell_has_mean_zero_and_deviation_one() {
        let values: Vec<f64> = (0..100_000).map(|index| f64::from(bell(mix(index)))).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn chunks_and_tasks_leave_no_seam() {
        let tensor = spec("w.weight", &[3, CHUNK / 2 + 7]);
        let mut written = Vec::new();
        write_tensor(&mut written, &tensor, DType::F32, 5, &mut |_| {}).unwrap();
        let mut whole = vec![0; written.len()];
        Fill::of(&tensor).write(tensor_key(5, "w.weight"), 0, DType::F32, &mut whole);
        assert!(written == whole);
    }
}
