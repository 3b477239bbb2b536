//! Editing: marks, hints, workflows inside of others. And any keys at all.

use std::path::Path;

use proptest::prelude::*;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{Bench, SIZES, SMALL, snapshots};
use crate::studio::message::Message;
use crate::studio::model::{Overlay, Prompt, Side};

impl Bench {
    /// A workflow that is on disk, with those that it includes.
    pub(super) fn of_file(size: (u16, u16), path: &Path) -> Self {
        let mut bench = Bench::new(size);
        let effects = super::open(&mut bench.model, path.to_path_buf());
        bench.perform(effects);
        bench
    }

    pub(super) fn select(&mut self, id: &str) {
        let scene = self.model.flow.as_ref().and_then(|flow| flow.scene());
        let at = scene.and_then(|scene| scene.nodes.iter().position(|node| node.id == id));
        self.model.flow.as_mut().expect("it is open").selected = Some(at.expect("there is such a node"));
    }

    pub(super) fn marked(&self) -> Vec<String> {
        let flow = self.model.flow.as_ref().expect("it is open");
        flow.marked.iter().filter_map(|at| flow.id(*at)).collect()
    }

    pub(super) fn nodes(&self) -> Vec<String> {
        let scene = self.model.flow.as_ref().and_then(|flow| flow.scene()).expect("it is checked");
        scene.nodes.iter().map(|node| node.id.clone()).collect()
    }
}

/// A workflow with another inside, and in that another.
const NESTED: &str = r#"Workflow(
    version: 1,
    workflows: {
        "outer": Workflow(
            inputs: { "path": Text() },
            workflows: {
                "inner": Workflow(
                    inputs: { "path": Text() },
                    nodes: { "load": LoadImage(path: Input("path")) },
                    outputs: { "image": From("load") },
                ),
            },
            nodes: {
                // Reads it.
                "deep": Include(workflow: "inner", with: (path: Input("path"))),
                "small": Resize(image: From("deep")),
            },
            outputs: { "image": From("small") },
        ),
    },
    nodes: {
        "each": Map(workflow: "outer", over: ["path"], with: (path: ["gallery.png"])),
        "sheet": ContactSheet(images: From("each")),
        "save": SaveImage(image: From("sheet"), name: "copy"),
    },
)
"#;

#[test]
fn fast_presses_are_about_the_text_and_not_about_what_is_drawn() {
    let mut bench = Bench::opened((100, 30), SMALL);
    // Nothing is checked between these: what is drawn stays as it was.
    let before = bench.text();
    for keys in ["m", "m"] {
        for key in keys.chars() {
            let key = Message::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE));
            drop(super::update(&mut bench.model, key));
        }
    }
    assert_eq!(bench.text(), before, "muted, and no longer");
    let rename = ["f2", "ctrl-u"].map(super::chord);
    for key in rename {
        drop(super::update(&mut bench.model, Message::Key(key)));
    }
    for letter in "other".chars() {
        drop(super::update(&mut bench.model, Message::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE))));
    }
    for key in ["enter", "b"].map(super::chord) {
        drop(super::update(&mut bench.model, Message::Key(key)));
    }
    assert!(
        bench.text().contains("\"other\": LoadImage(path: \"gallery.png\", options: (bypass: true))"),
        "{}",
        bench.text()
    );
}

#[test]
fn hints_are_followed_by_a_key_one_or_all() {
    let broken = SMALL.replace("LoadImage(path", "LoadImag(pth").replace("SaveImage(image", "SaveImage(imag");
    let mut bench = Bench::opened((100, 30), &broken);
    assert_eq!(bench.model.side, Side::Problems);
    bench.press("2 f");
    assert!(bench.text().contains("LoadImage(pth"), "{}", bench.text());
    bench.press("esc");
    bench.select("save");
    bench.press("f");
    assert!(bench.text().contains("SaveImage(image"), "{}", bench.text());
    bench.press("ctrl-z ctrl-z");
    assert_eq!(bench.text(), broken);
    bench.press("F F");
    assert_eq!(bench.text(), SMALL);
    bench.press("F");
    assert!(bench.shown().contains("no hint can be followed by a key"));
    bench.press("ctrl-z ctrl-z");
    assert_eq!(bench.text(), broken);
}

