//! A grid of pictures as one picture, with what each row and each column was given.

use std::path::{Path, PathBuf};

use easel_nodes::picture::{self, Lettering, Overwrite, Recipe};
use image::{Rgb, RgbImage, imageops};

use super::super::effect::Sheet;

const PAPER: [u8; 3] = [255, 255, 255];
const INK: [u8; 3] = [20, 20, 20];

/// Pixels between pictures.
const GAP: u32 = 8;

/// Pixels of the longer side of a picture in the grid.
const TILE: u32 = 256;

/// Pixels of a line of letters.
const LINE: u32 = 16;

/// Lines of what a row or a column is called, at the most.
const MOST_LINES: usize = 3;

/// Draws the sheet and writes it into a folder, under a name that is free. Where it is.
pub(super) fn write(sheet: &Sheet, folder: &Path) -> Result<PathBuf, String> {
    let drawn = draw(sheet)?;
    let (width, height) = drawn.dimensions();
    let path = folder.join("sweep.png");
    picture::save_png(&path, drawn.as_raw(), width, height, &Recipe::default(), Overwrite::Never)
        .map_err(|error| error.to_string())
}

fn draw(sheet: &Sheet) -> Result<RgbImage, String> {
    let lettering = Lettering::new(LINE, INK).ok_or("there are no letters of this size")?;
    let loaded = |path: &Option<PathBuf>| match path {
        Some(path) => picture::load(path).map(|picture| Some(tile(&picture))).map_err(|error| error.to_string()),
        None => Ok(None),
    };
    let tiles = sheet.pictures.iter().map(loaded).collect::<Result<Vec<_>, _>>()?;
    let sides = tiles.iter().flatten().map(RgbImage::dimensions);
    let cell = sides.fold((64, 64), |(width, height), (w, h)| (width.max(w), height.max(h)));
    let columns: Vec<_> = sheet.columns.iter().map(|label| lettering.wrap(label, cell.0, MOST_LINES)).collect();
    let rows: Vec<_> = sheet.rows.iter().map(|label| lettering.wrap(label, TILE, MOST_LINES * 2)).collect();
    let widest = rows.iter().flatten().map(|line| lettering.width(line)).max().unwrap_or(0);
    let left = if widest == 0 { GAP } else { widest + 2 * GAP };
    let lines = columns.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let top = lines * LINE + 2 * GAP;
    let side = |start: u32, each: u32, number: usize| u64::from(start) + number as u64 * u64::from(each + GAP);
    let (width, height) = (side(left, cell.0, columns.len()), side(top, cell.1, rows.len()));
    if width.max(height) > u64::from(picture::MAX_SIDE) {
        return Err(format!("it would be {width} × {height} pixels; at most {} a side", picture::MAX_SIDE));
    }
    let mut paper = RgbImage::from_pixel(width as u32, height as u32, Rgb(PAPER));
    for (number, label) in columns.iter().enumerate() {
        write_lines(&mut paper, &lettering, label, (side(left, cell.0, number) as i64, i64::from(GAP)));
    }
    for (number, label) in rows.iter().enumerate() {
        write_lines(&mut paper, &lettering, label, (i64::from(GAP), side(top, cell.1, number) as i64));
    }
    for (at, tile) in tiles.iter().enumerate() {
        let (row, column) = (at / columns.len().max(1), at % columns.len().max(1));
        if let Some(tile) = tile {
            imageops::replace(&mut paper, tile, side(left, cell.0, column) as i64, side(top, cell.1, row) as i64);
        }
    }
    Ok(paper)
}

fn write_lines(paper: &mut RgbImage, lettering: &Lettering, lines: &[String], (x, y): (i64, i64)) {
    for (number, line) in lines.iter().enumerate() {
        lettering.draw(paper, x, y + number as i64 * i64::from(LINE), line);
    }
}

/// Not larger than a tile; what is smaller stays as it is.
fn tile(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let longest = width.max(height).max(1);
    if longest <= TILE {
        return picture.clone();
    }
    let scaled = |side: u32| (side * TILE / longest).max(1);
    imageops::thumbnail(picture, scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a colour begins and ends.
    fn corners(picture: &RgbImage, colour: [u8; 3]) -> ((u32, u32), (u32, u32)) {
        let places = picture.enumerate_pixels().filter(|(_, _, pixel)| pixel.0 == colour).map(|(x, y, _)| (x, y));
        let first = ((u32::MAX, u32::MAX), (0, 0));
        places.fold(first, |(low, high), (x, y)| ((low.0.min(x), low.1.min(y)), (high.0.max(x), high.1.max(y))))
    }

    fn lettering_width(text: &str) -> u32 {
        Lettering::new(LINE, INK).expect("there are such letters").width(text)
    }

    #[test]
    fn pictures_lie_under_their_columns_and_beside_their_rows() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let saved = |name: &str, colour: [u8; 3]| {
            let path = folder.path().join(name);
            RgbImage::from_pixel(100, 50, Rgb(colour)).save(&path).expect("there is room");
            Some(path)
        };
        let pictures = vec![saved("a.png", [200, 0, 0]), None, None, saved("b.png", [0, 0, 200])];
        let sheet =
            Sheet { columns: vec!["seed 1".into(), "seed 2".into()], rows: vec!["a".into(), "b".into()], pictures };
        let drawn = draw(&sheet).expect("it can be drawn");
        let (red, blue) = (corners(&drawn, [200, 0, 0]), corners(&drawn, [0, 0, 200]));
        assert_eq!((red.1.0 - red.0.0, red.1.1 - red.0.1), (99, 49), "each is there whole");
        assert!(red.1.0 < blue.0.0 && red.1.1 < blue.0.1, "{red:?} {blue:?}");
        assert!(red.0.0 > GAP + lettering_width("a") && red.0.1 > GAP + LINE, "there is room for words");
        assert!(drawn.pixels().any(|pixel| pixel.0[0] < 100 && pixel.0[0] == pixel.0[2]), "there are letters");
        let out = folder.path().join("out");
        let first = write(&sheet, &out).expect("it can be written");
        let second = write(&sheet, &out).expect("it can be written");
        assert!(first != second && first.is_file() && second.is_file(), "nothing is written over");
    }

    #[test]
    fn sheets_that_cannot_be_say_why() {
        let one = |pictures: Vec<Option<PathBuf>>| Sheet {
            columns: vec!["x".into(); pictures.len()],
            rows: vec![String::new()],
            pictures,
        };
        let gone = draw(&one(vec![Some("gone.png".into())])).expect_err("it is not there");
        assert!(gone.contains("gone.png"), "{gone}");
        let wide = draw(&one(vec![None; 1_000])).expect_err("it is too wide");
        assert!(wide.contains("at most 16384 a side"), "{wide}");
    }
}
