use proptest::prelude::*;
use ratatui::style::{Color, Style};

use super::*;
use crate::studio::fixture::{self, node, scenes, wire};
use crate::studio::layout::{layout, picture_row};

/// Gives every kind a colour of its own.
struct Numbered;

impl Palette for Numbered {
    fn look(&self, look: Look) -> Style {
        Plain::default().look(look)
    }

    fn kind(&self, kind: &str) -> Style {
        let number: u32 = kind.parse().unwrap_or(0);
        Style::new().fg(Color::Rgb((number >> 16) as u8, (number >> 8) as u8, number as u8))
    }
}

fn output_kind(port: Port) -> u32 {
    0x40_0000 + (port.node * 16 + port.socket) as u32
}

fn input_kind(port: Port) -> u32 {
    0x80_0000 + (port.node * 16 + port.socket) as u32
}

/// Sockets that can be told apart by their colours.
fn numbered(mut scene: Scene) -> Scene {
    for (node, here) in scene.nodes.iter_mut().enumerate() {
        for (socket, output) in here.outputs.iter_mut().enumerate() {
            output.kind = output_kind(Port { node, socket }).to_string();
        }
        for (socket, input) in here.inputs.iter_mut().enumerate() {
            input.kind = input_kind(Port { node, socket }).to_string();
        }
    }
    scene
}

struct Shown {
    scene: Scene,
    layout: Layout,
    detail: Detail,
    statuses: Vec<Status>,
    some: BTreeSet<usize>,
}

impl Shown {
    fn new(scene: Scene, detail: Detail) -> Self {
        let all = [
            Status::Idle,
            Status::Waiting,
            Status::Cached,
            Status::Running { step: 3, steps: 25, left: Some(Duration::from_secs(9)) },
            Status::Running { step: u64::MAX, steps: u64::MAX, left: Some(Duration::MAX) },
            Status::Running { step: 0, steps: 0, left: None },
            Status::Done { seconds: f64::MAX },
            Status::Failed,
            Status::Skipped,
            Status::Blocked,
            Status::Cancelled,
        ];
        let statuses = all.into_iter().cycle().take(scene.nodes.len()).collect();
        let layout = layout(&scene, detail);
        Shown { scene, layout, detail, statuses, some: [0, 3, 999].into() }
    }

    fn view<'a>(&'a self, camera: Camera, selected: Option<usize>, theme: &'a dyn Palette) -> GraphView<'a> {
        GraphView {
            scene: &self.scene,
            layout: &self.layout,
            detail: self.detail,
            camera,
            statuses: &self.statuses,
            selected,
            marked: &self.some,
            focus: Some(Focus::Input(Port { node: 0, socket: 0 })),
            found: &self.some,
            theme,
        }
    }
}

fn details() -> impl Strategy<Value = Detail> {
    prop::sample::select(Detail::ALL.to_vec())
}

fn coordinate() -> impl Strategy<Value = i32> {
    prop_oneof![8 => -60..200_i32, 1 => Just(i32::MIN), 1 => Just(i32::MAX)]
}