#[test]
fn a_hint_is_followed_only_in_the_text_that_it_is_about() {
    let broken = SMALL.replace("LoadImage", "LoadImag");
    let mut bench = Bench::opened((100, 30), &broken);
    bench.model.flow.as_mut().expect("it is open").revision += 1;
    bench.press("2 f");
    assert_eq!(bench.text(), broken);
    assert!(bench.shown().contains("being checked"));
}

#[test]
fn what_is_marked_is_changed_as_one_step() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("space right space");
    assert_eq!(bench.marked(), ["load", "save"]);
    bench.press("m");
    assert_eq!(bench.text().matches("mute: true").count(), 2, "{}", bench.text());
    bench.press("ctrl-z");
    assert_eq!(bench.text(), SMALL);
    bench.press("D");
    assert!(bench.text().contains("\"save_2\": SaveImage(image: From(\"load_2\")"), "{}", bench.text());
    assert_eq!(bench.marked(), ["load_2", "save_2"], "the copies are marked now");
    bench.press("x");
    assert_eq!((bench.nodes(), bench.marked()), (vec!["load".to_string(), "save".to_string()], Vec::new()));
    bench.press("ctrl-z ctrl-z * b");
    assert_eq!(bench.text().matches("bypass: true").count(), 2, "{}", bench.text());
    // One that is left out and one that is not: both are.
    bench.press("esc b b ctrl-z");
    bench.press("C");
    assert_eq!(bench.marked().len(), 2);
    bench.press("esc");
    assert!(bench.marked().is_empty());
}

#[test]
fn marked_nodes_become_a_workflow() {
    let mut bench = Bench::opened((100, 30), NESTED);
    bench.select("sheet");
    bench.press("space");
    bench.select("save");
    bench.press("space e");
    bench.type_in("no.name");
    bench.press("enter");
    assert!(matches!(&bench.model.overlay, Some(Overlay::Prompt(Prompt::Extract { problem: Some(_), .. }, _))));
    bench.press("ctrl-u");
    bench.type_in("show");
    bench.press("enter");
    assert_eq!((bench.nodes(), bench.selected()), (vec!["each".into(), "show".into()], Some("show".into())));
    bench.press("enter");
    assert_eq!(bench.nodes(), ["sheet", "save"]);
    bench.press("ctrl-z");
    assert_eq!((bench.text().as_str(), bench.nodes()), (NESTED, vec!["each".into(), "sheet".into(), "save".into()]));
}

#[test]
fn marked_nodes_become_a_file_and_undo_says_that_it_stays() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.select("load");
    bench.press("e");
    bench.type_in("taken.ron");
    bench.press("enter");
    assert_eq!(bench.text(), SMALL, "what cannot be written is not included");
    assert!(bench.shown().contains("there is one"));
    bench.press("ctrl-u");
    bench.type_in("read.ron");
    bench.press("enter");
    assert!(bench.text().contains("\"read\": Include(workflow: \"read.ron\")"), "{}", bench.text());
    let (path, text) = bench.created.last().expect("it is written");
    assert_eq!((path.as_path(), text.contains("\"load\": LoadImage(")), (Path::new("read.ron"), true));
    assert!(bench.shown().contains("`read.ron` was written beside this file"));
    bench.press("ctrl-z");
    assert_eq!(bench.text(), SMALL);
    assert!(bench.shown().contains("the file `read.ron` stays where it was written"));
}

#[test]
fn workflows_inside_are_entered_edited_and_left_to_where_one_was() {
    let mut bench = Bench::opened((100, 30), NESTED);
    bench.select("each");
    bench.press("J");
    let before = bench.model.flow.as_ref().map(|flow| (flow.camera, flow.selected));
    bench.press("enter");
    assert_eq!(bench.nodes(), ["deep", "small"]);
    assert!(bench.shown().contains("flow.ron › each"));
    bench.select("deep");
    bench.press("enter");
    assert_eq!(bench.nodes(), ["load"]);
    assert!(bench.shown().contains("flow.ron › each › deep"));
    bench.press("m");
    assert!(bench.text().contains("LoadImage(path: Input(\"path\"), options: (mute: true))"), "{}", bench.text());
    bench.press("ctrl-z D");
    assert_eq!((bench.nodes(), bench.selected()), (vec!["load".into(), "load_2".into()], Some("load_2".into())));
    bench.press("backspace");
    assert_eq!(bench.selected().as_deref(), Some("deep"));
    bench.press("esc");
    assert_eq!(bench.model.flow.as_ref().map(|flow| (flow.camera, flow.selected)), before);
    bench.press("ctrl-z");
    assert_eq!(bench.text(), NESTED);
    // What is inside goes away while one is there.
    bench.press("enter");
    bench.tell(Message::Read("flow.ron".into(), Ok(SMALL.into())));
    assert_eq!(bench.nodes(), ["load", "save"]);
}

