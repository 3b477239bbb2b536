//! Golden values and how close a result must come to them.
//!
//! The values in `golden/` come from PyTorch, diffusers and transformers through the scripts beside them. A tolerance is
//! 20 × the error that the reference itself makes in float32 against float64, as `golden/A/manifest.json` records it,
//! and never tighter than 10⁻⁶ of the values' scale.

pub mod devices;
pub mod short;
pub mod values;
pub mod workflow;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use easel_kernels::Tensor;
use safetensors::{Dtype, SafeTensors};

/// The folder of this crate, where what tests read is. Cargo says at run time where it is; so does `tests/gpu/run.sh`, on
/// machines where nothing was built.
pub fn here() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// The folder of golden values.
pub fn golden_dir() -> PathBuf {
    here().join("golden")
}

/// One file of golden tensors.
pub struct Golden {
    name: String,
    bytes: Vec<u8>,
}

impl Golden {
    /// `golden/A/{name}.safetensors`.
    pub fn open(name: &str) -> Self {
        Self::open_file(&golden_dir().join("A").join(format!("{name}.safetensors")))
    }

    /// Any safetensors file.
    pub fn open_file(path: &Path) -> Self {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"));
        Golden { name, bytes }
    }

    /// A tensor as it was recorded; integers as floats.
    pub fn tensor(&self, key: &str) -> Tensor {
        let file = SafeTensors::deserialize(&self.bytes).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let view = file.tensor(key).unwrap_or_else(|error| panic!("{} {key}: {error}", self.name));
        let bytes = view.data();
        let values = match view.dtype() {
            Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Dtype::U8 => bytes.iter().map(|&b| f32::from(b)).collect(),
            // Small enough for f32: ids, masks and timesteps.
            Dtype::I64 => {
                bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().expect("8 bytes")) as f32).collect()
            }
            other => panic!("{} {key}: {other:?} is no dtype of golden values", self.name),
        };
        Tensor::from_f32(values, view.shape()).expect("the file's header was checked")
    }

    /// A recorded `[batch, channels, height, width]` as `[batch, height, width, channels]`.
    pub fn picture(&self, key: &str) -> Tensor {
        self.tensor(key).nchw_to_nhwc().expect("it has four dimensions")
    }

    /// Recorded integers (token ids, timesteps, masks).
    pub fn integers(&self, key: &str) -> Vec<i64> {
        self.tensor(key).to_vec_f32().expect("goldens are on the host").into_iter().map(|value| value as i64).collect()
    }
}

/// How far a result may be from the golden value.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// Of any element.
    pub max_abs: f64,
    /// Of the mean.
    pub mean_abs: f64,
}

/// The tolerance of `output` (`file.tensor`) in set A, from the reference's own error.
///
/// # Panics
/// If the manifest does not name it.
pub fn tolerance(output: &str) -> Tolerance {
    let floor = 1e-6 * scale(output);
    let of = |key: &str| (20.0 * recorded(output, key)).max(floor);
    Tolerance { max_abs: of("max_abs"), mean_abs: of("mean_abs") }
}

/// The largest magnitude of `output` in set A.
///
/// # Panics
/// If the manifest does not name it.
pub fn scale(output: &str) -> f64 {
    recorded(output, "scale")
}

/// What the manifest says of the reference's float32 error against float64.
fn recorded(output: &str, key: &str) -> f64 {
    let manifest = std::fs::read(golden_dir().join("A/manifest.json")).expect("the manifest is there");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("the manifest is JSON");
    let number = manifest["reference_f32_vs_f64"][output][key].as_f64();
    number.unwrap_or_else(|| panic!("{output}: no {key} in the manifest"))
}

/// Fails unless `got` has the golden value's shape and is as close as `tolerance` allows.
pub fn assert_close(what: &str, got: &Tensor, want: &Tensor, tolerance: Tolerance) {
    assert_eq!(got.shape(), want.shape(), "{what}: shape");
    let (got, want) =
        (got.to_vec_f32().expect("it can be copied"), want.to_vec_f32().expect("goldens are on the host"));
    let errors: Vec<f64> = got.iter().zip(&want).map(|(g, w)| (f64::from(*g) - f64::from(*w)).abs()).collect();
    assert!(got.iter().all(|x| x.is_finite()), "{what}: not finite");
    let max = errors.iter().copied().fold(0.0, f64::max);
    let mean = errors.iter().sum::<f64>() / errors.len().max(1) as f64;
    println!("{what}: max {max:.2e} of {:.2e}, mean {mean:.2e} of {:.2e}", tolerance.max_abs, tolerance.mean_abs);
    assert!(max <= tolerance.max_abs, "{what}: max {max:.3e} > {:.3e}", tolerance.max_abs);
    assert!(mean <= tolerance.mean_abs, "{what}: mean {mean:.3e} > {:.3e}", tolerance.mean_abs);
}

/// The settings of a recorded run.
pub fn settings(file: &str) -> HashMap<String, serde_json::Value> {
    let manifest = std::fs::read(golden_dir().join("A/manifest.json")).expect("the manifest is there");
    let mut manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("the manifest is JSON");
    serde_json::from_value(manifest["files"][file]["settings"].take()).expect("settings are an object")
}

/// Writes tensors for a workflow to load.
///
/// # Panics
/// If the file cannot be written.
pub fn save_safetensors(path: &Path, tensors: &[(&str, Tensor)]) {
    let views = tensors.iter().map(|(name, tensor)| {
        let view = safetensors::tensor::TensorView::new(
            Dtype::F32,
            tensor.dims().to_vec(),
            tensor.bytes().expect("it is on the host"),
        );
        (*name, view.expect("a tensor's bytes fit its shape"))
    });
    let bytes = safetensors::serialize(views, None).expect("tensors can be encoded");
    std::fs::write(path, bytes).expect("a folder for tests can be written");
}
