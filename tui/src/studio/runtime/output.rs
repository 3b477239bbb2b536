//! The way to the terminal. What it is sent is written on a thread of its own: a terminal that takes nothing (a connection that
//! is dead, a multiplexer that was stopped) holds up what is drawn and nothing else. Nothing is waited for without a bound.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a terminal is waited for at a time: so soon somebody notices that what is written is not wanted any more.
const LOOK: Duration = Duration::from_millis(20);

/// Ends whatever sequence of characters the terminal is in the middle of, and does nothing otherwise.
const END_OF_SEQUENCE: &[u8] = b"\x1b\\";

/// What is told of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It took everything.
    Free,
    /// It is gone.
    Gone,
}

/// What takes bytes.
pub(super) trait Device: Send + 'static {
    /// Writes some of the bytes; none, if the device does not take any within about so long.
    fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize>;
}

/// The way to a device.
#[derive(Clone)]
pub(super) struct Output(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What is to be written next.
    waiting: Vec<u8>,
    is_writing: bool,
    /// What is being written is not wanted any more.
    is_dropped: bool,
    is_gone: bool,
}

impl State {
    fn is_free(&self) -> bool {
        self.waiting.is_empty() && !self.is_writing
    }
}

impl Output {
    /// Writes to a device from now on; `tell` hears of every time that it took everything.
    pub(super) fn start(device: impl Device, tell: impl Fn(News) + Send + 'static) -> io::Result<Self> {
        let output = Output(Arc::default());
        let shared = Arc::clone(&output.0);
        std::thread::Builder::new().name("output".into()).spawn(move || shared.work(device, tell))?;
        Ok(output)
    }

    /// Whether everything was taken.
    pub(super) fn is_free(&self) -> bool {
        self.0.lock().is_free()
    }

    /// Writes this after everything else.
    pub(super) fn put(&self, bytes: &[u8]) {
        let mut state = self.0.lock();
        if !state.is_gone {
            state.waiting.extend_from_slice(bytes);
            self.0.changed.notify_all();
        }
    }

    /// Writes this instead of everything that was not written yet, and waits for so long until it was taken. Says whether
    /// it was.
    pub(super) fn put_instead(&self, bytes: &[u8], patience: Duration) -> bool {
        let mut state = self.0.lock();
        state.is_dropped |= state.is_writing;
        state.waiting = if state.is_gone { Vec::new() } else { [END_OF_SEQUENCE, bytes].concat() };
        self.0.changed.notify_all();
        let begun = Instant::now();
        while !state.is_free() && !state.is_gone {
            let Some(left) = patience.checked_sub(begun.elapsed()) else { return false };
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        !state.is_gone
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // What is behind it is whole after a panic too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, mut device: impl Device, tell: impl Fn(News)) {
        loop {
            let bytes = self.next();
            if self.write(&mut device, &bytes).is_err() {
                let mut state = self.lock();
                *state = State { is_gone: true, ..State::default() };
                self.changed.notify_all();
                drop(state);
                return tell(News::Gone);
            }
            let mut state = self.lock();
            state.is_writing = false;
            self.changed.notify_all();
            let is_free = state.is_free();
            drop(state);
            if is_free {
                tell(News::Free);
            }
        }
    }

    /// What is to be written, once there is something.
    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_writing = true;
        state.is_dropped = false;
        std::mem::take(&mut state.waiting)
    }

    fn write(&self, device: &mut impl Device, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.lock().is_dropped {
            let count = device.write(rest, LOOK)?;
            rest = rest.get(count..).unwrap_or_default();
        }
        Ok(())
    }
}

#[cfg(unix)]
pub(super) use unix::{Terminal, watch};

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions};
    use std::io::{self, ErrorKind, Write, stdout};
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::fs::OpenOptionsExt;
    use std::time::Duration;

    use nix::errno::Errno;
    use nix::fcntl::OFlag;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::unistd::ttyname;

    use super::Device;

    /// The terminal behind standard output.
    pub(in super::super) struct Terminal(File);

    impl Terminal {
        /// Opens it once more, so that it can be written to without waiting: that is a property of an open file, and
        /// whoever else has this one is not to be bothered with it. Where it cannot be opened (it belongs to another user),
        /// writing may wait, which holds up the thread that does.
        pub(in super::super) fn open() -> io::Result<Self> {
            let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
            let opened = ttyname(stdout()).map_err(io::Error::from);
            let opened = opened.and_then(|path| OpenOptions::new().write(true).custom_flags(flags).open(path));
            opened.or_else(|_| duplicate()).map(Terminal)
        }
    }

    fn duplicate() -> io::Result<File> {
        let copy: OwnedFd = stdout().as_fd().try_clone_to_owned()?;
        Ok(File::from(copy))
    }

    impl Device for Terminal {
        fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
            let patience_left = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
            let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::POLLOUT)];
            match poll(&mut polled, patience_left) {
                Ok(0) | Err(Errno::EINTR) => return Ok(0),
                // Whatever is the matter, writing tells.
                Ok(_) | Err(_) => {}
            }
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // A system that cannot say when there is room.
                    std::thread::sleep(patience);
                    Ok(0)
                }
                written => written,
            }
        }
    }

    /// Tells when the terminal is gone, on a thread of its own: whoever reads keys may not notice.
    pub(in super::super) fn watch(tell: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let terminal = duplicate()?;
        let work = move || {
            loop {
                // Nothing is asked for but what is always told.
                let mut polled = [PollFd::new(terminal.as_fd(), PollFlags::empty())];
                match poll(&mut polled, PollTimeout::NONE) {
                    Err(Errno::EINTR) | Ok(0) => {}
                    Err(_) => return,
                    Ok(_) => break,
                }
            }
            tell();
        };
        std::thread::Builder::new().name("hang-up".into()).spawn(work).map(drop)
    }
}

