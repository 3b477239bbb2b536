//! Pictures: in the pane of the run, in the graph and on the whole screen; what is sent of them, and what is left of them.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{TerminalOptions, Viewport};

use super::super::graphics::{Graphics, Protocol};
use super::super::model::full::{Full, Viewer};
use super::super::model::still::{Details, Still};
use super::super::runtime::drawn_still;
use super::super::view::wanted_pictures;
use super::*;

/// Few colours, so that snapshots can be read.
fn gradient(side: usize) -> Picture {
    let shade = |at: usize| (at * 4 / side * 80) as u8;
    let pixels = (0..side * side).map(|at| [shade(at % side), 99, shade(at / side)]);
    Picture { width: side, pixels: pixels.collect() }
}

/// A run that has drawn something.
fn drawing(bench: &mut Bench) {
    running(bench);
    bench.tell(Message::Preview("load".into(), gradient(32)));
}

/// A run that wrote two files.
fn written(bench: &mut Bench) {
    let run = RunId(7);
    bench.press("r");
    for name in ["output/copy_0001.png", "output/copy_0002.png"] {
        let event = Event::ArtifactWritten { run, node: "save".into(), path: name.into() };
        bench.tell(Message::Event(Box::new(event)));
        bench.tell(Message::Loaded(name.into(), Ok(gradient(32))));
    }
    bench.press("i");
    let recipe = vec![
        ("prompt".to_string(), "a cat\u{1b}[2J on a mat that is wide enough for three cats".to_string()),
        ("prior.seed".to_string(), "42".to_string()),
    ];
    let details =
        Details { size: (256, 256), bytes: 81_234, written: Some(1_795_415_315_999), recipe, picture: gradient(32) };
    bench.tell(Message::Examined("output/copy_0002.png".into(), Ok(details)));
}

fn viewer(bench: &Bench) -> &Viewer {
    match &bench.model.full {
        Some(Full::Picture(viewer)) => viewer,
        _ => panic!("no picture is shown"),
    }
}

/// Keeps what is written.
#[derive(Clone, Default)]
pub(super) struct Line(Rc<RefCell<Vec<u8>>>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal that keeps what it is sent.
pub(super) struct Sent {
    pub(super) terminal: Terminal<CrosstermBackend<Line>>,
    line: Line,
}

impl Sent {
    pub(super) fn to(bench: &mut Bench, protocol: Protocol) -> Self {
        bench.model.graphics = Graphics { protocol, cell: (8, 16), is_wrapped: false };
        let (columns, lines) = bench.model.size;
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, lines));
        let options = TerminalOptions { viewport };
        let line = Line::default();
        let terminal = Terminal::with_options(CrosstermBackend::new(line.clone()), options);
        Sent { terminal: terminal.expect("it needs no terminal"), line }
    }

    /// What is sent for the next picture of the screen; afterwards, all pictures are ready.
    pub(super) fn next(&mut self, bench: &mut Bench) -> String {
        self.terminal.draw(|frame| draw(&bench.model, frame)).expect("it can be drawn");
        for want in wanted_pictures(&bench.model) {
            let is_new = bench.model.stills.get(&want.place).is_none_or(|still| still.want != want);
            if is_new {
                let drawn = drawn_still(&want);
                bench.tell(Message::Drawn(Box::new(Still { want, drawn })));
            }
        }
        String::from_utf8(self.line.0.take()).expect("it is text")
    }
}

#[test]
fn pictures_look_as_they_should() {
    snapshots("picture", written, SMALL);
    snapshots(
        "picture_unsaved",
        |bench| {
            drawing(bench);
            bench.press("i");
        },
        SMALL,
    );
    snapshots(
        "previews",
        |bench| {
            drawing(bench);
            bench.press("+ + + + z");
        },
        SMALL,
    );
}

#[test]
fn without_colours_pictures_are_shades() {
    let prepare = |bench: &mut Bench| {
        bench.model.theme = Theme::new(Ground::Dark, Depth::None);
        drawing(bench);
    };
    snapshots("picture_shades", prepare, SMALL);
}

