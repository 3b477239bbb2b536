//! The way to the terminal: standard output that may be closed, colours that may be unwelcome, text that may bite.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::CommandError;

/// Widest line that messages are wrapped to; longer ones are hard to read.
const MAX_WIDTH: usize = 100;

/// Standard output. Once its reader has gone (`| head`), the rest is dropped in silence.
#[derive(Debug, Default)]
pub(crate) struct Output {
    closed: bool,
}

impl Output {
    /// One line, as it is.
    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        self.bytes(text.to_string().as_bytes())
    }

    /// One line that is a path: its very bytes, so that a shell can use it.
    pub(crate) fn path(&mut self, path: &OsStr) -> io::Result<()> {
        self.bytes(path.as_encoded_bytes())
    }

    fn bytes(&mut self, line: &[u8]) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(line).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other,
        }
    }
}

/// Who is told instead of standard error, while somebody has the screen for itself.
static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);

type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// While this lives, notes do not go to standard error.
pub(crate) struct Listening(());

/// Has `tell` told what would go to standard error.
pub(crate) fn listen(tell: impl Fn(&str) + Send + Sync + 'static) -> Listening {
    *lock() = Some(Arc::new(tell));
    Listening(())
}

impl Drop for Listening {
    fn drop(&mut self) {
        *lock() = None;
    }
}

/// What is behind the lock is whole after a panic too: it is changed in one go.
fn lock() -> MutexGuard<'static, Option<Listener>> {
    LISTENER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the terminal behind standard error takes nothing.
static IS_HUSHED: AtomicBool = AtomicBool::new(false);

/// Says whether terminals take nothing at the moment: whoever wrote to standard error, if it is one, would wait for ever.
pub(crate) fn hush(hushed: bool) {
    IS_HUSHED.store(hushed && io::stderr().is_terminal(), Ordering::SeqCst);
}

/// Whether nothing is to be written to standard error.
pub(crate) fn is_hushed() -> bool {
    IS_HUSHED.load(Ordering::SeqCst)
}

/// One line to standard error. If nobody can read it, nobody can be told that either.
pub(crate) fn note(text: impl Display) {
    let listener = lock().clone();
    if listener.is_none() && is_hushed() {
        return;
    }
    match listener {
        Some(tell) => tell(&text.to_string()),
        None => drop(writeln!(io::stderr().lock(), "{text}")),
    }
}

/// Says why a command gave up.
pub(crate) fn complain(error: &CommandError) {
    let paint = Paint::for_stderr();
    note(format_args!("{} {}", paint.red("error:"), printable(&error.to_string())));
    if let Some(hint) = error.hint() {
        note(format_args!("{} {}", paint.cyan(" hint:"), printable(hint)));
    }
}

/// Columns of the terminal behind standard error; a sensible number where there is none.
pub(crate) fn width() -> usize {
    if !io::stderr().is_terminal() {
        return MAX_WIDTH;
    }
    usize::from(console::Term::stderr().size().1).clamp(40, MAX_WIDTH)
}

/// Whether somebody sees standard error as it appears, with a cursor that can be moved.
pub(crate) fn stderr_is_live() -> bool {
    io::stderr().is_terminal() && !is_dumb()
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

fn colours_welcome() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && !is_dumb()
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// None.
    #[cfg(test)]
    pub(crate) const PLAIN: Paint = Paint { on: false };

    /// What standard error can take.
    pub(crate) fn for_stderr() -> Self {
        Paint { on: io::stderr().is_terminal() && colours_welcome() }
    }

    /// What standard output can take.
    pub(crate) fn for_stdout() -> Self {
        Paint { on: io::stdout().is_terminal() && colours_welcome() }
    }

    /// Whether there are colours.
    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.wrap("36", text)
    }
}

/// The text without characters that steer a terminal: prompts, file names and pictures from strangers may hold some.
/// Every replacement takes as many bytes as what it replaces, so that byte spans stay right.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_bidi_control(c);
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let replaced = text.chars().map(|c| match (steers(c), c.len_utf8()) {
        (false, _) => c,
        (true, 1) => '?',
        (true, 2) => '¿',
        (true, _) => '\u{fffd}',
    });
    Cow::Owned(replaced.collect())
}

/// Characters that make a line read in another order than it is.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Seconds for people.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 0.095 => format!("{:.0} ms", s * 1e3),
        s if s < 10.0 => format!("{s:.2} s"),
        s if s < 59.95 => format!("{s:.1} s"),
        s if s < 3599.5 => format!("{} min {:02} s", s.round() as u64 / 60, s.round() as u64 % 60),
        s => format!("{} h {:02} min", (s / 60.0).round() as u64 / 60, (s / 60.0).round() as u64 % 60),
    }
}

/// The same for columns, which have room for eight letters: "12m05s", "2h05m".
pub(crate) fn brief_seconds(seconds: f64) -> String {
    match seconds {
        s if s < 59.95 => self::seconds(s),
        s if s < 3599.5 => format!("{}m{:02}s", s.round() as u64 / 60, s.round() as u64 % 60),
        s => format!("{}h{:02}m", (s / 60.0).round() as u64 / 60, (s / 60.0).round() as u64 % 60),
    }
}

/// Bytes for people.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1023.95 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// "1 node", "2 nodes".
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_for_people() {
        assert_eq!(seconds(0.0123), "12 ms");
        assert_eq!(seconds(1.234), "1.23 s");
        assert_eq!(seconds(42.0), "42.0 s");
        assert_eq!(seconds(125.0), "2 min 05 s");
        assert_eq!(
            [59.97, 119.7, 3599.7, 7199.9].map(seconds),
            ["1 min 00 s", "2 min 00 s", "1 h 00 min", "2 h 00 min"]
        );
        assert_eq!([42.0, 119.7, 3599.7, 7260.0].map(brief_seconds), ["42.0 s", "2m00s", "1h00m", "2h01m"]);
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(bytes(13_316_456), "12.7 MiB");
        assert_eq!(count(1, "node"), "1 node");
        assert_eq!(count(0, "node"), "0 nodes");
    }

    #[test]
    fn nothing_printable_steers_a_terminal() {
        let nasty = "a\x1b[2Jb\u{9b}c\u{202e}d\r\ne\t𝄞";
        let harmless = printable(nasty);
        assert_eq!(harmless, "a?[2Jb¿c\u{fffd}d?\ne\t𝄞");
        assert_eq!(harmless.len(), nasty.len(), "spans stay right");
        assert!(matches!(printable("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn no_colours_when_off() {
        assert_eq!(Paint::PLAIN.red("x"), "x");
        assert_eq!(Paint { on: true }.red("x"), "\x1b[1;31mx\x1b[0m");
    }
}
