//! `Crop`: a part of a picture.

use easel_engine::{Context, InputSpec, Inputs, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, kinds};

use crate::error::Error;
use crate::kinds::{Image, kind};
use crate::picture::MAX_SIDE;

/// Cuts a rectangle out of pictures.
pub struct Crop;

impl Node for Crop {
    fn spec(&self) -> NodeSpec {
        let side =
            |name, about| InputSpec::new(name, kinds::INTEGER, about).range(1.0..=f64::from(MAX_SIDE)).optional();
        let place =
            |name, about| InputSpec::new(name, kinds::INTEGER, about).range(0.0..=f64::from(MAX_SIDE)).optional();
        NodeSpec::new(
            "Crop",
            "Cuts a rectangle out of pictures; without any numbers, the largest square in their middle.",
        )
        .input(InputSpec::new("image", kind::IMAGE, "the pictures"))
        .input(side("width", "pixels; without it, the shorter side of the picture"))
        .input(side("height", "pixels; without it, the shorter side of the picture"))
        .input(place("x", "first column, counted from 0; without it, the middle is cut out"))
        .input(place("y", "first row, counted from 0; without it, the middle is cut out"))
        .output(OutputSpec::new("image", kind::IMAGE, "[pictures, height, width, 3] in −1 … 1"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let image = inputs.get::<Image>("image")?;
        let [_, height, width] = image.sizes();
        let number = |name| Ok::<_, NodeError>(inputs.optional::<i64>(name)?.copied());
        let columns = extent("wide", width, number("width")?, number("x")?, width.min(height))?;
        let rows = extent("high", height, number("height")?, number("y")?, width.min(height))?;
        let cut = image.0.narrow(1, rows.0, rows.1).and_then(|rows| rows.narrow(2, columns.0, columns.1));
        Ok(Outputs::one("image", Image::new(cut.map_err(Error::from)?)?))
    }
}

/// Start and length along one side.
fn extent(
    word: &str,
    side: usize,
    length: Option<i64>,
    start: Option<i64>,
    default: usize,
) -> Result<(usize, usize), NodeError> {
    let length = length.map_or(default as i64, |length| length);
    let start = start.unwrap_or((side as i64 - length).max(0) / 2);
    let end = start.saturating_add(length);
    if start < 0 || length < 1 || end > side as i64 {
        return Err(NodeError::new(format!("pixels {start} to {end} are cut out of a picture that is {side} {word}"))
            .with_hint("cut out less, or Resize the picture first"));
    }
    Ok((start as usize, length as usize))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use easel_engine::Value;
    use easel_kernels::Tensor;

    use super::*;
    use crate::nodes::trial::{failure, output, run};

    /// Each value is its place in the tensor.
    fn numbered(pictures: usize, height: usize, width: usize) -> Value {
        let values = (0..pictures * height * width * 3).map(|at| at as f32).collect();
        Value::new(Image::new(Tensor::from_f32(values, [pictures, height, width, 3]).unwrap()).unwrap())
    }

    fn crop(image: Value, numbers: &[(&'static str, i64)]) -> NodeResult {
        let numbers = numbers.iter().map(|&(name, number)| (name, Value::new(number)));
        run(&Crop, [("image", image)].into_iter().chain(numbers))
    }

    fn first_values(result: NodeResult) -> ([usize; 3], f32) {
        let outputs = result.unwrap();
        let image = output::<Image>(&outputs, "image");
        (image.sizes(), image.0.to_vec_f32().unwrap()[0])
    }

    #[test]
    fn without_numbers_the_middle_square_is_cut_out() {
        assert_eq!(first_values(crop(numbered(2, 4, 10), &[])), ([2, 4, 4], 9.0), "from column 3");
        assert_eq!(first_values(crop(numbered(1, 5, 1), &[])), ([1, 1, 1], 6.0), "from row 2");
    }

    #[test]
    fn a_rectangle_is_cut_out_where_it_was_asked_for() {
        let numbers = [("x", 2), ("y", 1), ("width", 3), ("height", 2)];
        assert_eq!(first_values(crop(numbered(1, 4, 10), &numbers)), ([1, 2, 3], 36.0));
        assert_eq!(first_values(crop(numbered(1, 4, 10), &[("width", 10)])), ([1, 4, 10], 0.0));
    }

    #[test]
    fn what_is_outside_cannot_be_cut_out() {
        let message = failure(crop(numbered(1, 4, 10), &[("x", 8), ("width", 3)]));
        assert!(message.contains("pixels 8 to 11 are cut out of a picture that is 10 wide"), "{message}");
        assert!(failure(crop(numbered(1, 4, 10), &[("height", 5)])).contains("4 high"));
        assert!(failure(crop(numbered(1, 4, 10), &[("width", i64::MAX)])).contains("10 wide"));
    }
}
