//! What the graph of a workflow looks like, cell by cell: characters, and styles by letters.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use easel_engine::{Document, Graph, Source};
use easel_tui::studio::graph_view::{Camera, Focus, GraphView, Plain, Status};
use easel_tui::studio::layout::{Detail, Layout, layout};
use easel_tui::studio::scene::{Port, Scene};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// The scene of a workflow that ships.
fn shipped(name: &str) -> Scene {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows").join(name);
    scene(&Source::read(&path).expect("it ships"))
}

fn scene(source: &Source) -> Scene {
    let registry = easel_nodes::registry().expect("the nodes agree");
    let (document, mut diagnostics) = Document::parse(source);
    let (graph, more) = Graph::build(&document, &registry);
    diagnostics.extend(more);
    Scene::of(&document, &graph, &diagnostics)
}

static NONE: BTreeSet<usize> = BTreeSet::new();
static THEME: Plain = Plain { is_ascii: false };

/// The view of a workflow that was just opened.
fn opened<'a>(scene: &'a Scene, layout: &'a Layout, detail: Detail) -> GraphView<'a> {
    GraphView {
        scene,
        layout,
        detail,
        camera: Camera::default(),
        statuses: &[],
        selected: None,
        marked: &NONE,
        focus: None,
        found: &NONE,
        theme: &THEME,
    }
}

/// The view as a terminal of that size shows it.
fn shown(view: GraphView<'_>, size: (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("it writes nowhere");
    terminal.draw(|frame| frame.render_widget(view, frame.area())).expect("it writes nowhere");
    cells(terminal.backend().buffer())
}

/// Characters, then a letter for each cell's style, then what the letters mean.
fn cells(buffer: &Buffer) -> String {
    let (mut text, mut styles) = (String::new(), String::new());
    let mut letters: Vec<Style> = vec![Style::reset()];
    for y in 0..buffer.area.height {
        let (mut characters, mut looks, mut skip) = (String::new(), String::new(), 0);
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let plain = Style { underline_color: None, ..cell.style() };
            let letter = letters.iter().position(|style| style_words(style) == style_words(&plain));
            let letter = letter.unwrap_or_else(|| {
                letters.push(plain);
                letters.len() - 1
            });
            looks.push(if letter == 0 { '.' } else { char::from(b'A' + (letter as u8 - 1) % 58) });
            if skip == 0 {
                characters.push_str(cell.symbol());
                skip = cell.symbol().width().saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        text.push_str(characters.trim_end());
        text.push('\n');
        styles.push_str(looks.trim_end_matches('.'));
        styles.push('\n');
    }
    let meanings = letters.iter().skip(1).enumerate();
    let meanings = meanings.map(|(at, style)| format!("{} {}", char::from(b'A' + at as u8 % 58), style_words(style)));
    format!("{text}---\n{styles}---\n{}", meanings.collect::<Vec<_>>().join("\n"))
}

fn style_words(style: &Style) -> String {
    let colour = |colour: Option<ratatui::style::Color>| colour.unwrap_or_default().to_string();
    format!("{} on {} {:?}", colour(style.fg), colour(style.bg), style.add_modifier)
}

fn snapshots(name: &str) {
    let scene = shipped(&format!("{name}.ron"));
    for detail in Detail::ALL {
        let layout = layout(&scene, detail);
        for size in [(80, 24), (120, 40)] {
            let title = format!("{name}-{detail:?}-{}x{}", size.0, size.1).to_lowercase();
            insta::assert_snapshot!(title, shown(opened(&scene, &layout, detail), size));
        }
    }
}

#[test]
fn text_to_image_is_drawn() {
    snapshots("text_to_image");
}

#[test]
fn a_workflow_with_workflows_in_it_is_drawn() {
    snapshots("upscale_folder");
}

#[test]
fn a_run_is_seen_with_what_is_selected_marked_found_and_wrong() {
    let scene = scene(&Source::new(
        "wrong",
        r#"Workflow(version: 1, inputs: { "prompt": Text(default: "x") }, nodes: {
            "世界トークン": Tokenizer(text: Input("prompt")),
            "text": ClipTextEncoder(tokens: From("世界トークン.tokens")),
            "unknown": Pior(text: From("text.encoding")),
            "schedule": Scheduler(part: "decoder", options: (mute: true)),
            "decoder": Decoder(text: From("text.encoding"), embedding: From("unknown.embedding"), schedule: From("schedule")),
            "safety": SafetyFilter(image: From("decoder"), options: (bypass: true)),
            "save": SaveImage(image: From("safety.image")),
            "alone": SaveImage(name: "alone"),
        })"#,
    ));
    let statuses = [
        Status::Cached,
        Status::Done { seconds: 0.84 },
        Status::Failed,
        Status::Idle,
        Status::Running { step: 12, steps: 25, left: Some(Duration::from_millis(4200)) },
        Status::Waiting,
        Status::Skipped,
        Status::Cancelled,
    ];
    let (marked, found) = ([1, 6].into(), [0, 3].into());
    for detail in Detail::ALL {
        let layout = layout(&scene, detail);
        let view = GraphView {
            statuses: &statuses,
            selected: Some(4),
            marked: &marked,
            found: &found,
            focus: Some(Focus::Input(Port { node: 4, socket: 1 })),
            camera: Camera { x: 20, y: -2 },
            ..opened(&scene, &layout, detail)
        };
        insta::assert_snapshot!(format!("run-{detail:?}").to_lowercase(), shown(view, (120, 40)));
    }
    let layout = layout(&scene, Detail::Parameters);
    let theme = &Plain { is_ascii: true };
    let view =
        GraphView { statuses: &statuses, selected: Some(4), theme, ..opened(&scene, &layout, Detail::Parameters) };
    let text = shown(view, (120, 40));
    insta::assert_snapshot!("run-ascii", text);
}

#[test]
fn every_workflow_that_ships_has_a_wire_for_each_reference() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows");
    let mut counts = BTreeMap::new();
    for entry in folder.read_dir().expect("it is there").map(|entry| entry.expect("it can be read")) {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "ron") {
            let source = Source::read(&path).expect("it can be read");
            let (document, _) = Document::parse(&source);
            let written: usize =
                document.nodes().iter().map(|node| source.slice(&node.span).matches("From(\"").count()).sum();
            counts.insert(source.name.clone(), (written, scene(&source).wires.len()));
        }
    }
    assert!(counts.len() > 10, "the workflows are there");
    assert!(counts.values().all(|(written, drawn)| written == drawn), "{counts:?}");
}
