//! `ContactSheet`: many pictures on one, with a label below each.

use easel_engine::{
    Context, InputProblem, InputSpec, Inputs, Literals, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs,
    kinds,
};
use image::{Rgb, RgbImage, imageops};

use crate::kinds::{Image, kind};
use crate::picture::{self, Lettering, MAX_SIDE};

/// Lays pictures out in rows and columns.
pub struct ContactSheet;

/// Not white: so that a white picture is seen to end somewhere.
const PAPER: [u8; 3] = [236, 236, 233];
const INK: [u8; 3] = [38, 38, 44];

/// A sheet of more pixels would take a gigabyte as floats.
const MOST_PIXELS: u64 = 64 << 20;

/// Lines of a label; what is longer is cut.
const MOST_LINES: usize = 6;

impl Node for ContactSheet {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "ContactSheet",
            "Lays pictures out in rows and columns on one, with a label below each. Letters are Latin ones; others become \
             boxes. Long labels are wrapped.",
        )
        .input(InputSpec::new("images", kind::IMAGE.list(), "the pictures; those of a batch follow each other"))
        .input(InputSpec::new("labels", kinds::TEXT_LIST, "a label for each picture; may be empty").optional())
        .input(InputSpec::new("title", kinds::TEXT, "what stands above all of them").default(String::new()))
        .input(
            InputSpec::new("columns", kinds::INTEGER, "pictures in a row; without it, as many as make it square")
                .range(1.0..=1000.0)
                .optional(),
        )
        .input(
            InputSpec::new(
                "tile",
                kinds::INTEGER,
                "each picture is scaled to fit a square of so many pixels; without it, all keep their size",
            )
            .range(8.0..=4096.0)
            .optional(),
        )
        .input(InputSpec::new("gap", kinds::INTEGER, "pixels between pictures").range(0.0..=512.0).default(8_i64))
        .input(
            InputSpec::new("label_size", kinds::INTEGER, "height of a line of letters in pixels: 16, 20, 24 or 32")
                .range(16.0..=32.0)
                .default(16_i64),
        )
        .output(OutputSpec::new("image", kind::IMAGE, "[1, height, width, 3] in −1 … 1"))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        let size = literals.get::<i64>("label_size");
        let wrong = size.and_then(|&size| lettering(size).err());
        wrong
            .map(|error| InputProblem { input: "label_size", message: error.to_string(), hint: None })
            .into_iter()
            .collect()
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let mut pictures = Vec::new();
        for image in inputs.list::<Image>("images")? {
            context.check_cancelled()?;
            pictures.extend(image.to_rgb()?);
        }
        if pictures.is_empty() {
            return Err(NodeError::new("there are no pictures to lay out")
                .with_hint("were all of them kept back, or is the list that they were drawn from empty?"));
        }
        if let Some(&tile) = inputs.optional::<i64>("tile")? {
            pictures = pictures.iter().map(|picture| fit(picture, tile as u32)).collect();
        }
        let sheet = Sheet {
            labels: labels(inputs, pictures.len())?,
            title: inputs.get::<String>("title")?,
            columns: columns(inputs.optional::<i64>("columns")?.copied(), pictures.len()),
            gap: *inputs.get::<i64>("gap")? as u32,
            lettering: lettering(*inputs.get("label_size")?)?,
            pictures,
        };
        Ok(Outputs::one("image", Image::from_rgb(&[sheet.draw()?])?))
    }
}

fn lettering(size: i64) -> Result<Lettering, NodeError> {
    u32::try_from(size).ok().and_then(|size| Lettering::new(size, INK)).ok_or_else(|| {
        let sizes = Lettering::SIZES.map(|size| size.to_string()).join(", ");
        NodeError::new(format!("there are no letters {size} pixels high; there are {sizes}"))
    })
}

fn labels(inputs: &Inputs, pictures: usize) -> Result<Vec<&str>, NodeError> {
    let Some(_) = inputs.value("labels") else { return Ok(vec![""; pictures]) };
    let labels = inputs.texts("labels")?;
    if labels.len() != pictures {
        return Err(NodeError::new(format!("there are {pictures} picture(s) and {} label(s)", labels.len()))
            .with_hint("give one label for each picture, or leave `labels` out"));
    }
    Ok(labels)
}

/// As close to a square as a row allows; a few stand side by side.
fn columns(wanted: Option<i64>, pictures: usize) -> usize {
    let most = match wanted {
        Some(columns) => columns as usize,
        None if pictures <= 3 => pictures,
        None => (pictures as f64).sqrt().ceil() as usize,
    };
    most.clamp(1, pictures)
}

/// Scaled so that its longer side is `tile` pixels.
fn fit(picture: &RgbImage, tile: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let scale = f64::from(tile) / f64::from(width.max(height));
    let side = |side: u32| (f64::from(side) * scale).round().max(1.0) as usize;
    picture::resize(picture, side(width), side(height))
}

