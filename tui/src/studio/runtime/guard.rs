//! The terminal, taken over and given back: whatever ends the studio, the shell gets its terminal as it was.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, KeyboardEnhancementFlags,
    PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::crossterm::{cursor, queue};

use super::super::model::still::Place;
use super::output::Output;
use crate::terminal;

/// A terminal that takes nothing is not waited for any longer by whoever leaves it.
const PATIENCE: Duration = Duration::from_millis(500);

/// What can be taken over and given back.
pub(crate) trait Screen: Send + Sync {
    /// Takes it over.
    fn enter(&self) -> io::Result<()>;
    /// Gives it back, as far as that can still be done.
    fn leave(&self);
}

/// The terminal behind standard output.
pub(crate) struct RealScreen {
    /// The way to it.
    pub(crate) output: Output,
    /// It tells keys apart that other terminals do not.
    pub(crate) has_all_keys: bool,
    /// It keeps pictures until it is told to forget them.
    pub(crate) keeps_pictures: bool,
}

impl Screen for RealScreen {
    fn enter(&self) -> io::Result<()> {
        enable_raw_mode()?;
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste, cursor::Hide)?;
        if self.has_all_keys {
            queue!(bytes, PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES))?;
        }
        self.output.put(&bytes);
        Ok(())
    }

    fn leave(&self) {
        // Whatever fails here: there is nobody left to tell, and the rest is still worth trying.
        let mut bytes = Vec::new();
        if self.keeps_pictures {
            Place::all().for_each(|place| bytes.extend(place.forget().into_bytes()));
        }
        if self.has_all_keys {
            let _ = queue!(bytes, PopKeyboardEnhancementFlags);
        }
        let _ = queue!(bytes, DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, cursor::Show);
        terminal::hush(!self.output.put_instead(&bytes, PATIENCE));
        let _ = disable_raw_mode();
    }
}

/// Whether the environment names a terminal that speaks kitty's keyboard protocol. Nothing is asked of the terminal: one
/// that does not answer would be waited for.
pub(crate) fn has_all_keys(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    let term = variable("TERM").unwrap_or_default();
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    let is_multiplexed = variable("TMUX").is_some() || term.starts_with("screen") || term.starts_with("tmux");
    let terms = ["kitty", "ghostty", "alacritty", "foot", "wezterm"];
    !is_multiplexed && (terms.iter().any(|known| term.contains(known)) || ["ghostty", "WezTerm"].contains(&&*program))
}

/// While this lives, the terminal is taken over; it is given back when this is dropped, and before a panic of the thread
/// that made it is told.
pub(crate) struct Guard(Arc<Inner>);

struct Inner {
    screen: Box<dyn Screen>,
    is_entered: AtomicBool,
    owner: ThreadId,
    /// Held while something is drawn, and while the terminal is given back for a while.
    drawing: Mutex<()>,
}

impl Inner {
    fn enter(&self) -> io::Result<()> {
        self.is_entered.store(true, Ordering::SeqCst);
        self.screen.enter()
    }

    /// At most once for each time that it was taken over.
    fn leave(&self) {
        if self.is_entered.swap(false, Ordering::SeqCst) {
            self.screen.leave();
        }
    }
}

impl Guard {
    /// Takes the terminal over. `tell` is given what panics in other threads say, which would spoil the screen.
    pub(crate) fn take(screen: Box<dyn Screen>, tell: impl Fn(String) + Send + Sync + 'static) -> io::Result<Self> {
        let owner = thread::current().id();
        let inner = Inner { screen, is_entered: AtomicBool::new(false), owner, drawing: Mutex::new(()) };
        let guard = Guard(Arc::new(inner));
        keep_panics_off(Arc::downgrade(&guard.0), tell);
        // If this fails half way, dropping the guard undoes what was done.
        guard.0.enter()?;
        Ok(guard)
    }

