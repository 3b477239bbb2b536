//! The whole studio but its threads: messages in, pictures out.

mod compare;
mod gallery;
mod history;
mod inputs;
mod prompts;
mod queue;
mod sweep;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use easel_engine::{Event, Outcome, Plugins, RunId, Settings};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::effect::Effect;
use super::keymap::Keymap;
use super::message::{Message, Problem, Tone};
use super::model::{Chooser, Entry, Model, Overlay, Picture, Side, Unsaved};
use super::runtime::{Wish, check, complete};
use super::theme::{Depth, Ground, Theme};
use super::update::{open, update};
use super::view::draw;
use crate::plugins::NodeTypes;

mod editing;
mod forms;
mod groups;
mod mended;
mod unsaved;
mod wide;
mod wires;

const SMALL: &str = r#"// A small one.
Workflow(
    version: 1,
    about: "Copies a picture.",
    nodes: {
        // From disk.
        "load": LoadImage(path: "gallery.png"),
        "save": SaveImage(image: From("load"), name: "copy"),
    },
)
"#;

mod clicks;
mod demo;
mod entered;
mod failures;
mod followed;
mod found;
mod gauges;
mod grids;
mod pictures;
mod pointing;
mod tiles;
mod timeline;
mod typing;

/// A studio without threads: what it asks for is done at once, or written down.
struct Bench {
    model: Model,
    plugins: Plugins,
    saved: Vec<Arc<str>>,
    created: Vec<(PathBuf, Arc<str>)>,
    asked: Vec<&'static str>,
    /// What was asked of the journal and of the desktop.
    wished: Vec<Effect>,
    kept: Option<Unsaved>,
    /// Inputs that are set, as `--set` does.
    set: Vec<(String, String)>,
}

impl Bench {
    fn new(size: (u16, u16)) -> Self {
        let theme = Theme::new(Ground::Dark, Depth::True);
        let registry = easel_nodes::registry().expect("the nodes agree");
        let model = Model::new(Keymap::default(), theme, size);
        Bench {
            model,
            plugins: Plugins::new(registry),
            saved: Vec::new(),
            created: Vec::new(),
            asked: Vec::new(),
            wished: Vec::new(),
            kept: None,
            set: Vec::new(),
        }
    }

    fn opened(size: (u16, u16), text: &str) -> Self {
        let mut bench = Bench::new(size);
        let effects = open(&mut bench.model, "flow.ron".into());
        bench.perform(effects);
        bench.tell(Message::Read("flow.ron".into(), Ok(text.into())));
        bench
    }

    fn tell(&mut self, message: Message) {
        let effects = update(&mut self.model, message);
        self.perform(effects);
    }

