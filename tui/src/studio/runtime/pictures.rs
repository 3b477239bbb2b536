//! Pictures made small enough for a terminal.

use std::path::Path;

use easel_nodes::kinds::Image;
use easel_nodes::picture;
use image::RgbImage;

use super::super::model::Picture;

/// No terminal shows more pixels than this in half blocks of a pane.
const MOST: u32 = 160;

/// More pictures side by side are specks.
const MOST_IN_A_SHEET: usize = 64;

/// The pictures of a batch side by side.
pub(super) fn of_image(image: &Image) -> Option<Picture> {
    let pictures = image.to_rgb().ok()?;
    match &pictures[..] {
        [] => None,
        [picture] => Some(small(picture)),
        pictures => Some(small(&sheet(pictures))),
    }
}

/// Pictures of one size in rows, with a thin gap between them.
fn sheet(pictures: &[RgbImage]) -> RgbImage {
    let (width, height) = pictures.first().map_or((1, 1), RgbImage::dimensions);
    let count = u32::try_from(pictures.len().min(MOST_IN_A_SHEET)).unwrap_or(1).max(1);
    let columns = (1..=count).find(|columns| columns * columns >= count).unwrap_or(count);
    let gap = (width / 32).max(1);
    let side = |count: u32, length: u32| count * (length + gap) - gap;
    let mut sheet = RgbImage::new(side(columns, width), side(count.div_ceil(columns), height));
    for (picture, number) in pictures.iter().zip(0..count) {
        let (x, y) = (number % columns * (width + gap), number / columns * (height + gap));
        image::imageops::replace(&mut sheet, picture, x.into(), y.into());
    }
    sheet
}

/// A picture on disk.
pub(super) fn load(path: &Path) -> Result<Picture, String> {
    picture::load(path).map(|picture| small(&picture)).map_err(|error| error.to_string())
}

/// A picture that is small enough to be kept and sent about.
pub(super) fn small(picture: &RgbImage) -> Picture {
    let (width, height) = picture.dimensions();
    let longest = width.max(height).max(1);
    let scaled = |side: u32| (side * MOST / longest).max(1);
    let picture = match longest > MOST {
        true => &image::imageops::thumbnail(picture, scaled(width), scaled(height)),
        false => picture,
    };
    exact(picture)
}

/// A picture as it is.
pub(super) fn exact(picture: &RgbImage) -> Picture {
    Picture { width: picture.width() as usize, pixels: picture.pixels().map(|pixel| pixel.0).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_become_small_ones_of_the_same_shape() {
        let picture = small(&RgbImage::from_pixel(640, 320, image::Rgb([9, 8, 7])));
        assert_eq!((picture.width, picture.height()), (160, 80));
        assert_eq!(picture.at(0.5, 0.5), [9, 8, 7]);
        let tiny = small(&RgbImage::from_pixel(3, 1, image::Rgb([1, 2, 3])));
        assert_eq!((tiny.width, tiny.height()), (3, 1));
    }

    #[test]
    fn pictures_of_a_batch_stand_side_by_side() {
        let pictures: Vec<_> = (1..=5).map(|shade| RgbImage::from_pixel(10, 10, image::Rgb([shade; 3]))).collect();
        let sheet = sheet(&pictures);
        assert_eq!(sheet.dimensions(), (32, 21), "two rows of three");
        let shade = |x, y| sheet.get_pixel(x, y).0[0];
        assert_eq!([shade(0, 0), shade(10, 0), shade(11, 0), shade(31, 9)], [1, 0, 2, 3]);
        assert_eq!([shade(5, 15), shade(15, 15), shade(25, 15)], [4, 5, 0]);
    }

    #[test]
    fn what_is_no_picture_says_so() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("x.png");
        std::fs::write(&path, "no picture").expect("it can be written");
        assert!(load(&path).expect_err("it is none").contains("x.png"));
    }
}
