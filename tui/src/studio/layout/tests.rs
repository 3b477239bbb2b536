use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::studio::fixture::{node, scenes, wire};
use crate::studio::scene::{Group, SceneWire};

/// A wire in a cell, and whether it goes on up, right, down and left.
type Step = (usize, [bool; 4]);

/// Everything that holds for every layout.
fn check(scene: &Scene, detail: Detail) {
    let layout = layout(scene, detail);
    assert_eq!((layout.boxes.len(), layout.routes.len()), (scene.nodes.len(), scene.wires.len()));
    let mut taken: HashMap<(i32, i32), usize> = HashMap::new();
    for (node, area) in layout.boxes.iter().enumerate() {
        assert!(area.x >= 0 && area.y >= 0 && area.right() <= layout.size.0 && area.bottom() <= layout.size.1);
        assert!(area.width > 0 && area.height > 0, "a box of nothing");
        for y in area.y..area.bottom() {
            for x in area.x..area.right() {
                assert_eq!(taken.insert((x, y), node), None, "two boxes on one cell");
            }
        }
    }
    let mut ways: HashMap<(i32, i32), Vec<Step>> = HashMap::new();
    for (index, (wire, route)) in scene.wires.iter().zip(&layout.routes).enumerate() {
        let output = layout.output(detail, wire.from).expect("the node is there");
        let input = layout.input(detail, wire.to).expect("the node is there");
        assert_eq!(route.cells.first(), Some(&(output.0 + 1, output.1)), "a wire begins beside its output");
        assert_eq!(route.cells.last(), Some(&(input.0 - 1, input.1)), "a wire ends beside its input");
        for pair in route.cells.windows(2) {
            assert_eq!((pair[0].0 - pair[1].0).abs() + (pair[0].1 - pair[1].1).abs(), 1, "a wire has no gaps");
        }
        let mut path = vec![output];
        path.extend(&route.cells);
        path.push(input);
        for step in path.windows(3) {
            let (x, y) = step[1];
            assert!(!taken.contains_key(&(x, y)), "a wire runs through a box at {x}, {y}");
            assert!(x >= 0 && y >= 0 && x < layout.size.0 && y < layout.size.1, "a wire leaves the layout at {x}, {y}");
            let mut directions = [false; 4];
            for end in [step[0], step[2]] {
                let way = match (end.0 - x, end.1 - y) {
                    (0, -1) => 0,
                    (1, 0) => 1,
                    (0, 1) => 2,
                    _ => 3,
                };
                directions[way] = true;
            }
            ways.entry((x, y)).or_default().push((index, directions));
        }
    }
    ways.values().for_each(|here| check_cell(scene, detail, here));
}

/// Wires of different outputs share a cell only where they cross at right angles or have one end.
fn check_cell(scene: &Scene, detail: Detail, here: &[Step]) {
    let source = |wire: &SceneWire| (wire.from.node, socket_row(detail, wire.from.socket));
    let target = |wire: &SceneWire| (wire.to.node, socket_row(detail, wire.to.socket));
    for (at, (one, ways)) in here.iter().enumerate() {
        for (other, other_ways) in &here[..at] {
            let (one, other) = (&scene.wires[*one], &scene.wires[*other]);
            if source(one) == source(other) || target(one) == target(other) {
                continue;
            }
            let is_across = |ways: &[bool; 4]| *ways == [false, true, false, true];
            let is_down = |ways: &[bool; 4]| *ways == [true, false, true, false];
            let is_crossing = (is_across(ways) && is_down(other_ways)) || (is_down(ways) && is_across(other_ways));
            assert!(is_crossing, "wires {one:?} and {other:?} run together");
        }
    }
}

