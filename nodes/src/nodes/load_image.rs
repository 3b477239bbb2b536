//! `LoadImage`: a picture from a file.

use std::path::PathBuf;

use easel_engine::{
    Context, External, InputProblem, InputSpec, Inputs, Literals, Node, NodeError, NodeResult, NodeSpec, OutputSpec,
    Outputs, Surroundings, kinds,
};

use super::sockets;
use crate::kinds::{Image, kind};
use crate::picture;
use crate::uses;

/// Reads a picture.
pub struct LoadImage;

impl Node for LoadImage {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("LoadImage", "Reads a picture from a PNG, JPEG or WebP file; transparency becomes white.")
            .input(InputSpec::new("path", kinds::TEXT, "the file, relative to the workflow's folder"))
            .output(OutputSpec::new("image", kind::IMAGE, "[1, height, width, 3] in −1 … 1"))
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
        Ok(Outputs::one("image", Image::from_rgb(&[picture::load(&path)?])?))
    }
}
