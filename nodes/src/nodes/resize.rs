//! `Resize` and `ImageSize`: how large pictures are.

use easel_engine::{
    Context, InputSpec, Inputs, Lanes, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, kinds,
};
use image::RgbImage;
use image::imageops::crop_imm;

use crate::kinds::{Image, kind};
use crate::picture::{self, MAX_SIDE};

/// Makes pictures larger or smaller.
pub struct Resize;

const FIT: &str = "fit";
const FILL: &str = "fill";
const STRETCH: &str = "stretch";

impl Node for Resize {
    fn spec(&self) -> NodeSpec {
        let side =
            |name, about| InputSpec::new(name, kinds::INTEGER, about).range(1.0..=f64::from(MAX_SIDE)).optional();
        NodeSpec::new(
            "Resize",
            "Makes pictures larger or smaller: bicubic, in 8 bits, as Pillow does it. With one side given the other \
             follows. It adds no detail; an Upsampler does.",
        )
        .input(InputSpec::new("image", kind::IMAGE, "the pictures"))
        .input(side("width", "pixels"))
        .input(side("height", "pixels"))
        .input(
            InputSpec::new(
                "mode",
                kinds::TEXT,
                "with both sides given: `fit` keeps all of the picture and its proportions (one side may come out \
                 smaller), `fill` cuts off what is too much, `stretch` distorts",
            )
            .choices(&[FIT, FILL, STRETCH])
            .default(FIT.to_string()),
        )
        .output(OutputSpec::new("image", kind::IMAGE, "[pictures, height, width, 3] in −1 … 1"))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let image = inputs.get::<Image>("image")?;
        let [_, height, width] = image.sizes();
        let wanted = (inputs.optional::<i64>("width")?.copied(), inputs.optional::<i64>("height")?.copied());
        let target = Target::new((width, height), wanted, inputs.get::<String>("mode")?)?;
        if target.is_nothing_to_do((width, height)) {
            // Untouched pictures keep their full precision.
            return Ok(Outputs::one("image", image.clone()));
        }
        let mut resized = Vec::new();
        for rgb in image.to_rgb()? {
            context.check_cancelled()?;
            resized.push(target.apply(&rgb));
        }
        Ok(Outputs::one("image", Image::from_rgb(&resized)?))
    }
}

/// What becomes of a picture: first it is scaled, then its middle is cut out.
#[derive(Debug, PartialEq)]
struct Target {
    scaled: (usize, usize),
    cut: (usize, usize),
}

impl Target {
    fn new(size: (usize, usize), wanted: (Option<i64>, Option<i64>), mode: &str) -> Result<Self, NodeError> {
        let scaled_by = |scale: f64| {
            let side = |side: usize| (side as f64 * scale).round().max(1.0) as usize;
            (side(size.0), side(size.1))
        };
        let scale = |wanted: i64, side: usize| wanted as f64 / side as f64;
        let (scaled, cut) = match wanted {
            (None, None) => {
                return Err(
                    NodeError::new("neither `width` nor `height` is given").with_hint("give one of them or both")
                );
            }
            (Some(width), None) => whole((width as usize, scaled_by(scale(width, size.0)).1)),
            (None, Some(height)) => whole((scaled_by(scale(height, size.1)).0, height as usize)),
            (Some(width), Some(height)) => {
                let (by_width, by_height) = (scale(width, size.0), scale(height, size.1));
                let exact = (width as usize, height as usize);
                match mode {
                    STRETCH => whole(exact),
                    FILL => {
                        let scaled = scaled_by(by_width.max(by_height));
                        ((scaled.0.max(exact.0), scaled.1.max(exact.1)), exact)
                    }
                    _ => {
                        let scaled = scaled_by(by_width.min(by_height));
                        whole((scaled.0.min(exact.0), scaled.1.min(exact.1)))
                    }
                }
            }
        };
        if scaled.0.max(scaled.1) > MAX_SIDE as usize {
            return Err(NodeError::new(format!(
                "a picture of {}×{} would become {}×{}; no side may be longer than {MAX_SIDE}",
                size.0, size.1, scaled.0, scaled.1
            ))
            .with_hint("the picture is long and thin: Crop it first"));
        }
        Ok(Target { scaled, cut })
    }

    fn is_nothing_to_do(&self, size: (usize, usize)) -> bool {
        self.scaled == size && self.cut == size
    }