#[test]
fn what_is_given_to_a_workflow_is_edited_like_what_is_given_to_a_node() {
    let mut bench = Bench::opened((100, 30), NESTED);
    bench.select("each");
    bench.press("1");
    assert!(bench.shown().contains("path TextList = [\"gallery.png\"]"), "{}", bench.shown());
    bench.press("enter ctrl-u");
    bench.type_in("[\"a.png\"]");
    bench.press("enter");
    assert!(bench.text().contains("with: (path: [\"a.png\"])"), "{}", bench.text());
}

#[test]
fn files_are_entered_and_left_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (outer, inner) = (folder.path().join("outer.ron"), folder.path().join("inner.ron"));
    let outer_text =
        r#"Workflow(version: 1, nodes: { "in": Include(workflow: "inner.ron"), "extra": LoadImage(path: "x") })"#;
    let inner_text = r#"Workflow(version: 1, nodes: { "load": LoadImag(path: "gallery.png") })"#;
    std::fs::write(&outer, outer_text).and_then(|()| std::fs::write(&inner, inner_text)).expect("they can be written");
    let mut bench = Bench::of_file((100, 30), &outer);
    // The finding is in the other file; the key leads there.
    bench.press("esc");
    bench.select("extra");
    bench.press("D");
    let unsaved = bench.text();
    bench.press("2");
    let finding = |bench: &Bench| {
        let flow = bench.model.flow.as_ref().expect("it is open");
        flow.findings().iter().position(|finding| finding.message.contains("`LoadImag`"))
    };
    bench.model.flow.as_mut().expect("it is open").problem = finding(&bench).expect("it is found");
    assert!(bench.shown().contains("in another file"), "{}", bench.shown());
    bench.press("f");
    assert!(bench.shown().contains("enter` opens it"), "{}", bench.shown());
    bench.press("enter");
    assert_eq!(bench.model.flow.as_ref().map(|flow| flow.path.clone()), Some(inner.clone()));
    assert_eq!(bench.selected().as_deref(), Some("load"));
    bench.press("f");
    assert!(bench.text().contains("LoadImage(path"), "{}", bench.text());
    let is_modified = |bench: &Bench| bench.model.is_modified();
    bench.press("backspace");
    assert_eq!(bench.model.overlay, Some(Overlay::LeaveFile(0)));
    assert!(bench.shown().contains("enter saves and leaves"));
    bench.press("esc q");
    assert_eq!(bench.model.overlay, Some(Overlay::Leave));
    bench.press("esc backspace enter");
    assert_eq!(bench.saved.len(), 1);
    assert_eq!(bench.model.flow.as_ref().map(|flow| flow.path.clone()), Some(outer));
    assert_eq!(bench.text(), unsaved, "what was changed before is there still");
    assert!(is_modified(&bench) && bench.model.outer.is_empty());
    // Left without saving, which is for those whose changes are kept.
    bench.select("in");
    bench.press("enter D");
    bench.tell(Message::Kept(Err("the disk is full".into())));
    bench.press("backspace n");
    assert_eq!(bench.model.flow.as_ref().map(|flow| flow.path.clone()), Some(inner));
    bench.tell(Message::Kept(Ok(())));
    bench.press("backspace n");
    assert_eq!((bench.text(), bench.saved.len()), (unsaved, 1));
}

#[test]
fn a_click_with_shift_marks() {
    let mut bench = Bench::opened((120, 40), SMALL);
    let screen = bench.drawn();
    let line = |y: u16| (0..120).map(|x| screen[(x, y)].symbol()).collect::<String>();
    let place = (0..40).find_map(|y| Some((line(y).find("SaveImage")?, y))).expect("it is drawn");
    let column = line(place.1)[..place.0].chars().count() as u16;
    let kind = MouseEventKind::Down(MouseButton::Left);
    bench.tell(Message::Mouse(MouseEvent { kind, column, row: place.1, modifiers: KeyModifiers::SHIFT }));
    assert_eq!((bench.marked(), bench.selected()), (vec!["save".to_string()], Some("save".into())));
}