#[cfg(not(unix))]
pub(super) use other::{Terminal, watch};

#[cfg(not(unix))]
mod other {
    use std::io::{self, Stdout, Write, stdout};
    use std::time::Duration;

    use super::Device;

    /// The terminal behind standard output. Writing may wait, which holds up the thread that does.
    pub(in super::super) struct Terminal(Stdout);

    impl Terminal {
        pub(in super::super) fn open() -> io::Result<Self> {
            Ok(Terminal(stdout()))
        }
    }

    impl Device for Terminal {
        fn write(&mut self, bytes: &[u8], _: Duration) -> io::Result<usize> {
            let count = self.0.write(bytes)?;
            self.0.flush()?;
            Ok(count)
        }
    }

    /// Whoever reads keys notices.
    pub(in super::super) fn watch(_: impl FnOnce() + Send + 'static) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Only a test that fails waits so long.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Takes as many bytes as it is told to.
    struct Slow {
        allowed: Receiver<io::Result<usize>>,
        left: usize,
        taken: Sender<Vec<u8>>,
    }

    impl Device for Slow {
        fn write(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
            if self.left == 0 {
                match self.allowed.recv_timeout(patience) {
                    Ok(allowed) => self.left = allowed?,
                    Err(_) => return Ok(0),
                }
            }
            let count = self.left.min(bytes.len());
            self.left -= count;
            let _ = self.taken.send(bytes[..count].to_vec());
            Ok(count)
        }
    }

    struct Bench {
        output: Output,
        allow: Sender<io::Result<usize>>,
        taken: Receiver<Vec<u8>>,
        news: Receiver<News>,
    }

    impl Bench {
        fn new() -> Self {
            let ((allow, allowed), (taker, taken), (tell, news)) = (channel(), channel(), channel());
            let slow = Slow { allowed, left: 0, taken: taker };
            let output = Output::start(slow, move |told| tell.send(told).unwrap_or_default()).expect("it starts");
            Bench { output, allow, taken, news }
        }

        fn allow(&self, bytes: usize) {
            self.allow.send(Ok(bytes)).expect("it is listened to");
        }

        fn takes(&self, expected: &[u8]) {
            let mut taken = Vec::new();
            while taken.len() < expected.len() {
                taken.extend(self.taken.recv_timeout(PATIENCE).expect("more is taken"));
            }
            assert_eq!(taken, expected);
        }
    }

    #[test]
    fn what_is_put_is_written_in_order_and_its_end_is_told() {
        let bench = Bench::new();
        bench.output.put(b"abc");
        assert!(!bench.output.is_free());
        bench.allow(2);
        bench.takes(b"ab");
        bench.output.put(b"def");
        bench.allow(100);
        bench.takes(b"cdef");
        assert_eq!(bench.news.recv_timeout(PATIENCE), Ok(News::Free));
        assert!(bench.output.is_free());
    }

    #[test]
    fn whoever_leaves_does_not_wait_for_what_was_drawn() {
        let bench = Bench::new();
        bench.output.put(b"a picture that nobody will see");
        bench.allow(3);
        bench.takes(b"a p");
        assert!(!bench.output.put_instead(b"leave", Duration::ZERO), "nothing is taken meanwhile");
        // What is under way may come to its end; the picture does not have to.
        bench.allow(100);
        let mut taken = Vec::new();
        while !taken.ends_with(b"\x1b\\leave") {
            taken.extend(bench.taken.recv_timeout(PATIENCE).expect("more is taken"));
        }
    }

    #[test]
    fn whoever_leaves_a_terminal_that_takes_nothing_waits_no_longer_than_wanted() {
        let bench = Bench::new();
        bench.output.put(b"a picture");
        assert!(!bench.output.put_instead(b"leave", Duration::from_millis(50)));
        // It may take something again: that is the end and not the picture.
        bench.allow(100);
        bench.takes(b"\x1b\\leave");
    }

    #[test]
    fn a_device_that_is_gone_is_told_once_and_waited_for_by_nobody() {
        let bench = Bench::new();
        bench.output.put(b"a picture");
        bench.allow.send(Err(io::Error::other("hung up"))).expect("it is listened to");
        assert_eq!(bench.news.recv_timeout(PATIENCE), Ok(News::Gone));
        bench.output.put(b"another");
        assert!(bench.output.is_free());
        assert!(!bench.output.put_instead(b"leave", PATIENCE));
    }
}
