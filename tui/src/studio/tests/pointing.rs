//! The mouse on what a run does and did: its nodes, times and lanes, grids, pictures side by side.

use super::*;
use crate::studio::model::full::Full;
use crate::studio::model::{Focus, Manner};

impl Bench {
    fn point(&mut self, place: (u16, u16)) {
        self.event(MouseEventKind::Down(MouseButton::Left), place);
        self.event(MouseEventKind::Up(MouseButton::Left), place);
    }
}

#[test]
fn a_click_on_a_node_of_the_run_selects_it_and_a_second_one_does_what_enter_does() {
    for size in SIZES {
        let mut bench = Bench::opened(size, SMALL);
        failing_run(&mut bench);
        bench.press("esc");
        bench.select("load");
        bench.click("- save");
        assert_eq!((bench.model.focus, bench.selected().as_deref()), (Focus::Side, Some("save")));
        bench.click("✗ load");
        assert_eq!((bench.model.run.as_ref().map(|run| run.at), bench.selected().as_deref()), (Some(0), Some("load")));
        assert!(bench.model.full.is_none());
        bench.click("✗ load");
        assert!(matches!(&bench.model.full, Some(Full::Failure(failed)) if &*failed.node == "load"), "why it failed");
        bench.press("esc");
        bench.click("- save");
        bench.click("- save");
        assert_eq!((bench.model.focus, bench.selected().as_deref()), (Focus::Graph, Some("save")));
    }
}

#[test]
fn a_click_on_the_picture_of_the_run_shows_it_on_the_whole_screen() {
    let mut bench = Bench::opened((100, 30), SMALL);
    running(&mut bench);
    bench.press("3 esc");
    bench.click("▀▀▀");
    assert!(matches!(&bench.model.full, Some(Full::Picture(_))), "{}", bench.shown());
    let mut beside = Bench::opened((100, 30), SMALL);
    running(&mut beside);
    beside.press("3 esc");
    beside.click("▶ load");
    assert!(beside.model.full.is_none());
}

#[test]
fn nodes_inside_of_others_are_selected_where_they_are_drawn() {
    let text = r#"Workflow(version: 1,
        workflows: { "one": Workflow(
            nodes: { "small": LoadImage(path: "gallery.png"), "other": LoadImage(path: "gallery.png") },
            outputs: { "image": From("small"), "more": From("other") },
        ) },
        nodes: {
            "each": Include(workflow: "one"),
            "save": SaveImage(image: From("each.image")),
            "more": SaveImage(image: From("each.more"), name: "more"),
        },
    )"#;
    let mut bench = Bench::opened((120, 40), text);
    bench.press("r");
    bench.select("save");
    bench.press("3");
    bench.click("· each/other");
    assert_eq!(bench.selected().as_deref(), Some("each"), "what it is inside of");
    bench.press("esc");
    bench.select("each");
    bench.press("enter 3");
    bench.click("· each/other");
    assert_eq!(bench.selected().as_deref(), Some("other"), "itself, where that is drawn");
    bench.click("· each/small");
    bench.click("· each/small");
    assert_eq!((bench.model.focus, bench.selected().as_deref()), (Focus::Graph, Some("small")), "{}", bench.shown());
}

fn timed(bench: &Bench) -> Option<String> {
    match &bench.model.full {
        Some(Full::Timeline(timeline)) => timeline.at.as_ref().map(ToString::to_string),
        _ => None,
    }
}

#[test]
fn a_click_on_a_line_of_the_timeline_goes_there_and_a_second_one_to_the_node() {
    for size in SIZES {
        let mut bench = Bench::opened(size, &shipped("text_to_image.ron"));
        super::timeline::over(&mut bench);
        let place = bench.place("✓   prior ");
        bench.point(place);
        assert_eq!(timed(&bench).as_deref(), Some("prior"));
        // The axis and what is known of the node are no lines.
        for row in [0, 1, 2, size.1 - 2, size.1 - 1] {
            bench.point((10, row));
            assert_eq!(timed(&bench).as_deref(), Some("prior"), "line {row}");
        }
        bench.point(place);
        bench.point(place);
        assert!(bench.model.full.is_none());
        assert_eq!(bench.selected().as_deref(), Some("prior"));
    }
}

