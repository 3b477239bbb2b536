//! `easel watch` as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Long enough for any machine: only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A watch under way. Ended with its test, whatever comes of it.
pub struct Watch {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

impl Watch {
    /// Watches `flow.ron` in a folder and tells events.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = super::easel(folder);
        command.args(["watch", "flow.ron", "--json"]).args(arguments);
        Self::of(command)
    }

    /// Any command.
    pub fn of(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("easel can be started");
        let lines = read(child.stdout.take().expect("it is piped"));
        let errors = read(child.stderr.take().expect("it is piped"));
        Watch { child, lines, errors }
    }

    /// The next event.
    pub fn next(&mut self) -> Value {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => parsed(&line),
            Err(RecvTimeoutError::Timeout) => panic!("nothing happens"),
            Err(RecvTimeoutError::Disconnected) => panic!("it ended: {}", self.told()),
        }
    }

    /// All events up to one of that name.
    pub fn until(&mut self, event: &str) -> Vec<Value> {
        self.until_that(|line| line["event"] == event)
    }

    /// All events up to one like this.
    pub fn until_that(&mut self, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => events.push(parsed(&line)),
                Err(RecvTimeoutError::Timeout) => panic!("nothing happens after {events:#?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended after {events:#?}: {}", self.told()),
            }
            if events.last().is_some_and(&is_last) {
                return events;
            }
        }
    }

    /// All words to people up to these.
    pub fn until_told(&mut self, last: &str) -> String {
        let mut told = String::new();
        while !told.contains(last) {
            match self.errors.recv_timeout(PATIENCE) {
                Ok(line) => told.extend([&line, "\n"]),
                Err(error) => panic!("{error}: {told}"),
            }
        }
        told
    }

    /// Sends a signal and waits for the end: exit status and the remaining events.
    pub fn end(mut self, signal: Signal) -> (Option<i32>, Vec<Value>) {
        let code = self.signalled(signal);
        (code, self.lines.iter().map(|line| parsed(&line)).collect())
    }

    /// The same where standard output is for people.
    pub fn end_in_words(mut self, signal: Signal) -> (Option<i32>, String) {
        let code = self.signalled(signal);
        (code, self.lines.iter().map(|line| line + "\n").collect())
    }

    fn signalled(&mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("it fits")), signal).expect("it can be sent");
        self.child.wait().expect("it ends").code()
    }

    fn told(&self) -> String {
        self.errors.iter().collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The lines as they come.
fn read(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
