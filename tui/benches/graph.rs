//! How long it takes to show a graph: `cargo bench -p easel-tui --bench graph`.
//!
//! Of documents of 10, 100 and 1,000 nodes in three shapes: the scene, its layout at two levels of detail, and drawing it
//! on a screen of 120 × 40 cells with a node selected. Fastest, median and slowest, in microseconds.

mod graphs;

use std::collections::BTreeSet;
use std::time::Instant;

use easel_engine::{Document, Graph, Source};
use easel_tui::studio::graph_view::{Camera, GraphView, Plain};
use easel_tui::studio::layout::{Detail, layout};
use easel_tui::studio::scene::Scene;
use graphs::{SHAPES, document, registry};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

const TIMES: usize = 51;

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn measure<T>(what: &str, mut f: impl FnMut() -> T) {
    let mut times: Vec<_> = (0..TIMES)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(f());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{what:40} {:9.0} {:9.0} {:9.0}", times[0], times[TIMES / 2], times[TIMES - 1]);
}

fn main() {
    let registry = registry();
    for (name, shape) in SHAPES {
        for nodes in [10, 100, 1000] {
            let (document, _) = Document::parse(&Source::new("bench", document(nodes, shape)));
            let (graph, diagnostics) = Graph::build(&document, &registry);
            let scene = Scene::of(&document, &graph, &diagnostics);
            measure(&format!("{name} {nodes}: scene"), || Scene::of(&document, &graph, &diagnostics));
            for detail in [Detail::Name, Detail::Parameters] {
                let laid_out = layout(&scene, detail);
                measure(&format!("{name} {nodes}: layout, {detail:?}"), || layout(&scene, detail));
                let screen = Rect::new(0, 0, 120, 40);
                let mut buffer = Buffer::empty(screen);
                let none = BTreeSet::new();
                let view = GraphView {
                    scene: &scene,
                    layout: &laid_out,
                    detail,
                    camera: Camera::default().centred(&laid_out, (120, 40), nodes / 2),
                    statuses: &[],
                    selected: Some(nodes / 2),
                    marked: &none,
                    focus: None,
                    found: &none,
                    theme: &Plain::default(),
                };
                measure(&format!("{name} {nodes}: drawing, {detail:?}"), || view.render(screen, &mut buffer));
            }
        }
    }
}
