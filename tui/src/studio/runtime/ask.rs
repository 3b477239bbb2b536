//! Asks the terminal what it can do, with a deadline: one that does not answer is not waited for.

use ratatui::crossterm::terminal::window_size;

use super::super::graphics::{Graphics, Pictures, cell as cell_of, choose, has_question};
use super::super::theme::Depth;

/// How pictures are drawn in this terminal. Nobody else may read from it meanwhile.
pub(super) fn graphics(wanted: Pictures, depth: Depth) -> Graphics {
    let variable = |name: &str| std::env::var(name).ok();
    let answer = has_question(wanted, &variable, depth).then(question::ask).flatten();
    choose(wanted, &variable, depth, answer, cell())
}

/// What the system knows of the size of a cell in pixels.
pub(super) fn cell() -> Option<(u16, u16)> {
    let size = window_size().ok()?;
    cell_of((size.columns, size.rows), (size.width, size.height))
}

#[cfg(unix)]
mod question {
    use std::io::{self, Write};
    use std::os::fd::AsFd;
    use std::time::{Duration, Instant};

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::super::super::graphics::{Answer, QUESTION};

    /// Far longer than any terminal takes, also over a slow line.
    const PATIENCE: Duration = Duration::from_millis(500);

    /// More is no answer.
    const MOST_BYTES: usize = 4096;

    /// Asks, and waits for the answer.
    pub(super) fn ask() -> Option<Answer> {
        let mut output = io::stdout().lock();
        output.write_all(QUESTION).and_then(|()| output.flush()).ok()?;
        answer(io::stdin(), PATIENCE)
    }

    /// Reads from there until an answer is whole.
    fn answer(input: impl AsFd, patience: Duration) -> Option<Answer> {
        let deadline = Instant::now() + patience;
        let mut bytes = Vec::new();
        while bytes.len() < MOST_BYTES {
            let left = deadline.checked_duration_since(Instant::now())?;
            let wait = PollTimeout::try_from(left.as_millis()).ok()?;
            let mut ready = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
            if poll(&mut ready, wait).ok()? == 0 {
                return None;
            }
            // Not through a buffer: what follows the answer belongs to whoever reads keys.
            let mut chunk = [0; 256];
            let read = nix::unistd::read(input.as_fd(), &mut chunk).ok().filter(|read| *read > 0)?;
            bytes.extend_from_slice(&chunk[..read]);
            if let Some(answer) = Answer::read(&bytes) {
                return Some(answer);
            }
        }
        None
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_answer_may_come_in_pieces_or_never() {
            let (input, output) = nix::unistd::pipe().expect("there are pipes");
            let write = |text: &str| {
                nix::unistd::write(&output, text.as_bytes()).expect("it can be written");
            };
            assert_eq!(answer(&input, Duration::ZERO), None, "nobody answers");
            write("\x1b[6;20;10t\x1b[?62;4");
            let reader = input.try_clone().expect("it can be shared");
            let reading = std::thread::spawn(move || answer(reader, Duration::from_secs(60)));
            write("c");
            let read = reading.join().expect("it does not panic");
            assert_eq!(read, Some(Answer { has_sixels: true, cell: Some((10, 20)) }));
            drop(output);
            assert_eq!(answer(&input, Duration::from_secs(60)), None, "the terminal is gone");
        }
    }
}

#[cfg(not(unix))]
mod question {
    use super::super::super::graphics::Answer;

    /// There is no way to wait for so long and no longer.
    pub(super) fn ask() -> Option<Answer> {
        None
    }
}
