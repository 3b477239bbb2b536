//! Letters on pictures: Noto Sans Mono (SIL Open Font License 1.1) as smoothed bitmaps, Latin scripts and signs.

use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster};

/// Letters of one size and colour.
#[derive(Clone, Copy, Debug)]
pub struct Lettering {
    size: RasterHeight,
    weight: FontWeight,
    ink: [u8; 3],
}

impl Lettering {
    /// The heights of a line that there are, in pixels.
    pub const SIZES: [u32; 4] = [16, 20, 24, 32];

    /// Letters for lines of that height; none if it is not one of [`Lettering::SIZES`].
    pub fn new(height: u32, ink: [u8; 3]) -> Option<Self> {
        let size = match height {
            16 => RasterHeight::Size16,
            20 => RasterHeight::Size20,
            24 => RasterHeight::Size24,
            32 => RasterHeight::Size32,
            _ => return None,
        };
        Some(Lettering { size, weight: FontWeight::Regular, ink })
    }

    /// The same letters, bold.
    pub fn bold(self) -> Self {
        Lettering { weight: FontWeight::Bold, ..self }
    }

    /// Height of a line, in pixels.
    pub fn line_height(&self) -> u32 {
        self.size.val() as u32
    }

    /// Width of a text in pixels: all letters are equally wide.
    pub fn width(&self, text: &str) -> u32 {
        (text.chars().count() as u32).saturating_mul(self.letter_width())
    }

    fn letter_width(&self) -> u32 {
        self.raster(' ').map_or(1, |raster| raster.width() as u32).max(1)
    }

    fn raster(&self, letter: char) -> Option<RasterizedChar> {
        get_raster(letter, self.weight, self.size)
    }

    /// Breaks a text into lines that are no wider than `width` pixels, between words where that is possible. What does
    /// not fit into `most` lines is cut; the last line then ends in dots.
    pub fn wrap(&self, text: &str, width: u32, most: usize) -> Vec<String> {
        let columns = (width / self.letter_width()).max(1) as usize;
        let mut lines: Vec<String> = Vec::new();
        for paragraph in text.lines() {
            let mut line: Vec<char> = Vec::new();
            for word in paragraph.split_whitespace() {
                let word: Vec<char> = word.chars().collect();
                if !line.is_empty() && line.len() + 1 + word.len() <= columns {
                    line.push(' ');
                } else if !line.is_empty() {
                    lines.push(line.drain(..).collect());
                }
                line.extend(word);
                while line.len() > columns {
                    lines.push(line.drain(..columns).collect());
                }
                if lines.len() > most {
                    break;
                }
            }
            lines.push(line.into_iter().collect());
            if lines.len() > most {
                break;
            }
        }
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                *last = with_dots(last, columns);
            }
        }
        lines
    }

    /// Draws one line with its upper left corner at (`x`, `y`); what lies outside of the picture is left out. Letters
    /// that the font lacks are boxes.
    pub fn draw(&self, picture: &mut RgbImage, x: i64, y: i64, text: &str) {
        let width = i64::from(self.letter_width());
        for (index, letter) in text.chars().enumerate() {
            let left = x.saturating_add(width.saturating_mul(index as i64));
            match self.raster(letter) {
                Some(raster) => {
                    for (row, values) in raster.rows().enumerate() {
                        for (column, &coverage) in values.iter().enumerate() {
                            self.mark(picture, left + column as i64, y + row as i64, coverage);
                        }
                    }
                }
                None => self.draw_box(picture, left, y),
            }
        }
    }

    /// As tall as a capital letter.
    fn draw_box(&self, picture: &mut RgbImage, x: i64, y: i64) {
        let (height, width) = (i64::from(self.line_height()), i64::from(self.letter_width()));
        let (top, bottom, right) = (height / 5, height * 3 / 4, width - 2);
        for row in top..=bottom {
            for column in 1..=right {
                if row == top || row == bottom || column == 1 || column == right {
                    self.mark(picture, x + column, y + row, 160);
                }
            }
        }
    }

    /// Covers a pixel with so much of the ink.
    fn mark(&self, picture: &mut RgbImage, x: i64, y: i64, coverage: u8) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        let Some(Rgb(pixel)) = picture.get_pixel_mut_checked(x, y) else { return };
        let coverage = u32::from(coverage);
        for (value, ink) in pixel.iter_mut().zip(self.ink) {
            *value = ((u32::from(*value) * (255 - coverage) + u32::from(ink) * coverage + 127) / 255) as u8;
        }
    }
}

