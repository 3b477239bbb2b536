//! Pictures made small enough for a terminal.

use std::path::Path;

use easel_nodes::kinds::Image;
use easel_nodes::picture;
use image::RgbImage;

use super::super::model::Picture;

/// No terminal shows more pixels than this in half blocks of a pane.
const MOST: u32 = 160;

/// The first picture of a batch.
pub(super) fn of_image(image: &Image) -> Option<Picture> {
    image.to_rgb().ok()?.first().map(small)
}

/// A picture on disk.
pub(super) fn load(path: &Path) -> Result<Picture, String> {
    picture::load(path).map(|picture| small(&picture)).map_err(|error| error.to_string())
}

fn small(picture: &RgbImage) -> Picture {
    let (width, height) = picture.dimensions();
    let longest = width.max(height).max(1);
    let scaled = |side: u32| (side * MOST / longest).max(1);
    let picture = match longest > MOST {
        true => &image::imageops::thumbnail(picture, scaled(width), scaled(height)),
        false => picture,
    };
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
    fn what_is_no_picture_says_so() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("x.png");
        std::fs::write(&path, "no picture").expect("it can be written");
        assert!(load(&path).expect_err("it is none").contains("x.png"));
    }
}
