//! `SaveTensor`: what is in a wire, to a safetensors file.

use std::io::Write;
use std::path::Path;

use easel_engine::{
    Context, External, InputProblem, InputSpec, Inputs, Lanes, Literals, Node, NodeError, NodeResult, NodeSpec,
    Outputs, Surroundings, kinds,
};
use easel_kernels::{DType, Tensor};
use safetensors::tensor::{Dtype, TensorView};

use super::sockets;
use crate::error::{Error, Result};
use crate::kinds::{kind, tensors_of};
use crate::uses;
use crate::whole_file::write_whole_file;

/// Writes tensors.
pub struct SaveTensor;

impl Node for SaveTensor {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "SaveTensor",
            "Writes what is in a wire to a safetensors file, to look at it or to replay it with LoadTensor. \
             Pictures stay [batch, height, width, 3] in −1 … 1.",
        )
        .effect()
        .lanes(Lanes::None)
        .input(
            InputSpec::new("value", kind::TENSOR, "anything made of tensors")
                .or(kind::IMAGE)
                .or(kind::IMAGE_EMBEDDING)
                .or(kind::TEXT_ENCODING)
                .or(kind::TOKENS),
        )
        .input(InputSpec::new("path", kinds::TEXT, "the file, relative to the output folder; it is replaced"))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        sockets::check_path_in_out_dir(literals, "path")
    }

    fn external(&self, _: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        uses::external_out_dir(surroundings)
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let value = inputs.value("value").ok_or_else(|| NodeError::new("input `value` is missing"))?;
        let tensors = tensors_of(value)
            .ok_or_else(|| NodeError::new(format!("a value of kind {} holds no tensors", value.kind())))?;
        let path = sockets::path_in_out_dir(context, inputs.get::<String>("path")?)?;
        write(&path, &tensors)?;
        context.artifact(path);
        Ok(Outputs::none())
    }
}

fn write(path: &Path, tensors: &[(&'static str, Tensor)]) -> Result<()> {
    let views = tensors.iter().map(|(name, tensor)| Ok((*name, view(tensor)?))).collect::<Result<Vec<_>>>()?;
    let bytes = safetensors::serialize(views, None)
        .map_err(|error| Error::invalid(format!("cannot encode {}: {error}", path.display())))?;
    write_whole_file(path, |file| file.write_all(&bytes))
}

fn view(tensor: &Tensor) -> Result<TensorView<'_>> {
    let dtype = match tensor.dtype() {
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
    };
    TensorView::new(dtype, tensor.dims().to_vec(), tensor.bytes()?)
        .map_err(|error| Error::invalid(format!("cannot encode a tensor of shape {}: {error}", tensor.shape())))
}