#[test]
fn editing_looks_as_it_should() {
    let broken = SMALL.replace("LoadImage(path", "LoadImag(pth").replace("SaveImage(image", "SaveImage(imag");
    snapshots("hints", |bench| bench.press("2"), &broken);
    snapshots("marked", |bench| bench.press("* space"), NESTED);
    snapshots(
        "inside",
        |bench| {
            bench.select("each");
            bench.press("enter");
        },
        NESTED,
    );
    for size in SIZES {
        let mut bench = Bench::opened(size, NESTED);
        bench.select("sheet");
        bench.press("space e");
        bench.type_in("a b");
        bench.press("enter");
        insta::assert_snapshot!(format!("extract_{}x{}", size.0, size.1), bench.shown());
    }
}

/// Keys that people press, more often those that do something.
fn keys() -> impl Strategy<Value = KeyEvent> {
    let letters = "rgGhjklHJKLnNzxXDRmbuaovfwcq/:?+=12345[]yeFC*   sSWcx0ZitpvVUTEI!-.%";
    let letter = prop::sample::select(letters.chars().collect::<Vec<_>>()).prop_map(KeyCode::Char);
    let named = prop::sample::select(vec![
        KeyCode::Enter,
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::F(2),
    ]);
    let plain = prop_oneof![3 => letter, 2 => named].prop_map(|code| KeyEvent::new(code, KeyModifiers::NONE));
    let control = prop::sample::select("zysbmrudpnaekwgo".chars().collect::<Vec<_>>());
    let control = control.prop_map(|letter| KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
    let shifted = prop::sample::select(vec![KeyCode::Left, KeyCode::Right]);
    let shifted = shifted.prop_map(|code| KeyEvent::new(code, KeyModifiers::SHIFT));
    prop_oneof![10 => plain, 2 => control, 1 => shifted]
}

/// Something that the mouse does, anywhere.
fn clicks() -> impl Strategy<Value = MouseEvent> {
    let kind = prop::sample::select(vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Right),
        MouseEventKind::ScrollDown,
    ]);
    let modifiers = prop::sample::select(vec![KeyModifiers::NONE, KeyModifiers::SHIFT]);
    (kind, 0..100_u16, 0..30_u16, modifiers).prop_map(|(kind, column, row, modifiers)| MouseEvent {
        kind,
        column,
        row,
        modifiers,
    })
}

fn anything() -> impl Strategy<Value = Event> {
    prop_oneof![5 => keys().prop_map(Event::Key), 1 => clicks().prop_map(Event::Mouse)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// Ten thousand keys and clicks in all, on workflows that ship.
    #[test]
    fn any_keys_can_be_pressed_and_undone(
        keys in prop::collection::vec(anything(), 2_500),
        name in prop::sample::select(vec!["text_to_image.ron", "two_inks.ron", "best_of_four.ron", "safe_batch.ron"]),
    ) {
        let path = Path::new("../workflows").join(name);
        let mut bench = Bench::of_file((100, 30), &path);
        for (number, key) in keys.into_iter().enumerate() {
            bench.tell(match key {
                Event::Mouse(event) => Message::Mouse(event),
                Event::Key(key) => Message::Key(key),
                _ => continue,
            });
            bench.model.wants_quit = false;
            if bench.model.flow.is_none() {
                bench = Bench::of_file((100, 30), &path);
            }
            if number % 50 == 0 {
                bench.drawn();
            }
        }
        for flow in bench.model.flow.iter_mut().chain(&mut bench.model.outer) {
            let history = flow.history.as_mut().expect("it was read");
            while history.undo().is_some() {}
            let original = std::fs::read_to_string(&flow.path).expect("it ships");
            prop_assert_eq!(&**history.text(), original.as_str());
        }
        // On the way out of a file that was saved and is another one now, esc asks, and takes that back as well.
        let is_back = (0..3).any(|_| {
            bench.press("esc");
            bench.model.overlay.is_none()
        });
        prop_assert!(is_back, "esc leads back from everywhere: {:?}", bench.model.overlay);
    }
}
