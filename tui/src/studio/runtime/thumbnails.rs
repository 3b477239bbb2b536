//! Reads pictures small on a thread of its own: those that are on the screen by now, and no others.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

use easel_nodes::picture;
use image::RgbImage;

use super::super::message::Message;
use super::super::model::Picture;

/// Pixels of the longer side: few terminals show more in half blocks.
const MOST: u32 = 128;

/// The thread; each list of wishes takes the place of the one before. It ends when nobody has wishes any more.
pub(super) fn start(sender: Sender<Message>) -> io::Result<Sender<Vec<PathBuf>>> {
    let (wishes, wanted) = channel();
    let work = move || serve(&wanted, |path, picture| sender.send(Message::Thumbnail(path, picture)).is_ok());
    std::thread::Builder::new().name("thumbnails".into()).spawn(work)?;
    Ok(wishes)
}

fn serve(wanted: &Receiver<Vec<PathBuf>>, mut tell: impl FnMut(PathBuf, Result<Picture, String>) -> bool) {
    while let Ok(first) = wanted.recv() {
        let mut paths = wanted.try_iter().last().unwrap_or(first);
        paths.reverse();
        while let Some(path) = paths.pop() {
            let picture = load(&path);
            if !tell(path, picture) {
                return;
            }
            if let Some(newer) = wanted.try_iter().last() {
                paths = newer;
                paths.reverse();
            }
        }
    }
}

fn load(path: &Path) -> Result<Picture, String> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("the file is gone".into()),
        _ => {}
    }
    // Which file it is stands where the picture would, and there is little room.
    let short = |why: String| why.strip_prefix(&format!("{}: ", path.display())).map(str::to_string).unwrap_or(why);
    picture::load(path).map(|picture| small(&picture)).map_err(|error| short(error.to_string()))
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
    fn what_is_wrong_with_a_picture_is_told_without_its_path() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("none.png");
        for bytes in [&b""[..], b"\x89PNG\r\n\x1a\n", b"a text"] {
            std::fs::write(&path, bytes).expect("there is room");
            let why = load(&path).expect_err("it is no picture");
            assert!(!why.contains("none.png") && !why.is_empty(), "{why}");
        }
    }

    #[test]
    fn only_what_is_wanted_by_now_is_read() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let paths: Vec<_> = (0..4).map(|number| folder.path().join(format!("{number}.png"))).collect();
        for path in &paths[..3] {
            RgbImage::from_pixel(256, 64, image::Rgb([1, 2, 3])).save(path).expect("there is room");
        }
        let (wishes, wanted) = channel();
        wishes.send(paths[..3].to_vec()).expect("somebody listens");
        let mut told = Vec::new();
        let mut more = Some(wishes);
        serve(&wanted, |path, picture| {
            // Somebody scrolls while the first is read.
            if let Some(wishes) = more.take() {
                wishes.send(paths[2..].to_vec()).expect("somebody listens");
            }
            told.push((path, picture.map(|picture| (picture.width, picture.height()))));
            true
        });
        let gone = Err("the file is gone".to_string());
        let expected = [(paths[0].clone(), Ok((128, 32))), (paths[2].clone(), Ok((128, 32))), (paths[3].clone(), gone)];
        assert_eq!(told, expected);
    }
}