/// A sheet that is about to be drawn; there is at least one picture.
struct Sheet<'a> {
    pictures: Vec<RgbImage>,
    labels: Vec<&'a str>,
    title: &'a str,
    columns: usize,
    gap: u32,
    lettering: Lettering,
}

impl Sheet<'_> {
    fn draw(&self) -> Result<RgbImage, NodeError> {
        let cell = self.cell();
        let labels: Vec<_> = self.labels.iter().map(|label| self.lettering.wrap(label, cell.0, MOST_LINES)).collect();
        let lines_of_rows: Vec<_> =
            labels.chunks(self.columns).map(|row| row.iter().map(Vec::len).max().unwrap_or(0)).collect();
        let width = self.columns as u64 * (u64::from(cell.0) + u64::from(self.gap)) + u64::from(self.gap);
        let title = self.lettering.bold().wrap(self.title, (width as u32).saturating_sub(2 * self.gap), MOST_LINES);
        let height = self.block(title.len())
            + u64::from(self.gap)
            + lines_of_rows.iter().map(|&lines| u64::from(cell.1 + self.gap) + self.block(lines)).sum::<u64>();
        let mut sheet = paper(width, height)?;

        let mut y = i64::from(self.gap);
        for line in &title {
            self.lettering.bold().draw(&mut sheet, i64::from(self.gap), y, line);
            y += i64::from(self.lettering.line_height());
        }
        y += if title.is_empty() { 0 } else { i64::from(self.gap) };
        let rows = self.pictures.chunks(self.columns).zip(labels.chunks(self.columns)).zip(&lines_of_rows);
        for ((pictures, labels), &lines) in rows {
            for (column, (picture, label)) in pictures.iter().zip(labels).enumerate() {
                let x = i64::from(self.gap) + column as i64 * i64::from(cell.0 + self.gap);
                self.place(&mut sheet, picture, label, (x, y), cell);
            }
            y += i64::from(cell.1 + self.gap) + self.block(lines) as i64;
        }
        Ok(sheet)
    }

    /// Width and height that every picture fits into.
    fn cell(&self) -> (u32, u32) {
        let sides = self.pictures.iter().map(RgbImage::dimensions);
        sides.fold((1, 1), |(width, height), (w, h)| (width.max(w), height.max(h)))
    }

    /// Height of so many lines with the gap after them.
    fn block(&self, lines: usize) -> u64 {
        match lines {
            0 => 0,
            _ => lines as u64 * u64::from(self.lettering.line_height()) + u64::from(self.gap),
        }
    }

    /// A picture in the middle of its cell, its label centred below the cell.
    fn place(&self, sheet: &mut RgbImage, picture: &RgbImage, label: &[String], (x, y): (i64, i64), cell: (u32, u32)) {
        let left = x + i64::from(cell.0 - picture.width()) / 2;
        let top = y + i64::from(cell.1 - picture.height()) / 2;
        imageops::replace(sheet, picture, left, top);
        let mut y = y + i64::from(cell.1) + i64::from(self.gap.min(4));
        for line in label {
            let indent = i64::from(cell.0.saturating_sub(self.lettering.width(line))) / 2;
            self.lettering.draw(sheet, x + indent, y, line);
            y += i64::from(self.lettering.line_height());
        }
    }
}

