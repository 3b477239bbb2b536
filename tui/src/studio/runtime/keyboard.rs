//! Keys and the mouse, read on a thread of its own: whatever else goes on, they are read.

use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ratatui::crossterm::event::{Event, MouseEventKind, poll, read};

use super::super::message::Message;
use super::attempt::attempt;
use super::{DEFECT, ask};

/// How often is looked whether somebody else wants the keys.
const LOOK: Duration = Duration::from_millis(100);

/// Keeps keys from being read while they are somebody else's.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<(Mutex<Passage>, Condvar)>);

#[derive(Default)]
struct Passage {
    /// Keys are not to be read.
    is_closed: bool,
    /// They are not being read.
    is_empty: bool,
}

/// While this lives, no key is read.
pub(super) struct Closed(Gate);

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Passage> {
        // Nothing is behind the lock that a panic could leave half done.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until keys are not read any more.
    pub(super) fn close(&self) -> Closed {
        let mut passage = self.lock();
        passage.is_closed = true;
        while !passage.is_empty {
            passage = self.0.1.wait(passage).unwrap_or_else(PoisonError::into_inner);
        }
        drop(passage);
        Closed(self.clone())
    }

    /// Waits until keys may be read.
    fn pass(&self) {
        let mut passage = self.lock();
        while passage.is_closed {
            passage.is_empty = true;
            self.0.1.notify_all();
            passage = self.0.1.wait(passage).unwrap_or_else(PoisonError::into_inner);
        }
        passage.is_empty = false;
    }

    /// Keys are never read again.
    fn leave(&self) {
        self.lock().is_empty = true;
        self.0.1.notify_all();
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.lock().is_closed = false;
        self.0.0.1.notify_all();
    }
}

/// Reads until nobody listens any more.
pub(super) fn listen(sender: Sender<Message>, gate: Gate) -> io::Result<()> {
    let work = move || {
        loop {
            gate.pass();
            let next = || if poll(LOOK)? { read().map(Some) } else { Ok(None) };
            let message = match attempt(next).unwrap_or_else(|| Err(io::Error::other(DEFECT))).transpose() {
                None => continue,
                Some(message) => message,
            };
            let message = match message {
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
                        return gate.leave();
                    }
                    Message::Resized(columns, lines)
                }
                Ok(Event::FocusGained | Event::FocusLost) => continue,
                // The terminal is gone.
                Err(_) => Message::Gone,
            };
            let is_last = matches!(message, Message::Gone);
            if sender.send(message).is_err() || is_last {
                return gate.leave();
            }
        }
    };
    std::thread::Builder::new().name("keyboard".into()).spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn nothing_passes_a_closed_gate() {
        let gate = Gate::default();
        let (passed, times) = channel();
        let (ended, reader) = (Gate::clone(&gate), Gate::clone(&gate));
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            while stopped.try_recv().is_err() {
                reader.pass();
                if passed.send(()).is_err() {
                    break;
                }
            }
            ended.leave();
        });
        times.recv().expect("it passes");
        let closed = gate.close();
        times.try_iter().for_each(drop);
        assert!(times.try_recv().is_err(), "whoever waits for that knows that nobody passes");
        drop(closed);
        times.recv().expect("it passes again");
        drop((stop, times));
        assert!(thread.join().is_ok());
        drop(gate.close());
    }
}
