//! Shows a recorded run again: nothing is computed, nothing is written.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use easel_engine::Outcome;

use super::super::message::{Message, Problem};
use super::super::recording::{Moment, Recording};

/// Plays a recording as often as it is asked to.
pub(super) struct Player {
    recording: Arc<Recording>,
    sender: Sender<Message>,
    /// Dropping the sender stops the one that plays.
    current: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Player {
    pub(super) fn new(recording: Recording, sender: Sender<Message>) -> Self {
        Player { recording: Arc::new(recording), sender, current: None }
    }

    /// Plays it from the beginning.
    pub(super) fn play(&mut self) {
        self.stop();
        let (recording, sender) = (Arc::clone(&self.recording), self.sender.clone());
        let (stop, stopped) = channel();
        let work = move || play(&recording, &sender, &stopped);
        match std::thread::Builder::new().name("player".into()).spawn(work) {
            Ok(thread) => self.current = Some((stop, thread)),
            Err(error) => {
                let message = format!("cannot start a thread: {error}");
                let _ = self.sender.send(Message::RunEnded(Err(Problem { message, hint: None })));
            }
        }
    }

    /// Stops it where it is.
    pub(super) fn stop(&mut self) {
        if let Some((stop, thread)) = self.current.take() {
            drop(stop);
            // Its panic was told.
            let _ = thread.join();
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends what happened when its time has come.
fn play(recording: &Recording, sender: &Sender<Message>, stopped: &Receiver<()>) {
    let began = Instant::now();
    for (at, moment) in &recording.moments {
        let due = at.saturating_mul(recording.head.slower);
        if !wait(due.saturating_sub(began.elapsed()), stopped) {
            let _ = sender.send(Message::RunEnded(Ok(Outcome::Cancelled)));
            return;
        }
        if sender.send(message(moment)).is_err() {
            return;
        }
    }
}

/// Whether nobody wanted it to stop meanwhile.
fn wait(time: Duration, stopped: &Receiver<()>) -> bool {
    matches!(stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout))
}

fn message(moment: &Moment) -> Message {
    match moment.clone() {
        Moment::Begins { nodes } => Message::RunBegins { run: None, nodes },
        Moment::Told { told } => Message::Event(Box::new(told)),
        Moment::Preview { node, picture } => Message::Preview(node, picture),
        Moment::Wrote { path, picture } => Message::Loaded(path, Ok(picture)),
        Moment::Ended { outcome } => Message::RunEnded(Ok(outcome)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::studio::RecordingHead;

    fn recording(moments: Vec<(Duration, Moment)>) -> Recording {
        Recording { head: RecordingHead::new("a.ron".into(), "".into(), 1), moments }
    }

    fn begins() -> (Duration, Moment) {
        (Duration::ZERO, Moment::Begins { nodes: vec!["a".into()] })
    }

    #[test]
    fn a_recording_is_shown_to_its_end_each_time() {
        let (sender, messages) = channel();
        let ended = (Duration::from_millis(1), Moment::Ended { outcome: Outcome::Completed });
        let mut player = Player::new(recording(vec![begins(), ended]), sender);
        for _ in 0..2 {
            player.play();
            assert!(matches!(messages.recv(), Ok(Message::RunBegins { run: None, .. })));
            assert!(matches!(messages.recv(), Ok(Message::RunEnded(Ok(Outcome::Completed)))));
        }
    }

    #[test]
    fn one_that_is_stopped_was_cancelled() {
        let (sender, messages) = channel();
        let ended = (Duration::from_secs(3600), Moment::Ended { outcome: Outcome::Completed });
        let mut player = Player::new(recording(vec![begins(), ended]), sender);
        player.play();
        assert!(matches!(messages.recv(), Ok(Message::RunBegins { .. })));
        player.stop();
        assert!(matches!(messages.recv(), Ok(Message::RunEnded(Ok(Outcome::Cancelled)))));
    }
}