fn paper(width: u64, height: u64) -> Result<RgbImage, NodeError> {
    if width.max(height) > u64::from(MAX_SIDE) || width * height > MOST_PIXELS {
        return Err(NodeError::new(format!(
            "the sheet would be {width} × {height} pixels; at most {MAX_SIDE} a side and {} million in all",
            MOST_PIXELS / 1_000_000
        ))
        .with_hint("give a smaller `tile`, more or fewer `columns`, or fewer pictures"));
    }
    Ok(RgbImage::from_pixel(width as u32, height as u32, Rgb(PAPER)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use easel_engine::Value;

    use super::*;
    use crate::nodes::trial::{failure, list, output, run, text};

    const RED: Rgb<u8> = Rgb([255, 0, 0]);
    const BLUE: Rgb<u8> = Rgb([0, 0, 255]);

    fn plain(width: u32, height: u32, colour: Rgb<u8>) -> Image {
        Image::from_rgb(&[RgbImage::from_pixel(width, height, colour)]).unwrap()
    }

    fn sheet(images: Vec<Image>, more: &[(&'static str, Value)]) -> RgbImage {
        let outputs = run(&ContactSheet, [("images", list(images))].into_iter().chain(more.iter().cloned())).unwrap();
        output::<Image>(&outputs, "image").to_rgb().unwrap().remove(0)
    }

    /// Dark pixels within a rectangle: letters.
    fn ink(sheet: &RgbImage, x: std::ops::Range<u32>, y: std::ops::Range<u32>) -> usize {
        x.flat_map(|x| y.clone().map(move |y| (x, y))).filter(|&(x, y)| sheet.get_pixel(x, y)[0] < 128).count()
    }

    #[test]
    fn pictures_lie_in_rows() {
        let images = vec![plain(10, 10, RED), plain(10, 10, BLUE), plain(10, 10, RED)];
        let sheet = sheet(images, &[("columns", Value::new(2_i64)), ("gap", Value::new(4_i64))]);
        assert_eq!(sheet.dimensions(), (2 * 14 + 4, 2 * 14 + 4));
        assert_eq!((*sheet.get_pixel(4, 4), *sheet.get_pixel(18, 4), *sheet.get_pixel(13, 27)), (RED, BLUE, RED));
        assert_eq!(sheet.get_pixel(3, 4).0, PAPER);
        assert_eq!(sheet.get_pixel(18, 18).0, PAPER, "the last place is empty");
    }

    #[test]
    fn labels_and_title_make_room_for_themselves() {
        let images = || vec![plain(40, 40, RED), plain(40, 40, BLUE)];
        let bare = sheet(images(), &[]);
        assert_eq!(bare.dimensions(), (2 * 48 + 8, 48 + 8));
        let labelled = sheet(images(), &[("labels", Value::texts(["one", ""]))]);
        assert_eq!(labelled.dimensions(), (2 * 48 + 8, 48 + 8 + 16 + 8));
        assert!(ink(&labelled, 8..48, 48..80) > 10, "the first is labelled");
        assert_eq!(ink(&labelled, 56..96, 48..80), 0, "the second is not");
        let wrapped = sheet(images(), &[("labels", Value::texts(["one two three", "x"]))]);
        assert_eq!(wrapped.height(), labelled.height() + 2 * 16);
        let titled = sheet(images(), &[("title", text("Two"))]);
        assert_eq!(titled.height(), bare.height() + 16 + 8);
        assert!(ink(&titled, 0..104, 0..28) > 20);
    }

    #[test]
    fn different_sizes_share_a_cell_or_become_tiles() {
        let images = || vec![plain(20, 10, RED), plain(10, 30, BLUE)];
        let gap = ("gap", Value::new(0_i64));
        let kept = sheet(images(), std::slice::from_ref(&gap));
        assert_eq!(kept.dimensions(), (40, 30));
        assert_eq!((kept.get_pixel(0, 0).0, *kept.get_pixel(0, 10), *kept.get_pixel(25, 0)), (PAPER, RED, BLUE));
        let tiled = sheet(images(), &[gap, ("tile", Value::new(60_i64))]);
        assert_eq!(tiled.dimensions(), (120, 60), "both fit a square");
        assert_eq!((tiled.get_pixel(30, 10).0, *tiled.get_pixel(30, 20), *tiled.get_pixel(90, 1)), (PAPER, RED, BLUE));
    }

    #[test]
    fn a_batch_is_several_pictures() {
        let two = RgbImage::from_pixel(10, 10, RED);
        let batch = Image::from_rgb(&[two.clone(), two]).unwrap();
        let labels = Value::texts(["a", "b", "c"]);
        let sheet = sheet(vec![batch, plain(10, 10, BLUE)], &[("labels", labels), ("gap", Value::new(0_i64))]);
        assert_eq!(sheet.width(), 30);
        assert_eq!(*sheet.get_pixel(25, 5), BLUE);
    }

    #[test]
    fn the_shape_follows_the_number_of_pictures() {
        let shape: Vec<_> = [1, 2, 3, 4, 5, 9, 10].map(|count| columns(None, count)).into();
        assert_eq!(shape, [1, 2, 3, 2, 3, 3, 4]);
        assert_eq!((columns(Some(3), 9), columns(Some(1000), 2)), (3, 2));
    }

    #[test]
    fn sheets_that_cannot_be_are_refused() {
        let refusal = |images: Vec<Image>, more: &[(&'static str, Value)]| {
            failure(run(&ContactSheet, [("images", list(images))].into_iter().chain(more.iter().cloned())))
        };
        assert!(refusal(vec![], &[]).contains("no pictures to lay out"));
        let message = refusal(vec![plain(4, 4, RED)], &[("labels", Value::texts(["a", "b"]))]);
        assert!(message.contains("there are 1 picture(s) and 2 label(s)"), "{message}");
        let message = refusal(vec![plain(4, 4, RED)], &[("label_size", Value::new(17_i64))]);
        assert!(message.contains("there are 16, 20, 24, 32"), "{message}");
        let tile = [("tile", Value::new(4096_i64))];
        let message = refusal(vec![plain(4, 4, RED); 9], &tile);
        assert!(message.contains("the sheet would be 12320 × 12320 pixels"), "{message}");
    }
}
