//! `Batch`, `Unbatch` and `Blend`: pictures together, apart, and one over another.

use easel_engine::{
    Context, InputSpec, Inputs, Lanes, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, Value, kinds,
};
use easel_kernels::Tensor;

use super::lists::list_of;
use crate::error::Error;
use crate::kinds::{Image, kind};

/// One batch of several pictures.
pub struct Batch;

impl Node for Batch {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Batch", "Makes one batch of a list of pictures, which must be of one size.")
            .lanes(Lanes::None)
            .input(InputSpec::new("images", kind::IMAGE.list(), "the pictures; those of a batch follow each other"))
            .output(OutputSpec::new("image", kind::IMAGE, "[pictures, height, width, 3] in −1 … 1"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let images = inputs.list::<Image>("images")?;
        let Some(first) = images.first() else { return Err(NodeError::new("there are no pictures to batch")) };
        let [_, height, width] = first.sizes();
        for image in &images {
            let [_, other_height, other_width] = image.sizes();
            if (other_height, other_width) != (height, width) {
                return Err(NodeError::new(format!(
                    "a batch holds pictures of one size, not {width}×{height} and {other_width}×{other_height}"
                ))
                .with_hint("Resize them in a Map first"));
            }
        }
        let tensors: Vec<_> = images.iter().map(|image| &image.0).collect();
        Ok(Outputs::one("image", Image::new(Tensor::concat(&tensors, 0).map_err(Error::from)?)?))
    }
}

/// A list of the pictures of batches.
pub struct Unbatch;

impl Node for Unbatch {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Unbatch", "Makes a list of single pictures of a batch, or of a list of batches.")
            .lanes(Lanes::None)
            .input(InputSpec::new("images", kind::IMAGE.list(), "a batch, or a list of them"))
            .output(OutputSpec::new("images", kind::IMAGE.list(), "one picture each, in order"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let mut pictures = Vec::new();
        for image in inputs.list::<Image>("images")? {
            for index in 0..image.sizes()[0] {
                let picture = image.0.narrow(0, index, 1).map_err(Error::from)?;
                pictures.push(Value::new(Image::new(picture)?));
            }
        }
        Ok(Outputs::none().with_value("images", list_of(kind::IMAGE, pictures)?))
    }
}

/// One picture over another.
pub struct Blend;

impl Node for Blend {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("Blend", "Lets one picture shine through another: the average of their colours.")
            .input(InputSpec::new("first", kind::IMAGE, "pictures"))
            .input(InputSpec::new("second", kind::IMAGE, "one picture for all, or as many, of the same size"))
            .input(
                InputSpec::new("amount", kinds::FLOAT, "of the second: 0 is the first alone, 1 the second alone")
                    .range(0.0..=1.0)
                    .default(0.5),
            )
            .output(OutputSpec::new("image", kind::IMAGE, "[pictures, height, width, 3] in −1 … 1"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let (first, second) = (inputs.get::<Image>("first")?, inputs.get::<Image>("second")?);
        let ([pictures, height, width], [others, other_height, other_width]) = (first.sizes(), second.sizes());
        if (height, width) != (other_height, other_width) || others != 1 && others != pictures {
            return Err(NodeError::new(format!(
                "{pictures} picture(s) of {width}×{height} cannot be blended with {others} of {other_width}×{other_height}"
            ))
            .with_hint("Resize one of them; give one second picture, or as many as there are first ones"));
        }
        let amount = *inputs.get::<f64>("amount")? as f32;
        let numbers = |image: &Image| image.0.to_vec_f32().map_err(Error::from);
        let (under, over) = (numbers(first)?, numbers(second)?);
        let blended = under.iter().zip(over.iter().cycle()).map(|(a, b)| a * (1.0 - amount) + b * amount).collect();
        Ok(Outputs::one("image", Image::new(Tensor::from_f32(blended, first.0.dims()).map_err(Error::from)?)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;
    use crate::nodes::trial::{elements, failure, list, output, run};

    /// Pictures of one colour each.
    fn plain(values: &[f32], height: usize, width: usize) -> Image {
        let values: Vec<f32> = values.iter().flat_map(|&value| vec![value; height * width * 3]).collect();
        let pictures = values.len() / (height * width * 3);
        Image::new(Tensor::from_f32(values, [pictures, height, width, 3]).unwrap()).unwrap()
    }

    #[test]
    fn a_batch_comes_apart_into_what_it_was_made_of() {
        let images = list([plain(&[0.1, 0.2], 2, 3), plain(&[0.3], 2, 3)]);
        let batch = run(&Batch, [("images", images.clone())]).unwrap();
        let batch = output::<Image>(&batch, "image");
        assert_eq!(batch.sizes(), [3, 2, 3]);
        for input in [list([batch.clone()]), images] {
            let apart = elements::<Image>(&run(&Unbatch, [("images", input)]).unwrap(), "images");
            let values: Vec<_> = apart.iter().map(|image| image.0.to_vec_f32().unwrap()[0]).collect();
            assert_eq!(values, [0.1, 0.2, 0.3]);
            assert!(apart.iter().all(|image| image.sizes() == [1, 2, 3]));
        }
    }

    #[test]
    fn a_batch_needs_pictures_of_one_size() {
        assert!(failure(run(&Batch, [("images", list::<Image>([]))])).contains("no pictures to batch"));
        let images = list([plain(&[0.0], 2, 3), plain(&[0.0], 3, 3)]);
        let message = failure(run(&Batch, [("images", images)]));
        assert!(message.contains("not 3×2 and 3×3 (Resize them in a Map first)"), "{message}");
        let none = run(&Unbatch, [("images", list::<Image>([]))]).unwrap();
        assert!(elements::<Image>(&none, "images").is_empty());
    }

    #[test]
    fn pictures_shine_through_each_other() {
        let blend = |first: Image, second: Image, amount: f64| {
            let given = [("first", Value::new(first)), ("second", Value::new(second)), ("amount", Value::new(amount))];
            run(&Blend, given)
        };
        let outputs = blend(plain(&[1.0, 0.0], 2, 2), plain(&[-1.0], 2, 2), 0.25).unwrap();
        let values = output::<Image>(&outputs, "image").0.to_vec_f32().unwrap();
        assert_eq!((values[0], values[12], values.len()), (0.5, -0.25, 24));
        let outputs = blend(plain(&[0.3], 2, 2), plain(&[0.7], 2, 2), 1.0).unwrap();
        assert_eq!(output::<Image>(&outputs, "image").0.to_vec_f32().unwrap()[0], 0.7);
        let message = failure(blend(plain(&[0.0, 0.0, 0.0], 2, 2), plain(&[0.0, 0.0], 2, 2), 0.5));
        assert!(message.contains("3 picture(s) of 2×2 cannot be blended with 2 of 2×2"), "{message}");
        assert!(failure(blend(plain(&[0.0], 2, 2), plain(&[0.0], 2, 1), 0.5)).contains("with 1 of 1×2"));
    }
}
