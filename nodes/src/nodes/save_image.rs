//! `SaveImage`: pictures to PNG files that carry their recipe.

use easel_engine::{Context, InputProblem, InputSpec, Inputs, Literals, Node, NodeResult, NodeSpec, Outputs, kinds};

use super::sockets;
use crate::kinds::{Image, kind};
use crate::picture::{Overwrite, Recipe, save_png};

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

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let path = sockets::path_in_out_dir(context, inputs.get::<String>("name")?)?;
        let path = path.with_added_extension("png");
        for (index, rgb) in inputs.get::<Image>("image")?.to_rgb()?.iter().enumerate() {
            context.check_cancelled()?;
            let (width, height) = rgb.dimensions();
            let recipe = recipe(context, index);
            let saved = save_png(&path, rgb.as_raw(), width, height, &recipe, Overwrite::Never)?;
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
        inputs: provenance.inputs.clone(),
        notes: provenance.notes.iter().map(|((node, key), value)| (format!("{node}.{key}"), value.clone())).collect(),
        node: context.node().to_string(),
        picture_index,
    }
}
