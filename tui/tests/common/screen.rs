//! A shell in a terminal of its own: that of tmux.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use tempfile::TempDir;

use super::folder;

/// Long enough for any machine: only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often somebody looks at the screen.
const LOOK: Duration = Duration::from_millis(30);

/// A shell in a terminal of its own.
pub struct Screen {
    pub folder: TempDir,
}

impl Screen {
    /// None, and a word about it, where there is no tmux.
    pub fn open(columns: u16, lines: u16) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!("skipped: tmux is not installed, and these tests need a terminal to look at");
            return None;
        }
        let screen = Screen { folder: folder() };
        let path = screen.folder.path();
        let variable = |name: &str, value: &Path| format!("{name}={}", value.display());
        let mut command = screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &columns.to_string()]);
        command.args(["-y", &lines.to_string(), "-c", &path.display().to_string()]);
        for (name, place) in [("EASEL_STATE", "state"), ("EASEL_CACHE", "cache"), ("EASEL_CONFIG", "config")] {
            command.args(["-e", &variable(name, &path.join(place))]);
        }
        command.args(["-e", &variable("PATH", Path::new(&std::env::var("PATH").expect("it is set")))]);
        command.args(["-e", "TERM=tmux-256color", "sh"]);
        let opened = command.output().expect("tmux can be started");
        assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
        // In two pieces, so that what is typed is not what is waited for.
        screen.line("PS1=rea'dy$ '");
        screen.wait("ready$");
        Some(screen)
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.folder.path().join("tmux")).args(arguments);
        command
    }

    /// Tells tmux something.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.tmux(arguments).output().expect("tmux can be started")
    }

    /// Types a line for the shell.
    pub fn line(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
        // A line's end even where nobody restored the terminal.
        self.run(&["send-keys", "C-j"]);
    }

    /// Types a text into what is on the screen.
    pub fn type_in(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
    }

    /// Begins `easel tui`; says in the end how it went.
    pub fn easel(&self, arguments: &str) {
        self.line(&format!("{} tui {arguments}; echo status=$?", env!("CARGO_BIN_EXE_easel")));
    }

    /// Presses keys, by the names that tmux has for them.
    pub fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// What is on the screen.
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.run(&["capture-pane", "-p"]).stdout).into_owned()
    }

    /// Waits for a text on the screen.
    pub fn wait(&self, text: &str) -> String {
        self.wait_until(text, |seen| seen.contains(text))
    }

    /// Waits until something holds of the screen.
    pub fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let seen = self.seen();
            if holds(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} does not come:\n{seen}");
            std::thread::sleep(LOOK);
        }
    }

    /// The terminal is as the shell left it: not the alternate screen, with a cursor, without a mouse, and echoing.
    pub fn is_restored(&self) {
        let state = "#{alternate_on}#{cursor_flag}#{mouse_any_flag}";
        let told = || String::from_utf8_lossy(&self.run(&["display-message", "-p", state]).stdout).trim().to_string();
        self.wait_until("the terminal as it was", |_| told() == "010");
        self.line("stty -a | grep -o ' echo ' | sed 's/ echo /echo-is-on/'");
        self.wait("\necho-is-on");
    }

    /// The process of easel.
    pub fn process(&self) -> Pid {
        let shell = self.run(&["display-message", "-p", "#{pane_pid}"]);
        let shell = String::from_utf8_lossy(&shell.stdout).trim().to_string();
        let children = Command::new("pgrep").args(["-P", &shell]).output().expect("pgrep can be started");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        Pid::from_raw(children.trim().parse().expect("the shell has one child"))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}