    fn perform(&mut self, mut effects: Vec<Effect>) {
        // Others do that meanwhile, and tell when all this is done.
        effects.sort_by_key(|effect| matches!(effect, Effect::Check { .. }));
        for effect in effects {
            match effect {
                Effect::Check { path, text, revision, around } => {
                    let types = NodeTypes::of(&self.plugins, None);
                    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows");
                    let settings = Settings { base_dir: Some(base), out_dir: "output".into(), ..Settings::default() };
                    let settings = Settings { set: self.set.clone(), ..settings };
                    let checked = check(&Wish { path, text, revision, around }, types, &settings);
                    self.tell(Message::Checked(Box::new(checked)));
                }
                Effect::Save { path, text, .. } => {
                    self.saved.push(Arc::clone(&text));
                    self.tell(Message::Saved(path, Ok(text)));
                }
                Effect::Unset(name) => self.set.retain(|(set, _)| *set != name),
                Effect::Create { path, text } => {
                    let created = if path.ends_with("taken.ron") { Err("there is one".into()) } else { Ok(()) };
                    self.created.push((path.clone(), text));
                    self.tell(Message::Created(path, created));
                }
                Effect::Run(plan) => {
                    self.asked.push("run");
                    let nodes = plan.nodes().map(|planned| planned.node).collect();
                    self.tell(Message::RunBegins { run: Some(RunId(7)), nodes });
                }
                Effect::StopRun => {
                    self.asked.push("stop");
                    self.tell(Message::RunEnded(Ok(Outcome::Cancelled)));
                }
                Effect::Follow(_) => self.asked.push("follow"),
                Effect::SetAside(_) => self.asked.push("set aside"),
                Effect::Forget(_) => self.asked.push("forget"),
                Effect::Release(_) => self.asked.push("release"),
                Effect::Keep { unsaved, .. } => self.kept = unsaved,
                // What a test opens by itself is nowhere on disk.
                Effect::Open(path) => {
                    if let Ok(text) = std::fs::read_to_string(&path) {
                        self.tell(Message::Read(path, Ok(text.into())));
                    }
                }
                Effect::Complete { base, typed } => {
                    let names = complete(&base, &typed);
                    self.tell(Message::Completed(typed, names));
                }
                Effect::EditText(text) => self.tell(Message::Edited(Ok(format!("{text}, edited\n")))),
                Effect::List(_)
                | Effect::Watch(_)
                | Effect::RunAgain(_)
                | Effect::Resume(_)
                | Effect::Load(_)
                | Effect::Recall(_)
                | Effect::Examine(_) => {}
                wish @ (Effect::Browse(_)
                | Effect::Change(_)
                | Effect::Thumbnails(_)
                | Effect::ShowFolder(_)
                | Effect::Enqueue { .. }
                | Effect::RunJob(_)
                | Effect::EnqueueAll(_)
                | Effect::WriteSheet(_)
                | Effect::Claim
                | Effect::Copy(_)) => self.wished.push(wish),
            }
        }
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.key(chord(key));
        }
    }

    fn key(&mut self, key: KeyEvent) {
        self.tell(Message::Key(key));
    }

    fn type_in(&mut self, text: &str) {
        text.chars().for_each(|letter| self.key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)));
    }

    fn at(&mut self, milliseconds: u64) {
        self.tell(Message::Time(Duration::from_millis(milliseconds)));
    }

    fn text(&self) -> String {
        self.model.flow.as_ref().and_then(|flow| flow.text()).map(|text| text.to_string()).unwrap_or_default()
    }

    fn selected(&self) -> Option<String> {
        let flow = self.model.flow.as_ref()?;
        flow.selected_node().map(|(node, _)| node.to_string())
    }

    fn drawn(&self) -> Buffer {
        let (columns, lines) = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, lines)).expect("it needs no terminal");
        terminal.draw(|frame| draw(&self.model, frame)).expect("it can be drawn");
        terminal.backend().buffer().clone()
    }

    /// What is on the screen, and below it every style with the text that has it.
    fn shown(&self) -> String {
        let buffer = self.drawn();
        let mut text = String::new();
        let mut styles: Vec<(String, String)> = Vec::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            for x in 0..buffer.area.width {
                let cell = &buffer[(x, y)];
                line.push_str(cell.symbol());
                if cell.symbol() != " " {
                    let style = format!("{} on {} {:?}", cell.fg, cell.bg, cell.modifier);
                    match styles.iter_mut().find(|(known, _)| *known == style) {
                        Some((_, sample)) if sample.chars().count() < 48 => sample.push_str(cell.symbol()),
                        Some(_) => {}
                        None => styles.push((style, cell.symbol().to_string())),
                    }
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.push('\n');
        styles.iter().for_each(|(style, sample)| text.push_str(&format!("{style}: {sample}\n")));
        text
    }
}

fn chord(key: &str) -> KeyEvent {
    let (modifiers, name) = match key.split_once('-') {
        Some(("ctrl", name)) => (KeyModifiers::CONTROL, name),
        Some(("alt", name)) => (KeyModifiers::ALT, name),
        _ => (KeyModifiers::NONE, key),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "down" => KeyCode::Down,
        "pgup" => KeyCode::PageUp,
        "up" => KeyCode::Up,
        "right" => KeyCode::Right,
        "space" => KeyCode::Char(' '),
        "backspace" => KeyCode::Backspace,
        "f2" => KeyCode::F(2),
        letter => KeyCode::Char(letter.chars().next().expect("it has a letter")),
    };
    KeyEvent::new(code, modifiers)
}

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows").join(name);
    std::fs::read_to_string(path).expect("it ships")
}

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

fn snapshots(name: &str, prepare: impl Fn(&mut Bench), text: &str) {
    for size in SIZES {
        let mut bench = Bench::opened(size, text);
        prepare(&mut bench);
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), bench.shown());
    }
}

