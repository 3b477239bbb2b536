//! Makes of pictures what the terminal is sent for them, on a thread of its own. Of the wishes for one place of the screen,
//! only the newest counts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::UNIX_EPOCH;

use easel_nodes::picture;
use image::imageops::{self, FilterType};
use image::{DynamicImage, Rgb, RgbImage};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::widgets::Widget;
use ratatui_image::protocol::iterm2::Iterm2;
use ratatui_image::protocol::kitty::Kitty;
use ratatui_image::protocol::sixel::Sixel;
use ratatui_image::{Image as Shown, protocol};

use super::super::graphics::Protocol;
use super::super::message::Message;
use super::super::model::Picture;
use super::super::model::still::{Details, Drawn, Place, Source, Still, Want};
use super::attempt::attempt;
use super::{DEFECT, pictures};

/// Pictures that are kept as they are in their files: whoever enlarges one, reads it once.
const KEPT: usize = 3;

/// What is wanted of the thread.
enum Wish {
    Draw(Want),
    /// That place is not on the screen any more.
    Drop(Place),
    Examine(PathBuf),
}

/// The thread's other end.
pub(super) struct Encoder {
    wishes: Sender<Wish>,
    asked: BTreeMap<Place, Want>,
}

impl Encoder {
    /// The thread; it ends when nobody has wishes any more.
    pub(super) fn start(sender: Sender<Message>) -> io::Result<Self> {
        let (wishes, wanted) = channel();
        let work = move || work(&wanted, &sender);
        std::thread::Builder::new().name("encoder".into()).spawn(work)?;
        Ok(Encoder { wishes, asked: BTreeMap::new() })
    }

    /// The screen shows these pictures, and no others.
    pub(super) fn show(&mut self, wants: Vec<Want>) {
        let shown: BTreeSet<Place> = wants.iter().map(|want| want.place).collect();
        self.asked.retain(|place, _| {
            let is_shown = shown.contains(place);
            if !is_shown {
                // A thread that is gone has said why.
                let _ = self.wishes.send(Wish::Drop(*place));
            }
            is_shown
        });
        for want in wants {
            if self.asked.get(&want.place) != Some(&want) {
                self.asked.insert(want.place, want.clone());
                let _ = self.wishes.send(Wish::Draw(want));
            }
        }
    }

    /// Somebody looks at a file.
    pub(super) fn examine(&self, path: PathBuf) {
        let _ = self.wishes.send(Wish::Examine(path));
    }
}

fn work(wanted: &Receiver<Wish>, sender: &Sender<Message>) {
    let mut kept = Kept::default();
    let mut newest = BTreeMap::new();
    let mut examined = None;
    loop {
        // Whatever became of the screen while one was drawn counts before the next one is.
        let first = if newest.is_empty() { wanted.recv().map(Some) } else { Ok(None) };
        let Ok(first) = first else { return };
        for wish in first.into_iter().chain(wanted.try_iter()) {
            match wish {
                Wish::Draw(want) => drop(newest.insert(want.place, want)),
                Wish::Drop(place) => drop(newest.remove(&place)),
                Wish::Examine(path) => examined = Some(path),
            }
        }
        if let Some(path) = examined.take() {
            let details = attempt(|| examine(&path, &mut kept));
            let details = details.unwrap_or_else(|| Err(format!("cannot show `{}`: {DEFECT}", path.display())));
            if sender.send(Message::Examined(path, details)).is_err() {
                return;
            }
        }
        if let Some((_, want)) = newest.pop_first() {
            let drawn = attempt(|| draw(&want, &mut kept)).flatten().unwrap_or(Drawn::Nothing);
            if sender.send(Message::Drawn(Box::new(Still { want, drawn }))).is_err() {
                return;
            }
        }
    }
}

/// Pictures as they are in their files, the newest last.
#[derive(Default)]
struct Kept(Vec<(PathBuf, Arc<RgbImage>)>);