/// The frame around a group, a cell wider and higher on each side, has the boxes of its nodes and no others.
fn check_groups(scene: &Scene, detail: Detail) {
    let layout = layout(scene, detail);
    let group = |node: usize| scene.nodes[node].group.as_ref().map(|group| &group.name);
    for node in (0..scene.nodes.len()).filter(|&node| group(node).is_some()) {
        let own = (0..scene.nodes.len()).filter(|&other| group(other) == group(node)).map(|other| layout.boxes[other]);
        let frame = own.reduce(|all, area| {
            let (x, y) = (all.x.min(area.x), all.y.min(area.y));
            Area { x, y, width: all.right().max(area.right()) - x, height: all.bottom().max(area.bottom()) - y }
        });
        let Area { x, y, width, height } = frame.expect("it has a node");
        let frame = Area { x: x - 1, y: y - 1, width: width + 2, height: height + 2 };
        for other in (0..scene.nodes.len()).filter(|&other| group(other) != group(node)) {
            assert!(!frame.overlaps(&layout.boxes[other]), "node {other} stands in the group of {node}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn boxes_and_wires_keep_out_of_each_others_way(scene in scenes(24, 0)) {
        Detail::ALL.into_iter().for_each(|detail| check(&scene, detail));
    }

    #[test]
    fn cycles_and_nodes_that_feed_themselves_are_laid_out_too(scene in scenes(16, 40)) {
        Detail::ALL.into_iter().for_each(|detail| check(&scene, detail));
    }

    #[test]
    fn no_other_box_stands_in_the_frame_of_a_group(
        scene in scenes(24, 20),
        groups in prop::collection::vec(prop::option::weighted(0.6, 0..4_usize), 24),
    ) {
        let mut scene = scene;
        for (node, group) in scene.nodes.iter_mut().zip(groups) {
            node.group = group.map(|group| Group { name: format!("group {group}"), colour: None });
        }
        for detail in Detail::ALL {
            check(&scene, detail);
            check_groups(&scene, detail);
        }
    }

    #[test]
    fn the_same_scene_gives_the_same_layout(scene in scenes(30, 10)) {
        prop_assert_eq!(layout(&scene, Detail::Parameters), layout(&scene.clone(), Detail::Parameters));
    }

    #[test]
    fn wires_lead_to_the_right_where_there_is_no_cycle(scene in scenes(30, 0)) {
        let layout = layout(&scene, Detail::State);
        for wire in &scene.wires {
            prop_assert!(layout.boxes[wire.from.node].right() < layout.boxes[wire.to.node].x);
        }
    }

    #[test]
    fn what_is_near_is_found(scene in scenes(40, 10), x in -20..400_i32, y in -20..200_i32, width in 0..90_i32, height in 0..50_i32) {
        let layout = layout(&scene, Detail::Parameters);
        let area = Area { x, y, width, height };
        let near = layout.boxes_near(area);
        for (node, other) in layout.boxes.iter().enumerate() {
            prop_assert!(!other.overlaps(&area) || near.contains(&node));
        }
        let near = layout.routes_near(area);
        for (wire, route) in layout.routes.iter().enumerate() {
            for (at, cell) in route.cells.iter().enumerate().filter(|(_, cell)| area.contains(cell.0, cell.1)) {
                prop_assert!(near.iter().any(|(near, cells)| *near == wire && cells.contains(&at)), "{cell:?}");
            }
        }
    }
}

#[test]
fn a_thousand_nodes_keep_out_of_each_others_way() {
    for (scene, detail) in [(chain(1000), Detail::Parameters), (wide(1000), Detail::State), (mesh(1000), Detail::State)]
    {
        check(&scene, detail);
    }
}

#[test]
fn wires_that_nobody_could_follow_take_no_memory() {
    // Every node feeds the last one: half a million layers to pass.
    let mut scene = chain(1000);
    scene.nodes[999].inputs = (0..1000).map(|_| crate::studio::fixture::socket("in", "Text")).collect();
    scene.wires.extend((0..998).map(|at| wire((at, 0), (999, at + 1))));
    let layout = layout(&scene, Detail::State);
    let drawn = layout.routes.iter().filter(|route| !route.cells.is_empty()).count();
    assert!((1000..scene.wires.len()).contains(&drawn), "the short ones are drawn");
    assert!(layout.routes.iter().map(|route| route.cells.len()).sum::<usize>() <= 8_000_000);
}

#[test]
fn a_layer_of_thousands_is_laid_out_too() {
    let layout = layout(&wide(5000), Detail::Name);
    let rows: std::collections::BTreeSet<_> = layout.boxes.iter().skip(1).map(|area| area.y).collect();
    assert_eq!(rows.len(), 4999);
}

#[test]
fn a_chain_is_one_straight_line() {
    let scene = chain(20);
    for detail in Detail::ALL {
        let layout = layout(&scene, detail);
        for route in &layout.routes {
            assert!(route.cells.iter().all(|cell| cell.1 == route.cells[0].1), "{detail:?}");
        }
    }
}

#[test]
fn wires_that_change_places_go_around_each_other() {
    // Each output feeds the input in the row of the other: neither may turn before the other.
    let mut scene = Scene { nodes: vec![node("a", 0, 2), node("b", 2, 0)], wires: Vec::new() };
    scene.wires = vec![wire((0, 0), (1, 1)), wire((0, 1), (1, 0))];
    check(&scene, Detail::Parameters);
}

#[test]
fn a_node_without_needs_stands_beside_what_it_feeds() {
    let mut scene = chain(6);
    scene.nodes.push(node("late", 0, 1));
    scene.nodes[5].inputs.push(crate::studio::fixture::socket("more", "Text"));
    scene.wires.push(wire((6, 0), (5, 1)));
    let layout = layout(&scene, Detail::State);
    assert_eq!(layout.boxes[6].x, layout.boxes[4].x);
}

#[test]
fn parts_that_are_not_connected_stand_beside_or_below_each_other() {
    let scene = Scene { nodes: (0..30).map(|at| node(&format!("n{at}"), 1, 1)).collect(), wires: Vec::new() };
    check(&scene, Detail::Parameters);
    let layout = layout(&scene, Detail::Parameters);
    assert!(layout.boxes[1].x > layout.boxes[0].x && layout.boxes[1].y == layout.boxes[0].y);
    assert!(layout.boxes[29].y > layout.boxes[0].y);
}

#[test]
fn nothing_is_laid_out_as_nothing() {
    let nothing = layout(&Scene::default(), Detail::Name);
    assert_eq!((nothing.boxes.len(), nothing.routes.len(), nothing.size), (0, 0, (0, 0)));
    assert_eq!(nothing.node_at(0, 0), None);
    let dangling = Scene { nodes: vec![node("a", 1, 1)], wires: vec![wire((0, 0), (7, 0)), wire((9, 3), (0, 0))] };
    assert!(layout(&dangling, Detail::Preview).routes.iter().all(|route| route.cells.is_empty()));
}

#[test]
fn a_small_change_moves_little() {
    let before = layout(&mesh(60), Detail::State);
    let mut scene = mesh(60);
    scene.nodes.push(node("new", 1, 0));
    scene.wires.push(wire((59, 0), (60, 0)));
    let after = layout(&scene, Detail::State);
    let stayed =
        before.boxes.iter().zip(&after.boxes).filter(|(old, new)| old.x == new.x && (old.y - new.y).abs() <= 4);
    assert!(stayed.count() >= 54, "nine of ten nodes stay where they were");
}

fn chain(count: usize) -> Scene {
    let nodes = (0..count).map(|at| node(&format!("n{at}"), 1, 1)).collect();
    Scene { nodes, wires: (1..count).map(|at| wire((at - 1, 0), (at, 0))).collect() }
}

/// One node feeds all others.
fn wide(count: usize) -> Scene {
    let nodes = (0..count).map(|at| node(&format!("n{at}"), 1, 1)).collect();
    Scene { nodes, wires: (1..count).map(|at| wire((0, 0), (at, 0))).collect() }
}

/// Each node is fed by two of the ten before it.
fn mesh(count: usize) -> Scene {
    let nodes = (0..count).map(|at| node(&format!("n{at}"), 2, 2)).collect();
    let wires = (1..count).flat_map(|at| {
        let before = |step: usize| at - 1 - (at * step + step) % at.min(10);
        [wire((before(3), at % 2), (at, 0)), wire((before(7), 0), (at, 1))]
    });
    Scene { nodes, wires: wires.collect() }
}