/// A run of the small workflow in which one node fails.
fn failing_run(bench: &mut Bench) {
    let run = RunId(7);
    bench.at(1000);
    bench.press("r");
    bench.at(1200);
    bench.tell(Message::Event(Box::new(Event::NodeStarted { run, node: "load".into(), seat: None })));
    bench.at(1900);
    let failed = Event::NodeFailed {
        run,
        node: "load".into(),
        node_type: "LoadImage".into(),
        message: "there is no `gallery.png`".into(),
        causes: vec!["No such file".into()],
        hint: Some("put one there".into()),
        inputs: vec![("path".into(), "\"gallery.png\"".into())],
    };
    bench.tell(Message::Event(Box::new(failed)));
    bench.tell(Message::Event(Box::new(Event::NodeSkipped { run, node: "save".into(), because: "load".into() })));
    bench.at(2000);
    bench.tell(Message::RunEnded(Ok(Outcome::Failed)));
}

/// A run in the midst, with a picture.
fn running(bench: &mut Bench) {
    let run = RunId(7);
    bench.press("r");
    bench.tell(Message::Event(Box::new(Event::NodeStarted { run, node: "load".into(), seat: None })));
    for step in 1..=5 {
        bench.at(1000 * step as u64);
        bench.tell(Message::Event(Box::new(Event::NodeProgress { run, node: "load".into(), step, steps: 25 })));
    }
    let pixels: Vec<_> = (0..64).map(|at| [at as u8 * 4, 99, 255 - at as u8 * 4]).collect();
    bench.tell(Message::Preview("load".into(), Picture { width: 8, pixels: pixels.into() }));
}

#[test]
fn every_view_looks_as_it_should() {
    let broken = SMALL.replace("LoadImage", "LoadImag");
    snapshots("graph", |_| (), &shipped("text_to_image.ron"));
    snapshots("inspector", |bench| bench.press("enter"), SMALL);
    snapshots("problems", |bench| bench.press("2"), &broken);
    snapshots("running", running, SMALL);
    snapshots("failed", failing_run, SMALL);
    snapshots(
        "failed_node",
        |bench| {
            failing_run(bench);
            bench.press("enter");
        },
        SMALL,
    );
    snapshots(
        "log",
        |bench| {
            failing_run(bench);
            bench.press("4");
        },
        SMALL,
    );
    snapshots("help", |bench| bench.press("?"), SMALL);
    snapshots(
        "palette",
        |bench| {
            bench.press(":");
            bench.type_in("run");
        },
        SMALL,
    );
    snapshots(
        "search",
        |bench| {
            bench.press("/");
            bench.type_in("save");
        },
        SMALL,
    );
    snapshots("add_node", |bench| bench.press("a"), SMALL);
    snapshots("changes", |bench| bench.press("m ctrl-s"), SMALL);
    snapshots("garbage", |_| (), "\u{1b}[2J no workflow");
}

#[test]
fn the_list_of_workflows_looks_as_it_should() {
    for size in SIZES {
        let mut bench = Bench::new(size);
        bench.model.chooser = Some(Chooser { folder: "flows".into(), ..Chooser::default() });
        let entry = |name: &str, about: &str| Entry { path: PathBuf::from(name), about: about.into() };
        let entries = vec![entry("flows/a.ron", "Draws."), entry("flows/b.ron", "Copies \u{1b}[2J a picture.")];
        bench.tell(Message::Listed("flows".into(), Ok(entries)));
        bench.press("j");
        insta::assert_snapshot!(format!("chooser_{}x{}", size.0, size.1), bench.shown());
        bench.press("enter");
        assert_eq!(bench.model.flow.as_ref().map(|flow| flow.path.clone()), Some("flows/b.ron".into()));
        let mut empty = Bench::new(size);
        empty.tell(Message::Listed("none".into(), Ok(Vec::new())));
        assert!(empty.shown().contains("There are no workflows in this folder"));
        empty.tell(Message::Listed("none".into(), Err("cannot list `none`: no permission".into())));
        assert!(empty.shown().contains("no permission"));
    }
}

#[test]
fn tiny_terminals_show_one_pane() {
    for size in [(40, 10), (10, 3), (1, 1), (0, 0), (80, 0), (63, 200)] {
        let mut bench = Bench::opened(size, &shipped("text_to_image.ron"));
        bench.press("r");
        let pixels = [[9; 3]; 64];
        bench.tell(Message::Preview("save".into(), Picture { width: 8, pixels: pixels.into() }));
        for keys in ["r", "1", "2", "3", "4", "5", "?", "esc", "esc", ":", "esc", "a", "esc", "tab"] {
            bench.press(keys);
            bench.drawn();
        }
    }
}

