//! Of what a run tells faster than anybody looks, only the newest is told: how far each node is, and its pictures.

use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use easel_engine::Event;

use super::super::message::Message;
use super::super::model::Picture;

/// What was told last of a node and has not been looked at.
#[derive(Default)]
struct Newest {
    progress: Option<Event>,
    picture: Option<Picture>,
}

/// What waits to be looked at, by node.
#[derive(Clone, Default)]
pub(crate) struct Merged(Arc<Mutex<HashMap<Arc<str>, Newest>>>);

impl Merged {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Newest>> {
        // What is behind it is whole after a panic too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that waits, as messages. There is at most one of each kind for each node.
    pub(super) fn take(&self) -> Vec<Message> {
        let waiting = std::mem::take(&mut *self.lock());
        let messages = |(node, newest): (Arc<str>, Newest)| {
            let progress = newest.progress.map(|event| Message::Event(Box::new(event)));
            let picture = newest.picture.map(|picture| Message::Preview(node, picture));
            progress.into_iter().chain(picture)
        };
        waiting.into_iter().flat_map(messages).collect()
    }
}

/// Tells what happens in a run, in order; of progress and pictures only the newest, if they come faster than they are
/// looked at.
pub(super) struct Merger {
    sender: Sender<Message>,
    merged: Merged,
}

impl Merger {
    pub(super) fn new(sender: Sender<Message>) -> Self {
        Merger { sender, merged: Merged::default() }
    }

    /// Something happened. What waits is told before it, and what comes later after it: it may be the end of a node.
    pub(super) fn event(&mut self, event: Event) {
        if let Event::NodeProgress { node, .. } = &event {
            let node = Arc::clone(node);
            return self.merge(node, |newest| newest.progress = Some(event));
        }
        let before = std::mem::take(&mut self.merged);
        before.take().into_iter().for_each(|message| self.send(message));
        self.send(Message::Event(Box::new(event)));
    }

    /// A node shows what it has.
    pub(super) fn picture(&self, node: Arc<str>, picture: Picture) {
        self.merge(node, |newest| newest.picture = Some(picture));
    }

    fn merge(&self, node: Arc<str>, change: impl FnOnce(&mut Newest)) {
        let mut waiting = self.merged.lock();
        // Word of it is on its way unless nothing waited.
        let is_first = waiting.is_empty();
        change(waiting.entry(node).or_default());
        drop(waiting);
        if is_first {
            self.send(Message::Merged(self.merged.clone()));
        }
    }

    pub(super) fn send(&self, message: Message) {
        // If nobody is left to listen, the run is being stopped.
        let _ = self.sender.send(message);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use easel_engine::RunId;

    use super::*;

    fn progress(node: &str, step: usize) -> Event {
        Event::NodeProgress { run: RunId(1), node: node.into(), step, steps: 100_000 }
    }

    fn finished(node: &str) -> Event {
        Event::NodeFinished { run: RunId(1), node: node.into(), seconds: 1.0, outputs: Arc::new([]) }
    }

    /// What the loop makes of the messages.
    fn told(messages: impl Iterator<Item = Message>) -> Vec<(String, usize)> {
        let resolved = messages.flat_map(|message| match message {
            Message::Merged(merged) => merged.take(),
            other => vec![other],
        });
        let told = resolved.filter_map(|message| match message {
            Message::Event(event) => match *event {
                Event::NodeProgress { node, step, .. } => Some((node.to_string(), step)),
                Event::NodeFinished { node, .. } => Some((node.to_string(), usize::MAX)),
                _ => None,
            },
            _ => None,
        });
        told.collect()
    }

    #[test]
    fn a_hundred_thousand_events_that_nobody_looks_at_are_a_few_messages() {
        let (sender, messages) = channel();
        let mut merger = Merger::new(sender);
        let picture = Picture { width: 1, pixels: [[1, 2, 3]].into() };
        for step in 0..100_000 {
            let node = if step % 2 == 0 { "a" } else { "b" };
            merger.event(progress(node, step));
            merger.picture(node.into(), picture.clone());
        }
        drop(merger);
        let mut waiting: Vec<Message> = messages.iter().collect();
        assert_eq!(waiting.len(), 1);
        let Some(Message::Merged(merged)) = waiting.pop() else { panic!("it waits") };
        assert_eq!(merged.lock().len(), 2, "one entry for each node");
        assert_eq!(merged.take().len(), 4, "how far it is, and its picture");
    }

    #[test]
    fn the_end_of_a_node_comes_after_its_last_step() {
        let (sender, messages) = channel();
        let mut merger = Merger::new(sender);
        for step in 1..=5 {
            merger.event(progress("a", step));
        }
        merger.event(finished("a"));
        merger.event(progress("b", 1));
        drop(merger);
        let expected = [("a".to_string(), 5), ("a".to_string(), usize::MAX), ("b".to_string(), 1)];
        assert_eq!(told(messages.into_iter()), expected);
    }
}