impl Kept {
    fn load(&mut self, path: &Path) -> Result<Arc<RgbImage>, String> {
        if let Some((_, picture)) = self.0.iter().find(|(known, _)| known == path) {
            return Ok(Arc::clone(picture));
        }
        self.read(path)
    }

    /// Whatever is known of it: another run may have written another picture there.
    fn read(&mut self, path: &Path) -> Result<Arc<RgbImage>, String> {
        let picture = Arc::new(picture::load(path).map_err(|error| error.to_string())?);
        self.0.retain(|(known, _)| known != path);
        self.0.push((path.to_path_buf(), Arc::clone(&picture)));
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
        Ok(picture)
    }
}

fn examine(path: &Path, kept: &mut Kept) -> Result<Details, String> {
    let picture = kept.read(path)?;
    let metadata = std::fs::metadata(path).ok();
    let bytes = metadata.as_ref().map_or(0, std::fs::Metadata::len);
    let written = metadata.and_then(|metadata| metadata.modified().ok());
    let written = written.and_then(|written| written.duration_since(UNIX_EPOCH).ok());
    let written = written.and_then(|since| i64::try_from(since.as_millis()).ok());
    // One without a recipe, or with a damaged one, is a picture too.
    let recipe = picture::read_recipe(path).ok().flatten();
    let recipe = recipe.map(|recipe| {
        // What was given first: of a picture, it is what people look for.
        let given = recipe.inputs.into_iter();
        given.chain(recipe.notes).filter(|(key, _)| !crate::report::is_fingerprint(key)).collect()
    });
    let small = pictures::small(&picture);
    Ok(Details { size: picture.dimensions(), bytes, written, recipe: recipe.unwrap_or_default(), picture: small })
}

/// What becomes of a wish, for tests that have no threads.
#[cfg(test)]
pub(in super::super) fn drawn_still(want: &Want) -> Drawn {
    draw(want, &mut Kept::default()).unwrap_or(Drawn::Nothing)
}

fn draw(want: &Want, kept: &mut Kept) -> Option<Drawn> {
    let original = match &want.source {
        Source::File(path) => kept.load(path).ok()?,
        Source::Pixels(picture) => Arc::new(image_of(picture)),
    };
    let (width, height) = original.dimensions();
    let part = want.part.filter(|part| {
        let is_inside = |start: u32, length: u32, most: u32| start.checked_add(length).is_some_and(|end| end <= most);
        is_inside(part.x, part.width, width) && is_inside(part.y, part.height, height)
    });
    let (columns, rows) = want.pixels;
    let scaled = match part {
        Some(part) => {
            let seen = imageops::crop_imm(&*original, part.x, part.y, part.width, part.height).to_image();
            resized(&seen, columns, rows, FilterType::Nearest)
        }
        None => resized(&original, columns, rows, FilterType::CatmullRom),
    };
    let size = Size::new(want.cells.0, want.cells.1);
    let is_wrapped = want.graphics.is_wrapped;
    let pixels = |picture: RgbImage| DynamicImage::ImageRgb8(picture);
    let encoded = match want.graphics.protocol {
        Protocol::None => return None,
        Protocol::Blocks => return Some(Drawn::Pixels(pictures::exact(&scaled))),
        Protocol::Sixel => protocol::Protocol::Sixel(Sixel::new(pixels(scaled), size, is_wrapped).ok()?),
        Protocol::Iterm2 => protocol::Protocol::ITerm2(Iterm2::new(pixels(scaled), size, is_wrapped).ok()?),
        // Every terminal that has kitty's protocol by its name inflates.
        Protocol::Kitty => {
            protocol::Protocol::Kitty(Kitty::new(pixels(scaled), size, want.place.number(), is_wrapped, true).ok()?)
        }
    };
    let area = Rect::new(0, 0, want.cells.0, want.cells.1);
    let mut cells = Buffer::empty(area);
    Shown::new(&encoded).render(area, &mut cells);
    Some(Drawn::Cells(cells.content.into()))
}

