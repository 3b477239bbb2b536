//! `SaveImage`: pictures to PNG files that carry their recipe.

use easel_engine::{
    Context, External, InputProblem, InputSpec, Inputs, Literals, Node, NodeError, NodeResult, NodeSpec, Outputs,
    Surroundings, Value, kinds,
};

use super::sockets;
use crate::kinds::{Image, kind};
use crate::picture::{EncodedPng, NumberedFiles, Recipe};
use crate::uses;

/// Writes pictures.
pub struct SaveImage;

impl Node for SaveImage {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "SaveImage",
            "Writes pictures as PNG files, numbered so that none is replaced. Each carries its recipe: \
             `easel reproduce` draws it again.",
        )
        .effect()
        .input(InputSpec::new("image", kind::IMAGE, "the pictures"))
        .input(
            InputSpec::new("name", kinds::TEXT, "start of the file names, relative to the output folder")
                .default("picture".to_string()),
        )
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        sockets::check_path_in_out_dir(literals, "name")
    }

    fn external(&self, _: &Inputs, surroundings: &Surroundings<'_>) -> Result<External, NodeError> {
        uses::external_out_dir(surroundings)
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let path = sockets::path_in_out_dir(context, inputs.get::<String>("name")?)?;
        let path = path.with_added_extension("png");
        let mut files = NumberedFiles::new(&path, inputs.value("image").and_then(Value::fingerprint), context);
        for (index, rgb) in inputs.get::<Image>("image")?.to_rgb()?.iter().enumerate() {
            context.check_cancelled()?;
            let saved = match files.written(index) {
                Some(saved) => saved,
                None => {
                    let (width, height) = rgb.dimensions();
                    let png = EncodedPng::new(&path, rgb.as_raw(), width, height, &recipe(context, index))?;
                    files.place(index, png, context)?
                }
            };
            context.artifact(saved);
        }
        Ok(Outputs::none())
    }
}

fn recipe(context: &Context<'_>, picture_index: usize) -> Recipe {
    let provenance = context.provenance();
    Recipe {
        easel_version: env!("CARGO_PKG_VERSION").to_string(),
        workflow: provenance.workflow.to_string(),
        files: provenance.files.iter().map(|(path, text)| (path.clone(), text.to_string())).collect(),
        inputs: (*provenance.inputs).clone(),
        notes: provenance.notes.iter().map(|((node, key), value)| (format!("{node}.{key}"), value.clone())).collect(),
        node: context.node().to_string(),
        picture_index,
    }
}