#[test]
fn a_pane_takes_the_whole_screen_and_gives_it_back() {
    let mut bench = Bench::opened((120, 40), &shipped("text_to_image.ron"));
    let both = bench.drawn();
    bench.press("Z");
    assert!(!bench.shown().contains("1 Node"), "{}", bench.shown());
    bench.press("tab");
    assert!(bench.shown().contains("1 Node") && !bench.shown().contains("┏"), "{}", bench.shown());
    bench.press("tab Z");
    assert_eq!(bench.drawn(), both);
}

#[test]
fn the_whole_graph_is_shown_with_as_much_of_each_node_as_fits() {
    let mut bench = Bench::opened((320, 60), &shipped("text_to_image.ron"));
    let detail = |bench: &Bench| bench.model.flow.as_ref().expect("it is open").detail;
    bench.press("Z 0");
    let shown = bench.shown();
    assert!(
        ["tokens", "prior", "decoder", "upsampler", "safety", "save"].iter().all(|node| shown.contains(node)),
        "{shown}"
    );
    let wide = detail(&bench);
    bench.tell(Message::Resized(150, 40));
    bench.press("0");
    assert!(detail(&bench) < wide, "{:?} after {wide:?}", detail(&bench));
}

#[test]
fn an_edit_is_undone_saved_and_conflicts_are_asked_about() {
    let mut bench = Bench::opened((100, 30), SMALL);
    assert_eq!(bench.selected().as_deref(), Some("load"));
    bench.press("enter enter ctrl-u");
    bench.type_in("other.png");
    bench.press("enter");
    let edited = SMALL.replace("gallery.png", "other.png");
    assert_eq!(bench.text(), edited);
    bench.press("ctrl-z");
    assert_eq!(bench.text(), SMALL);
    bench.press("ctrl-y esc ctrl-s");
    assert!(bench.shown().contains("+         \"load\": LoadImage(path: \"other.png\"),"), "{}", bench.shown());
    bench.press("enter");
    assert_eq!(bench.saved, [Arc::from(edited.as_str())]);
    assert!(!bench.model.flow.as_ref().is_some_and(|flow| flow.is_modified()));
    // Somebody else changes the very line that was changed here.
    bench.press("x");
    bench.tell(Message::Read("flow.ron".into(), Ok(edited.replace("other", "third").into())));
    assert_eq!(bench.model.overlay, None, "whoever is typing decides nothing by it");
    bench.press("ctrl-s");
    assert_eq!(bench.model.overlay, Some(Overlay::Conflict(0)));
    bench.press("f");
    assert_eq!(bench.text(), edited.replace("other", "third"));
    bench.press("ctrl-z");
    assert!(!bench.text().contains("load\": "), "what was changed here is not lost: {}", bench.text());
}

#[test]
fn what_is_done_after_a_conflict_is_kept_with_ones_own_text() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("enter enter ctrl-u");
    bench.type_in("other.png");
    bench.press("enter esc");
    bench.press("enter enter ctrl-u");
    bench.tell(Message::Read("flow.ron".into(), Ok(SMALL.replace("gallery.png", "third.png").into())));
    bench.type_in("fm.png");
    bench.press("enter");
    assert!(bench.text().contains("fm.png"), "{}", bench.text());
    bench.press("ctrl-s m");
    assert!(bench.text().contains("fm.png"), "{}", bench.text());
    // The file is asked once more.
    bench.press("ctrl-s enter");
    assert!(bench.saved.last().is_some_and(|saved| saved.contains("fm.png")), "{:?}", bench.saved);
}

#[test]
fn what_is_changed_while_it_is_saved_stays_changed() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("D");
    let saved: Arc<str> = bench.text().into();
    bench.press("ctrl-z");
    bench.tell(Message::Saved("flow.ron".into(), Ok(Arc::clone(&saved))));
    assert_eq!(bench.text(), SMALL, "what was taken back stays taken back");
    assert!(bench.model.flow.as_ref().is_some_and(|flow| flow.is_modified() && flow.conflict.is_none()));
}

#[test]
fn what_comes_late_of_a_workflow_that_was_closed_is_no_news() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("D D");
    let before = bench.model.flow.as_ref().map_or(0, |flow| flow.revision);
    bench.model.flow = Some(crate::studio::model::Flow::new("flow.ron".into()));
    bench.tell(Message::Read("flow.ron".into(), Ok(SMALL.into())));
    assert!(bench.model.flow.as_ref().is_some_and(|flow| flow.revision > before && flow.is_current()));
}