/// In that size: smoothed if it becomes smaller, else as `enlarging` says.
fn resized(picture: &RgbImage, columns: u32, rows: u32, enlarging: FilterType) -> RgbImage {
    let is_smaller = columns <= picture.width() && rows <= picture.height();
    let filter = if is_smaller { FilterType::Triangle } else { enlarging };
    imageops::resize(picture, columns.max(1), rows.max(1), filter)
}

fn image_of(picture: &Picture) -> RgbImage {
    RgbImage::from_fn(picture.width as u32, picture.height() as u32, |x, y| {
        let index = y as usize * picture.width + x as usize;
        Rgb(picture.pixels.get(index).copied().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::CellDiffOption;

    use super::super::super::graphics::Graphics;
    use super::super::super::model::still::Part;
    use super::*;

    fn want(protocol: Protocol, part: Option<Part>) -> Want {
        let pixels = (0..64 * 64).map(|at| [(at % 64 * 4) as u8, (at / 64 * 4) as u8, 0]).collect();
        let graphics = Graphics { protocol, cell: (10, 20), is_wrapped: false };
        let source = Source::Pixels(Picture { width: 64, pixels });
        Want { place: Place::Viewer, source, part, cells: (8, 4), pixels: (80, 80), graphics }
    }

    fn first(protocol: Protocol) -> String {
        match draw(&want(protocol, None), &mut Kept::default()) {
            Some(Drawn::Cells(cells)) => {
                assert_eq!(cells.len(), 32);
                assert!(cells.iter().all(|cell| cell.diff_option != CellDiffOption::None), "no cell is written over");
                cells[0].symbol().to_string()
            }
            other => panic!("{protocol:?}: {other:?}"),
        }
    }

    #[test]
    fn every_protocol_puts_the_picture_into_its_first_cell() {
        assert!(first(Protocol::Kitty).starts_with("\x1b_Gq=2,i="));
        assert!(first(Protocol::Sixel).contains("\x1bP"));
        assert!(first(Protocol::Iterm2).contains("]1337;File=inline=1"));
        assert_eq!(draw(&want(Protocol::None, None), &mut Kept::default()), None);
    }

    #[test]
    fn a_part_is_drawn_as_it_is() {
        let part = Part { x: 0, y: 32, width: 1, height: 1 };
        let want = want(Protocol::Blocks, Some(part));
        let Some(Drawn::Pixels(picture)) = draw(&want, &mut Kept::default()) else { panic!("it is drawn") };
        assert_eq!((picture.width, picture.height()), (80, 80));
        assert!(picture.pixels.iter().all(|pixel| *pixel == [0, 128, 0]));
    }

    #[test]
    fn only_what_is_new_is_asked_for_and_the_newest_is_drawn_last() {
        let (sender, messages) = channel();
        let mut encoder = Encoder::start(sender).expect("there is a thread");
        let first = want(Protocol::Kitty, None);
        encoder.show(vec![first.clone()]);
        encoder.show(vec![first.clone()]);
        let drawn = |message| match message {
            Ok(Message::Drawn(still)) => still.want,
            _ => panic!("a picture is drawn"),
        };
        assert_eq!(drawn(messages.recv()), first);
        let last = Want { cells: (4, 2), pixels: (40, 40), ..first };
        encoder.show(vec![last.clone()]);
        assert_eq!(drawn(messages.recv()), last);
        encoder.examine("no such file.png".into());
        let Ok(Message::Examined(path, Err(why))) = messages.recv() else { panic!("it is told") };
        assert!(path.ends_with("no such file.png") && why.contains("no such file.png"), "{why}");
        drop(encoder);
        assert!(messages.recv().is_err(), "the same wish was not carried out twice");
    }
}
