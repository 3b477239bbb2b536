//! Keys and the mouse, read on a thread of its own: whatever else goes on, they are read.

use std::io;
use std::sync::mpsc::Sender;

use ratatui::crossterm::event::{Event, MouseEventKind, read};

use super::super::message::Message;
use super::attempt::attempt;
use super::{DEFECT, ask};

/// Reads until nobody listens any more.
pub(super) fn listen(sender: Sender<Message>) -> io::Result<()> {
    let work = move || {
        loop {
            let message = match attempt(read).unwrap_or_else(|| Err(io::Error::other(DEFECT))) {
                Ok(Event::Key(key)) => Message::Key(key),
                // Of a mouse that only moves, nothing is shown.
                Ok(Event::Mouse(event)) if event.kind == MouseEventKind::Moved => continue,
                Ok(Event::Mouse(event)) => Message::Mouse(event),
                Ok(Event::Paste(text)) => Message::Pasted(text),
                Ok(Event::Resize(columns, lines)) => {
                    // Of another size of letters too.
                    if let Some((width, height)) = ask::cell()
                        && sender.send(Message::CellSize(width, height)).is_err()
                    {
                        return;
                    }
                    Message::Resized(columns, lines)
                }
                Ok(Event::FocusGained | Event::FocusLost) => continue,
                // The terminal is gone.
                Err(_) => Message::Gone,
            };
            let is_last = matches!(message, Message::Gone);
            if sender.send(message).is_err() || is_last {
                return;
            }
        }
    };
    std::thread::Builder::new().name("keyboard".into()).spawn(work).map(drop)
}