    /// Draws, unless the terminal is given back at the moment: whoever has it may have it for long.
    pub(crate) fn draw<T>(&self, draw: impl FnOnce() -> T) -> Option<T> {
        let _drawing = match self.0.drawing.try_lock() {
            Ok(drawing) => drawing,
            Err(TryLockError::Poisoned(drawing)) => drawing.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        self.0.is_entered.load(Ordering::SeqCst).then(draw)
    }

    /// How to give the terminal back for a while from another thread.
    pub(crate) fn lender(&self) -> Lender {
        Lender(Arc::downgrade(&self.0))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Gives the terminal back for a while.
pub(crate) struct Lender(Weak<Inner>);

impl Lender {
    /// Gives the terminal back, does something, and takes it over again.
    pub(crate) fn lend(&self, meanwhile: impl FnOnce()) -> io::Result<()> {
        let Some(inner) = self.0.upgrade() else { return Ok(()) };
        let _drawing = lock(&inner.drawing);
        inner.leave();
        meanwhile();
        inner.enter()
    }

    /// Gives the terminal back for good.
    pub(crate) fn leave(&self) {
        if let Some(inner) = self.0.upgrade() {
            inner.leave();
        }
    }
}

/// A panic of the owner gives the terminal back before it is told; what others say goes to `tell`.
fn keep_panics_off(inner: Weak<Inner>, tell: impl Fn(String) + Send + Sync + 'static) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let inner = inner.upgrade().filter(|inner| inner.is_entered.load(Ordering::SeqCst));
        match inner {
            Some(inner) if inner.owner != thread::current().id() => tell(info.to_string()),
            Some(inner) => {
                inner.leave();
                if !terminal::is_hushed() {
                    before(info);
                }
            }
            None => before(info),
        }
    }));
}

/// Nothing is behind the lock that a panic could leave half done.
fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Writes down what is done to it.
    struct Fake {
        done: Arc<Mutex<Vec<&'static str>>>,
        refuses: bool,
    }

    impl Screen for Fake {
        fn enter(&self) -> io::Result<()> {
            self.done.lock().expect("nobody panics with it").push("enter");
            if self.refuses { Err(io::Error::other("no terminal")) } else { Ok(()) }
        }

        fn leave(&self) {
            self.done.lock().expect("nobody panics with it").push("leave");
        }
    }

    fn fake(refuses: bool) -> (Box<Fake>, Arc<Mutex<Vec<&'static str>>>) {
        let done = Arc::new(Mutex::new(Vec::new()));
        (Box::new(Fake { done: Arc::clone(&done), refuses }), done)
    }

    fn log(done: &Mutex<Vec<&'static str>>) -> Vec<&'static str> {
        done.lock().expect("nobody panics with it").clone()
    }

    /// One test, since the hook belongs to the whole process.
    #[test]
    fn whatever_ends_it_gives_the_terminal_back_once() {
        let (screen, done) = fake(false);
        drop(Guard::take(screen, |_| ()).expect("it can be taken"));
        assert_eq!(log(&done), ["enter", "leave"]);

        let (screen, done) = fake(true);
        assert!(Guard::take(screen, |_| ()).is_err());
        assert_eq!(log(&done), ["enter", "leave"], "what was half done is undone");

        let (screen, done) = fake(false);
        let guard = Guard::take(screen, |_| ()).expect("it can be taken");
        let lent = guard.lender();
        lent.lend(|| assert_eq!(log(&done), ["enter", "leave"])).expect("it can be taken again");
        assert_eq!(guard.draw(|| 7), Some(7));
        lent.leave();
        assert_eq!(guard.draw(|| 7), None);
        drop(guard);
        assert_eq!(log(&done), ["enter", "leave", "enter", "leave"]);

        let (screen, done) = fake(false);
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let tell = move |text| telling.lock().expect("nobody panics with it").push(text);
            let guard = Guard::take(screen, tell).expect("it can be taken");
            let other = thread::spawn(|| panic!("elsewhere")).join();
            assert!(other.is_err() && log(&done) == ["enter"], "a panic elsewhere changes nothing");
            guard.draw(|| panic!("while drawing"))
        }));
        assert!(ended.is_err());
        assert_eq!(log(&done), ["enter", "leave"]);
        let told = told.lock().expect("nobody panics with it");
        assert!(told.len() == 1 && told[0].contains("elsewhere"), "{told:?}");
        let _ = std::panic::take_hook();
    }

    #[test]
    fn only_terminals_that_are_known_to_tell_all_keys_are_asked_to() {
        let of = |pairs: &[(&str, &str)]| {
            has_all_keys(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string()))
        };
        assert!(of(&[("TERM", "xterm-kitty")]) && of(&[("TERM_PROGRAM", "WezTerm")]));
        assert!(!of(&[("TERM", "xterm-256color")]) && !of(&[]));
        assert!(!of(&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/tmux")]), "a multiplexer keeps them to itself");
    }
}
