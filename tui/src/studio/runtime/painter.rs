//! Pictures as the characters that a terminal has to be sent: what differs from the picture before.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::crossterm::queue;
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::layout::{Position, Rect, Size};
use ratatui::{Frame, Terminal};

/// Bytes that are taken from time to time.
#[derive(Clone, Default)]
struct Ink(Rc<RefCell<Vec<u8>>>);

impl Ink {
    fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Ink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is drawn on: nothing of it asks a terminal, which might not answer.
struct Canvas {
    backend: CrosstermBackend<Ink>,
    size: Size,
}

impl Backend for Canvas {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        self.backend.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.backend.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.backend.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.backend.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.backend.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.backend.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Draws pictures and says what a terminal has to be sent to show them.
pub(in super::super) struct Painter {
    terminal: Terminal<Canvas>,
    ink: Ink,
}

impl Painter {
    /// For a terminal of so many columns and lines.
    pub(in super::super) fn new(size: (u16, u16)) -> Self {
        let ink = Ink::default();
        let canvas = Canvas { backend: CrosstermBackend::new(ink.clone()), size: size.into() };
        Painter { terminal: sure(Terminal::new(canvas)), ink }
    }

    /// The next picture is sent whole: the terminal shows something else.
    pub(in super::super) fn forget(&mut self) {
        let Size { width, height } = self.terminal.backend().size;
        sure(self.terminal.resize(Rect::new(0, 0, width, height)));
    }

    /// What shows a picture. Terminals that know how show it all at once; the others pass over the marks around it.
    pub(in super::super) fn picture(&mut self, size: (u16, u16), draw: impl FnOnce(&mut Frame<'_>)) -> Vec<u8> {
        self.terminal.backend_mut().size = size.into();
        // What `forget` wrote belongs to the picture.
        let before = self.ink.take();
        sure(queue!(self.ink, BeginSynchronizedUpdate));
        sure(self.ink.write_all(&before));
        sure(self.terminal.draw(draw).map(drop));
        sure(queue!(self.ink, EndSynchronizedUpdate));
        self.ink.take()
    }
}

/// Memory takes whatever is written to it.
fn sure<T>(written: io::Result<T>) -> T {
    written.expect("nothing fails in memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(painter: &mut Painter, size: (u16, u16), text: &str) -> String {
        let picture = painter.picture(size, |frame| frame.render_widget(text, frame.area()));
        String::from_utf8(picture).expect("it is text")
    }

    #[test]
    fn only_what_differs_is_sent_unless_everything_was_forgotten() {
        let mut painter = Painter::new((10, 2));
        assert!(shows(&mut painter, (10, 2), "picture").contains("picture"));
        let next = shows(&mut painter, (10, 2), "pictures");
        assert!(next.contains('s') && !next.contains("picture"), "{next:?}");
        painter.forget();
        let whole = shows(&mut painter, (10, 2), "pictures");
        assert!(whole.contains("pictures") && whole.contains("\x1b[2J"), "{whole:?}");
        assert!(whole.starts_with("\x1b[?2026h") && whole.ends_with("\x1b[?2026l"), "{whole:?}");
    }

    #[test]
    fn another_size_is_another_picture() {
        let mut painter = Painter::new((10, 2));
        shows(&mut painter, (10, 2), "picture");
        assert!(shows(&mut painter, (4, 1), "picture").contains("pict"));
        assert!(!shows(&mut painter, (0, 0), "picture").contains("pict"));
        assert!(shows(&mut painter, (10, 2), "picture").contains("picture"));
    }
}
