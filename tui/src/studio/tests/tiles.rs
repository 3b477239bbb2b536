//! Pictures among others as the terminal draws them: in the gallery, in grids and beside each other.

use easel_engine::RunState;
use image::RgbImage;
use proptest::prelude::*;
use ratatui::layout::Rect;
use tempfile::TempDir;

use super::pictures::Sent;
use super::*;
use crate::gist::Gist;
use crate::studio::graphics::Protocol;
use crate::studio::model::sweep::Sweep;
use crate::studio::model::{Shot, Shots};
use crate::studio::view::wanted_pictures;

/// The protocols with what a picture begins with in each.
const PIXELS: [(Protocol, &str); 3] =
    [(Protocol::Kitty, "\u{1b}_Gq=2,i="), (Protocol::Sixel, "\u{1b}P"), (Protocol::Iterm2, "]1337;File=")];

fn path(folder: &TempDir, number: usize) -> PathBuf {
    folder.path().join(format!("{number:03}.png"))
}

fn folder(pictures: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for number in 0..pictures {
        let colour = image::Rgb([40 * (number % 6) as u8, 99, number as u8]);
        RgbImage::from_pixel(32, 32, colour).save(path(&folder, number)).expect("there is room");
    }
    folder
}

/// As the thread that reads pictures small would tell them.
fn read(bench: &mut Bench, folder: &TempDir, pictures: usize) {
    for number in 0..pictures {
        let small = Picture { width: 32, pixels: vec![[1, 2, number as u8]; 32 * 32].into() };
        bench.tell(Message::Thumbnail(path(folder, number), Ok(small)));
    }
}

fn gallery(bench: &mut Bench, folder: &TempDir, pictures: usize) {
    bench.press("6 Z");
    let shot = |number| Shot { path: path(folder, number), run: None, gist: Gist::default() };
    bench.tell(Message::Pictures(Shots { all: (0..pictures).map(shot).collect(), unread: 0, problem: None }));
    read(bench, folder, pictures);
}

/// A sweep over so many values, all of which were drawn.
fn sweep(bench: &mut Bench, folder: &TempDir, values: usize) {
    super::sweep::at(bench, "resize", "width");
    bench.press("S");
    bench.type_in(&(1..=values).map(|value| value.to_string()).collect::<Vec<_>>().join(", "));
    bench.press("enter enter y");
    bench.tell(Message::Swept((0..values as u64).map(|run| Ok(RunId(run + 1))).collect()));
    let seen = |number: usize| (RunId(number as u64 + 1), RunState::Completed, Some(path(folder, number)));
    bench.tell(Message::Sweep((0..values).map(seen).collect()));
    read(bench, folder, values);
    assert_eq!(bench.model.sweep.as_ref().map(Sweep::width), Some(values));
}

fn compare(bench: &mut Bench, folder: &TempDir) {
    gallery(bench, folder, 3);
    bench.press("m l c");
    assert!(matches!(bench.model.overlay, Some(Overlay::Compare(_))));
}

/// How often a picture is sent.
fn count(sent: &str, mark: &str) -> usize {
    sent.matches(mark).count()
}

#[test]
fn the_gallery_sends_what_it_shows_once_and_nothing_else() {
    let folder = folder(20);
    for (protocol, mark) in PIXELS {
        let mut bench = Bench::opened((80, 24), SMALL);
        gallery(&mut bench, &folder, 20);
        let mut sent = Sent::to(&mut bench, protocol);
        let shown = wanted_pictures(&bench.model).len();
        assert_eq!(shown, 10, "five in a row, two rows");
        let first = sent.next(&mut bench);
        assert!(count(&first, mark) == 0 && first.contains('▀'), "{protocol:?}: characters until they are ready");
        assert_eq!(count(&sent.next(&mut bench), mark), shown, "{protocol:?}");
        bench.press("l l h");
        assert_eq!(count(&sent.next(&mut bench), mark), 0, "{protocol:?}: only the cursor moved");
        bench.press("ctrl-d");
        let scrolled = sent.next(&mut bench);
        assert_eq!(count(&scrolled, mark), 0, "{protocol:?}: no slot shows the picture that it had before");
        assert!(scrolled.contains('▀'), "{protocol:?}: characters meanwhile");
        assert_eq!(count(&sent.next(&mut bench), mark), shown, "{protocol:?}");
    }
}

#[test]
fn labels_stay_beside_pictures() {
    let folder = folder(3);
    let mut bench = Bench::opened((80, 24), SMALL);
    gallery(&mut bench, &folder, 3);
    let mut sent = Sent::to(&mut bench, Protocol::Kitty);
    sent.next(&mut bench);
    sent.next(&mut bench);
    let shown = bench.shown();
    for label in ["000.png", "001.png", "002.png", "1 of 3 pictures"] {
        assert!(shown.contains(label), "{label}: {shown}");
    }
    for want in wanted_pictures(&bench.model) {
        assert!(want.cells.0 <= 15 && want.cells.1 <= 7, "a picture stays in its cell: {:?}", want.cells);
    }
}