fn with_dots(line: &str, columns: usize) -> String {
    const DOTS: &str = "...";
    let kept: String = line.chars().take(columns.saturating_sub(DOTS.len())).collect();
    format!("{}{}", kept.trim_end(), &DOTS[..DOTS.len().min(columns)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lettering() -> Lettering {
        Lettering::new(16, [0, 0, 0]).expect("there is this size")
    }

    fn white(width: u32, height: u32) -> RgbImage {
        RgbImage::from_pixel(width, height, Rgb([255; 3]))
    }

    fn drawn(text: &str) -> RgbImage {
        let mut picture = white(lettering().width(text).max(1), 16);
        lettering().draw(&mut picture, 0, 0, text);
        picture
    }

    #[test]
    fn letters_leave_ink_and_blanks_leave_none() {
        let darkness = |text: &str| drawn(text).pixels().map(|pixel| u64::from(255 - pixel[0])).sum::<u64>();
        assert_eq!(darkness("   "), 0);
        assert!(darkness("A") > 1000);
        assert!(darkness("ÄÖÜßéñ") > 5 * darkness("A"), "Latin letters are known");
        assert_ne!(drawn("é"), drawn("e"));
        assert_eq!(drawn("漢"), drawn("🦀"), "what the font lacks is a box");
        assert_ne!(drawn("漢"), drawn(" "));
        assert!(lettering().width("abc") == 3 * lettering().width("a"));
    }

    #[test]
    fn every_size_draws_into_its_line() {
        for size in Lettering::SIZES {
            let lettering = Lettering::new(size, [200, 0, 0]).expect("there is this size").bold();
            let mut picture = white(100, size + 20);
            lettering.draw(&mut picture, 5, 10, "Ågj");
            let inked = |y: u32| picture.rows().nth(y as usize).expect("a row").any(|pixel| pixel[1] < 255);
            assert!((0..10).all(|y| !inked(y)) && (size + 10..size + 20).all(|y| !inked(y)), "{size}");
            assert!((10..size + 10).any(inked), "{size}");
        }
        assert!(Lettering::new(17, [0; 3]).is_none());
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let mut picture = white(10, 10);
        for (x, y) in [(-1000, 0), (0, -1000), (1000, 1000), (i64::MAX - 100, 0)] {
            lettering().draw(&mut picture, x, y, "ab漢");
        }
        assert_eq!(picture, white(10, 10));
        lettering().draw(&mut picture, -3, -3, "W");
        assert_ne!(picture, white(10, 10), "the part that is inside is drawn");
    }

    #[test]
    fn lines_break_between_words() {
        let width = |columns: u32| columns * lettering().width(" ");
        let wrap = |text: &str, columns: u32, most: usize| lettering().wrap(text, width(columns), most);
        assert_eq!(wrap("a cat on a mat", 6, 9), ["a cat", "on a", "mat"]);
        assert_eq!(wrap("abcdefgh ij", 3, 9), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("a\n\n b  c \r\nd", 9, 9), ["a", "", "b c", "d"]);
        assert_eq!(wrap("a cat on a mat", 6, 2), ["a cat", "on..."]);
        assert_eq!(wrap("a cat on a mat", 6, 0), Vec::<String>::new());
        assert_eq!(wrap("", 6, 2), Vec::<String>::new());
        assert_eq!(wrap("äöüß", 0, 2), ["ä", "."], "no width is the width of one letter");
    }
}