#[test]
fn a_picture_is_sent_once_and_again_only_when_it_or_its_place_changes() {
    for (protocol, mark) in
        [(Protocol::Kitty, "\u{1b}_Gq=2,i="), (Protocol::Sixel, "\u{1b}P"), (Protocol::Iterm2, "]1337;File=")]
    {
        let mut bench = Bench::opened((100, 30), SMALL);
        drawing(&mut bench);
        let mut sent = Sent::to(&mut bench, protocol);
        assert!(!sent.next(&mut bench).contains(mark), "{protocol:?}: it is not ready yet");
        assert!(sent.next(&mut bench).contains(mark), "{protocol:?}: it is ready");
        bench.at(9000);
        assert!(!sent.next(&mut bench).contains(mark), "{protocol:?}: only the time changed");
        bench.tell(Message::Preview("load".into(), gradient(16)));
        assert!(!sent.next(&mut bench).contains(mark), "{protocol:?}: the one before stays meanwhile");
        assert!(sent.next(&mut bench).contains(mark), "{protocol:?}: the next one is ready");
        // The pane is as wide as before, and elsewhere.
        bench.tell(Message::Resized(90, 30));
        sent.terminal.resize(Rect::new(0, 0, 90, 30)).expect("it can be");
        assert!(sent.next(&mut bench).contains(mark), "{protocol:?}: its place changed");
    }
}

#[test]
fn an_overlay_leaves_no_hole_in_a_picture() {
    for protocol in [Protocol::Sixel, Protocol::Iterm2] {
        let mut bench = Bench::opened((100, 30), SMALL);
        drawing(&mut bench);
        let mut sent = Sent::to(&mut bench, protocol);
        sent.next(&mut bench);
        let mark = if protocol == Protocol::Sixel { "\u{1b}P" } else { "]1337;File=" };
        assert!(sent.next(&mut bench).contains(mark));
        bench.press("?");
        let covered = sent.next(&mut bench);
        assert!(!covered.contains(mark) && covered.contains('▀'), "{protocol:?}: characters under the overlay");
        bench.press("esc");
        assert!(sent.next(&mut bench).contains(mark), "{protocol:?}: it is drawn anew");
    }
}

#[test]
fn kitty_forgets_pictures_that_are_no_longer_shown() {
    let mut bench = Bench::opened((100, 30), SMALL);
    drawing(&mut bench);
    let mut sent = Sent::to(&mut bench, Protocol::Kitty);
    sent.next(&mut bench);
    sent.next(&mut bench);
    assert!(!sent.next(&mut bench).contains("a=d,d=I"), "it is shown");
    bench.press("1");
    let forgets = format!("a=d,d=I,q=2,i={}", 0x00ea_5e01);
    assert!(sent.next(&mut bench).contains(&forgets), "it is not shown");
    assert!(!sent.next(&mut bench).contains(&forgets), "once is enough");
}

#[test]
fn pictures_are_leafed_through_enlarged_and_left() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("i");
    assert!(bench.model.full.is_none() && bench.shown().contains("there is no picture yet"));
    written(&mut bench);
    assert_eq!(viewer(&bench).at, 1);
    bench.press("p");
    assert_eq!(viewer(&bench).at, 0);
    bench.press("p n n n");
    assert_eq!(viewer(&bench).at, 1);
    bench.press("1");
    assert!(bench.shown().contains("100%"), "{}", bench.shown());
    bench.press("l l j +");
    assert!(bench.shown().contains("150%"), "{}", bench.shown());
    bench.press("f");
    assert!(bench.shown().contains("fit"), "{}", bench.shown());
    bench.press("?");
    assert!(bench.shown().contains("pixel by pixel"), "the help is that of the picture");
    bench.press("esc esc");
    assert!(bench.model.full.is_none());
    // Whoever goes to a pane leaves the picture.
    bench.press("i 4");
    assert!(bench.model.full.is_none() && bench.model.side == Side::Log);
}

#[test]
fn a_picture_that_cannot_be_read_says_why() {
    let mut bench = Bench::opened((100, 30), SMALL);
    written(&mut bench);
    bench.tell(Message::Examined("output/copy_0002.png".into(), Err("it is no picture".into())));
    // What was seen of it when it was written is still here.
    let shown = bench.shown();
    assert!(shown.contains("it is no picture") && shown.contains('▀'), "{shown}");
    let run = RunId(7);
    let event = Event::ArtifactWritten { run, node: "other".into(), path: "never_seen.png".into() };
    bench.tell(Message::Event(Box::new(event)));
    bench.press("G");
    bench.tell(Message::Examined("never_seen.png".into(), Err("there is none".into())));
    let shown = bench.shown();
    assert!(shown.contains("there is none") && !shown.contains('▀'), "{shown}");
}

#[test]
fn who_wants_no_pictures_sees_none() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.model.graphics.protocol = Protocol::None;
    drawing(&mut bench);
    bench.press("+ + + +");
    assert!(!bench.shown().contains('▀'));
    bench.press("i");
    assert!(!bench.shown().contains('▀'), "{}", bench.shown());
}
