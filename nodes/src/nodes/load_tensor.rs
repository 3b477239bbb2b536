//! `LoadTensor`: a tensor from a safetensors file.

use std::path::PathBuf;

use easel_engine::{
    Context, External, InputProblem, InputSpec, Inputs, Lanes, Literals, Node, NodeError, NodeResult, NodeSpec,
    OutputSpec, Outputs, Surroundings, kinds,
};
use easel_kernels::{DType, Tensor};

use super::sockets;
use crate::error::{Error, Result};
use crate::kinds::{TensorValue, kind};
use crate::uses;
use crate::weights::Weights;

/// Reads a tensor.
pub struct LoadTensor;

impl Node for LoadTensor {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "LoadTensor",
            "Reads a tensor from a safetensors file: recorded noise, an embedding, a picture. \
             A numbered series, such as draw.{000..024}, is stacked along a new first dimension.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("path", kinds::TEXT, "the file, relative to the workflow's folder"))
        .input(InputSpec::new("key", kinds::TEXT, "the tensor's name, or a series: name.{first..last}"))
        .output(OutputSpec::new("tensor", kind::TENSOR, "its numbers as float32"))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        sockets::check_file_exists(literals, "path")
    }

    fn external(&self, inputs: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        uses::external_file(inputs, surroundings)
    }

    fn files(&self, literals: &Literals<'_>) -> Vec<PathBuf> {
        uses::watched_file(literals)
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let path = context.base_dir().join(inputs.get::<String>("path")?);
        let file = Weights::open(&path)?;
        let key = inputs.get::<String>("key")?;
        let tensor = match series(key) {
            Some(keys) => {
                let tensors = keys.iter().map(|key| read(&file, key)).collect::<Result<Vec<_>>>()?;
                Tensor::stack(&tensors.iter().collect::<Vec<_>>()).map_err(Error::from)?
            }
            None => read(&file, key)?,
        };
        Ok(Outputs::one("tensor", TensorValue(tensor)))
    }
}

/// A tensor of the file as float32.
fn read(file: &Weights, key: &str) -> Result<Tensor> {
    let missing = || {
        let error = Error::invalid(format!("{} has no tensor named {key:?}", file.label()));
        match file.closest(key) {
            Some(name) => error.with_hint(format!("did you mean {name:?}?")),
            None => error,
        }
    };
    let (info, bytes) = file.info(key).zip(file.bytes_of(key)).ok_or_else(missing)?;
    let dtype = info.weight_dtype().ok_or_else(|| {
        Error::invalid(format!("{}: {key:?} holds no float32, float16 or bfloat16 numbers", file.label()))
    })?;
    Ok(Tensor::from_bytes(bytes, dtype, info.shape.clone())?.to_dtype(DType::F32)?)
}

/// More numbers in one series than this are a slip of the pen.
const MAX_SERIES: usize = 100_000;

/// `draw.{005..007}` → `draw.005`, `draw.006`, `draw.007`; `None` if it is no series.
fn series(key: &str) -> Option<Vec<String>> {
    let (prefix, rest) = key.split_once('{')?;
    let (range, suffix) = rest.split_once('}')?;
    let (first, last) = range.split_once("..")?;
    // Enough for any count of digits; no format takes more.
    let width = first.len().min(32);
    let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
    if last < first || last - first >= MAX_SERIES {
        return None;
    }
    Some((first..=last).map(|i| format!("{prefix}{i:0width$}{suffix}")).collect())
}

#[cfg(test)]
mod tests {
    use super::series;

    #[test]
    fn a_series_keeps_its_width() {
        let keys = series("draw.{008..010}.x").expect("it is a series");
        assert_eq!(keys, ["draw.008.x", "draw.009.x", "draw.010.x"]);
    }

    #[test]
    fn other_names_are_no_series() {
        for key in ["draw.000", "{a..b}", "{3..1}", "{0..99999999}", "{", "{1..}"] {
            assert_eq!(series(key), None, "{key}");
        }
    }
}