/// What a cell shows, as far as its colour tells.
fn number(buffer: &Buffer, at: Position) -> Option<u32> {
    match buffer[at].fg {
        Color::Rgb(red, green, blue) => Some(u32::from(red) << 16 | u32::from(green) << 8 | u32::from(blue)),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn nothing_is_drawn_outside_of_the_area(
        scene in scenes(14, 20), detail in details(), x in coordinate(), y in coordinate(), is_ascii: bool,
        (left, top, width, height) in (0..12_u16, 0..12_u16, 0..90_u16, 0..40_u16), selected in 0..20_usize,
    ) {
        let shown = Shown::new(scene, detail);
        let mut buffer = Buffer::empty(Rect::new(3, 2, 80, 30));
        buffer.content.iter_mut().for_each(|cell| { cell.set_symbol("x"); });
        let area = Rect::new(left, top, width, height);
        shown.view(Camera { x, y }, Some(selected), &Plain { is_ascii }).render(area, &mut buffer);
        for at in buffer.area.positions().filter(|at| !area.contains(*at)) {
            prop_assert_eq!(buffer[at].symbol(), "x");
        }
        if is_ascii {
            let drawn = area.intersection(buffer.area).positions().map(|at| buffer[at].symbol().to_string());
            let named = |sign: &str| "文字".contains(sign) || shown.scene.nodes.iter().any(|node| node.id.contains(sign));
            for sign in drawn.filter(|sign| !sign.is_ascii()) {
                prop_assert!(named(&sign), "{sign} is not ASCII");
            }
        }
    }

    #[test]
    fn what_is_hit_is_what_is_seen(
        scene in scenes(14, 20), detail in details(), x in -8..60_i32, y in -4..30_i32, selected in 0..20_usize,
    ) {
        let shown = Shown::new(numbered(scene), detail);
        let view = shown.view(Camera { x, y }, Some(selected), &Numbered);
        let area = Rect::new(2, 1, 76, 22);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        view.render(area, &mut buffer);
        for at in area.positions() {
            let cell = (x + i32::from(at.x - area.x), y + i32::from(at.y - area.y));
            match hit(&view, area, at) {
                Hit::Nothing => prop_assert_eq!(buffer[at].symbol(), " ", "something is at {:?}", cell),
                Hit::Node(node) => prop_assert!(shown.layout.boxes[node].contains(cell.0, cell.1)),
                Hit::Wire(wire) => {
                    prop_assert!(shown.layout.routes[wire].cells.contains(&cell));
                    let drawn = buffer[at].symbol();
                    prop_assert_eq!(number(&buffer, at), Some(output_kind(shown.scene.wires[wire].from)), "{} {:?}", drawn, cell);
                }
                Hit::Input(port) => {
                    prop_assert_eq!(shown.layout.input(detail, port), Some(cell));
                    prop_assert!(matches!(buffer[at].symbol(), "?") || number(&buffer, at) == Some(input_kind(port)));
                }
                Hit::Output(port) => {
                    prop_assert_eq!(shown.layout.output(detail, port), Some(cell));
                    prop_assert_eq!(number(&buffer, at), Some(output_kind(port)));
                }
                Hit::Minimap { x, y } => {
                    prop_assert!((0..shown.layout.size.0).contains(&x) && (0..shown.layout.size.1).contains(&y));
                }
            }
        }
        prop_assert_eq!(hit(&view, area, Position::new(1, 1)), Hit::Nothing);
    }

    #[test]
    fn a_node_that_is_revealed_is_seen(
        scene in scenes(14, 0), detail in details(), x in coordinate(), y in coordinate(), width in 1..120_u16, height in 1..50_u16,
    ) {
        let layout = layout(&scene, detail);
        for (node, area) in layout.boxes.iter().enumerate() {
            let camera = Camera { x, y }.revealing(&layout, (width, height), node);
            let screen = Area { x: camera.x, y: camera.y, width: width.into(), height: height.into() };
            prop_assert!(screen.contains(area.x, area.y));
            let fits = area.width <= screen.width && area.height <= screen.height;
            prop_assert!(!fits || screen.contains(area.right() - 1, area.bottom() - 1));
            prop_assert_eq!(camera.revealing(&layout, (width, height), node), camera, "it stays there");
        }
    }

    #[test]
    fn cameras_take_any_number(scene in scenes(6, 0), x in coordinate(), y in coordinate(), width: u16, height: u16) {
        let (before, after) = (layout(&scene, Detail::Name), layout(&scene, Detail::Preview));
        let camera = Camera { x, y };
        camera.following(&before, &after, (width, height), None);
        camera.following(&before, &after, (width, height), Some(0));
        camera.bounded(&after, (width, height));
        camera.centred(&after, (width, height), 2);
        camera.centred_on((i32::MIN, i32::MAX), (width, height));
    }

    #[test]
    fn from_any_node_there_is_a_way_to_what_lies_right_of_it(scene in scenes(14, 0)) {
        let layout = layout(&scene, Detail::State);
        for (from, here) in layout.boxes.iter().enumerate() {
            let is_some = layout.boxes.iter().any(|area| area.x >= here.right());
            let next = neighbour(&layout, from, Direction::Right);
            prop_assert_eq!(next.is_some(), is_some);
            prop_assert!(next.is_none_or(|next| layout.boxes[next].x >= here.right()));
        }
    }
}

#[test]
fn zooming_keeps_the_selected_node_in_its_place() {
    let scene = diamond();
    let (before, after) = (layout(&scene, Detail::State), layout(&scene, Detail::Parameters));
    let camera = Camera { x: -20, y: -10 };
    let zoomed = camera.following(&before, &after, (200, 60), Some(3));
    let place = |layout: &Layout, camera: Camera| {
        let (x, y) = layout.boxes[3].centre();
        (x - camera.x, y - camera.y)
    };
    assert_eq!(place(&before, camera), place(&after, zoomed));
}

#[test]
fn what_is_smaller_than_the_screen_is_put_in_its_middle() {
    let layout = layout(&diamond(), Detail::Name);
    let camera = Camera::fitting(&layout, (100, 31));
    assert_eq!((camera.x, camera.y), (-(100 - layout.size.0) / 2, -(31 - layout.size.1) / 2));
}

/// One feeds two, which feed one.
fn diamond() -> Scene {
    let nodes = vec![node("first", 0, 1), node("upper", 1, 1), node("lower", 1, 1), node("last", 2, 0)];
    let wires = vec![wire((0, 0), (1, 0)), wire((0, 0), (2, 0)), wire((1, 0), (3, 0)), wire((2, 0), (3, 1))];
    Scene { nodes, wires }
}

#[test]
fn wires_lead_from_node_to_node_and_among_siblings() {
    let scene = diamond();
    let layout = layout(&scene, Detail::Parameters);
    assert_eq!(along(&scene, &layout, 0, Direction::Right), Some(1));
    assert_eq!(along(&scene, &layout, 1, Direction::Down), Some(2));
    assert_eq!(along(&scene, &layout, 2, Direction::Up), Some(1));
    assert_eq!(along(&scene, &layout, 2, Direction::Down), None);
    assert_eq!(along(&scene, &layout, 3, Direction::Left), Some(1));
    assert_eq!(along(&scene, &layout, 0, Direction::Left), None);
    assert_eq!((upstream(&scene, &layout, 3), downstream(&scene, &layout, 0)), (vec![1, 2], vec![1, 2]));
    assert_eq!((upstream(&scene, &layout, 77), along(&scene, &layout, 77, Direction::Up)), (vec![], None));
}

#[test]
fn letters_find_whole_words_before_beginnings_and_those_before_the_rest() {
    let mut scene = Scene { nodes: Vec::new(), wires: Vec::new() };
    for (id, node_type) in
        [("a", "Prior"), ("superior", "X"), ("prior_schedule", "Scheduler"), ("prior", "Y"), ("世界", "Z")]
    {
        scene.nodes.push(crate::studio::scene::SceneNode { node_type: node_type.into(), ..node(id, 0, 0) });
    }
    assert_eq!(search(&scene, "prior"), [3, 0, 2, 1]);
    assert_eq!(search(&scene, "PS"), [2]);
    assert_eq!(search(&scene, "界"), [4]);
    assert_eq!(search(&scene, " "), [0_usize; 0]);
    assert_eq!(search(&scene, "prior prior"), [0_usize; 0]);
}

#[test]
fn crossings_do_not_look_like_junctions() {
    let mut scene = Scene { nodes: vec![node("a", 0, 2), node("b", 2, 0)], wires: Vec::new() };
    scene.wires = vec![wire((0, 0), (1, 1)), wire((0, 1), (1, 0))];
    let shown = Shown::new(scene, Detail::Parameters);
    let area = Rect::new(0, 0, shown.layout.size.0 as u16, shown.layout.size.1 as u16);
    let mut buffer = Buffer::empty(area);
    shown.view(Camera::default(), None, &Plain::default()).render(area, &mut buffer);
    let text = fixture::text(&buffer);
    assert!(!text.contains(['┼', '├', '┤', '┬', '┴']), "\n{text}");
}

#[test]
fn a_wide_character_that_is_cut_leaves_a_blank() {
    let shown = Shown::new(Scene { nodes: vec![node("世界世界世界", 0, 0)], wires: Vec::new() }, Detail::State);
    let area = Rect::new(0, 0, 20, 3);
    let mut buffer = Buffer::empty(area);
    shown.view(Camera { x: 3, y: 0 }, None, &Plain::default()).render(area, &mut buffer);
    assert!(fixture::text(&buffer).starts_with(" 界世界世界 ─"), "{}", fixture::text(&buffer));
}

#[test]
fn control_characters_are_not_drawn() {
    let shown = Shown::new(Scene { nodes: vec![node("a\u{1b}[31m\n\u{7}", 0, 0)], wires: Vec::new() }, Detail::State);
    let area = Rect::new(0, 0, 30, 3);
    let mut buffer = Buffer::empty(area);
    shown.view(Camera::default(), None, &Plain::default()).render(area, &mut buffer);
    assert!(buffer.content.iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
}

#[test]
fn pictures_have_room_in_their_boxes() {
    let mut scene = diamond();
    scene.nodes[1].outputs[0].kind = "Image".into();
    let layout = layout(&scene, Detail::Preview);
    let row = picture_row(&scene.nodes[1], Detail::Preview).expect("it gives a picture");
    let area = layout.boxes[1];
    assert!(area.width >= crate::studio::layout::PICTURE_COLUMNS + 2);
    assert_eq!(area.height, row + crate::studio::layout::PICTURE_ROWS + 1);
    assert_eq!(picture_row(&scene.nodes[1], Detail::Parameters), None);
    assert_eq!(picture_row(&scene.nodes[0], Detail::Preview), None);
    let shown = Shown::new(scene, Detail::Preview);
    let view = shown.view(Camera { x: area.x - 2, y: area.y }, None, &Numbered);
    let place = view.picture(Rect::new(10, 5, 40, 30), 1).expect("it is on the screen");
    assert_eq!((place.y, place.width, place.height), (5 + row as u16, 24, 12));
    assert!(place.x >= 13 && place.right() < 12 + area.width as u16);
    assert_eq!(view.picture(Rect::new(10, 5, 40, 10), 1), None);
    assert_eq!(view.picture(Rect::new(10, 5, 40, 30), 0), None);
}
