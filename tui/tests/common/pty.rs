//! `easel tui` in a terminal of a test's own, which is read when the test says so and not before.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, setsid, ttyname};

use super::easel;

/// Long enough for any machine: only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long somebody waits for the terminal before looking at something else.
const LOOK: u16 = 20;

/// Held while a process begins, so that it inherits no more than it should.
static BEGINNING: Mutex<()> = Mutex::new(());

/// A terminal with `easel tui` in it.
pub struct Pty {
    child: Child,
    /// The other end of the terminal; none once it was hung up.
    master: Option<File>,
    seen: Vec<u8>,
}

impl Pty {
    /// Begins `easel tui` in a folder.
    pub fn open(folder: &Path, arguments: &[&str]) -> Self {
        let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let _alone = BEGINNING.lock().unwrap_or_else(PoisonError::into_inner);
        let pty = openpty(&size, None).expect("a pseudo-terminal can be made");
        for end in [&pty.master, &pty.slave] {
            // A process that had an end of its own terminal, or of another's, would keep it from being hung up.
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("it is open");
        }
        let name = ttyname(&pty.slave).expect("it has a name");
        let clone = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("it can be duplicated"));
        let mut command = easel(folder);
        command.arg("tui").args(arguments).env("TERM", "xterm-256color").env("EASEL_CONFIG", folder.join("config"));
        command.stdin(clone(&pty.slave)).stdout(clone(&pty.slave)).stderr(clone(&pty.slave));
        let control = move || {
            setsid()?;
            // The first terminal that the leader of a session opens is that of the session.
            open(&name, OFlag::O_RDWR, Mode::empty()).map(drop)?;
            Ok(())
        };
        // SAFETY: between fork and exec only system calls are made; the path is short, so no memory is taken for it.
        unsafe { command.pre_exec(control) };
        let child = command.spawn().expect("easel can be started");
        Pty { child, master: Some(File::from(pty.master)), seen: Vec::new() }
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        let master = self.master.as_mut().expect("nobody hung up");
        master.write_all(keys.as_bytes()).expect("a terminal takes keys");
    }

    /// Reads until the terminal was sent this.
    pub fn wait(&mut self, text: &str) {
        self.wait_until(text, |pty| pty.seen().contains(text));
    }

    /// Forgets what was sent so far, so that [`Self::wait`] waits for what comes.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    /// Reads until something holds.
    pub fn wait_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < PATIENCE, "{what} does not come: {:?}", self.last());
            self.pump();
        }
    }

    /// Reads what there is, or waits a moment for it.
    fn pump(&mut self) {
        let Some(master) = &mut self.master else { return std::thread::sleep(Duration::from_millis(LOOK.into())) };
        let mut polled = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, PollTimeout::from(LOOK)).is_ok_and(|ready| ready > 0) {
            let mut buffer = [0; 4096];
            match master.read(&mut buffer) {
                Ok(count @ 1..) => self.seen.extend_from_slice(&buffer[..count]),
                // Nobody is at the other end any more.
                _ => std::thread::sleep(Duration::from_millis(LOOK.into())),
            }
        }
    }

    /// Lets some time go by without reading.
    pub fn pause(&self) {
        std::thread::sleep(Duration::from_millis(LOOK.into()));
    }

    /// Reads what the process left behind when it ended.
    pub fn drain(&mut self) {
        let Some(master) = &mut self.master else { return };
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = master.read(&mut buffer) {
            self.seen.extend_from_slice(&buffer[..count]);
        }
    }

    /// All that the terminal was sent.
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// The end of that.
    fn last(&self) -> String {
        let from = self.seen.len().saturating_sub(1_500);
        String::from_utf8_lossy(&self.seen[from..]).into_owned()
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.process(), signal).expect("it is there");
    }

    /// Waits for something without reading, as if the terminal were held.
    pub fn wait_unread(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "{what} does not come");
            std::thread::sleep(Duration::from_millis(LOOK.into()));
        }
    }

    /// Changes the size of the terminal.
    pub fn resize(&self, columns: u16, lines: u16) {
        let master = self.master.as_ref().expect("nobody hung up").try_clone().expect("it can be duplicated");
        let sizes = [columns, lines].map(|size| size.to_string());
        let _alone = BEGINNING.lock().unwrap_or_else(PoisonError::into_inner);
        let stty = Command::new("stty").args(["cols", &sizes[0], "rows", &sizes[1]]).stdin(master).status();
        assert!(stty.expect("stty can be started").success());
    }

    /// Whether the process stands still.
    pub fn is_stopped(&self) -> bool {
        let _alone = BEGINNING.lock().unwrap_or_else(PoisonError::into_inner);
        let told = Command::new("ps").args(["-o", "stat=", "-p", &self.process().to_string()]).output();
        told.expect("ps can be started").stdout.starts_with(b"T")
    }

    /// The other end of the terminal goes away.
    pub fn hang_up(&mut self) {
        self.master = None;
    }

    /// How it ended, within a bound; it is read from meanwhile if `reads`.
    pub fn end(&mut self, reads: bool) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {:?}", self.last());
            if reads { self.pump() } else { std::thread::sleep(Duration::from_millis(LOOK.into())) }
        }
    }

    /// Its process.
    pub fn process(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("ids are small"))
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        assert_eq!(self.end(true).signal(), Some(Signal::SIGKILL as i32));
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
