//! The studio without threads and without a terminal, for benchmarks: what happens goes in, what a terminal is sent comes out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use easel_engine::{Event, Journal, Plugins, Registry, RunId, Settings};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::effect::Effect;
use super::keymap::Keymap;
use super::message::Message;
use super::model::{Checked, Model, RunsPage, RunsWish};
use super::runtime::{Index, Painter, Wish, check};
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

/// A part of the list of runs.
pub struct RunsRead(Result<RunsPage, String>);

/// What the thread that reads the journal does for the list of runs.
pub struct Past {
    journal: Journal,
    index: Index,
}

impl Past {
    /// The journal of a folder.
    ///
    /// # Panics
    ///
    /// There is none.
    #[expect(clippy::expect_used, reason = "a benchmark without a journal has nothing to measure")]
    pub fn open(folder: &Path) -> Self {
        let journal = Journal::open(folder).expect("there is a journal");
        Past { journal, index: Index::default() }
    }

    /// The part of the list around a place, of the runs that have these words.
    pub fn page(&mut self, at: usize, filter: &str) -> RunsRead {
        let wish = RunsWish { filter: filter.into(), chosen: None, at };
        let page = self.index.refresh(&self.journal).and_then(|()| self.index.page(&self.journal, &wish));
        RunsRead(page.map_err(|error| error.to_string()))
    }

    /// Reads a few more prompts, as it is done between wishes; false if none are left.
    pub fn read_on(&mut self) -> bool {
        let read = self.index.refresh(&self.journal).and_then(|()| self.index.read_on(&self.journal));
        read.is_ok() && self.index.unread() > 0
    }
}

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

    /// A part of the list of runs was read.
    pub fn list(&mut self, RunsRead(page): RunsRead) {
        self.tell(Message::Runs(page));
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
