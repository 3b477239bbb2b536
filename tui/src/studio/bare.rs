//! The studio without threads and without a terminal, for benchmarks: what happens goes in, what a terminal is sent comes out.

use std::path::PathBuf;
use std::sync::Arc;

use easel_engine::{Event, Plugins, Registry, RunId, Settings};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::effect::Effect;
use super::keymap::Keymap;
use super::message::Message;
use super::model::{Checked, Model};
use super::runtime::{Painter, Wish, check};
use super::theme::{Depth, Ground, Theme};
use super::update::{open, update};
use super::view::draw;
use crate::plugins::NodeTypes;

/// The run that its events are of.
const RUN: RunId = RunId(1);

/// A studio with a workflow.
pub struct Bare {
    model: Model,
    painter: Painter,
    plugins: Plugins,
    /// What was checked last, to be told of again.
    wish: Option<Wish>,
}

/// What came of checking a text.
pub struct CheckedText(Option<Box<Checked>>);

impl Bare {
    /// Opens a workflow, of nodes of these types, in a terminal of so many columns and lines.
    pub fn open(text: &str, registry: Registry, size: (u16, u16)) -> Self {
        let model = Model::new(Keymap::default(), Theme::new(Ground::Dark, Depth::True), size);
        let mut bare = Bare { model, painter: Painter::new(size), plugins: Plugins::new(registry), wish: None };
        let path = PathBuf::from("flow.ron");
        let effects = open(&mut bare.model, path.clone());
        bare.perform(effects);
        bare.tell(Message::Read(path, Ok(text.into())));
        let checked = bare.check();
        bare.take(checked);
        bare
    }

    /// A key is pressed: a letter, or `enter`, `esc`, `backspace`.
    pub fn key(&mut self, key: &str) {
        let code = match key {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "backspace" => KeyCode::Backspace,
            letter => KeyCode::Char(letter.chars().next().unwrap_or(' ')),
        };
        self.tell(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    /// A run of these nodes begins.
    pub fn run(&mut self, nodes: Vec<Arc<str>>) -> RunId {
        self.tell(Message::RunBegins { run: Some(RUN), nodes });
        RUN
    }

    /// Something happens in the run.
    pub fn event(&mut self, event: Event) {
        self.tell(Message::Event(Box::new(event)));
    }

    /// Checks the text as it is now, which is for another thread.
    pub fn check(&self) -> CheckedText {
        let checked =
            self.wish.as_ref().map(|wish| check(wish, NodeTypes::of(&self.plugins, None), &Settings::default()));
        CheckedText(checked.map(Box::new))
    }

    /// What came of checking a text arrives.
    pub fn take(&mut self, CheckedText(checked): CheckedText) {
        if let Some(checked) = checked {
            self.tell(Message::Checked(checked));
        }
    }

    /// Draws the next picture; what the terminal is sent for it.
    pub fn draw(&mut self) -> Vec<u8> {
        self.model.is_changed = false;
        self.painter.picture(self.model.size, |frame| draw(&self.model, frame))
    }

    fn tell(&mut self, message: Message) {
        let effects = update(&mut self.model, message);
        self.perform(effects);
    }

    /// Of what is asked for, only checks are done, and those when they are asked for.
    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Check { path, text, revision, around } = effect {
                self.wish = Some(Wish { path, text, revision, around });
            }
        }
    }
}