#[test]
fn a_file_that_is_gone_leaves_something_to_save() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.tell(Message::Read("flow.ron".into(), Err("cannot read `flow.ron`: there is no such file".into())));
    bench.press("q");
    assert_eq!(bench.model.overlay, Some(Overlay::Leave));
    bench.press("esc ctrl-s enter");
    assert_eq!(bench.saved, [Arc::from(SMALL)]);
}

#[test]
fn a_run_that_waits_for_the_check_can_be_taken_back() {
    let mut bench = Bench::opened((100, 30), SMALL);
    let Some(flow) = &mut bench.model.flow else { panic!("it is open") };
    flow.wants_run = true;
    bench.press("ctrl-c");
    assert!(bench.model.flow.as_ref().is_some_and(|flow| !flow.wants_run));
    assert!(!bench.model.wants_quit);
}

#[test]
fn nodes_are_added_wired_renamed_and_left_out() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("a");
    bench.type_in("ResizeImage");
    let has_resize = bench.shown().contains("nothing is called like that");
    bench.press("esc a");
    bench.type_in("SafetyFilter");
    bench.press("enter");
    assert!(bench.text().contains("SafetyFilter(") && bench.text().contains("From(\"load"), "{}", bench.text());
    assert!(has_resize || bench.model.overlay.is_none());
    let added = bench.selected().expect("the new node is selected");
    assert_ne!(added, "load");
    bench.press("R ctrl-u");
    bench.type_in("filter");
    bench.press("enter");
    assert_eq!(bench.selected().as_deref(), Some("filter"), "{}", bench.text());
    assert!(bench.text().contains("\"filter\": SafetyFilter"), "{}", bench.text());
}

#[test]
fn the_second_ctrl_c_leaves_and_the_first_stops_the_run() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.at(1000);
    bench.press("r ctrl-c");
    assert_eq!(bench.asked, ["run", "stop"]);
    assert!(!bench.model.wants_quit);
    bench.at(9000);
    bench.press("ctrl-c");
    assert!(!bench.model.wants_quit, "too late to be the second");
    bench.at(10_000);
    bench.press("ctrl-c");
    assert!(bench.model.wants_quit);
}

#[test]
fn a_run_that_is_asked_for_too_early_begins_once_the_text_is_checked() {
    let mut bench = Bench::opened((80, 24), SMALL);
    let flow = bench.model.flow.as_mut().expect("it is open");
    flow.revision += 1;
    bench.press("r");
    assert!(bench.asked.is_empty());
    bench.tell(Message::Touched);
    assert_eq!(bench.asked, ["run"]);
}

#[test]
fn leaving_asks_if_something_would_be_lost() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("r q");
    assert!(bench.model.overlay == Some(Overlay::Leave) && !bench.model.wants_quit);
    bench.press("esc");
    assert_eq!(bench.model.overlay, None);
    bench.press("q y");
    assert!(bench.model.wants_quit);
    bench.tell(Message::RunEnded(Err(Problem { message: "no".into(), hint: None })));
}

#[test]
fn nothing_is_drawn_when_nothing_changed() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.model.is_changed = false;
    bench.at(5000);
    assert!(!bench.model.is_changed, "time alone is no reason");
    bench.press("r");
    bench.model.is_changed = false;
    bench.at(6000);
    assert!(bench.model.is_changed, "a run's times are on the screen");
}

#[test]
fn a_click_selects_and_tabs_are_shown() {
    let mut bench = Bench::opened((120, 40), SMALL);
    let click = |column, row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
    };
    let screen = bench.drawn();
    let find = |name: &str| {
        let lines = (0..40).map(|y| (0..120).map(|x| screen[(x, y)].symbol()).collect::<String>());
        lines.enumerate().find_map(|(y, line)| Some((line[..line.find(name)?].chars().count() as u16, y as u16)))
    };
    let (x, y) = find("SaveImage").expect("it is drawn");
    bench.tell(click(x, y));
    assert_eq!(bench.selected().as_deref(), Some("save"));
    let (x, y) = find("4 L").expect("it is a tab");
    bench.tell(click(x, y));
    assert_eq!(bench.model.side, Side::Log);
}