#[test]
fn grids_and_comparisons_draw_pixels_and_leave_none() {
    let folder = folder(3);
    for (what, pictures) in [("sweep", 3), ("compare", 2)] {
        let prepare = |bench: &mut Bench, folder: &TempDir| match what {
            "sweep" => sweep(bench, folder, pictures),
            _ => compare(bench, folder),
        };
        for (protocol, mark) in PIXELS {
            let mut bench = Bench::opened((100, 30), super::sweep::FLOW);
            prepare(&mut bench, &folder);
            let mut sent = Sent::to(&mut bench, protocol);
            sent.next(&mut bench);
            assert_eq!(count(&sent.next(&mut bench), mark), pictures, "{what} by {protocol:?}");
            assert_eq!(count(&sent.next(&mut bench), mark), 0, "{what} by {protocol:?}: nothing changed");
            bench.press("esc 1");
            let left = sent.next(&mut bench);
            assert_eq!(count(&left, mark), 0, "{what} by {protocol:?}: it was left");
            let forgotten = if protocol == Protocol::Kitty { pictures } else { 0 };
            assert_eq!(count(&left, "a=d,d=I"), forgotten, "{what} by {protocol:?}");
            assert_eq!(count(&sent.next(&mut bench), "a=d,d=I"), 0, "once is enough");
        }
    }
}

#[test]
fn two_that_are_shown_in_turns_are_there_at_once_the_second_time() {
    let folder = folder(3);
    for (protocol, mark) in PIXELS {
        let mut bench = Bench::opened((100, 30), SMALL);
        compare(&mut bench, &folder);
        let mut sent = Sent::to(&mut bench, protocol);
        for _ in 0..2 {
            bench.press("space");
            assert_eq!(wanted_pictures(&bench.model).len(), 1, "only what is visible");
            sent.next(&mut bench);
            sent.next(&mut bench);
        }
        bench.press("space");
        assert_eq!(count(&sent.next(&mut bench), mark), 1, "{protocol:?}");
        bench.press("d");
        sent.next(&mut bench);
        assert_eq!(count(&sent.next(&mut bench), mark), 1, "{protocol:?}: the difference is a picture");
    }
}

#[test]
fn who_wants_no_pictures_is_told_so_in_every_grid() {
    let folder = folder(3);
    for prepare in [|bench: &mut Bench, folder: &TempDir| gallery(bench, folder, 3), compare] {
        let mut bench = Bench::opened((100, 30), SMALL);
        bench.model.graphics.protocol = Protocol::None;
        prepare(&mut bench, &folder);
        let shown = bench.shown();
        assert!(wanted_pictures(&bench.model).is_empty());
        assert!(shown.contains("pictures") && shown.contains("off") && !shown.contains('▀'), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever was looked at before, and however the screen was resized: what a terminal that was there all the time shows
    /// in the end is what one shows that has just begun.
    #[test]
    fn nothing_is_left_of_what_was_shown_before(
        protocol in prop::sample::select(vec![Protocol::Kitty, Protocol::Sixel, Protocol::Iterm2]),
        keys in prop::collection::vec(
            prop::sample::select(vec!["l", "j", "ctrl-d", "ctrl-u", "G", "g", "enter", "esc", "m", "c", "space", "d", "s", "+", "resize", "?"]),
            1..24,
        ),
    ) {
        let folder = folder(24);
        let mut bench = Bench::opened((80, 24), SMALL);
        gallery(&mut bench, &folder, 24);
        let mut sent = Sent::to(&mut bench, protocol);
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("it needs no terminal");
        let mut sizes = [(60, 20), (120, 40), (80, 24)].into_iter().cycle();
        for key in keys {
            match key {
                "resize" => {
                    let (columns, lines) = sizes.next().expect("there is always one");
                    bench.tell(Message::Resized(columns, lines));
                    sent.terminal.resize(Rect::new(0, 0, columns, lines)).expect("it can be");
                    terminal.backend_mut().resize(columns, lines);
                }
                key => bench.press(key),
            }
            let wanted = wanted_pictures(&bench.model);
            let mut places: Vec<_> = wanted.iter().map(|want| want.place).collect();
            places.sort_unstable();
            places.dedup();
            prop_assert_eq!(places.len(), wanted.len(), "each has a slot of its own");
            sent.next(&mut bench);
            terminal.draw(|frame| draw(&bench.model, frame)).expect("it can be drawn");
        }
        bench.press("esc esc esc 1 ctrl-l");
        sent.next(&mut bench);
        terminal.draw(|frame| draw(&bench.model, frame)).expect("it can be drawn");
        prop_assert!(wanted_pictures(&bench.model).is_empty());
        let symbols = |buffer: &Buffer| buffer.content.iter().map(|cell| cell.symbol().to_string()).collect::<Vec<_>>();
        prop_assert_eq!(symbols(terminal.backend().buffer()), symbols(&bench.drawn()));
    }
}