#[test]
fn a_click_on_a_lane_goes_to_what_ran_there_then() {
    for size in SIZES {
        let mut bench = Bench::opened(size, &shipped("text_to_image.ron"));
        super::timeline::lanes(&mut bench);
        for node in ["prior", "decoder", "text"] {
            let (x, y) = bench.place(&format!("┝{node}"));
            bench.point((x + 2, y));
            assert_eq!(timed(&bench).as_deref(), Some(node));
        }
        // Beside of all that ran there: what is next to it.
        let (_, y) = bench.place("┝decoder");
        bench.point((0, y));
        assert_eq!(timed(&bench).as_deref(), Some("decoder"));
        bench.point((0, y));
        assert_eq!((bench.model.full.is_none(), bench.selected().as_deref()), (true, Some("decoder")));
    }
}

#[test]
fn a_click_on_a_cell_of_a_grid_goes_there_and_a_second_one_enlarges_it() {
    for size in SIZES {
        let mut bench = Bench::opened(size, super::sweep::FLOW);
        super::sweep::begun(&mut bench);
        let at = |bench: &Bench| bench.model.sweep.as_ref().map(|sweep| sweep.at);
        let place = bench.place("the file is gone");
        bench.point(place);
        assert_eq!(at(&bench), Some(1));
        // A label is no cell, and neither is the line above.
        for place in [(0, 3), (5, 0)] {
            bench.point(place);
            assert_eq!((at(&bench), &bench.model.overlay), (Some(1), &Some(Overlay::Sweep)));
        }
        bench.click("failed");
        assert_eq!(at(&bench), Some(2));
        bench.click("▀▀▀");
        assert_eq!(at(&bench), Some(0));
        bench.click("▀▀▀");
        assert!(matches!(&bench.model.full, Some(Full::Picture(viewer)) if viewer.pictures.len() == 2));
    }
}

#[test]
fn a_click_on_one_of_two_pictures_shows_that_one_alone_and_another_one_both() {
    for size in SIZES {
        let mut bench = Bench::opened(size, SMALL);
        super::compare::compared(&mut bench);
        for (x, manner) in [(2, Manner::Left), (size.0 - 2, Manner::Right)] {
            bench.point((x, 3));
            assert_eq!(super::compare::compare(&bench).manner, manner);
            bench.point((x, size.1 - 3));
            assert_eq!(super::compare::compare(&bench).manner, manner, "the list of inputs is no picture");
            bench.point((x, 3));
            assert_eq!(super::compare::compare(&bench).manner, Manner::Beside);
        }
    }
}

type Prepare = fn(&mut Bench);

#[test]
fn clicks_everywhere_on_every_view_do_no_harm() {
    let text = shipped("text_to_image.ron");
    let views: [(&str, Prepare); 6] = [
        ("times", super::timeline::over),
        ("lanes", super::timeline::lanes),
        ("grid", |bench| super::sweep::begun(bench)),
        ("compared", super::compare::compared),
        ("failed", failing_run),
        ("running", running),
    ];
    for (name, prepare) in views {
        let text = if name == "grid" {
            super::sweep::FLOW
        } else if matches!(name, "times" | "lanes") {
            &text
        } else {
            SMALL
        };
        for size in [(80, 24), (20, 5), (1, 1), (7, 40)] {
            let mut bench = Bench::opened((80, 24), text);
            prepare(&mut bench);
            bench.tell(Message::Resized(size.0, size.1));
            for place in (0..size.1 + 1).flat_map(|y| (0..size.0 + 1).map(move |x| (x, y))).step_by(3) {
                bench.point(place);
                bench.event(MouseEventKind::ScrollDown, place);
                if place.0 % 9 == 0 {
                    drop(bench.drawn());
                }
            }
            assert!(!bench.model.wants_quit, "{name}: no click ends it");
        }
    }
}
