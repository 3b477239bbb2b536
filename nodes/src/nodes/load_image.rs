//! `LoadImage`: a picture from a file.

use easel_engine::{
    Context, InputProblem, InputSpec, Inputs, Literals, Node, NodeResult, NodeSpec, OutputSpec, Outputs, kinds,
};

use super::sockets;
use crate::kinds::{Image, kind};
use crate::picture;

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

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let path = context.base_dir().join(inputs.get::<String>("path")?);
        Ok(Outputs::one("image", Image::from_rgb(&[picture::load(&path)?])?))
    }
}