    fn apply(&self, picture: &RgbImage) -> RgbImage {
        let scaled = picture::resize(picture, self.scaled.0, self.scaled.1);
        if self.cut == self.scaled {
            return scaled;
        }
        let (left, top) = ((self.scaled.0 - self.cut.0) / 2, (self.scaled.1 - self.cut.1) / 2);
        crop_imm(&scaled, left as u32, top as u32, self.cut.0 as u32, self.cut.1 as u32).to_image()
    }
}

fn whole(size: (usize, usize)) -> ((usize, usize), (usize, usize)) {
    (size, size)
}

/// How large pictures are.
pub struct ImageSize;

impl Node for ImageSize {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("ImageSize", "Says how large pictures are and how many there are.")
            .lanes(Lanes::None)
            .input(InputSpec::new("image", kind::IMAGE, "the pictures"))
            .output(OutputSpec::new("width", kinds::INTEGER, "pixels in a row"))
            .output(OutputSpec::new("height", kinds::INTEGER, "rows"))
            .output(OutputSpec::new("pictures", kinds::INTEGER, "how many pictures the batch holds"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let [pictures, height, width] = inputs.get::<Image>("image")?.sizes();
        let outputs = Outputs::one("width", width as i64);
        Ok(outputs.with("height", height as i64).with("pictures", pictures as i64))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use easel_engine::Value;
    use image::Rgb;

    use super::*;
    use crate::nodes::trial::{failure, output, run, text};

    /// Red on the left, blue on the right.
    fn halves(width: u32, height: u32) -> Value {
        let picture =
            RgbImage::from_fn(width, height, |x, _| Rgb(if x < width / 2 { [255, 0, 0] } else { [0, 0, 255] }));
        Value::new(Image::from_rgb(&[picture]).unwrap())
    }

    fn resize(image: Value, sides: &[(&'static str, i64)], mode: &str) -> NodeResult {
        let sides = sides.iter().map(|&(name, side)| (name, Value::new(side)));
        run(&Resize, [("image", image), ("mode", text(mode))].into_iter().chain(sides))
    }

    fn size(result: NodeResult) -> (usize, usize) {
        let outputs = result.unwrap();
        let [_, height, width] = output::<Image>(&outputs, "image").sizes();
        (width, height)
    }

    #[test]
    fn a_mode_decides_what_becomes_of_the_proportions() {
        let both = [("width", 20), ("height", 20)];
        assert_eq!(size(resize(halves(40, 20), &both, FIT)), (20, 10));
        assert_eq!(size(resize(halves(40, 20), &both, FILL)), (20, 20));
        assert_eq!(size(resize(halves(40, 20), &both, STRETCH)), (20, 20));
        assert_eq!(size(resize(halves(40, 20), &[("width", 10)], FIT)), (10, 5));
        assert_eq!(size(resize(halves(40, 20), &[("height", 40)], STRETCH)), (80, 40));
        assert_eq!(size(resize(halves(3, 1000), &[("height", 10)], FIT)), (1, 10), "no side vanishes");
        assert_eq!(size(resize(halves(33, 17), &[("width", 7), ("height", 5)], FILL)), (7, 5));
    }

    #[test]
    fn filling_cuts_both_ends_off() {
        let outputs = resize(halves(40, 20), &[("width", 10), ("height", 10)], FILL).unwrap();
        let picture = &output::<Image>(&outputs, "image").to_rgb().unwrap()[0];
        assert_eq!((picture.get_pixel(0, 5).0, picture.get_pixel(9, 5).0), ([255, 0, 0], [0, 0, 255]));
    }

    #[test]
    fn a_picture_that_is_right_is_left_alone() {
        let image = halves(40, 20);
        let outputs = resize(image.clone(), &[("width", 40)], FIT).unwrap();
        assert_eq!(outputs.get("image"), Some(&image));
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused() {
        assert!(failure(resize(halves(4, 4), &[], FIT)).contains("neither `width` nor `height` is given"));
        let message = failure(resize(halves(2, 1000), &[("width", 1000)], FIT));
        assert!(message.contains("2×1000 would become 1000×500000"), "{message}");
    }

    #[test]
    fn a_size_is_told() {
        let outputs = run(&ImageSize, [("image", halves(40, 20))]).unwrap();
        let sizes = ["width", "height", "pictures"].map(|name| *output::<i64>(&outputs, name));
        assert_eq!(sizes, [40, 20, 1]);
    }
}
